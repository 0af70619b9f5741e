"""What random programs of the frontend found, each is right, or refused at the user's line."""

import numpy as np
import pytest
from captured_programs import assert_captured, load

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError


def vector(n, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1.0, n)


EARLY_RETURNS = {
    "a tuple with an array that the loop rebinds": """
        def f(u, n):
            w = np.zeros(5)
            for i in range(n):
                if i > 2:
                    return 0.5, w
                w = u + 1.0
            return 0.5, w
    """,
    "the same in a while": """
        def f(u, n):
            w = np.zeros(5)
            i = 0
            while i < n:
                if i > 2:
                    return i, w
                w = u + 1.0
                i += 1
            return i, w
    """,
    "out of two loops": """
        def f(u, n):
            k = 1
            for _ in range(n):
                for _ in range(n - 3):
                    return k, u
                u = u + 0.1
            return k + 1, u
    """,
}


@pytest.mark.parametrize("name", EARLY_RETURNS)
def test_a_tuple_is_returned_out_of_a_rolled_loop(name):
    """The array of such a tuple was lost: only the number beside it had been carried."""
    f = load(EARLY_RETURNS[name])["f"]
    for n in (12, 2, 0):
        assert_captured(f, (vector(5), n))


def test_a_tuple_that_is_returned_on_some_paths_is_refused():
    """None had been returned on all of them."""
    f = load("""
        def f(u, n):
            for _ in range(n):
                for _ in range(n):
                    return 0.5, u
                u = u + 1.0
    """)["f"]
    with pytest.raises(CaptureError, match="what the function returns .* None"):
        capture(f, (vector(5), 12))


def test_a_doubtful_array_that_is_only_returned_is_refused_with_a_place():
    f = load("""
        def f(u, n):
            v = u
            for _ in range(n):
                u = u + 1.0
            u[0] = 3.0
            return v
    """)["f"]
    with pytest.raises(CaptureError, match="is read, but it may share memory with `u`") as caught:
        capture(f, (vector(6), 12))
    assert caught.value.location is not None and caught.value.location.function == "f"


BODIES_THAT_DO_NOT_RUN = {
    "a name that an inner loop without trips would set": """
        def f(x):
            u = x
            for i in range(x.shape[0]):
                for j in range(0):
                    d = x[:]
                u = d
            return u * 1.0
    """,
    "an item that is not there": """
        def f(x):
            u = np.zeros(2)
            i = 0
            while i < x.shape[0] and x[0] > 9.0:
                i += 1
                u[0] = (0.5, 0.25)[3]
            return u[:0]
    """,
}


@pytest.mark.parametrize("name", BODIES_THAT_DO_NOT_RUN)
def test_what_a_body_would_raise_that_does_not_run_is_not_raised(name):
    """A bare UnboundLocalError or IndexError, where Python has an answer."""
    f = load(BODIES_THAT_DO_NOT_RUN[name])["f"]
    assert_captured(f, (vector(0),))
