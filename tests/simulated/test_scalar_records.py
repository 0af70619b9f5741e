"""Each elementwise op in a kernel of its own, one thread an element, against NumPy."""

import numpy as np
import pytest
from op_cases import cases
from scalar_sources import (
    COMPUTED,
    NAMES,
    assert_numpys,
    is_computed,
    result_dtype,
    scalar_source,
    variants,
)

from adcompiler.backends.cuda.device import toolkit
from adcompiler.ir.op import Scalar

cuda = toolkit.cuda()
CASES = [case for case in cases() if isinstance(case.op.lowering, Scalar) and is_computed(case)]


def by_kernel(case):
    names = "abc"[: len(case.inputs)]
    text = f"""
def kernel({", ".join(names)}, out):
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = {scalar_source(case, [f"{name}[i]" for name in names])}
"""
    module = {**NAMES, "cuda": cuda}
    exec(text, module)
    operands = [np.ravel(x) for x in np.broadcast_arrays(*case.inputs)]
    out = np.zeros(operands[0].size, result_dtype(case).numpy)
    cuda.jit(module["kernel"])[-(-out.size // 8), 8](*operands, out)
    return out


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_kernel_gives_what_numpy_gives(case):
    for variant in variants(case, COMPUTED):
        assert_numpys(variant, by_kernel(variant))
