"""The op that makes the next move of a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adcompiler.schedules import moves

from ..errors import ShapeError
from ..graph import Attrs, Block
from ..op import NoDerivative, Op, Sample, Whole
from ..types import I64, ArrayType


def _infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (plan,) = types
    if plan.dtype is not I64 or plan.rank != 1:
        raise ShapeError(f"a plan is an array of i64 of rank 1, not {plan}")
    return (plan,)


def _next_move(plan: Any) -> Any:
    found = np.array(plan)
    moves.next_move(found)
    return found


next_move = Op(
    name="next_move",
    infer=_infer,
    numpy=_next_move,
    derivative=NoDerivative("a schedule is not a function of floats"),
    lowering=Whole(lambda eqn, operands: f"next_move({operands[0]})"),
    updates=True,
    samples=(
        Sample((moves.listed(np.arange(2 * moves.WIDTH).reshape(2, moves.WIDTH)),)),
        Sample((moves.of_online(3),)),
    ),
)

OPS = (next_move,)
