"""Arrays with several names in loops: right, or refused; by hand and at random."""

import random

import numpy as np
import pytest
from array_programs import random_alias_program, random_array_program
from captured_programs import assert_captured, load, run_captured, run_plain, same

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import AdcompilerError, CaptureError


def vector(n, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1.0, n)


# ---- arrays carried by value ----

SWAPS = {
    "arguments, read only": """
        def f(u, v, n):
            for _ in range(n):
                u, v = v, u
            return u, v
    """,
    "three names": """
        def f(u, v, n):
            w = u * 2.0
            for _ in range(n):
                u, v, w = v, w, u
            return u, v, w
    """,
    "a step that is a view": """
        def f(u, v, n):
            for _ in range(n):
                u = u[::-1] + v
            return u
    """,
    "reversed views": """
        def f(u, v, n):
            for _ in range(n):
                u = u[::-1]
            return u * 1.0
    """,
    "written after the loop": """
        def f(u, v, n):
            for _ in range(n):
                u = u * 0.5 + v
            u[0] = 7.0
            return u, v
    """,
    "written in the loop": """
        def f(u, v, n):
            for _ in range(n):
                u = u * 0.5 + v
                u[0] = 7.0
                u[1:] += 1.0
            return u, v
    """,
    "copied first": """
        def f(u, v, n):
            u = u.copy()
            for _ in range(n):
                u[0] = v[0]
                u = u + v
            return u
    """,
    "inner loop": """
        def f(u, v, n):
            for _ in range(n):
                for _ in range(n - 3):
                    u = u * 0.9 + v
                v = v + u
            return u, v
    """,
}


@pytest.mark.parametrize("name", SWAPS)
def test_arrays_that_change_places(name):
    f = load(SWAPS[name])["f"]
    calls = [(vector(6), vector(6, 1), n) for n in (12, 0, 1, 2, 3, 7)]
    captured = assert_captured(f, *calls)
    assert "put" not in {e.op.name for e in captured.function.body.eqns} or "written" in name


ALIASES = {
    "a whole array stored in each trip": """
        def f(u, n):
            v = u * 0.5
            z = u * 0.25
            for _ in range(n):
                z = u[::-1]
            for _ in range(n):
                v[:] = z
                u[0] = u[0] + 1.0
            return v * 1.0, u * 1.0
    """,
    "the start is read under another name": """
        def f(u, n):
            w = u
            for _ in range(n):
                u[0] = u[0] + w[0]
                u = u + 1.0
            return u
    """,
    "the end is an array from outside": """
        def f(u, n):
            w = u * 2.0
            for _ in range(n):
                u[0] = 3.0
                u = w
            return u, w
    """,
    "an array is read that may have been written": """
        def f(u, n):
            w = u
            for _ in range(n):
                u = u + 1.0
            u[0] = 3.0
            return w
    """,
    "an array is read after a swap with writes": """
        def f(u, n):
            w = u
            v = u * 2.0
            for _ in range(n):
                v[0] = 1.0
                u, v = v, u
            return w
    """,
    "an inner loop that may make no trip": """
        def f(u, n):
            w = u
            s = 0.0
            for _ in range(n):
                for _ in range(n - 12):
                    u = u + 1.0
                u[0] = 5.0
                s = s + w[0]
            return s
    """,
    "a read before what makes it doubtful": """
        def f(u, n):
            s = 0.0
            for _ in range(n):
                s = s + u[0]
                v = u
                for _ in range(n - 12):
                    v[0] = 3.0
                    v = v + 1.0
            return s
    """,
}


@pytest.mark.parametrize("name", ALIASES)
def test_what_could_be_wrong_is_refused(name):
    f = load(ALIASES[name])["f"]
    with pytest.raises(CaptureError):
        run_captured(capture(f, (vector(6), 12)), f, (vector(6), 12))


# ---- random programs ----

SIZES = ((6, 12), (9, 0), (5, 3), (7, 20))


def arguments(seed, n, m):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, n), rng.uniform(0, 1, n), float(rng.uniform(0, 1)), m


def outcome(source, seed):
    """Right or refused, at every size at which Python gives an answer; a wrong number fails."""
    f = load(source)["f"]
    captured = None
    for k, (n, m) in enumerate(SIZES):
        args = arguments(10 * seed + k, n, m)
        try:
            expected = run_plain(f, args)
        except Exception:
            continue
        try:
            with np.errstate(all="ignore"):
                got = run_captured(captured, f, args) if captured is not None else None
                if got is None:
                    captured = capture(f, args)
                    got = run_captured(captured, f, args)
        except (AdcompilerError, NameError):
            return "refused"
        assert same(got, expected), f"wrong numbers at n = {n}, m = {m}:\n{source}"
    return "right"


@pytest.mark.parametrize("block", range(8))
def test_random_programs_are_right_or_refused(block):
    seeds = range(25 * block, 25 * block + 25)
    found = [outcome(random_array_program(random.Random(seed)), seed) for seed in seeds]
    assert found.count("right") >= 8


@pytest.mark.parametrize("block", range(4))
def test_random_aliases_are_right_or_refused(block):
    seeds = range(40 * block, 40 * block + 40)
    found = [outcome(random_alias_program(random.Random(seed)), seed) for seed in seeds]
    assert found.count("right") >= 6
