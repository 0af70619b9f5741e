"""Where reductions start, and one step of them, as Python source."""

from __future__ import annotations

import numpy as np

from ..ir.graph import Eqn, constant
from ..ir.op import Reduction, Scan, constructor
from ..ir.types import BOOL, F32, F64, I64, DType
from .source import literal, zero


def start(root: Eqn) -> str:
    """The neutral element of a reduction, a running sum or an einsum."""
    lowering = root.op.lowering
    init = lowering.init if isinstance(lowering, Reduction | Scan) else "{zero}"
    return init.format(**neutral(root.output.type.dtype))


def step_template(root: Eqn, vector: bool = True) -> str:
    """One step, with places for the accumulator and what it takes in; if `vector` for a CPU's vectors."""
    lowering = root.op.lowering
    if vector and isinstance(lowering, Reduction) and lowering.vector and root.output.type.dtype.is_float:
        return lowering.vector
    return lowering.step if isinstance(lowering, Reduction | Scan) else "{acc} + {x}"


def neutral(dtype: DType) -> dict[str, str]:
    """The constants at which reductions start."""
    if dtype is BOOL:
        return {"zero": "False", "one": "True", "lowest": "False", "highest": "True"}
    one = literal(constant(1, dtype))
    if dtype.is_float:
        cast = "{}" if dtype is F64 else f"{constructor(dtype)}({{}})"
        ends = {"lowest": cast.format("-np.inf"), "highest": cast.format("np.inf")}
    else:
        info = np.iinfo(dtype.numpy)
        ends = {"lowest": literal(constant(info.min, dtype)), "highest": literal(constant(info.max, dtype))}
    return {"zero": zero(dtype), "one": one, **ends}


def stepped(template: str, dtype: DType, accumulator: str, x: str) -> str:
    """One step; Numba would widen small integers."""
    for sign in "+*":
        if template == f"{{acc}} {sign} {{x}}" and dtype in (F64, F32, I64):
            return f"{accumulator} {sign}= {x}"
    text = template.format(acc=accumulator, x=x)
    text = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    plain = dtype in (F64, F32, I64, BOOL)
    return f"{accumulator} = {text if plain else f'{constructor(dtype)}({text})'}"
