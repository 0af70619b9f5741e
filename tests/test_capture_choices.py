"""One of two things, which of them depends on data: views of one array, bools and numbers."""

import numpy as np
import pytest
from captured_programs import assert_captured, load, run_captured

from adcompiler import adjoint, check_grads
from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError
from adcompiler.ir.graph import walk

A = np.arange(12.0).reshape(4, 3)
V = np.linspace(0.1, 1.0, 12)
X = np.array([0.5, 1.5, -2.5, 0.2, 0.3])

# ---- views of one array ----

VIEWS = {
    "rows": (
        """
        def f(a, c, i, j):
            row = a[i] if c[0] > 0 else a[j]
            row[1] = 7.0
            a[1, 1] += 1.0
            return a, row, a[0] + row
        """,
        [(A, X, 0, 1), (A, -X, 0, 1), (A, X, 1, 3)],
    ),
    "parts": (
        """
        def f(a, c):
            if c[0] > 0:
                column, part, turned = a[:, 1], a[1:3, 0], a.T[0]
            else:
                column, part, turned = a[:, 0], a[0:2, 2], a.T[2]
            column *= 2.0
            part += turned[1:3]
            return a, column, part, turned, np.sum(a)
        """,
        [(A, X), (A, -X)],
    ),
    "in a loop": (
        """
        def f(a, c):
            s = 0.0
            for i in range(c.shape[0]):
                k = i % 3
                row = a[k] if c[i] > 0.5 else a[k + 1]
                row += c[i]
                s = s + row[0] * a[0, 0]
            return s, a
        """,
        [(A, V), (A, -V), (A, V + 1.0)],
    ),
    "at places that data give": (
        """
        def f(a, c, k):
            row = a[k[0]] if c[0] > 0 else a[k[1]]
            row[0] = 9.0
            return a, np.sum(row)
        """,
        [(A, X, np.array([0, -1])), (A, -X, np.array([0, -1]))],
    ),
    "returned": (
        """
        def f(a, c):
            if c[0] > 0:
                return a[1]
            return a[2]
        """,
        [(A, X), (A, -X)],
    ),
}


LAST = {
    "a row": (
        """
        def f(a):
            for i in range(a.shape[0]):
                row = a[i]
            row[1] = 9.0
            a[:, 0] += row[1]
            return a, row
        """,
        [(A,), (np.ones((9, 2)),)],
    ),
    "a part": (
        """
        def f(a):
            for i in range(1, a.shape[0]):
                part = a.T[:, i - 1]
                a[i] += part
            part *= 2.0
            return a, part
        """,
        [(A,), (np.ones((9, 2)),)],
    ),
    "of a loop that was left": (
        """
        def f(a):
            for i in range(a.shape[0]):
                row = a[i]
                if row[0] > 5.0:
                    break
            row[1] = 9.0
            return a
        """,
        [(A,), (A * 0.5,), (A + 7.0,)],
    ),
    "of rows": (
        """
        def f(a):
            for row in a:
                row[0] = 2.0
            row[1] = 9.0
            return a
        """,
        [(A,), (np.ones((9, 2)),)],
    ),
}


@pytest.mark.parametrize("name", LAST)
def test_a_view_of_the_last_trip_is_one_after_the_loop(name):
    source, calls = LAST[name]
    f = load(source)["f"]
    for args in calls:
        assert_captured(f, args)


@pytest.mark.parametrize("name", VIEWS)
def test_a_choice_of_views_of_one_array_is_a_view_of_it(name):
    source, calls = VIEWS[name]
    assert_captured(load(source)["f"], *calls)


def test_a_choice_of_views_copies_nothing():
    f = load(VIEWS["rows"][0])["f"]
    captured = capture(f, VIEWS["rows"][1][0])
    (choice,) = (eqn for eqn in walk(captured.function.body) if eqn.op.name == "if")
    assert [str(output.type) for output in choice.outputs] == ["i64"]


