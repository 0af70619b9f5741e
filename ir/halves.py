"""What is computed of floats of 16 bits is computed in f32, and rounded to them: a pass of Functions.

Sums, differences, products, quotients and square roots are so those that IEEE 754 asks for, since f32 has
more than twice the digits; other functions NumPy computes likewise. Sums of many terms, products of matrices
among them, and what a loop adds up are rounded once, at their end.

Derivatives are taken of the widened program, so that they too are computed in f32, between the casts:
partials of numbers that f16 holds may be beyond its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .build import block, emit, lookup, origin, renewed, replay_origin, rewrite_inside, using
from .graph import Block, Constant, Eqn, Function, Value, constant, walk
from .loops import carry_count, state_count
from .op import Op, Structural
from .ops import OPS
from .ops.arithmetic import cast
from .ops.indexing import index, items, put
from .types import F32


def widened(function: Function, products: bool = True) -> Function:
    """The same Function whose halves are only moved and cast; without `products` they are multiplied as
    matrices too."""
    if not any(_to_widen(eqn, products) for eqn in walk(function.body)):
        return function
    body = function.body
    with using(OPS):
        copied = block(body.params, lambda *params: _Widening({}, {}, products).written(body))
    return replace(function, body=copied)


def _to_widen(eqn: Eqn, products: bool) -> bool:
    """Whether an equation computes with halves."""
    if not _any_half(eqn.inputs) and not _any_half(eqn.outputs):
        return False
    return bool(eqn.op.computes and (products or not is_product(eqn.op)) or _half_sums(eqn))


def is_product(op: Op) -> bool:
    """Whether it multiplies matrices."""
    return op.terms is not None and isinstance(op.lowering, Structural)


def _any_half(values: Iterable[Value]) -> bool:
    return any(v.type.dtype.is_half for v in values)


def _half_sums(eqn: Eqn) -> Sequence[int]:
    """Which states of a loop are sums of halves."""
    if not eqn.attrs.get("sums"):
        return ()
    sums = range(carry_count(eqn.attrs), state_count(eqn.attrs))
    return [k for k in sums if eqn.inputs[k].type.dtype.is_half]


@dataclass
class _Widening:
    """A block that is written anew: copies of values, and in f32 what loops around it add up."""

    env: dict[Value, Value]
    sums: dict[Value, Value]
    products: bool

    def inside(self, env: dict[Value, Value], sums: dict[Value, Value] | None = None) -> _Widening:
        return _Widening(env, {**self.sums, **(sums or {})}, self.products)

    def written(self, source: Block) -> list[Value]:
        """The results of a block; those that loops add up in f32."""
        for eqn in source.eqns:
            with origin(eqn.location, eqn.note):
                self.write(eqn)
        return [self.sums[r] if r in self.sums else lookup(self.env, r) for r in source.results]

    def write(self, eqn: Eqn) -> None:
        if _half_sums(eqn):
            self.loop(eqn)
        elif eqn.blocks:
            rewrite_inside(eqn, self.env, lambda source, env: self.inside(env).written(source))
            added = (v for v in eqn.outputs if self.env[v].type.dtype is not v.type.dtype)
            self.sums.update((v, self.env[v]) for v in added)
        elif not _to_widen(eqn, self.products):
            replay_origin(eqn, self.env)
        elif eqn.op.adds and eqn.inputs[0] in self.sums:
            self.sums[eqn.output] = eqn.op(*map(self.single, eqn.inputs), **eqn.attrs)
        elif eqn.op.updates and all(i.kind != "gather" for i in items(eqn.attrs, len(eqn.inputs) - 2)):
            self.add_to_part(eqn)
        else:
            self.compute(eqn)

    def single(self, value: Value) -> Value:
        """A value in f32 where it is a half."""
        if value in self.sums:
            return self.sums[value]
        copy = lookup(self.env, value)
        if not copy.type.dtype.is_half:
            return copy
        return constant(copy.data, F32) if isinstance(copy, Constant) else cast(copy, dtype=F32)

    def compute(self, eqn: Eqn) -> None:
        found = emit(eqn.op, list(map(self.single, eqn.inputs)), eqn.attrs)
        for value, single in zip(eqn.outputs, found, strict=True):
            self.env[value] = _rounded(single, value)

    def add_to_part(self, eqn: Eqn) -> None:
        """Only the elements that are added to are read and rounded."""
        base, more, *places = eqn.inputs
        array, *indices = (lookup(self.env, v) for v in (base, *places))
        part = cast(index(array, *indices, **eqn.attrs), dtype=F32) + self.single(more)
        self.env[eqn.output] = put(array, _rounded(part, base), *indices, **eqn.attrs)

    def loop(self, eqn: Eqn) -> None:
        """A loop that adds up halves does so in f32."""
        wide = set(_half_sums(eqn))
        operands = [self.single(v) if k in wide else lookup(self.env, v) for k, v in enumerate(eqn.inputs)]
        (source,) = eqn.blocks
        params = [_single_of(p) if k - 1 in wide else renewed(p) for k, p in enumerate(source.params)]
        copies = dict(zip(source.params, params, strict=True))
        inner = self.inside({**self.env, **copies}, {source.params[k + 1]: params[k + 1] for k in wide})
        body = block(params, lambda *_: inner.written(source))
        found = emit(eqn.op, operands, eqn.attrs, [body], [v.name for v in eqn.outputs])
        for k, (value, copy) in enumerate(zip(eqn.outputs, found, strict=True)):
            if k in wide and eqn.inputs[k] in self.sums:
                self.sums[value] = copy
            else:
                self.env[value] = _rounded(copy, value)


def _single_of(value: Value) -> Value:
    return Value(value.type.with_dtype(F32), value.name)


def _rounded(single: Value, like: Value) -> Value:
    """What was computed in f32, in the dtype of a value."""
    dtype = like.type.dtype
    return cast(single, dtype=dtype) if dtype.is_half and single.type.dtype is not dtype else single
