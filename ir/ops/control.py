"""The ops that run a block at most once, `if` and `call`, and the `barrier` before what runs again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..build import Builder, active, block, building, emit
from ..errors import ShapeError
from ..graph import Attrs, Block, Eqn, Value, captured
from ..op import Forward, NoDerivative, Op, Reverse, Rule, Sample, Structural
from ..types import BOOL, ArrayType

# ---- if ----


def branch(
    predicate: Value,
    then: Callable[[], Sequence[Value | float]],
    otherwise: Callable[[], Sequence[Value | float]],
    extra: Attrs | None = None,
) -> tuple[Value, ...]:
    """Emit an `if`: only the chosen branch is evaluated."""
    return emit(if_, [predicate], extra, [block([], then), block([], otherwise)])


def _if_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    then, otherwise = ([r.type for r in b.results] for b in blocks)
    if list(types) != [ArrayType(BOOL)] or blocks[0].params or blocks[1].params:
        raise ShapeError("an if takes one bool scalar, and its blocks no parameters")
    if then != otherwise:
        raise ShapeError(
            f"the branches of an if yield {', '.join(map(str, then))} and {', '.join(map(str, otherwise))}"
        )
    return tuple(then)


def _if_numpy(predicate: Any, *, blocks: Sequence[Any]) -> tuple[Any, ...]:
    results: tuple[Any, ...] = blocks[0 if predicate else 1]()
    return results


def _if_jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
    per_branch = [forward.varied(b, frozenset()) for b in eqn.blocks]
    moving = [
        k
        for k in range(len(eqn.outputs))
        if any(
            b.results[k] in v or forward.has_tangent(b.results[k])
            for b, v in zip(eqn.blocks, per_branch, strict=True)
        )
    ]

    def run(source: Block) -> Callable[[], Sequence[Value]]:
        def body() -> Sequence[Value]:
            inner = forward.push(source, {}, {})
            return [
                *(inner.primal(r) for r in source.results),
                *(inner.tangent_or_zeros(source.results[k]) for k in moving),
            ]

        return body

    outs = branch(forward.primal(eqn.inputs[0]), run(eqn.blocks[0]), run(eqn.blocks[1]))
    n = len(eqn.outputs)
    found = dict(zip(moving, outs[n:], strict=True))
    return outs[:n], [found.get(k) for k in range(n)]


def _if_vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
    """The adjoint is an `if` on the same predicate; the cotangents of captured values move through it.

    Zeros are made only in a branch that has no cotangent of a value of which the other one has.
    """
    free = [v for v in dict.fromkeys(v for b in eqn.blocks for v in captured(b)) if reverse.differentiable(v)]
    before = {v: ct for v in free if (ct := reverse.take(v)) is not None}
    sides = [_adjoint_side(reverse, source, cotangents, before) for source in eqn.blocks]
    moved = [v for v in free if any(inner.has_cotangent(v) for _, inner in sides)]
    chosen = [any(inner.is_chosen(v) or not inner.has_cotangent(v) for _, inner in sides) for v in moved]
    blocks = []
    for builder, inner in sides:
        with building(builder):
            results = tuple(inner.take_or_zeros(v) for v in moved)
        blocks.append(Block((), tuple(builder.eqns), results))
    after = emit(if_, [eqn.inputs[0]], reverse.mark(eqn), blocks)
    for v, ct, masked in zip(moved, after, chosen, strict=True):
        reverse.accumulate(v, ct, masked)


def _adjoint_side(
    reverse: Reverse, source: Block, cotangents: Sequence[Value | None], before: Mapping[Value, Value]
) -> tuple[Builder, Reverse]:
    """A branch walked backwards: what was written, and the cotangents at its beginning."""
    with building(Builder(active().ops)) as builder:
        inner = reverse.inside(before)
        for result, ct in zip(source.results, cotangents, strict=True):
            inner.accumulate(result, ct)
        inner.sweep(source)
    return builder, inner


if_ = Op(
    name="if",
    infer=_if_infer,
    numpy=_if_numpy,
    derivative=Rule(_if_jvp, _if_vjp),
    lowering=Structural(),
    dear=True,
    chooses=True,
    blocks=2,
)


# ---- call ----


def _call_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (body,) = blocks
    if [p.type for p in body.params] != list(types):
        raise ShapeError(f"{attrs['name']} is called with operands of other types than its parameters")
    if captured(body):
        raise ShapeError(f"the block of the call of {attrs['name']} captures values")
    return tuple(r.type for r in body.results)


def _call_numpy(*operands: Any, name: str, blocks: Sequence[Any], again: bool = False) -> tuple[Any, ...]:
    results: tuple[Any, ...] = blocks[0](*operands)
    return results


def _call_jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """The tangents of the operands are further operands, those of the results further results."""
    (source,) = eqn.blocks
    moving = [p for p, v in zip(source.params, eqn.inputs, strict=True) if forward.has_tangent(v)]
    varied = forward.varied(source, frozenset(moving))
    ending = [k for k, r in enumerate(source.results) if r in varied]
    n = len(source.params)

    def body(*values: Value) -> Sequence[Value]:
        copies = dict(zip(source.params, values[:n], strict=True))
        inner = forward.push(source, copies, dict(zip(moving, values[n:], strict=True)))
        moved = (inner.tangent_or_zeros(source.results[k]) for k in ending)
        return [*map(inner.primal, source.results), *moved]

    tangents = [dot for v in eqn.inputs if (dot := forward.tangent(v)) is not None]
    params = [Value(v.type, v.name) for v in (*source.params, *tangents)]
    operands = [*map(forward.primal, eqn.inputs), *tangents]
    outs = emit(call, operands, eqn.attrs, [block(params, body)], [o.name for o in eqn.outputs])
    found = dict(zip(ending, outs[len(eqn.outputs) :], strict=True))
    return outs[: len(eqn.outputs)], [found.get(k) for k in range(len(eqn.outputs))]


def _call_vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
    """The adjoint is a call that runs the block again; the cotangents of the operands move through it.

    So nothing that is computed in the block is kept, and an adjoint is such a call itself. What runs `again`
    must not be moved to where it ran before.
    """
    (body,) = eqn.blocks
    wrt = [(p, v) for p, v in zip(body.params, eqn.inputs, strict=True) if reverse.differentiable(v)]
    given = [(p, ct) for p, v in wrt if (ct := reverse.take(v)) is not None]
    given += [(r, ct) for r, ct in zip(body.results, cotangents, strict=True) if ct is not None]
    again, moved, chosen = reverse.run_again(body, [p for p, _ in wrt], given)
    attrs: Attrs = {"name": f"{eqn.attrs['name']}_vjp", "again": True}
    bars = emit(call, [*eqn.inputs, *(ct for _, ct in given)], attrs, [again])
    for k, bar in zip(moved, bars, strict=True):
        reverse.accumulate(wrt[k][1], bar, k in chosen)


call = Op(
    name="call",
    infer=_call_infer,
    numpy=_call_numpy,
    derivative=Rule(_call_jvp, _call_vjp),
    lowering=Structural(),
    dear=True,
    closed=True,
    blocks=1,
)

def _barrier_infer(
    types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    if types:
        raise ShapeError(f"barrier takes no operands, not {', '.join(map(str, types))}")
    return ()


# What stands behind it is not computed before it, and nothing computed before it is taken for it.
barrier = Op(
    name="barrier",
    infer=_barrier_infer,
    numpy=lambda: (),
    derivative=NoDerivative("it computes nothing"),
    lowering=Structural(),
    effect=True,
    samples=(Sample(()),),
)

OPS = (if_, call, barrier)
