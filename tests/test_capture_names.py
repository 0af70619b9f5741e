"""Names that have a value on some paths only, and what Python raises in code that may not run.

A name without a value is an error where it is read, and nowhere else; an error that Python would raise is
raised where the program gets there.
"""

import numpy as np
import pytest
from captured_programs import assert_captured, load, run_captured, run_plain, same

from adcompiler import adjoint
from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError

V = np.linspace(0.1, 1.0, 12)

# ---- names ----

NAMED = {
    "a loop that may make no trip": (
        """
        def f(x, n):
            for i in range(n):
                y = x[i]
            if x[0] > 0.5:
                return y
            return x[0]
        """,
        [(V, 12), (V + 1, 12), (V, 3)],
    ),
    "a loop that makes none": (
        """
        def f(x, n):
            for i in range(n):
                y = x[i]
            if x[0] > 0.5:
                return y
            return x[0]
        """,
        [(V, 0), (V + 1, 0)],
    ),
    "a branch": (
        """
        def f(x):
            if x[0] > 0.5:
                k = x[1]
                w = x * 2.0
            s = 1.0
            if x[0] > 0.5:
                s = k * np.sum(w)
            return s
        """,
        [(V,), (V + 1,)],
    ),
    "a search": (
        """
        def f(x, n):
            for i in range(n):
                if x[i] > 0.5:
                    k = i
                    v = x[i] * 2.0
                    break
            return x[k] + v
        """,
        [(V, 12), (-V, 12), (V, 3), (V, 0)],
    ),
    "the last that was found": (
        """
        def f(x, n):
            for i in range(n):
                if x[i] > 0.5:
                    k = i
            return x[k]
        """,
        [(V, 12), (-V, 12), (V[::-1].copy(), 12), (V, 0)],
    ),
    "a search in two loops": (
        """
        def f(x):
            for i in range(x.shape[0]):
                for j in range(x.shape[0]):
                    if x[i] * x[j] > 0.5:
                        a, b = i, x[j]
                        break
            return x[a] * b
        """,
        [(V,), (V * 0.1,), (V[::-1].copy(),)],
    ),
    "a while": (
        """
        def f(x):
            i = 0
            while i < x.shape[0] and x[i] < 0.5:
                last = x[i]
                i += 1
            return last * i if i > 0 else 0.0
        """,
        [(V,), (V + 1,)],
    ),
    "a while that is read from": (
        """
        def f(x):
            i = 0
            while x[i] < 0.5:
                last = x[i]
                i += 1
            return last
        """,
        [(V,), (V + 1,)],
    ),
    "from the trip before": (
        """
        def f(x):
            s = 0.0
            for i in range(x.shape[0]):
                if i > 0:
                    s = s + before * x[i]
                before = x[i] + s
            return s
        """,
        [(V,), (np.zeros(0),), (V[:7],)],
    ),
    "from the trip before, in a loop": (
        """
        def f(x):
            s = 0.0
            for i in range(x.shape[0]):
                for j in range(i):
                    s = s + before * x[j]
                before = x[i] + s
            return s + before
        """,
        [(V,), (V[:7],)],
    ),
    "a loop inside of one": (
        """
        def f(x):
            t = 0.0
            for i in range(x.shape[0]):
                for j in range(i):
                    last = x[j] * x[i]
                if i > 0:
                    t += last
            return t
        """,
        [(V,), (V[:7],)],
    ),
    "into a loop": (
        """
        def f(x, n):
            if x[0] > 0.05:
                w = x[1]
            s = 0.0
            for i in range(n):
                s = s + w * x[i]
                w = w * 0.5
            return s
        """,
        [(V, 12), (V - 1, 12), (V - 1, 0)],
    ),
    "through a loop": (
        """
        def f(x, n):
            if x[0] > 0.05:
                w = x[1]
            for i in range(n):
                if x[i] > 0.5:
                    w = x[i]
            return w
        """,
        [(V, 12), (V - 1, 12), (V - 1, 0), (V - 0.5, 12), (V - 0.4, 12)],
    ),
    "an integer that becomes a float": (
        """
        def f(x):
            for i in range(x.shape[0]):
                if x[i] > 0.5:
                    w = 1
                if x[i] > 0.8:
                    w = w + x[i]
            return w
        """,
        [(V,), (V[::-1] * 0.7,), (-V,)],
    ),
    "what is no number": (
        """
        def f(x):
            if x[0] > 0.5:
                w = None
            return w
        """,
        [(V,), (V + 1,)],
    ),
    "a function around": (
        """
        def f(x):
            if x[0] > 0.05:
                w = x[1]
            scaled = lambda t: t * w
            return scaled(x[2])
        """,
        [(V,), (V - 1,)],
    ),
    "both branches raise": (
        """
        def f(x):
            if x[0] > 0.5:
                return q
            else:
                q = x[77]
            return q
        """,
        [(V,), (V + 1,)],
    ),
    "a name of the first trip": (
        """
        def f(x):
            s = 0.0
            for i in range(x.shape[0]):
                if i == 0:
                    t = x[i]
                else:
                    t = t * x[i]
                s += t
            return s + t
        """,
        [(V,), (V[:7],)],
    ),
}

# ---- what Python raises ----

