"""A Function run on numbers of many digits, unrolled, and its derivative: the oracle for adjoints.

Nothing of the transforms is used here, and no derivative statement of a record: loops run as Python runs
them, each step is differentiated by central differences with 150 digits, and the chain rule goes backwards
over the list of steps. So a wrong partial and a wrong threading of carries, sums or slices show alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.evaluate import Runner, bind_sizes, numpy_rule, resolved
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value
from adcompiler.ir.loops import loop_body
from adcompiler.ir.types import Sizes

from .precise import STEP_DIGITS, elementwise, evaluate_op, exact_number, is_float, lifted, to_mpf

MOST_STEPS = 50_000


class ProgramFails(AdcompilerError):
    """The program itself raises at these arguments."""


class TooLong(AdcompilerError):
    """A run that makes too many steps to be followed number by number."""


@dataclass(frozen=True, eq=False, slots=True)
class Number:
    """One element of one value of one run; `exact` is the SymPy number of a constant of the program."""

    value: Any
    name: str = ""
    exact: Any = None


Path = tuple[tuple[Eqn, int], ...]
"""The loops around a step, outermost first, each with its index."""


@dataclass(frozen=True, eq=False)
class Step:
    """One equation in one trip: arrays of Numbers, or of NumPy's integers and truth values."""

    eqn: Eqn
    path: Path
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    attrs: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What a Function did for given arguments; `entered` are the blocks that were run."""

    params: tuple[Any, ...]
    results: tuple[Any, ...]
    steps: tuple[Step, ...]
    entered: frozenset[Block]


def numbers(x: Any) -> Iterator[Number]:
    """The Numbers of an array, in C order; none of an array of integers."""
    return (n for n in np.asarray(x).flat if isinstance(n, Number))


def values(x: Any) -> Any:
    """An array of Numbers as an array of mpf; other arrays as they are."""
    return elementwise(lambda n: n.value, x) if is_float(x) and np.size(x) else x


def play(function: Function, args: Sequence[Any], sizes: Sizes) -> Run:
    """Run a Function on NumPy arguments, or on arrays of mpf; call it under `precision()`.

    Raises ProgramFails, NoSymbolicForm, TooLong, and ArgumentError for shapes and guards.
    """
    known = bind_sizes(function, [np.shape(a) for a in args], sizes)
    params = tuple(
        _entered(lifted(a) if is_float(a) else a, p) for a, p in zip(args, function.body.params, strict=True)
    )
    player = _Player([])
    results = player.block(function.body, params, {}, known, ())
    return Run(params, results, tuple(player.steps), frozenset(player.entered))


def _entered(x: Any, value: Value) -> Any:
    """Fresh Numbers for an array of mpf; arrays of integers stay."""
    if not is_float(x):
        return x
    name = value.name or ""
    return elementwise(lambda number: Number(number, name), x)


@dataclass
class _Player:
    steps: list[Step]
    entered: set[Block] = field(default_factory=set)

    def block(
        self, block: Block, args: Sequence[Any], outer: Mapping[Value, Any], sizes: dict[str, int], path: Path
    ) -> tuple[Any, ...]:
        self.entered.add(block)
        env = {**outer, **dict(zip(block.params, args, strict=True))}
        for eqn in block.eqns:
            inputs = [_read(env, v) for v in eqn.inputs]
            if eqn.op.name == "bind":
                sizes[str(eqn.attrs["size"])] = int(inputs[0])
                continue
            results = (
                self._inside(eqn, inputs, env, sizes, path)
                if eqn.blocks
                else self._step(eqn, inputs, sizes, path)
            )
            env.update(zip(eqn.outputs, results, strict=True))
        return tuple(_read(env, v) for v in block.results)

    def _inside(
        self, eqn: Eqn, inputs: Sequence[Any], env: Mapping[Value, Any], sizes: dict[str, int], path: Path
    ) -> tuple[Any, ...]:
        attrs = {name: resolved(a, sizes) for name, a in eqn.attrs.items() if name != "index"}
        blocks = [
            _Trip(b, eqn.attrs.get("index"), env, sizes, numpy_rule, self, eqn, path) for b in eqn.blocks
        ]
        results = eqn.op.numpy(*inputs, **attrs, blocks=blocks)
        if eqn.op.binds:
            trips, *results = results
            sizes[str(eqn.attrs[eqn.op.binds])] = trips
        return tuple(
            _entered(r, v) if np.size(r) == 0 else r for r, v in zip(results, eqn.outputs, strict=True)
        )

    def _step(self, eqn: Eqn, inputs: Sequence[Any], sizes: Sizes, path: Path) -> tuple[Any, ...]:
        if len(self.steps) == MOST_STEPS:
            raise TooLong(f"the program makes more than {MOST_STEPS} steps", eqn.location)
        attrs = {name: resolved(a, sizes) for name, a in eqn.attrs.items()}
        try:
            result = evaluate_op(eqn.op, [values(x) for x in inputs], attrs)
        except (ArithmeticError, LookupError, ValueError) as error:
            raise ProgramFails(f"{type(error).__name__}: {error}", eqn.location) from error
        results = result if isinstance(result, tuple) else (result,)
        outputs = tuple(_entered(r, v) for r, v in zip(results, eqn.outputs, strict=True))
        self.steps.append(Step(eqn, path, tuple(inputs), outputs, attrs))
        return outputs


@dataclass(frozen=True)
class _Trip(Runner):
    """A block of an equation, run under the equation's path."""

    player: _Player
    eqn: Eqn
    path: Path

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        sizes, path = dict(self.sizes), self.path
        if self.eqn.op.loop and self.block is loop_body(self.eqn):
            path = (*path, (self.eqn, int(args[0])))
        if self.index is not None:
            sizes[str(self.index)] = int(args[0])
        return self.player.block(self.block, args, self.env, sizes, path)


