"""A program as formulas: straight-line code in terms of its arguments, loops and branches block by block.

Elementwise operations on arrays read like those on numbers, and what has no formula of its own stands as a
function by its name, `matmul(w, x)`. A long formula that is used more than once gets a line of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value, walk
from adcompiler.ir.loops import most_trips, split, trip_count
from adcompiler.ir.op import Scalar
from adcompiler.ir.ops.exact import exact
from adcompiler.ir.text import Names, attr_text
from adcompiler.ir.types import BOOL

LONG = 12
"""Operations from which on a formula is not repeated."""

LONGEST = 40
"""Operations from which on a formula has a line of its own in any case."""

Environment = Mapping[Value, Any]


def formulas(function: Function, labels: Sequence[str]) -> list[str]:
    """The lines that define the results, under these names; the program must not contain calls."""
    writer = _Writer(function)
    env = {p: writer.symbol(p) for p in function.body.params}
    lines, results = writer.block(function.body, env)
    named = zip(labels, map(_factored, results), strict=True)
    return [*lines, *(f"{label} = {formula}" for label, formula in named if label != str(formula))]


class _Writer:
    """Names and uses of the values of one Function."""

    def __init__(self, function: Function) -> None:
        self.names = Names(function)
        self.uses = Counter(_reads(function.body))
        self.indexed = {eqn.inputs[0] for eqn in walk(function.body) if _is_element(eqn)}

    def symbol(self, value: Value, name: str | None = None) -> Any:
        import sympy

        assumptions = {} if value.type.dtype is BOOL else {"real": True}
        return sympy.Symbol(name or self.names.of(value), **assumptions)

    def block(self, block: Block, outer: Environment) -> tuple[list[str], list[Any]]:
        """The lines of a block, and the formulas of its results."""
        env = dict(outer)
        lines: list[str] = []
        for eqn in block.eqns:
            if eqn.blocks:
                lines += self._loop(eqn, env) if eqn.op.loop else self._branches(eqn, env)
                env.update((o, self.symbol(o)) for o in eqn.outputs)
            elif eqn.op.name == "bind":
                lines.append(f"{eqn.attrs['size']} = {self.of(eqn.inputs[0], env)}")
            elif eqn.outputs:
                lines += self._step(eqn, env)
        return lines, [self.of(r, env) for r in block.results]

    def _step(self, eqn: Eqn, env: dict[Value, Any]) -> Iterator[str]:
        formula = self._formula(eqn, [self.of(v, env) for v in eqn.inputs])
        output = eqn.output
        size = formula.count_ops()
        read_by_element = output in self.indexed and not formula.is_Symbol
        if read_by_element or size > LONGEST or (size > LONG and self.uses[output] > 1):
            env[output] = self.symbol(output)
            yield f"{env[output]} = {formula}"
        else:
            env[output] = formula

    # ---- single values ----

    def of(self, value: Value, env: Environment) -> Any:
        """The formula of a value."""
        if not isinstance(value, Constant):
            return env[value]
        if value.type.rank:
            return self.symbol(value, self.names.operand(value))
        return number(value.data)

    def _formula(self, eqn: Eqn, operands: Sequence[Any]) -> Any:
        import sympy

        op = eqn.op
        if op.sympy is not None and isinstance(op.lowering, Scalar):
            return sympy.sympify(op.sympy(*operands, **eqn.attrs))
        match op.name:
            case "zeros":
                return sympy.Integer(0)
            case "broadcast":
                return operands[0]
            case "dim":
                return self.symbol(eqn.output, attr_text(eqn.attrs["size"]))
            case "index" if _is_element(eqn):
                return self.symbol(eqn.output, f"{operands[0]}[{', '.join(map(str, operands[1:]))}]")
        attrs = [sympy.Symbol(f"{name}={attr_text(a)}") for name, a in eqn.attrs.items()]
        return sympy.Function(op.name, real=True)(*operands, *attrs)

    # ---- blocks ----

    def _loop(self, eqn: Eqn, env: Environment) -> Iterator[str]:
        *tests, body = eqn.blocks
        index, params = body.params[0], split(eqn.attrs, body.params[1:])
        given, outputs = split(eqn.attrs, eqn.inputs), split(eqn.attrs, eqn.outputs)
        states = [*params.carries, *params.sums]
        name = eqn.attrs.get("index")
        i = self.symbol(index, None if name is None else str(name))
        inner = {**env, index: i, **{p: self.symbol(p) for p in states}}
        for p, array in zip(params.slices, given.slices, strict=True):
            inner[p] = self.symbol(p, f"{_enclosed(self.of(array, env))}[{i}]")
        for p, start in zip(states, (*given.carries, *given.sums), strict=True):
            yield f"{inner[p]} = {self.of(start, env)}"
        if tests:
            yield from self._head(eqn, tests[0], inner, body)
        else:
            first, last = "0", str(trip_count(eqn.attrs) - 1)
            down = eqn.attrs.get("reverse")
            yield f"for {i} = {f'{last}, ..., {first}' if down else f'{first}, ..., {last}'}:"
        lines, results = self.block(body, inner)
        yield from _indented(lines)
        for output, item in zip(outputs.slices, results[len(states) :], strict=True):
            yield from _indented([f"{self.names.of(output)}[{i}] = {item}"])
        if states:
            before = ", ".join(str(inner[p]) for p in states)
            yield from _indented([f"{before} = {', '.join(map(str, results[: len(states)]))}"])
        for output, p in zip((*outputs.carries, *outputs.sums), states, strict=True):
            if self.uses[output]:
                yield f"{self.names.of(output)} = {inner[p]}"

    def _head(self, eqn: Eqn, test: Block, env: Environment, body: Block) -> Iterator[str]:
        """The first line of a `while`, and what its test computes before each trip."""
        inside = {**env, **{p: env[q] for p, q in zip(test.params, body.params, strict=True)}}
        lines, (asked,) = self.block(test, inside)
        most = most_trips(eqn.attrs)
        limit = "" if most is None else f" and {env[body.params[0]]} < {most}"
        yield f"while {asked}{limit}:  ({eqn.attrs['trips']} trips)"
        yield from _indented([f"{line}  (before the test)" for line in lines])

    def _branches(self, eqn: Eqn, env: Environment) -> Iterator[str]:
        for head, inner in zip((f"if {self.of(eqn.inputs[0], env)}:", "else:"), eqn.blocks, strict=True):
            yield head
            lines, results = self.block(inner, env)
            yield from _indented(lines)
            named = zip(eqn.outputs, results, strict=True)
            yield from _indented([f"{self.names.of(o)} = {result}" for o, result in named])


def number(x: Any) -> Any:
    """A number of the program as people write it: 0.1 is 1/10, 0.6931471805599453 is log(2)."""
    import sympy

    if not isinstance(x, np.floating):
        return sympy.sympify(x.item())
    if not np.isfinite(x):
        return sympy.Symbol(str(x))
    simple = Fraction(float(x)).limit_denominator(1000)
    if x.dtype.type(float(simple)) == x:
        return sympy.Rational(simple.numerator, simple.denominator)
    found = exact(float(x))
    return sympy.Float(float(x)) if found.is_Rational else found


def _is_element(eqn: Eqn) -> bool:
    """Whether it is `x[i, j]`."""
    return eqn.op.name == "index" and "at" not in eqn.attrs


def _factored(formula: Any) -> Any:
    """2 a b + 2 c as 2 (a b + c), unless that takes long."""
    import sympy

    return formula if formula.count_ops() > LONGEST else sympy.factor_terms(formula)


def _enclosed(formula: Any) -> str:
    return str(formula) if formula.is_Symbol or formula.is_Function else f"({formula})"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _reads(body: Block) -> Iterator[Value]:
    yield from body.results
    for eqn in walk(body):
        yield from eqn.inputs
        for inner in eqn.blocks:
            yield from inner.results
