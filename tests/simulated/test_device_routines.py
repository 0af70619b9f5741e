"""What cuBLAS and cuSOLVER would be told, in the simulator: their functions by name and parameters.

A stand-in for nvmath-python's functions takes arguments in the order of NVIDIA's signatures, and computes
with them; all cases of dense linear algebra run on it.
"""

import ctypes
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from library_cases import *  # noqa: F403

from adcompiler.backends.cuda.libraries import (
    device_products,
    device_routines,
    handles,
    simulated_routines,
    systems,
)
from adcompiler.backends.cuda.libraries.matrices import NO, Columns

pytestmark = pytest.mark.simulator

SIGNATURES = {
    "gemm_ex_64": "handle transa transb m n k alpha a atype lda b btype ldb beta c ctype ldc "
    "compute_type algo",
    "gemm_strided_batched_ex_64": "handle transa transb m n k alpha a atype lda stride_a b btype ldb "
    "stride_b beta c ctype ldc stride_c batch_count compute_type algo",
    "gemv_strided_batched_64": "handle trans m n alpha a lda stride_a x incx stridex beta y incy stridey "
    "batch_count",
    "trsm_64": "handle side uplo trans diag m n alpha a lda b ldb",
    "geam_64": "handle transa transb m n alpha a lda beta b ldb c ldc",
    "xgetrf_buffer_size": "handle params m n data_type_a a lda compute_type",
    "xgetrf": "handle params m n data_type_a a lda ipiv compute_type buffer_on_device "
    "workspace_in_bytes_on_device buffer_on_host workspace_in_bytes_on_host info",
    "xgetrs": "handle params trans n nrhs data_type_a a lda ipiv data_type_b b ldb info",
    "xpotrf_buffer_size": "handle params uplo n data_type_a a lda compute_type",
    "xpotrf": "handle params uplo n data_type_a a lda compute_type buffer_on_device "
    "workspace_in_bytes_on_device buffer_on_host workspace_in_bytes_on_host info",
}
"""The parameters of the functions that are called, as nvmath-python 1.0 documents them."""

KINDS = {
    0: (np.dtype("float32"), 68),
    1: (np.dtype("float64"), 70),
    2: (np.dtype("float16"), 68),
}
"""Dtypes by NVIDIA's numbers, and the number of the precision in which products are added."""


def at(address, dtype, *shape):
    """Memory at an address."""
    count = int(np.prod(shape, dtype=int))
    held = (ctypes.c_char * (count * np.dtype(dtype).itemsize)).from_address(address)
    return np.ndarray(shape, dtype, held)


class Libraries:
    """A handle, and the functions of both libraries."""

    number, parameters, buffers = 7, 8, (24, 3)

    @contextmanager
    def on_current_stream(self):
        yield self

    def __getattr__(self, name):
        typed = name not in SIGNATURES
        names = SIGNATURES[name[1:] if typed else name].split()
        dtype = {"s": np.dtype("float32"), "d": np.dtype("float64")}[name[0]] if typed else None
        body = getattr(type(self), f"on_{(name[1:] if typed else name).removesuffix('_64')}")

        def call(*args):
            given = SimpleNamespace(**dict(zip(names, args, strict=True)))
            assert given.handle == self.number
            assert getattr(given, "params", self.parameters) == self.parameters
            return body(self, given, dtype)

        return call

    def scaled(self, given, dtype):
        """All products are taken once, and nothing is added to them."""
        number = np.float64 if dtype == np.float64 else np.float32
        assert at(given.alpha, number) == 1
        assert not hasattr(given, "beta") or at(given.beta, number) == 0

    def on_gemm_ex(self, g, dtype):
        g.stride_a = g.stride_b = g.stride_c = 0
        g.batch_count = 1
        self.on_gemm_strided_batched_ex(g, dtype)

    def on_gemm_strided_batched_ex(self, g, dtype):
        dtype, precision = KINDS[g.atype]
        assert (g.btype, g.ctype, g.compute_type, g.algo) == (g.atype, g.atype, precision, -1)
        self.scaled(g, dtype)
        a, b = Columns(g.a, g.lda, g.stride_a), Columns(g.b, g.ldb, g.stride_b)
        c = Columns(g.c, g.ldc, g.stride_c)
        ops, extents = (g.transa, g.transb), (g.m, g.n, g.k)
        simulated_routines.gemm(dtype, ops, extents, a, b, c, g.batch_count)

    def on_gemv_strided_batched(self, g, dtype):
        self.scaled(g, dtype)
        a, x = Columns(g.a, g.lda, g.stride_a), Columns(g.x, g.incx, g.stridex)
        y = Columns(g.y, g.incy, g.stridey)
        simulated_routines.gemv(dtype, g.trans, (g.m, g.n), a, x, y, g.batch_count)

    def on_trsm(self, g, dtype):
        self.scaled(g, dtype)
        a, b = Columns(g.a, g.lda), Columns(g.b, g.ldb)
        simulated_routines.trsm(dtype, g.side, g.uplo, g.trans, g.diag, (g.m, g.n), a, b)

    def on_geam(self, g, dtype):
        """In place of the term that is not added may stand the result, if it is not transposed."""
        self.scaled(g, dtype)
        assert (g.b, g.ldb, g.transb) == (g.c, g.ldc, NO)
        simulated_routines.copy(dtype, g.transa, (g.m, g.n), Columns(g.a, g.lda), Columns(g.c, g.ldc))

    # ---- cuSOLVER ----

    def on_xgetrf_buffer_size(self, g, dtype):
        assert (g.m, g.compute_type) == (g.n, g.data_type_a)
        return self.buffers

    def on_xpotrf_buffer_size(self, g, dtype):
        assert g.compute_type == g.data_type_a
        return self.buffers

    def held(self, g):
        """What the routine computes in has the size that it asked for."""
        assert (g.workspace_in_bytes_on_device, g.workspace_in_bytes_on_host) == self.buffers
        at(g.buffer_on_device, np.uint8, self.buffers[0])[:] = 1
        at(g.buffer_on_host, np.uint8, self.buffers[1])[:] = 1

    def on_xgetrf(self, g, dtype):
        self.held(g)
        pivots = at(g.ipiv, np.int64, g.n)
        word = simulated_routines.getrf(KINDS[g.data_type_a][0], g.n, Columns(g.a, g.lda), pivots)
        at(g.info, np.int32)[()] = word[0]

    def on_xgetrs(self, g, dtype):
        dtype = KINDS[g.data_type_a][0]
        assert g.data_type_b == g.data_type_a
        pivots = arrays.to_device(at(g.ipiv, np.int64, g.n))  # noqa: F405
        a, b = Columns(g.a, g.lda), Columns(g.b, g.ldb)
        simulated_routines.getrs(dtype, g.trans, g.n, g.nrhs, a, pivots, b)
        at(g.info, np.int32)[()] = 0

    def on_xpotrf(self, g, dtype):
        self.held(g)
        word = simulated_routines.potrf(KINDS[g.data_type_a][0], g.uplo, g.n, Columns(g.a, g.lda))
        at(g.info, np.int32)[()] = word[0]


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """The routines of a device, on libraries that compute in the simulator's memory."""
    for module in (systems, device_products):
        monkeypatch.setattr(module, "routines", lambda: device_routines)
    for name in ("blas", "solver"):
        monkeypatch.setattr(handles, name, Libraries)
