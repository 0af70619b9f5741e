"""Every op on the device: samples of the records against the definition of the IR."""

import pytest
from backend_cases import assert_fresh, assert_same, evaluated, sample_function, size_values
from op_cases import cases

from adcompiler.backends import compile_function
from adcompiler.ir.ops import inverses

DEFINED = [case for case in cases() if case.op.name != "undefined" and case.op not in inverses.OPS]


@pytest.mark.parametrize("case", DEFINED, ids=lambda case: case.id)
def test_the_device_gives_what_the_record_says(case):
    f = sample_function(case.op, case.sample, case.op.name)
    found = compile_function(f, "cuda").call(*case.inputs, *size_values(f, case.inputs))
    assert_same(found, evaluated(f, case.inputs))
    assert_fresh(found, case.inputs)
