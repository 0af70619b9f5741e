"""Choose among the results of a Function, and fix parameters: what a gradient needs of an adjoint program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adcompiler.ir.build import function, lookup, renewed, replay_origin
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS

from .dce import dce
from .zeros import zeros_like


def select(source: Function, results: Sequence[int], fixed: Mapping[int, float], name: str) -> Function:
    """The Function with these of its results, and some parameters filled with a number.

    A parameter's number fills all its elements; a parameter that is fixed is no parameter any more.
    """
    body = source.body
    free = [k for k in range(len(body.params)) if k not in fixed]

    def write(*values: Value) -> Sequence[Value]:
        env = {body.params[k]: value for k, value in zip(free, values, strict=True)}
        for k, number in fixed.items():
            env[body.params[k]] = _filled(body.params[k], number)
        for eqn in body.eqns:
            replay_origin(eqn, env)
        return [lookup(env, body.results[k]) for k in results]

    places = {r: n for n, r in enumerate(results)}
    written = [(places[r], free.index(p)) for r, p in source.written if r in places]
    params = [renewed(body.params[k]) for k in free]
    return dce(
        function(name, params, write, ops=OPS, sizes=source.sizes, guards=source.guards, written=written)
    )


def _filled(param: Value, number: float) -> Value:
    if number == 0 or not param.type.shape:
        return zeros_like(param) if number == 0 else constant(number, param.type.dtype)
    return OPS["broadcast"](constant(number, param.type.dtype), shape=param.type.shape)