def _read(env: Mapping[Value, Any], value: Value) -> Any:
    if isinstance(value, Constant):
        if not is_float(value.data):
            return value.data
        return elementwise(lambda x: Number(to_mpf(e := exact_number(x)), "", e), value.data)
    return env[value]


# ---- the derivative ----


def moving(run: Run, wrt: Sequence[int]) -> frozenset[Number]:
    """The Numbers that depend on the parameters in `wrt`."""
    found = {n for k in wrt for n in numbers(run.params[k])}
    for step in run.steps:
        if any(n in found for x in step.inputs for n in numbers(x)):
            found.update(n for y in step.outputs for n in numbers(y))
    return frozenset(found)


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """One term of the chain rule: what a step's result hands to element `source` of operand `k`."""

    step: Step
    k: int
    source: Number
    target: Number
    part: Any


@dataclass(frozen=True)
class Backward:
    """The cotangent of every Number that was reached, and the terms that it is the sum of."""

    seeds: tuple[tuple[Number, Any], ...]
    bars: Mapping[Number, Any]
    edges: Mapping[Number, Sequence[Edge]]


def backward(run: Run, seeds: Sequence[Any], active: frozenset[Number]) -> Backward:
    """The cotangents of a run, given those of its float results (arrays of mpf)."""
    floats = [r for r in run.results if is_float(r)]
    started = tuple(
        pair
        for r, seed in zip(floats, seeds, strict=True)
        for pair in zip(np.ravel(r), np.ravel(seed), strict=True)
    )
    bars: dict[Number, Any] = {}
    edges: dict[Number, list[Edge]] = {}
    for number, part in started:
        bars[number] = bars.get(number, 0) + part
    for step in reversed(run.steps):
        targets = [n for y in step.outputs for n in numbers(y)]
        if not any(n in bars for n in targets):
            continue
        for (k, source, target), slope in slopes(step, active).items():
            if target in bars:
                edge = Edge(step, k, source, target, slope * bars[target])
                edges.setdefault(source, []).append(edge)
                bars[source] = bars.get(source, 0) + edge.part
    return Backward(started, bars, edges)


Slopes = dict[tuple[int, Number, Number], Any]


def slopes(step: Step, active: frozenset[Number]) -> Slopes:
    """The derivatives of a step that are not zero, by central differences.

    The keys are (operand, element of it, element of a result).
    """
    import mpmath

    h = mpmath.mpf(10) ** -STEP_DIGITS
    targets = [n for y in step.outputs for n in numbers(y)]
    found: Slopes = {}
    for k, x in enumerate(step.inputs):
        for place, source in enumerate(np.asarray(x).flat):
            if not isinstance(source, Number) or source not in active:
                continue
            high, low = (_perturbed(step, k, place, d) for d in (h, -h))
            for target, a, b in zip(targets, high, low, strict=True):
                if a != b:
                    found[k, source, target] = found.get((k, source, target), 0) + (a - b) / (2 * h)
    return found


def _perturbed(step: Step, k: int, place: int, by: Any) -> list[Any]:
    """The float outputs of a step when one element of operand `k` changes."""
    inputs = [values(x) for x in step.inputs]
    changed = np.array(inputs[k], dtype=object)
    changed.flat[place] = changed.flat[place] + by
    inputs[k] = changed[()]
    result = evaluate_op(step.eqn.op, inputs, step.attrs)
    results = result if isinstance(result, tuple) else (result,)
    return [y for r in results if is_float(r) for y in np.asarray(r).flat]