RAISING = {
    "no trip of a for": (
        """
        def f(x):
            v = x * 1.0
            for i in range(x.shape[0]):
                v[:2] = [0.5, 1.0]
            return v
        """,
        [(np.zeros(0),)],
    ),
    "an index in a for": (
        """
        def f(x, n):
            s = 0.0
            for i in range(n):
                s += (0.5, 0.25)[3] * x[i]
            return s
        """,
        [(V, 0)],
    ),
    "a name in a while": (
        """
        def f(x, m):
            n = x.shape[0]
            i = 0
            while i < m and x[0] > 9.0:
                for j in range(n - 1, 0, -2):
                    d = 1.0
                x[0] = d
                i += 1
            return x
        """,
        [(np.ones(1), 0), (np.full(1, 10.0), 0), (np.full(1, 10.0), 7)],
    ),
    "types in a while": (
        """
        def f(x, m):
            i = 0
            while i < m and x[0] > 0.0:
                y = 1 + "a"
                i += 1
            return x[0]
        """,
        [(V, 0), (V, 3), (V - 1, 3)],
    ),
    "an attribute in a branch": (
        """
        def f(x):
            if x[0] > 0.5:
                y = (1).missing
            return x[0]
        """,
        [(V,), (V + 1,)],
    ),
    "a loop in a branch": (
        """
        def f(x, n):
            s = 0.0
            if x[0] > 0.5:
                for i in range(n):
                    s += x[50]
            return s
        """,
        [(V, 10), (V + 1, 10), (V, 3)],
    ),
    "an assertion in a while": (
        """
        def f(x, n):
            i = 0
            while i < n and x[i] > 0.0:
                x[i] = 7.0
                assert len(x) < 5, "too long"
                i += 1
            return x
        """,
        [(V, 0), (V, 2), (-V, 2)],
    ),
    "writes before it": (
        """
        def f(x, k):
            y = np.zeros(3)
            s = 0.0
            for i in range(k[0]):
                y[0] += 1.0
                s += 1.0
                y[1] = {"a": 1.0}["b"]
            return s, y
        """,
        [(V, np.array([0])), (V, np.array([1])), (V, np.array([4]))],
    ),
}


def answer(f, captured, args):
    """What a call gives: by this program, or by another one where this does not serve it."""
    got = run_captured(captured, f, args)
    return got if got is not None else run_captured(capture(f, args), f, args)


@pytest.mark.parametrize("name", [*NAMED, *RAISING])
def test_a_program_raises_what_python_raises_and_when(name):
    source, calls = (NAMED | RAISING)[name]
    f = load(source)["f"]
    captured = capture(f, calls[0])
    for args in calls:
        try:
            expected = run_plain(f, args)
        except Exception as error:
            with pytest.raises(type(error)):
                answer(f, captured, args)
        else:
            assert same(answer(f, captured, args), expected)


def test_the_error_is_raised_at_the_line_that_reads_the_name():
    source, _ = NAMED["a search"]
    f = load(source)["f"]
    gradient = adjoint(f, backend="numpy")
    np.testing.assert_array_equal(gradient(V, 12), 3.0 * (np.arange(12) == 5))
    with pytest.raises(UnboundLocalError) as error:
        gradient(-V, 12)
    assert str(error.value) == "cannot access local variable 'k' where it is not associated with a value"
    assert "return x[k] + v" in "".join(error.value.__notes__)


def test_one_program_serves_every_positive_number_of_trips():
    """That there is a first trip is a guard, not a check in the program."""
    f = load("def f(x):\n    for v in x:\n        y = v * v\n    return y")["f"]
    captured = assert_captured(f, (V,), (V[:5],))
    assert "check" not in {eqn.op.name for eqn in captured.function.body.eqns}
    assert run_captured(captured, f, (np.zeros(0),)) is None


OUTLAST = {
    "an array": ("w = x * x[i]", "w"),
    "a tuple": ("w = (x[i], i)", "w[0]"),
}


@pytest.mark.parametrize("name", OUTLAST)
def test_only_numbers_outlast_a_loop_that_sets_them_in_some_trips(name):
    assign, read = OUTLAST[name]
    f = load(f"""
def f(x, n):
    for i in range(n):
        if x[i] > 0.5:
            {assign}
    return {read}
""")["f"]
    with pytest.raises(CaptureError) as error:
        capture(f, (V, 12))
    assert str(error.value).replace(f.__code__.co_filename, "FILE").splitlines()[::3] == [
        "FILE:6: `w` has no value here: it gets its value in only some trips of the loop at line 3, and only "
        "a number outlasts that",
        "hint: give `w` a value before the loop",
    ]


def test_an_array_of_the_trip_before_is_refused():
    f = load("""
def f(x, k):
    s = 0.0
    for i in range(k[0]):
        if i > 0:
            s = s + np.sum(before)
        before = x * x[i]
    return s
""")["f"]
    with pytest.raises(CaptureError) as error:
        capture(f, (V, np.array([9])))
    assert str(error.value).replace(f.__code__.co_filename, "FILE") == (
        "FILE:4: `before` is read in a trip before it has a value there, and holds an array float64[n] from "
        "the trip before\n"
        "    for i in range(k[0]):\n"
        "             ^^^^^^^^^^^\n"
        "hint: give `before` a value before the loop"
    )


def test_a_later_trip_that_raises_is_refused_where_it_may_not_be_made():
    f = load("""
def f(x, k):
    j = 0
    for i in range(k[0]):
        y = x[j]
        j = j + 0.5
    return y
""")["f"]
    with pytest.raises(CaptureError) as error:
        capture(f, (V, np.array([9])))
    assert error.value.location.line == 5
    assert error.value.message.endswith("are valid indices, in some trips of a loop")
    assert error.value.hint == "give the variables of the loop their final types before it"
