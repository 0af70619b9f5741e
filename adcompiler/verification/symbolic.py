"""Ops as formulas near a point, and a polynomial test for zero.

Near a point without ties every op is smooth: of `Max`, `Abs`, `floor` and conditions only what holds there is left,
and symbols know their sign. So the formulas are rational in a few generators (symbols, exp, sin, roots), and two of
them are equal if the numerator of their difference expands to zero; `simplify` is never asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from adcompiler.ir.build import function, param
from adcompiler.ir.op import NoDerivative, Op, Partials, Sample, Scalar
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import ArrayType, DType

from .precise import NoSymbolicForm, elementwise, precision, to_f64
from .tape import Number, Step, numbers, play

MOST_OPERATIONS = 4000
"""What the test for zero takes on; larger differences stay undecided."""

Attributes = tuple[tuple[str, Any], ...]
Point = Mapping[Any, Any]
"""The number (an mpf) of every symbol."""

# ---- ops as formulas -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formulas:
    """The float results of a step, element by element, in one placeholder for each float operand element."""

    operands: Mapping[Number, Any]
    results: Mapping[Number, Any]


def formulas(step: Step) -> Formulas:
    """A step near the numbers it was run with.

    Raises NoSymbolicForm where the record of the op has none.
    """
    places = [elementwise(lambda n, k=k: _Place(n, k), x) if _has_numbers(x) else x for k, x in enumerate(step.inputs)]
    results = [n for y in step.outputs for n in numbers(y)]
    if not any(map(_has_numbers, step.inputs)) or isinstance(step.eqn.op.derivative, NoDerivative):
        return Formulas({}, {n: fraction(n.value) for n in results})
    if step.eqn.op.sympy is None:
        raise NoSymbolicForm(f"op {step.eqn.op.name} has no symbolic form")
    return _scalar_formulas(step, results) if isinstance(step.eqn.op.lowering, Scalar) else _array_formulas(step, results)
