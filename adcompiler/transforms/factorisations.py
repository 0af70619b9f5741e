"""Systems with one matrix, or with its transpose, share its factors.

The adjoint of a system is one with the transpose, so a gradient factors each matrix once. The factors are
made where the first of the systems stood, and serve those behind it in its block and in the blocks inside:
nothing is factored that was not factored before. Comes after all derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adcompiler.ir.build import block, lookup, origin, replay_origin, rewrite_inside, using
from adcompiler.ir.graph import Block, Eqn, Function, Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.linear_algebra import lu, lu_solve

Transposes = Mapping[Value, Value]
"""What was transposed, by its transpose."""


def share_factors(function: Function) -> Function:
    """The same Function; a matrix that stands in one system alone is left to that."""
    with using(OPS):
        body = block(function.body.params, lambda *params: _rewritten(function.body, {}, {}, {}, frozenset()))
    return replace(function, body=body)


def _rewritten(
    source: Block,
    env: dict[Value, Value],
    around: Transposes,
    factors: Mapping[Value, Value],
    several: frozenset[Value],
) -> Sequence[Value]:
    transposes = {**around, **{e.output: e.inputs[0] for e in source.eqns if e.op.name == "transpose"}}
    several |= _served(source, transposes)
    known = dict(factors)
    for eqn in source.eqns:
        if eqn.blocks:
            rewrite_inside(
                eqn, env, lambda inner, inside: _rewritten(inner, inside, transposes, known, several)
            )
        elif eqn.op.name == "solve" and (matrix := _matrix(eqn, transposes)) in several:
            with origin(eqn.location, eqn.note):
                if matrix not in known:
                    known[matrix] = lu(lookup(env, matrix))
                right = lookup(env, eqn.inputs[1])
                env[eqn.output] = lu_solve(known[matrix], right, transposed=matrix is not eqn.inputs[0])
        else:
            replay_origin(eqn, env)
    return [lookup(env, r) for r in source.results]


def _matrix(eqn: Eqn, transposes: Transposes) -> Value:
    """The matrix of a system, or what that is the transpose of."""
    return transposes.get(eqn.inputs[0], eqn.inputs[0])


def _served(source: Block, transposes: Transposes) -> frozenset[Value]:
    """The matrices of systems of this block that stand in one behind it, too, here or in a block inside."""
    first: set[Value] = set()
    found: set[Value] = set()
    for eqn in source.eqns:
        if eqn.op.name == "solve":
            matrix = _matrix(eqn, transposes)
            (found if matrix in first else first).add(matrix)
        for inner in eqn.blocks:
            found |= first & _inside(inner, transposes)
    return frozenset(found)


def _inside(source: Block, around: Transposes) -> set[Value]:
    """The matrices of the systems of a block and of those inside."""
    transposes = {**around, **{e.output: e.inputs[0] for e in source.eqns if e.op.name == "transpose"}}
    here = {_matrix(e, transposes) for e in source.eqns if e.op.name == "solve"}
    return here.union(*(_inside(inner, transposes) for eqn in source.eqns for inner in eqn.blocks))
