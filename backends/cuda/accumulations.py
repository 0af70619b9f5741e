"""What the trips of a loop only add to is a sum of it, also where a user wrote it as a carry.

    total: f64 = for 0.0, x {carry=1} ...    becomes    total: f64 = for 0.0, x {sums=1} ...

So a loop that adds up has independent trips, and many threads may run it. The CPU keeps the order in which a
user adds; on the device his `total += x` is as free as his `np.sum(x)`, and depends on sizes alone. A carry
that is read in a trip, as that of a compensated sum, stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.build import Environment, block, emit, function, lookup, origin, renewed, replay, rewrite_inside
from ...ir.graph import Attr, Block, Eqn, Function, Value
from ...ir.loops import carry_count, loop_body, state_count
from ...ir.ops import OPS
from ...ir.sums import end_of_sum


def accumulating(source: Function) -> Function:
    """The same Function; carries of a `for` that are only added to are sums of it."""
    params = [renewed(p) for p in source.body.params]
    env: Environment = dict(zip(source.body.params, params, strict=True))
    return function(
        source.name,
        params,
        lambda *_: _written(source.body, env),
        ops=OPS,
        sizes=source.sizes,
        guards=source.guards,
        written=source.written,
    )


def _written(source: Block, env: Environment) -> Sequence[Value]:
    for eqn in source.eqns:
        with origin(eqn.location, eqn.note):
            if eqn.op.name == "for":
                _loop(eqn, env)
            elif eqn.blocks:
                rewrite_inside(eqn, env, _written)
            else:
                replay(eqn, env)
    return [lookup(env, r) for r in source.results]


def _loop(eqn: Eqn, env: Environment) -> None:
    """A `for` with its body written anew, those of its carries that are sums behind the others."""
    source = loop_body(eqn)
    inner = dict(env)

    def write(*params: Value) -> Sequence[Value]:
        inner.update(zip(source.params, params, strict=True))
        return _written(source, inner)

    body = block([renewed(p) for p in source.params], write)
    carries, states = range(carry_count(eqn.attrs)), range(state_count(eqn.attrs))
    sums = [k for k in carries if _is_sum(body, k)]
    order = [k for k in carries if k not in sums] + [k for k in states if k not in carries] + sums
    index, *params = body.params
    kept = len(carries) - len(sums)
    counts: dict[str, Attr] = {"carry": kept, "sums": len(states) - kept}
    rest = {name: attr for name, attr in eqn.attrs.items() if name not in counts}
    outputs = emit(
        eqn.op,
        [lookup(env, v) for v in _ordered(eqn.inputs, order)],
        rest | {name: count for name, count in counts.items() if count},
        [Block((index, *_ordered(params, order)), body.eqns, tuple(_ordered(body.results, order)))],
        [o.name for o in _ordered(eqn.outputs, order)],
    )
    env.update(zip(_ordered(eqn.outputs, order), outputs, strict=True))


def _is_sum(body: Block, k: int) -> bool:
    """Whether carry k is added to, and nothing else; one that stays as it is is no sum."""
    param = body.params[1 + k]
    return body.results[k] is not param and end_of_sum(param, body) == k


def _ordered(values: Sequence[Value], order: Sequence[int]) -> list[Value]:
    """The states in this order, then the others."""
    return [*(values[k] for k in order), *values[len(order) :]]
