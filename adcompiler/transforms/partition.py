"""Cut an adjoint program in two: `forward(args) -> results, residuals` and `pullback(residuals, cotangents)`.

What depends on a cotangent belongs to the pullback. Which of the other values are handed over, and which the
pullback computes again, is the same minimum cut that serves loops: the fewest bytes, then the least work.
Residuals belong to the pullback alone, so that it may be called again, and after the caller has changed his
arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from adcompiler.ir.build import function, lookup, renewed, replay_origin
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value, reads, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arrays import size_value
from adcompiler.ir.types import Dim

from .dce import dce
from .mincut import INFINITE
from .residuals import Cost, cheapest, nbytes, work


@dataclass(frozen=True)
class Partition:
    """The two programs.

    After the results of the source, `forward` returns the first `residuals` parameters of `pullback`, and
    then the last `bound` of its sizes: those that the source itself binds.
    """

    forward: Function
    pullback: Function
    residuals: int
    bound: int = 0


def partition(adjoint: Function, params: int, results: int) -> Partition:
    """Cut the result of `reverse` for a Function with so many parameters and results."""
    body = adjoint.body
    primal, cotangents = body.params[:params], body.params[params:]
    later = _dependent(body.eqns, cotangents)
    read = dict.fromkeys(v for e in body.eqns if e in later for v in reads(e))
    read.update(dict.fromkeys(body.results[results:]))
    made = {o: e for e in body.eqns if e not in later for o in e.outputs}
    needed = [v for v in read if v in made or v in primal]
    kept = cheapest(_costs(primal, made), needed)
    residuals = [v for v in (*primal, *made) if v in kept]
    bound = [str(e.attrs[e.op.binds]) for e in body.eqns if e.op.binds and e not in later]
    handed = [*body.results[:results], *residuals]
    forward = _part(adjoint, "forward", primal, handed, lambda eqn: eqn not in later, bound=bound)
    given, sizes = [*residuals, *cotangents], [*adjoint.sizes, *bound]
    pullback = _part(adjoint, "pullback", given, body.results[results:], later.__contains__, sizes)
    return Partition(forward, pullback, len(residuals), len(bound))


def _dependent(eqns: Iterable[Eqn], seeds: Iterable[Value]) -> set[Eqn]:
    moved, found = set(seeds), set()
    for eqn in eqns:
        if not moved.isdisjoint(reads(eqn)):
            found.add(eqn)
            moved.update(eqn.outputs)
    return found


def _costs(params: Iterable[Value], made: dict[Value, Eqn]) -> Iterable[Cost]:
    for p in params:
        yield Cost(p, (nbytes(p), 0), INFINITE, ())
    for value, eqn in made.items():
        again = not (eqn.blocks or eqn.op.dear)
        sources = tuple(v for v in eqn.inputs if not isinstance(v, Constant)) if again else ()
        yield Cost(value, (nbytes(value), 0), (0, work(eqn)) if again else INFINITE, sources)


def _part(
    source: Function,
    role: str,
    params: Sequence[Value],
    results: Sequence[Value],
    effects: Callable[[Eqn], bool],
    sizes: Sequence[str] | None = None,
    bound: Sequence[str] = (),
) -> Function:
    """The part of a Function that computes `results`, and the sizes in `bound`, from `params`, with the
    effects chosen.
    """

    def write(*values: Value) -> Sequence[Value]:
        env = dict(zip(params, values, strict=True))
        for eqn in _needed(source.body, set(params), results, effects):
            replay_origin(eqn, env)
        return [*(lookup(env, r) for r in results), *(size_value(Dim.of(name)) for name in bound)]

    new = [renewed(p) for p in params]
    written = [pair for pair in source.written if role == "forward"]
    name = f"{source.name}_{role}"
    sizes = source.sizes if sizes is None else sizes
    return dce(function(name, new, write, ops=OPS, sizes=sizes, guards=source.guards, written=written))


def _needed(
    body: Block, known: set[Value], results: Iterable[Value], effects: Callable[[Eqn], bool]
) -> list[Eqn]:
    """The equations, in order, on which `results` depend without passing through a known value."""
    live = set(results) - known
    found = []
    for eqn in reversed(body.eqns):
        if not live.isdisjoint(eqn.outputs) or (_acts(eqn) and effects(eqn)):
            found.append(eqn)
            live.update(v for v in reads(eqn) if v not in known)
    return found[::-1]


def _acts(eqn: Eqn) -> bool:
    """Whether an equation does more than its results say: checks, or binds a size."""
    return eqn.op.effect or eqn.op.binds is not None or any(e.op.effect for b in eqn.blocks for e in walk(b))
