"""The ops that repeat a block: `for`, and `while`, which binds the number of its trips as a size.

A sum is a carry that is only added to, as the verifier sees to: it is evaluated as a carry, but its order is
free. Reversal is a duality, and nothing else is needed to close `for` under differentiation; the reverse of a
`while` is a `for` over the trips that were made:

    carry <-> carry        slice <-> stack        captured value <-> sum

The derivative rules receive the running transform and say nothing of which primal values are kept or
replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..build import block, emit
from ..errors import ShapeError
from ..graph import Attrs, Block, Eqn, Value, captured
from ..loops import Parts, element_type, loop_body, requests, split, state_count, trip_count
from ..op import Forward, Op, Reverse, Rule, Structural
from ..types import BOOL, I64, ArrayType, Dim, DimLike

# ---- for ----


def loop(
    length: DimLike,
    body: Callable[..., Sequence[Value | float]],
    carries: Sequence[Value] = (),
    sums: Sequence[Value] = (),
    slices: Sequence[Value] = (),
    *,
    reverse: bool = False,
    index: str | None = None,
    extra: Attrs | None = None,
    names: Sequence[str | None] = (),
) -> tuple[Value, ...]:
    """Emit a `for`; `body(i, *carries, *sums, *slices)` writes one trip and returns (carries, sums, items).

    `index` is the name under which sizes in the body mention the index.
    """
    attrs = for_attrs(Dim.of(length), len(carries), len(sums), reverse, index) | dict(extra or {})
    elements = [Value(element_type(x.type), x.name) for x in slices]
    params = [
        Value(ArrayType(I64), index or "i"),
        *(Value(v.type, v.name) for v in (*carries, *sums)),
        *elements,
    ]
    return emit(for_, [*carries, *sums, *slices], attrs, [block(params, body)], names)


def for_attrs(length: Dim, carry: int, sums: int, reverse: bool, index: str | None) -> dict[str, Any]:
    """The attributes of a `for`; what is not there is not written."""
    optional = {"carry": carry, "sums": sums, "reverse": reverse, "index": index}
    return {"length": length} | {name: attr for name, attr in optional.items() if attr}


# ---- for: types and evaluation ----


def _for_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (body,) = blocks
    trips = trip_count(attrs).positive()
    given, taken = split(attrs, types), split(attrs, [p.type for p in body.params[1:]])
    yielded = split(attrs, [r.type for r in body.results])
    if not body.params or body.params[0].type != ArrayType(I64) or len(types) != len(body.params) - 1:
        raise ShapeError("the block of a for takes an i64 index and one parameter an operand")
    states = zip((*given.carries, *given.sums), (*taken.carries, *taken.sums), strict=True)
    for k, (start, param) in enumerate(states):
        end = body.results[k].type
        if not start == param == end:
            raise ShapeError(
                f"carry {k} of a for is {start} before it, {param} inside and {end} after a trip"
            )
    for operand, param in zip(given.slices, taken.slices, strict=True):
        if operand.shape[:1] != (trips,) or element_type(operand) != param:
            raise ShapeError(f"a for of {trips} trips cannot take {param} from slices of {operand}")
    stacks = tuple(ArrayType(t.dtype, (trips, *t.shape)) for t in yielded.slices)
    return (*yielded.carries, *yielded.sums, *stacks)


def _for_numpy(*operands: Any, length: int, blocks: Sequence[Any], **attrs: Any) -> tuple[Any, ...]:
    given = split(attrs, operands)
    state = [*given.carries, *given.sums]
    trips = range(max(length, 0))
    items: list[list[Any]] = [[] for _ in blocks[0].results[len(state) :]]
    for i in reversed(trips) if attrs.get("reverse") else trips:
        results = blocks[0](np.int64(i), *state, *(x[i] for x in given.slices))
        state = list(results[: len(state)])
        for stack, item in zip(items, results[len(state) :], strict=True):
            stack.append(item)
    stacks = [
        blocks[0].stacked(len(state) + k, stack, attrs.get("reverse", False)) for k, stack in enumerate(items)
    ]
    return (*state, *stacks)


# ---- while ----


def loop_while(
    test: Callable[..., Value],
    body: Callable[..., Sequence[Value | float]],
    carries: Sequence[Value],
    trips: str,
    *,
    limit: DimLike | None = None,
    index: str | None = None,
    extra: Attrs | None = None,
    names: Sequence[str | None] = (),
) -> tuple[Value, ...]:
    """Emit a `while`: as long as `test(i, *carries)`, `body(i, *carries)` returns (carries, items).

    `trips` names the size that will be the number of trips, `limit` is the most that are made, and `index`
    the name under which sizes in both blocks mention the number of the trip.
    """

    def params() -> list[Value]:
        return [Value(ArrayType(I64), index or "i"), *(Value(v.type, v.name) for v in carries)]

    asked = block(params(), lambda *args: [test(*args)])
    most = None if limit is None else Dim.of(limit)
    attrs = while_attrs(trips, len(carries), most, index) | dict(extra or {})
    return emit(while_, carries, attrs, [asked, block(params(), body)], names)


def while_attrs(trips: str, carry: int, limit: Dim | None, index: str | None) -> dict[str, Any]:
    """The attributes of a `while`; what is not there is not written."""
    attrs: dict[str, Any] = {"trips": trips}
    if carry:
        attrs["carry"] = carry
    if limit is not None:
        attrs["limit"] = limit
    return attrs | ({"index": index} if index else {})


def _while_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    test, body = blocks
    expected = [ArrayType(I64), *types]
    for role, inner in (("test", test), ("body", body)):
        if [p.type for p in inner.params] != expected:
            raise ShapeError(f"the {role} of a while takes an i64 index and one parameter an operand")
    if [r.type for r in test.results] != [ArrayType(BOOL)]:
        raise ShapeError("the test of a while yields one bool scalar")
    if state_count(attrs) != len(types):
        raise ShapeError(f"a while of {state_count(attrs)} carries takes {len(types)} operands")
    yielded = split(attrs, [r.type for r in body.results])
    if len(yielded.carries) != len(types):
        raise ShapeError(f"the body of a while of {len(types)} carries yields {len(yielded.carries)}")
    for k, (start, end) in enumerate(zip(types, yielded.carries, strict=True)):
        if start != end:
            raise ShapeError(f"carry {k} of a while is {start} before it and {end} after a trip")
    trips = trip_count(attrs)
    return (*yielded.carries, *(ArrayType(t.dtype, (trips, *t.shape)) for t in yielded.slices))


def _while_numpy(
    *operands: Any, trips: str, blocks: Sequence[Any], limit: int | None = None, **attrs: Any
) -> tuple[Any, ...]:
    """The number of trips, then the results."""
    test, body = blocks
    state = list(operands)
    items: list[list[Any]] = [[] for _ in body.results[len(state) :]]
    made = 0
    while (limit is None or made < limit) and test(np.int64(made), *state)[0]:
        results = body(np.int64(made), *state)
        state = list(results[: len(state)])
        for stack, item in zip(items, results[len(state) :], strict=True):
            stack.append(item)
        made += 1
    stacks = [body.stacked(len(state) + k, stack, False) for k, stack in enumerate(items)]
    return (made, *state, *stacks)


# ---- derivatives of loops ----


def _loop_jvp(forward: Forward, eqn: Eqn) -> tuple[Sequence[Value], Sequence[Value | None]]:
    """Tangents ride along: a carry's is a carry, a sum's a sum, a slice's a slice, an item's an item.

    The inverse of a trip says nothing of tangents that are carried, and is left out.
    """
    body = loop_body(eqn)
    given, params = split(eqn.attrs, eqn.inputs), split(eqn.attrs, body.params[1:])
    results = split(eqn.attrs, body.results)
    varied = _varied_in_loop(forward, eqn)
    moving = Parts(*([k for k, p in enumerate(role) if p in varied] for role in params.roles))
    items = [k for k, r in enumerate(results.slices) if r in varied]
    ending = Parts(moving.carries, moving.sums, items)
    operands = _with_tangents(given, moving, forward.primal, forward.tangent_or_zeros)
    counts = {"carry": len(operands.carries), "sums": len(operands.sums)}
    source = _without_inverse(body) if moving.carries else body

    def trip(i: Value, *args: Value) -> Sequence[Value]:
        now = list(_with_partners(params, moving, split(counts, args)))
        copies = {body.params[0]: i, **{old: new for old, new, _ in now}}
        inner = forward.push(source, copies, {old: dot for old, _, dot in now if dot is not None})
        ends = _with_tangents(results, ending, inner.primal, inner.tangent_or_zeros)
        return [value for role in ends.roles for value in role]

    def asked(i: Value, *args: Value) -> Value:
        test = eqn.blocks[0]
        return forward.push(test, dict(zip(test.params, (i, *args), strict=False)), {}).primal(
            test.results[0]
        )

    if eqn.op is while_:
        limit, index = eqn.attrs.get("limit"), eqn.attrs.get("index")
        assert isinstance(limit, Dim | int | None) and isinstance(index, str | None)
        trips, extra = str(eqn.attrs["trips"]), requests(eqn.attrs)
        outs = loop_while(asked, trip, operands.carries, trips, limit=limit, index=index, extra=extra)
    else:
        count, direction = trip_count(eqn.attrs), _direction(eqn.attrs)
        outs = loop(count, trip, *operands.roles, **direction, extra=requests(eqn.attrs))
    after = list(_with_partners(split(eqn.attrs, eqn.outputs), ending, split(counts, outs)))
    return [new for _, new, _ in after], [dot for _, _, dot in after]


def _without_inverse(body: Block) -> Block:
    return replace(body, eqns=tuple(e for e in body.eqns if e.op.name != "inverse_step"))


def _with_tangents(
    values: Parts[Value],
    moving: Parts[int],
    primal: Callable[[Value], Value],
    tangent: Callable[[Value], Value],
) -> Parts[Value]:
    """In each role the copies of all values, then the tangents of those that move."""
    roles = zip(values.roles, moving.roles, strict=True)
    return Parts(*([*map(primal, role), *(tangent(role[k]) for k in which)] for role, which in roles))


def _with_partners(
    values: Parts[Value], moving: Parts[int], found: Parts[Value]
) -> Iterator[tuple[Value, Value, Value | None]]:
    """What `_with_tangents` has put together: each value with its copy and its tangent."""
    for role, which, together in zip(values.roles, moving.roles, found.roles, strict=True):
        dots = dict(zip(which, together[len(role) :], strict=True))
        for k, value in enumerate(role):
            yield value, together[k], dots.get(k)


def _varied_in_loop(forward: Forward, eqn: Eqn) -> frozenset[Value]:
    """The values of the body that have a tangent in some trip: a fixed point over carries and sums."""
    body = loop_body(eqn)
    varied = frozenset(p for p, v in zip(body.params[1:], eqn.inputs, strict=True) if forward.has_tangent(v))
    states = list(zip(body.params[1:], body.results, strict=False))[: state_count(eqn.attrs)]
    while True:
        inside = forward.varied(body, varied)
        grown = varied | {p for p, r in states if r in inside}
        if grown == varied:
            return inside
        varied = grown


def _direction(attrs: Attrs) -> dict[str, Any]:
    return {"reverse": bool(attrs.get("reverse")), "index": attrs.get("index")}


def _loop_vjp(reverse: Reverse, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
    """carry <-> carry, slice <-> stack, captured value <-> sum; the trips that were made, backwards."""
    body = loop_body(eqn)
    given, params = split(eqn.attrs, eqn.inputs), split(eqn.attrs, body.params[1:])
    results, outputs = split(eqn.attrs, body.results), split(eqn.attrs, eqn.outputs)
    ending = dict(zip(eqn.outputs, cotangents, strict=True))
    carries = [k for k, p in enumerate(params.carries) if reverse.differentiable(p)]
    slices = [k for k, p in enumerate(params.slices) if reverse.differentiable(p)]
    stacks = [k for k, o in enumerate(outputs.slices) if ending[o] is not None]
    free = [v for v in captured(body) if reverse.differentiable(v)]
    # the cotangent of a sum is the same in every trip: captured by the adjoint loop
    added = {r: ending[o] for r, o in zip(results.sums, outputs.sums, strict=True) if ending[o] is not None}

    def trip(i: Value, *args: Value) -> Sequence[Value]:
        now = split({"carry": len(carries), "sums": len(free)}, args)
        inner = reverse.inside(dict(zip(free, now.sums, strict=True)))
        for k, ct in zip(carries, now.carries, strict=True):
            inner.accumulate(results.carries[k], ct)
        for result, ct_ in added.items():
            inner.accumulate(result, ct_)
        for k, ct in zip(stacks, now.slices, strict=True):
            inner.accumulate(results.slices[k], ct)
        inner.sweep(body)
        return [
            *(inner.take_or_zeros(params.carries[k]) for k in carries),
            *(inner.take_or_zeros(v) for v in free),
            *(inner.take_or_zeros(params.slices[k]) for k in slices),
        ]

    attrs = _direction(eqn.attrs)
    outs = loop(
        trip_count(eqn.attrs),
        trip,
        [reverse.instantiate(ending[outputs.carries[k]], outputs.carries[k]) for k in carries],
        [reverse.take_or_zeros(v) for v in free],
        [ct for k in stacks if (ct := ending[outputs.slices[k]]) is not None],
        reverse=not attrs["reverse"],
        index=attrs["index"],
        extra=reverse.mark(eqn),
    )
    after = split({"carry": len(carries), "sums": len(free)}, outs)
    for v, ct in zip(free, after.sums, strict=True):
        reverse.accumulate(v, ct)
    for start, output in zip(given.sums, outputs.sums, strict=True):
        reverse.accumulate(start, ending[output])
    for k, ct in zip(carries, after.carries, strict=True):
        reverse.accumulate(given.carries[k], ct)
    for k, ct in zip(slices, after.slices, strict=True):
        reverse.accumulate(given.slices[k], ct)


for_ = Op(
    name="for",
    infer=_for_infer,
    numpy=_for_numpy,
    derivative=Rule(_loop_jvp, _loop_vjp),
    lowering=Structural(),
    dear=True,
    blocks=1,
    loop=True,
)

while_ = Op(
    name="while",
    infer=_while_infer,
    numpy=_while_numpy,
    derivative=Rule(_loop_jvp, _loop_vjp),
    lowering=Structural(),
    dear=True,
    blocks=2,
    loop=True,
    binds="trips",
)

OPS = (for_, while_)
