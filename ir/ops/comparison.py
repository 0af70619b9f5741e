"""Comparisons and logic: results are bools, and carry no derivative."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..op import Op, Sample
from ..types import BOOL
from .elementwise import NOT_NUMERIC, anything, boolean, elementwise, floating, symbolic, vector

_PAIR = (
    Sample((np.array([0.5, 1.0, -2.0]), np.array([0.7, 1.0, -3.0]))),
    Sample((vector(-1, 1), np.float64(0.1))),
)
_SPECIAL = (Sample((np.array([0.0, 1.0, np.nan, np.inf, -np.inf]),)),)
_TRUTHS = (Sample((np.array([True, True, False, False]), np.array([True, False, True, False]))),)


def _comparison(name: str, numpy: np.ufunc, sign: str, sympy: str) -> Op:
    return elementwise(
        name,
        numpy=numpy,
        scalar=f"{{0}} {sign} {{1}}",
        sympy=symbolic(sympy),
        partials=NOT_NUMERIC,
        accepts=anything,
        result=BOOL,
        samples=_PAIR,
    )


equal = _comparison("equal", np.equal, "==", "Eq")
not_equal = _comparison("not_equal", np.not_equal, "!=", "Ne")
less = _comparison("less", np.less, "<", "Lt")
less_equal = _comparison("less_equal", np.less_equal, "<=", "Le")
greater = _comparison("greater", np.greater, ">", "Gt")
greater_equal = _comparison("greater_equal", np.greater_equal, ">=", "Ge")


def _logic(name: str, numpy: np.ufunc, sign: str, sympy: str) -> Op:
    return elementwise(
        name,
        numpy=numpy,
        scalar=f"{{0}} {sign} {{1}}",
        sympy=symbolic(sympy),
        partials=NOT_NUMERIC,
        accepts=boolean,
        samples=_TRUTHS,
    )


logical_and = _logic("logical_and", np.logical_and, "&", "And")
logical_or = _logic("logical_or", np.logical_or, "|", "Or")
logical_xor = _logic("logical_xor", np.logical_xor, "^", "Xor")

logical_not = elementwise(
    "logical_not",
    numpy=np.logical_not,
    scalar="not {0}",
    sympy=symbolic("Not"),
    partials=NOT_NUMERIC,
    accepts=boolean,
    samples=(Sample((np.array([True, False]),)),),
)


def _classification(numpy: np.ufunc, alias: Callable[[float], bool]) -> Op:
    return elementwise(
        numpy.__name__,
        numpy=numpy,
        scalar=f"math.{alias.__name__}({{0}})",
        partials=NOT_NUMERIC,
        accepts=floating,
        result=BOOL,
        aliases=(alias,),
        samples=_SPECIAL,
    )


isnan = _classification(np.isnan, math.isnan)
isinf = _classification(np.isinf, math.isinf)
isfinite = _classification(np.isfinite, math.isfinite)

OPS = (
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    logical_and,
    logical_or,
    logical_xor,
    logical_not,
    isnan,
    isinf,
    isfinite,
)
