"""Scalars of the device as arrays of one element: the same numbers to the last bit, and nothing left over."""

import numpy as np
import pytest
from affine_programs import random_program
from loop_oracle import arguments
from modes import floats

from adcompiler import pipeline
from adcompiler.backends.cuda.lifting import lifted
from adcompiler.ir.check import verify
from roundtrip import assert_round_trip, outcome

SIZES = [{"n": 5, "m": 2}, {"n": 0, "m": 0}, {"n": 1, "m": 1}]


def assert_lifted(function, args, sizes):
    after = lifted(function)
    verify(after)
    assert_round_trip(after, evaluated=False)
    assert outcome(after, args, sizes) == outcome(function, args, sizes)

@pytest.mark.parametrize("start", range(0, 40, 20))
def test_random(start):
    for seed in range(start,start+20):
        p=random_program(seed).function
        for f in (p, pipeline.finished(pipeline.adjoint(p, floats(p), "auto"))):
          for sizes in SIZES:
            args=arguments(f, seed, sizes)
            assert_lifted(f,args,sizes)
