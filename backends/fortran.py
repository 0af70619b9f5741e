"""Routines of BLAS and LAPACK, as functions that compiled code calls.

SciPy exports them as addresses with C signatures (`scipy.linalg.cython_blas` and `cython_lapack`). Here each
gets a symbol of a fixed name, `adcompiler_dgemm`: so machine code that lies on disk finds it in every process
that called `lowered` before. A call hands over pointers, as Fortran wants it: of an array that to its first
element, of a number that to a copy of it, of the type that SciPy's signature tells. The letter of the dtype
is that of the first array.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

Routine = Callable[..., int]

MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"cython_blas": ("gemm", "gemv", "trsm", "trsv"), "cython_lapack": ("potrf", "getrf")}
)
"""The modules of SciPy, and what is called of each."""

LETTERS = "sd"
"""Single and double precision."""

NO, YES = ord("N"), ord("T")
"""Whether a matrix is to be transposed."""

MOST = 2**31 - 1
"""The largest number that Fortran can count."""


def _routine(name: str) -> Routine:
    def call(*args: Any) -> int:
        return _called(name, args)

    call.__name__ = name
    return call


gemm, gemv, trsm, trsv = map(_routine, MODULES["cython_blas"])
potrf, getrf = map(_routine, MODULES["cython_lapack"])
"""Each takes the arguments of its Fortran namesake, characters by their numbers (`ord`), and returns the last
one if that is an integer: LAPACK's `info`. Outside of compiled code they are called through `ctypes`."""


def layout(a: Any) -> tuple[int, int]:
    """Whether a matrix lies row after row (NO) or column after column (YES), and how far those are apart."""
    if a.strides[1] == a.itemsize:
        return NO, max(a.strides[0] // a.itemsize, a.shape[1])
    return YES, max(a.strides[1] // a.itemsize, a.shape[0])


@cache
def bind() -> None:
    """Give the routines their symbols, and tell Numba how they are called; once in a process."""
    import llvmlite.binding as llvm
    from numba import types
    from numba.core.typing.templates import infer_global
    from numba.extending import get_cython_function_address, lower_builtin

    for module, names in MODULES.items():
        for name in names:
            for letter in LETTERS:
                address = get_cython_function_address(f"scipy.linalg.{module}", letter + name)
                llvm.add_symbol(_symbol(letter + name), address)
            routine = globals()[name]
            infer_global(routine)(_typing(routine))
            lower_builtin(routine, types.VarArg(types.Any))(_lowering(module, name))


def _typing(routine: Routine) -> Any:
    """Any arguments, an integer for a result."""
    from numba import types
    from numba.core.typing.templates import AbstractTemplate, signature

    def generic(self: Any, args: Any, kws: Any) -> Any:
        return signature(types.int64, *args)

    return type(f"{routine.__name__}_typing", (AbstractTemplate,), {"key": routine, "generic": generic})


def _symbol(name: str) -> str:
    return f"adcompiler_{name}"


def _lowering(module: str, name: str) -> Callable[..., Any]:
    """How Numba compiles a call of a routine."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.np.arrayobj import make_array

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        arrays = [t.dtype for t in signature.args if isinstance(t, types.Array)]
        element = next(t for t in arrays if t != types.int32)
        full = LETTERS[element.bitwidth // 32 - 1] + name
        bits = {"char": 8, "int": 32}
        pointers = []
        for kind, type_, value in zip(_parameters(module, full), signature.args, args, strict=True):
            if isinstance(type_, types.Array):
                pointers.append(make_array(type_)(context, builder, value).data)
                continue
            if kind in bits:
                number = builder.trunc(value, ir.IntType(bits[kind]))
            else:
                number = context.cast(builder, value, type_, element)
            pointers.append(cgutils.alloca_once_value(builder, number))
        kinds = ir.FunctionType(ir.VoidType(), [p.type for p in pointers])
        builder.call(cgutils.get_or_insert_function(builder.module, kinds, _symbol(full)), pointers)
        last = pointers[-1]
        if last.type.pointee == ir.IntType(32):
            return builder.sext(builder.load(last), ir.IntType(64))
        return ir.Constant(ir.IntType(64), 0)

    return code


# ---- without a compiler ----

NUMBERS: Mapping[str, Any] = MappingProxyType(
    {"char": ctypes.c_char, "int": ctypes.c_int, "s": ctypes.c_float, "d": ctypes.c_double}
)


def _called(name: str, args: Sequence[Any]) -> int:
    """A call from Python."""
    from numba.extending import get_cython_function_address

    (module,) = (m for m, names in MODULES.items() if name in names)
    dtype = next(x.dtype for x in args if isinstance(x, np.ndarray) and x.dtype != np.int32)
    full = ("s" if dtype == np.float32 else "d") + name
    kinds = _parameters(module, full)
    numbers = [NUMBERS[k](0 if isinstance(x, np.ndarray) else x) for k, x in zip(kinds, args, strict=True)]
    addresses = [
        x.ctypes.data if isinstance(x, np.ndarray) else ctypes.addressof(number)
        for x, number in zip(args, numbers, strict=True)
    ]
    routine = get_cython_function_address(f"scipy.linalg.{module}", full)
    ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(args))(routine)(*addresses)
    return int(numbers[-1].value) if kinds[-1] == "int" else 0


# ---- SciPy's signatures ----


def _parameters(module: str, name: str) -> list[str]:
    """`char`, `int`, `s` or `d` for each parameter, as SciPy's signature has them."""
    import importlib

    capsule = importlib.import_module(f"scipy.linalg.{module}").__pyx_capi__[name]
    named = ctypes.pythonapi.PyCapsule_GetName
    named.restype, named.argtypes = ctypes.c_char_p, [ctypes.py_object]
    # void (char *, int *, __pyx_t_5scipy_6linalg_11cython_blas_d *)
    return re.findall(r"([a-z]+) \*", named(capsule).decode())
