"""Kernels of many elementwise ops at once, as generated code writes them, and what their PTX holds."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from op_cases import Case, cases
from scalar_sources import NAMES, is_computed, result_dtype, scalar_source

from adcompiler.backends import special
from adcompiler.backends.cuda.device import toolkit
from adcompiler.backends.source import literal
from adcompiler.ir.graph import constant
from adcompiler.ir.op import Scalar
from adcompiler.ir.types import DType


def without() -> str:
    """What is missing for PTX, if anything."""
    try:
        from numba.cuda.cudadrv import nvvm
    except ImportError:
        return "numba-cuda is not installed"
    if toolkit.simulated():
        return "the simulator has no compiler"
    return "" if nvvm.is_available() else "NVVM of the CUDA toolkit is not installed"


if without():
    pytest.skip(without(), allow_module_level=True)

DTYPES = (DType.F64, DType.F32, DType.I64, DType.I32, DType.U64, DType.BOOL)

REDUCED_BY_A_TABLE = {"sin", "cos", "tan"}
"""Functions of libdevice that bring a large angle into range in local memory, and for f32 also in f64."""

SPECIAL = {name: f for name, f in inspect.getmembers(special, inspect.isfunction)}


def records() -> Iterator[Case]:
    """One case for each op, setting of its attributes, and dtypes that it accepts."""
    seen = set()
    for case in cases():
        if isinstance(case.op.lowering, Scalar) and is_computed(case):
            for variant in filter(None, (case, *(case.converted(d) for d in DTYPES if case.floats))):
                key = case.op.name, str(case.sample.attrs), dtypes(variant)
                if key not in seen:
                    seen.add(key)
                    yield variant


def dtypes(case: Case) -> tuple[DType, ...]:
    """Of the operands and the result."""
    return (*(t.dtype for t in case.types), result_dtype(case))


def called(case: Case) -> set[str]:
    """The functions that the source of a case calls, and those that these call."""
    tree = ast.parse(scalar_source(case, "abc"), mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return names | {inner for name in names & SPECIAL.keys() for inner in SPECIAL[name].__code__.co_names}


def in_double(case: Case) -> bool:
    """Whether it is computed by functions that work in double precision for every dtype."""
    return bool(called(case) & SPECIAL.keys()) and any(dtype.is_float for dtype in dtypes(case))


def by_table(case: Case) -> bool:
    return bool(called(case) & REDUCED_BY_A_TABLE)


# ---- kernels ----


@cache
def device_names() -> dict[str, Any]:
    cuda = toolkit.cuda()
    return {**NAMES, **{name: cuda.jit(f, device=True) for name, f in SPECIAL.items()}, "cuda": cuda}


def ptx(chosen: Sequence[Case]) -> str:
    """The PTX of a kernel that has a line or two for each case, one thread an element."""
    used = sorted({dtype for case in chosen for dtype in dtypes(case)}, key=str)
    operands = [(f"{name}_{dtype}", dtype) for dtype in used for name in "xyz"]
    lines = [f"{name} = {name}s[i]" for name, _ in operands]
    lines += [line for row, case in enumerate(chosen) for line in _lines(2 * row, case)]
    parameters = [*(f"{name}s" for name, _ in operands), *(f"out_{dtype}" for dtype in used), "n"]
    text = f"def kernel({', '.join(parameters)}):\n    i = cuda.grid(1)\n    if i < n:\n"
    module = dict(device_names())
    exec(text + "".join(f"        {line}\n" for line in lines), module)
    types = [*(array(dtype, 1) for _, dtype in operands), *(array(dtype, 2) for dtype in used)]
    return toolkit.ptx(module["kernel"], (*types, array(DType.I64, 0)))


def _lines(row: int, case: Case) -> Iterator[str]:
    """The op on elements, and on an element and a literal."""
    operands = [f"{name}_{t.dtype}" for name, t in zip("xyz", case.types, strict=False)]
    yield f"out_{result_dtype(case)}[{row}, i] = {scalar_source(case, operands)}"
    if len(operands) > 1:
        last = case.types[-1].dtype
        operands[-1] = literal(constant(True if last is DType.BOOL else 3, last))
        yield f"out_{result_dtype(case)}[{row + 1}, i] = {scalar_source(case, operands)}"


def array(dtype: DType, rank: int) -> Any:
    """Numba's type of a C-contiguous array, or of a number."""
    from numba import types
    from numba.np.numpy_support import from_dtype

    number = from_dtype(dtype.numpy)
    return types.Array(number, rank, "C") if rank else number


# ---- what is found ----


def double(text: str) -> bool:
    return ".f64" in text


def local(text: str) -> bool:
    """Arrays or registers in memory that each thread has for itself."""
    return ".local" in text


def atomic(text: str) -> bool:
    return re.search(r"\b(atom|red)\.", text) is not None


def guilty(chosen: Iterable[Case], found: Any) -> list[str]:
    """Those of the cases in whose own kernel something is found."""
    return [f"{case.id}: {scalar_source(case, 'xyz')}" for case in chosen if found(ptx([case]))]
