"""Trigonometric and hyperbolic functions, and their inverses.

Partials of the inverses are written in factors that neither overflow nor cancel near the ends of the domain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..graph import Value
from ..op import Op
from .elementwise import binary, elementwise, symbolic, unary
from .powers import hypot, sqrt

sin = elementwise(
    "sin",
    numpy=np.sin,
    scalar="np.sin({0})",
    vector="sin({0})",
    sympy=symbolic("sin"),
    partials=lambda x, y: [cos(x)],
    aliases=(math.sin,),
    cost=15,
    samples=unary(-2, 2),
)

cos: Op = elementwise(
    "cos",
    numpy=np.cos,
    scalar="np.cos({0})",
    vector="cos({0})",
    sympy=symbolic("cos"),
    partials=lambda x, y: [-sin(x)],
    aliases=(math.cos,),
    cost=15,
    samples=unary(-2, 2),
)

tan = elementwise(
    "tan",
    numpy=np.tan,
    scalar="np.tan({0})",
    vector="tan({0})",
    sympy=symbolic("tan"),
    partials=lambda x, y: [1.0 + y * y],
    aliases=(math.tan,),
    cost=20,
    samples=unary(-1, 1),
)

arcsin = elementwise(
    "arcsin",
    numpy=np.arcsin,
    scalar="np.arcsin({0})",
    sympy=symbolic("asin"),
    partials=lambda x, y: [1.0 / sqrt((1.0 - x) * (1.0 + x))],
    aliases=(math.asin,),
    cost=20,
    samples=unary(-0.9, 0.9),
)

arccos = elementwise(
    "arccos",
    numpy=np.arccos,
    scalar="np.arccos({0})",
    sympy=symbolic("acos"),
    partials=lambda x, y: [-1.0 / sqrt((1.0 - x) * (1.0 + x))],
    aliases=(math.acos,),
    cost=20,
    samples=unary(-0.9, 0.9),
)

arctan = elementwise(
    "arctan",
    numpy=np.arctan,
    scalar="np.arctan({0})",
    sympy=symbolic("atan"),
    partials=lambda x, y: [1.0 / (1.0 + x * x)],
    aliases=(math.atan,),
    cost=20,
    samples=unary(-2, 2),
)


def _arctan2_partials(y: Value, x: Value, angle: Value) -> Sequence[Value]:
    radius = hypot(x, y)
    return [x / radius / radius, -(y / radius) / radius]


arctan2 = elementwise(
    "arctan2",
    numpy=np.arctan2,
    scalar="np.arctan2({0}, {1})",
    sympy=symbolic("atan2"),
    partials=_arctan2_partials,
    aliases=(math.atan2,),
    cost=25,
    samples=(*binary(0.5, 2, 0.5, 2), *binary(-2, -0.5, -2, -0.5)),
)

sinh = elementwise(
    "sinh",
    numpy=np.sinh,
    scalar="np.sinh({0})",
    vector="sinh({0})",
    sympy=symbolic("sinh"),
    partials=lambda x, y: [cosh(x)],
    aliases=(math.sinh,),
    cost=20,
    samples=unary(-2, 2),
)

cosh: Op = elementwise(
    "cosh",
    numpy=np.cosh,
    scalar="np.cosh({0})",
    vector="cosh({0})",
    sympy=symbolic("cosh"),
    partials=lambda x, y: [sinh(x)],
    aliases=(math.cosh,),
    cost=20,
    samples=unary(-2, 2),
)

tanh = elementwise(
    "tanh",
    numpy=np.tanh,
    scalar="np.tanh({0})",
    vector="tanh({0})",
    sympy=symbolic("tanh"),
    partials=lambda x, y: [1.0 - y * y],
    aliases=(math.tanh,),
    cost=20,
    samples=unary(-2, 2),
)

arcsinh = elementwise(
    "arcsinh",
    numpy=np.arcsinh,
    scalar="np.arcsinh({0})",
    sympy=symbolic("asinh"),
    partials=lambda x, y: [1.0 / hypot(x, 1.0)],
    aliases=(math.asinh,),
    cost=25,
    samples=unary(-2, 2),
)

arccosh = elementwise(
    "arccosh",
    numpy=np.arccosh,
    scalar="np.arccosh({0})",
    sympy=symbolic("acosh"),
    partials=lambda x, y: [1.0 / (sqrt(x - 1.0) * sqrt(x + 1.0))],
    aliases=(math.acosh,),
    cost=25,
    samples=unary(1.2, 3),
)

arctanh = elementwise(
    "arctanh",
    numpy=np.arctanh,
    scalar="np.arctanh({0})",
    sympy=symbolic("atanh"),
    partials=lambda x, y: [1.0 / ((1.0 - x) * (1.0 + x))],
    aliases=(math.atanh,),
    cost=25,
    samples=unary(-0.9, 0.9),
)

OPS = (sin, cos, tan, arcsin, arccos, arctan, arctan2, sinh, cosh, tanh, arcsinh, arccosh, arctanh)
