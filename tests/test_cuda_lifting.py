"""Scalars of the device as arrays of one element: the same numbers to the last bit, and nothing left over."""

import pytest
from affine_programs import random_program
from loop_oracle import arguments
from modes import floats
from roundtrip import assert_round_trip, outcome

from adcompiler import pipeline
from adcompiler.backends.cuda.lifting import lifted
from adcompiler.ir.check import verify

SIZES = [{"n": 5, "m": 2}, {"n": 0, "m": 0}, {"n": 1, "m": 1}]


def assert_lifted(function, args, sizes):
    after = lifted(function)
    verify(after)
    assert_round_trip(after, evaluated=False)
    assert outcome(after, args, sizes) == outcome(function, args, sizes)


@pytest.mark.parametrize("seed", range(20))
def test_random_loops_and_their_adjoints(seed):
    primal = random_program(seed).function
    for f in (primal, pipeline.finished(pipeline.adjoint(primal, floats(primal), "auto"))):
        for sizes in SIZES:
            assert_lifted(f, arguments(f, seed, sizes), sizes)