def test_the_gradient_of_a_choice_of_views():
    f = load("""
def f(a, c):
    s = 0.0
    for i in range(c.shape[0]):
        row = a[i % 3] if c[i] > 0.5 else a[3]
        row[1] = row[0] * c[i]
        s += np.sum(row * row)
    return s
""")["f"]
    check_grads(f, (A, V))


# ---- bools and numbers ----

MIXED = {
    "a flag that is a number": "k = 0\nif x[0] > 0.0:\n    k = True\nreturn k * 1.5, k + k",
    "a number that is a flag": "k = True\nif x[0] > 0.0:\n    k = x[1]\nreturn k * 1.5, k + k",
    "a float": "k = 2.5\nif x[0] > 0.0:\n    k = False\nreturn k * 1.5, k + k",
    "a choice": "return (True if x[0] > 0 else 3) * 0.5",
    "and": "return ((x[0] > 0) and x[1]) * 2.0, ((x[0] > 0) and 3) * 0.5",
    "in a loop": "k = False\nfor v in x:\n    if v > 1.0:\n        k = True\nreturn k + 1.0",
}


@pytest.mark.parametrize("name", MIXED)
def test_a_python_bool_is_a_number_beside_numbers(name):
    body = MIXED[name].replace("\n", "\n    ")
    f = load(f"def f(x):\n    {body}")["f"]
    for x in (X, -X, np.tile(X, 3), np.tile(-X, 3)):
        assert_captured(f, (x,))


def test_a_bool_of_numpy_is_no_number():
    """Its sum with itself is True, and not 2."""
    f = load("def f(x):\n    k = 0\n    if x[0] > 0:\n        k = x[1] > 0\n    return k + k")["f"]
    with pytest.raises(CaptureError, match="`k` is bool in one branch .* and a Python int in the other"):
        capture(f, (X,))


# ---- arrays of rank 0 ----

RANK_0 = {
    "a branch": "if x[1] > 0.0:\n        s = 1.0",
    "a loop": "for i in range(len(x)):\n        s = s if i < 2 else x[i]",
    "a name that gets one in a loop": "s = 1.0\n    for v in x:\n        s = np.where(v > 0, v, s)",
}


@pytest.mark.parametrize("name", RANK_0)
def test_what_may_be_an_array_of_rank_0_is_not_changed_in_place(name):
    template = "def f(x):\n    t = s = np.where(x[0] > 0.0, x[0], 1.0)\n    {}\n    {}\n    return t + s"
    plain = load(template.format(RANK_0[name], "s = s * 2.0"))["f"]
    assert_captured(plain, (V,), (-V,))
    in_place = load(template.format(RANK_0[name], "s *= 2.0"))["f"]
    with pytest.raises(CaptureError, match=r"`\*=` changes an array of rank 0"):
        capture(in_place, (V,))


def test_scalars_of_numpy_are_no_arrays():
    """Their copies and reshapes are scalars, too: a second name keeps its value."""
    arithmetic = "x[0] * np.where(x[1] > 0, 2.0, 3.0)"
    for made in ("x[0].copy()", "np.squeeze(x[0])", "x[0].reshape(())", arithmetic):
        f = load(f"def f(x):\n    t = s = {made}\n    s *= 2.0\n    return t + s * x[1]")["f"]
        assert_captured(f, (X,))
        adjoint(f, backend="numpy")(X)


# ---- integers of floats ----

WHOLE = ["int(v)", "round(v)", "math.floor(v)", "math.ceil(v)"]


@pytest.mark.parametrize("whole", WHOLE)
def test_what_is_no_integer_of_64_bits_is_an_error(whole):
    """A program without a check had made some integer of NaN."""
    f = load(f"import math\ndef f(v):\n    return {whole} * 2.0")["f"]
    captured = assert_captured(f, (2.5,), (-1.5,))
    for value, error in ((np.nan, ValueError), (np.inf, OverflowError), (-1e300, OverflowError)):
        with pytest.raises(error, match="cannot convert"):
            run_captured(captured, f, (value,))
