"""Intermediate values within reach: each becomes a result, and its cotangent that of a parameter beside it.

    v = op(...)    becomes    v = op(...) + v_probe

With probes of zero the program computes what it did; the derivative with respect to a probe is that with
respect to the intermediate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adcompiler.ir.build import emit, function, lookup, renewed, replay_origin
from adcompiler.ir.graph import Eqn, Function, Value
from adcompiler.ir.ops import OPS

from .inline import inline


@dataclass(frozen=True)
class Probed:
    """A Function with its intermediate values within reach.

    Attributes
    ----------
    source
        The program without calls.
    function
        Parameters are those of `source`, then a probe for each value in `probes`; results are those of
        `source`, then the values in `shown`.
    shown
        What the equations of `source` outside its blocks compute.
    probes
        Those of them that are floats.
    """

    source: Function
    function: Function
    shown: tuple[Value, ...]
    probes: tuple[Value, ...]


def probed(program: Function) -> Probed:
    """The intermediate values of a Function as results, and a parameter to shift each that is a float."""
    source = inline(program)
    shown = tuple(o for eqn in source.body.eqns for o in eqn.outputs if _within_reach(eqn, o, source))
    probes = tuple(v for v in shown if v.type.dtype.is_float)
    olds = source.body.params
    params = [*map(renewed, olds), *(Value(v.type, f"{v.name or 'v'}_probe") for v in probes)]

    def body(*values: Value) -> Sequence[Value]:
        env = dict(zip(olds, values, strict=False))
        shifts = dict(zip(probes, values[len(olds) :], strict=True))
        for eqn in source.body.eqns:
            replay_origin(eqn, env)
            for v in eqn.outputs:
                if v in shifts:
                    (env[v],) = emit(OPS["add"], [env[v], shifts[v]], names=[v.name])
        return [*(lookup(env, r) for r in source.body.results), *(env[v] for v in shown)]

    written = function(
        source.name,
        params,
        body,
        ops=OPS,
        sizes=source.sizes,
        guards=source.guards,
        written=source.written,
    )
    return Probed(source, written, shown, probes)


def _within_reach(eqn: Eqn, value: Value, source: Function) -> bool:
    """A result needs sizes that the caller knows, and contents."""
    sizes = frozenset(name for dim in value.type.shape for name in dim.names())
    return sizes <= frozenset(source.sizes) and eqn.op.name != "undefined"
