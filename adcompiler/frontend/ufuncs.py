"""NumPy's ufuncs on traced values, as the table of ops has them: promotion, broadcasting, out=, methods."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from adcompiler.frontend import sizes
from adcompiler.frontend.extents import common_shape, hint, static, value_of
from adcompiler.frontend.frames import current, refuse
from adcompiler.frontend.handles import Traced
from adcompiler.frontend.scalars import (
    TracedScalar,
    cast,
    dtype_of,
    is_operand,
    joint_dtype,
    promotes_as,
    value,
)
from adcompiler.frontend.sizes import Size, dim_of
from adcompiler.frontend.values import TracedArray, wrap
from adcompiler.ir.errors import DTypeError
from adcompiler.ir.graph import Constant, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.arithmetic import floor_divide, remainder
from adcompiler.ir.ops.arrays import check
from adcompiler.ir.ops.comparison import greater_equal, not_equal
from adcompiler.ir.ops.compositions import COMPOSITIONS, NAMED_COMPOSITIONS
from adcompiler.ir.ops.indexing import add_at  # noqa: F401
from adcompiler.ir.ops.powers import ipow, pow_, sqrt
from adcompiler.ir.ops.reductions import cumsum
from adcompiler.ir.types import BOOL, F64, I64, DType
