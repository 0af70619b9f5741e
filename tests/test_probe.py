"""Probes: the program is what it was, and a shift of a probe shifts the intermediate value."""

import numpy as np
import pytest
from loop_programs import random_program

from adcompiler.ir.build import function
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Value
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import array_type
from adcompiler.transforms.probe import probed
from adcompiler.transforms.reverse import reverse


@pytest.mark.parametrize("seed", range(10))
def test_with_probes_of_zero_nothing_changes(seed):
    program = random_program(seed)
    probe = probed(program)
    verify(probe.function)
    random = np.random.default_rng(seed)
    args = [random.normal(size=shape) for shape in ((4,), (4,), (4, 4), ())]
    zeros = [np.zeros([d.value({"n": 4}) for d in v.type.shape])[()] for v in probe.probes]
    results = evaluate(program, args)
    found = evaluate(probe.function, [*args, *zeros])
    assert len(found) == len(results) + len(probe.shown)
    for ours, theirs in zip(found, results, strict=False):
        np.testing.assert_array_equal(ours, theirs)


def test_a_probe_has_the_derivative_of_its_intermediate():
    """L = (a b)^2 c: dL/de = 2 e c where e = a b."""

    def body(a, b, c):
        e = a * b
        return [OPS["ipow"](e, n=2) * c]

    params = [Value(array_type("f64"), name) for name in "abc"]
    probe = probed(function("loss", params, body, ops=OPS))
    adjoint = reverse(probe.function, [3])
    *values, slope = evaluate(adjoint, [2.0, -3.0, 10.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    assert values == [360.0, -6.0, 36.0, 360.0]
    assert slope == 2 * -6.0 * 10.0


def test_what_is_no_float_is_shown_without_a_probe():
    def body(x):
        return [OPS["where"](OPS["less"](x, 0.0), -x, x)]

    probe = probed(function("f", [Value(array_type("f64"), "x")], body, ops=OPS))
    assert [str(v.type) for v in probe.shown] == ["bool", "f64", "f64"]
    assert [str(v.type) for v in probe.probes] == ["f64", "f64"]


def test_what_is_undefined_stays_out_of_reach():
    def body(x):
        held = OPS["undefined"](shape=(), dtype=x.type.dtype)
        return [OPS["where"](OPS["less"](x, 0.0), x, x), held]

    probe = probed(function("f", [Value(array_type("f64"), "x")], body, ops=OPS))
    assert len(probe.probes) == 1
