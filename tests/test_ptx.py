"""The PTX of kernels: what stands in it can be read without a device."""

import re

import pytest
from ptx_kernels import array, atomic, by_table, double, dtypes, guilty, in_double, local, ptx, records
from scalar_sources import COMPUTED

from adcompiler.backends.cuda.device import toolkit
from adcompiler.backends.cuda.kernels import reductions, scans, sorting
from adcompiler.ir.op import Reduction
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import F32, F64, I64, DType

# ---- elementwise ops ---------------------------------------------------------------------------------------

CASES = list(records())
PLAIN = [case for case in CASES if not in_double(case) and not by_table(case)]


def kind(case):
    """The dtypes that a case has to do with, bools aside."""
    return "-".join(sorted({d.value for d in dtypes(case)} - {"bool"})) or "bool"


@pytest.mark.parametrize("dtypes", sorted(set(map(kind, PLAIN))))
def test_elementwise_ops_stay_in_their_dtypes_and_in_registers(dtypes):
    chosen = [case for case in PLAIN if kind(case) == dtypes]
    text = ptx(chosen)
    assert not local(text), guilty(chosen, local)
    assert not atomic(text), guilty(chosen, atomic)
    if "f64" not in dtypes:
        assert not double(text), guilty(chosen, double)


@pytest.mark.parametrize("dtype", [F64, F32])
def test_functions_that_work_in_double_precision_compile(dtype):
    chosen = [case for case in CASES if in_double(case) and dtype in dtypes(case)]
    assert double(ptx(chosen))


@pytest.mark.parametrize("dtype", [F64, F32])
def test_large_angles_are_reduced_in_little_local_memory(dtype):
    chosen = [case for case in CASES if by_table(case) and not in_double(case) and dtype in dtypes(case)]
    for case in chosen:
        (size,) = re.findall(r"__local_depot\d+\[(\d+)\]", ptx([case]))
        assert int(size) <= 40
    assert {case.op.name for case in chosen} == {"sin", "cos", "tan"}


# ---- kernels that generated programs call ------------------------------------------------------------------

STEPS = {op.name: op.lowering.step for op in OPS.values() if isinstance(op.lowering, Reduction)}
EACH_DTYPE = [(dtype, "any" if dtype is DType.BOOL else "sum") for dtype in COMPUTED]
SOME = [(F64, "sum"), (F64, "max"), (F32, "max"), (DType.I8, "prod"), (DType.BOOL, "all")]


@pytest.mark.parametrize(
    ("body", "reduced"), [("by_shuffles", EACH_DTYPE), ("by_shuffles", SOME), ("by_shared_memory", SOME)]
)
@pytest.mark.parametrize("in_f64", [True, False])
def test_reductions_over_lanes(body, reduced, in_f64):
    chosen = [(dtype, step) for dtype, step in reduced if (dtype is F64) == in_f64]
    reducers = [
        getattr(reductions, body)(reductions.combiner(STEPS[step], dtype), dtype.numpy.type)
        for dtype, step in chosen
    ]
    text = toolkit.ptx(calling(reducers), tuple(array(dtype, 1) for dtype, _ in chosen))
    assert double(text) == in_f64
    assert not local(text)
    assert not atomic(text)
    assert ("shfl.sync" in text) == (body == "by_shuffles")
    assert "call" not in text


def calling(functions):
    """A kernel that calls each of these on an element of its own array."""
    parameters = [f"x{k}" for k in range(len(functions))]
    lines = [f"    {x}[i] = f{k}({x}[i])\n" for k, x in enumerate(parameters)]
    module = {"cuda": toolkit.cuda(), **{f"f{k}": f for k, f in enumerate(functions)}}
    exec(f"def kernel({', '.join(parameters)}):\n    i = cuda.grid(1)\n{''.join(lines)}", module)
    return module["kernel"]


INDEX, FLAG = array(I64, 0), array(DType.BOOL, 0)


@pytest.mark.parametrize("kernels", ["_by_lanes", "_by_columns"])
@pytest.mark.parametrize("dtype", [F64, F32, DType.I8])
def test_running_sums(kernels, dtype):
    made, x = getattr(scans, kernels)(dtype.numpy), array(dtype, 3)
    assert_plain(made.sums, dtype, x, x, INDEX, FLAG)
    assert_plain(made.scan, dtype, x, x, x, INDEX, FLAG)


@pytest.mark.parametrize("dtype", [F64, F32])
def test_sums_of_runs(dtype):
    keys, values = array(I64, 1), array(dtype, 2)
    assert_plain(sorting._chunk_runs, dtype, values, keys, values, keys, FLAG, keys, values, INDEX)


def test_sorting():
    keys, counts = array(I64, 1), array(I64, 2)
    assert_plain(sorting._count, I64, keys, counts, INDEX, INDEX)
    assert_plain(sorting._place, I64, keys, keys, counts, keys, keys, INDEX, INDEX)


def assert_plain(kernel, dtype, *signature):
    text = toolkit.ptx(kernel, signature)
    assert not local(text)
    assert not atomic(text)
    assert double(text) == (dtype is F64)


def test_atomics_are_told():
    values = array(F64, 2)
    assert atomic(toolkit.ptx(sorting._add_each, (values, array(I64, 1), values)))
