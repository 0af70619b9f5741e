"""Running a Function: every equation through a rule of its op (NumPy, SymPy, intervals, counting)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .errors import ArgumentError
from .graph import Attr, Block, Constant, Eqn, Function, Value
from .op import Op
from .types import Dim, DType, Sizes

Rule = Callable[[Op], Callable[..., Any]]


def numpy_rule(op: Op) -> Callable[..., Any]:
    """NumPy's function; of halves it is computed in f32, and rounded."""
    return partial(_in_single, op.numpy) if op.computes else op.numpy


def _in_single(function: Callable[..., Any], *inputs: Any, **attrs: Any) -> Any:
    half = next((x.dtype for x in inputs if _is_half(x)), None)
    if half is None:
        return function(*inputs, **attrs)
    found = function(*(x.astype(np.float32) if _is_half(x) else x for x in inputs), **attrs)
    return found.astype(half) if found.dtype == np.float32 else found


def _is_half(x: Any) -> bool:
    small = isinstance(x, np.ndarray | np.generic) and x.dtype.itemsize == 2
    return small and DType.of(x.dtype).is_half


def evaluate(
    function: Function, args: Sequence[Any], sizes: Sizes | None = None, rule: Rule = numpy_rule
) -> tuple[Any, ...]:
    """The results of a Function for arguments, one a parameter.

    `sizes` gives the sizes that no argument's shape tells; the others are read off the shapes. Raises
    ArgumentError where shapes contradict the parameter types or a guard does not hold.
    """
    known = bind_sizes(function, [getattr(a, "shape", ()) for a in args], sizes or {})
    for guard in function.guards:
        if not guard.holds(known):
            raise ArgumentError(f"{function.name}: the guard {guard} does not hold for {known}")
    return evaluate_block(function.body, args, {}, dict(known), rule)


def bind_sizes(function: Function, shapes: Sequence[Sequence[int]], given: Sizes) -> dict[str, int]:
    """Every size's value, from shapes of arguments and those given; ArgumentError on a contradiction."""
    known = dict(given)
    expected = [
        (dim, int(actual), param)
        for param, shape in zip(function.body.params, shapes, strict=True)
        for dim, actual in zip(param.type.shape, shape, strict=True)
    ]
    for dim, actual, _ in expected:
        if dim.name is not None:
            known.setdefault(dim.name, actual)
    for dim, actual, param in expected:
        if dim.value(known) != actual:
            raise ArgumentError(
                f"{function.name}: a size of {param.name} is {actual}, where {dim} = {dim.value(known)}"
            )
    return known


def evaluate_block(
    block: Block, args: Sequence[Any], outer: Mapping[Value, Any], sizes: dict[str, int], rule: Rule
) -> tuple[Any, ...]:
    """The results of a block; `outer` holds the values around it. `bind` equations add to `sizes`."""
    env = {**outer, **dict(zip(block.params, args, strict=True))}
    for eqn in block.eqns:
        results = apply(eqn, [_read(env, v) for v in eqn.inputs], env, sizes, rule)
        env.update(zip(eqn.outputs, results, strict=True))
    return tuple(_read(env, v) for v in block.results)


def apply(
    eqn: Eqn, inputs: Sequence[Any], env: Mapping[Value, Any], sizes: dict[str, int], rule: Rule
) -> tuple[Any, ...]:
    """The outputs of one equation on given inputs."""
    attrs = {name: resolved(attr, sizes) for name, attr in eqn.attrs.items()}
    if eqn.op.name == "bind":
        sizes[str(eqn.attrs["size"])] = int(inputs[0])
        return ()
    if eqn.blocks:
        attrs["blocks"] = [Runner(inner, eqn.attrs.get("index"), env, sizes, rule) for inner in eqn.blocks]
    result = rule(eqn.op)(*inputs, **{k: v for k, v in attrs.items() if k != "index"})
    if eqn.op.loop and eqn.op.binds:
        trips, *result = result
        sizes[str(eqn.attrs[eqn.op.binds])] = trips
    return tuple(result) if isinstance(result, tuple | list) else (result,)


@dataclass(frozen=True)
class Runner:
    """A block as the evaluation rule of an op sees it: a callable that knows the types of its results."""

    block: Block
    index: Attr
    env: Mapping[Value, Any]
    sizes: dict[str, int]
    rule: Rule

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        sizes = dict(self.sizes)
        if self.index is not None:
            sizes[str(self.index)] = int(args[0])
        return evaluate_block(self.block, args, self.env, sizes, self.rule)

    @property
    def results(self) -> tuple[Value, ...]:
        return self.block.results

    def stacked(self, k: int, items: Sequence[Any], reverse: bool) -> Any:
        """The stack of what result k was in each trip, in order of the index."""
        if items:
            return np.stack(items[::-1] if reverse else items)
        kind = self.block.results[k].type
        return np.empty((0, *(d.value(self.sizes) for d in kind.shape)), kind.dtype.numpy)


def _read(env: Mapping[Value, Any], value: Value) -> Any:
    return value.data if isinstance(value, Constant) else env[value]


def resolved(attr: Attr, sizes: Sizes) -> Any:
    """An attribute with the numbers of its Dims."""
    if isinstance(attr, Dim):
        return attr.value(sizes)
    return tuple(resolved(a, sizes) for a in attr) if isinstance(attr, tuple) else attr
