"""Both transforms on every op record, at first and second order; and the text of each record's program."""

import numpy as np
import pytest
from modes import floats, mismatch, optimised, random_like
from op_cases import Case, cases
from roundtrip import assert_round_trip

from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.op import NoDerivative
from adcompiler.ir.types import ArrayType
from adcompiler.transforms.forward import forward
from adcompiler.transforms.reverse import reverse


def result_types(case: Case) -> list[ArrayType]:
    return [r.type for r in case.function.body.results]


DIFFERENTIABLE = [
    case
    for case in cases()
    if case.sample.smooth
    and not isinstance(case.op.derivative, NoDerivative)
    and any(np.size(case.inputs[k]) for k in case.floats)
    and any(v.type.dtype.is_float for v in case.function.body.results)
    and all(t.dtype.itemsize == 8 for t in (*case.types, *result_types(case)) if t.dtype.is_float)
]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.id)
def test_reverse_is_the_transpose_of_forward(case: Case) -> None:
    assert mismatch(case.function, case.inputs) < 1e-11


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.id)
def test_second_order(case: Case) -> None:
    """Forward over reverse and reverse over reverse agree, and so do the two over forward."""
    rng = np.random.default_rng(0)
    primal, wrt = case.function, floats(case.function)
    bars = [b for b in random_like(case.outputs, rng) if np.asarray(b).dtype.kind == "f"]
    backward = optimised(reverse(primal, wrt))
    assert mismatch(backward, [*case.inputs, *bars]) < 1e-10
    onward = optimised(forward(primal, wrt))
    assert mismatch(onward, [*case.inputs, *random_like([case.inputs[k] for k in wrt], rng)]) < 1e-10


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.id)
def test_simplification_keeps_the_adjoint(case: Case) -> None:
    backward = reverse(case.function, floats(case.function))
    bars = random_like(case.outputs, np.random.default_rng(1))
    plain, simpler = (evaluate(f, [*case.inputs, *bars]) for f in (backward, optimised(backward)))
    for a, b in zip(plain, simpler, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.id)
def test_the_text_of_a_record_reads_back(case: Case) -> None:
    assert_round_trip(case.function)
