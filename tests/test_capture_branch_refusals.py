"""Branches that data decide, and that are refused: the whole message; and loops that are unrolled instead."""

import numpy as np
import pytest
from captured_programs import assert_captured, load

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError
from adcompiler.ir.graph import walk


def vector(n, seed=0):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, n)


BOTH = "make `y` a number, or an array of one dtype and shape, in both branches"
PATHS = "return numbers, or arrays of one dtype and shape, on every path"
REFUSALS = {
    "dtypes": (
        """
        def f(x):
            if x[0] > 0:
                y = np.float32(x[0])
            else:
                y = x[0]
            return y
        """,
        "FILE:3: `y` is float32 in one branch of the `if` at line 3 and float64 in the other",
        "if x[0] > 0:",
        "   ^^^^^^^^",
        "convert both: `np.float64(...)`",
    ),
    "shapes": (
        """
        def f(x):
            if x[0] > 0:
                y = x[1:]
            else:
                y = x
            return y
        """,
        "FILE:3: `y` is an array float64[max(n - 1, 0)] in one branch of the `if` at line 3 and "
        "an array float64[n] in the other",
        "if x[0] > 0:",
        "   ^^^^^^^^",
        BOTH,
    ),
    "a size of one branch": (
        """
        def f(x):
            k = np.argmax(x)
            if x[0] > 0:
                y = np.zeros(k)
            else:
                y = np.zeros(k)
            return y
        """,
        "FILE:4: `y` is an array float64[k_1] in one branch of the `if` at line 4 and "
        "an array float64[k_2] in the other",
        "if x[0] > 0:",
        "   ^^^^^^^^",
        BOTH,
    ),
    "an array or a number": (
        """
        def f(x):
            if x[0] > 0:
                y = x
            else:
                y = 2.0
            return y
        """,
        "FILE:7: `y` has no value here: it is an array float64[n] in one branch of the `if` at line 3 and "
        "a number (a Python float) in the other",
        "return y",
        "       ^",
        BOTH,
    ),
    "strings": (
        """
        def f(x):
            if x[0] > 0:
                y = "sin"
            else:
                y = "cos"
            return x if y == "sin" else x * 2
        """,
        "FILE:7: `y` has no value here: it is 'sin' in one branch of the `if` at line 3 and 'cos' in the "
        "other",
        'return x if y == "sin" else x * 2',
        "            ^",
        BOTH,
    ),
    "local to a branch": (
        """
        def f(x):
            y = [x[0]]
            if x[0] > 0:
                y = [x[1], x[2]]
            return y[0]
        """,
        "FILE:6: `y` has no value here: it is a list in one branch of the `if` at line 4 and a list in the "
        "other",
        "return y[0]",
        "       ^",
        BOTH,
    ),
    "None on one path": (
        """
        def f(x):
            if x[0] > 0:
                return x[1]
        """,
        "FILE:4: what the function returns has no value here: it is a number (float64) in one branch of "
        "the `if` at line 3 and None in the other",
        "return x[1]",
        "   ^^^^^^^^",
        PATHS,
    ),
    "arrays of two shapes are returned": (
        """
        def f(x):
            if x[0] > 0:
                return x[1:]
            return x
        """,
        "FILE:3: what the function returns is an array float64[max(n - 1, 0)] in one branch of the `if` at "
        "line 3 and an array float64[n] in the other",
        "if x[0] > 0:",
        "   ^^^^^^^^",
        PATHS,
    ),
    "or": (
        """
        def f(x):
            return x[0] > 0 or x[1]
        """,
        "FILE:3: `a or b` is bool or float64, which of them depends on data",
        "return x[0] > 0 or x[1]",
        "       ^^^^^^^^^^^^^^^^",
        "convert both: `np.float64(...)`",
    ),
    "ternary": (
        """
        def f(x):
            return x[0] if x[0] > 0 else None
        """,
        "FILE:3: `a if condition else b` has no value here: it is a number (float64) or None, "
        "which of them depends on data",
        "return x[0] if x[0] > 0 else None",
        "       ^^^^^^^^^^^^^^^^^^^^^^^^^^",
        "make both a number, or both an array of one dtype and shape",
    ),
    "a comprehension": (
        """
        def f(x):
            return [a for a in (x[0], x[1]) if a > 0]
        """,
        "FILE:3: the `if` of a comprehension decides on a value that is known only when the program runs, so "
        "the number of elements would be too",
        "return [a for a in (x[0], x[1]) if a > 0]",
        "                                   ^^^^^",
        "compute all and weigh: np.where(condition, a, 0.0); or write a `for` loop with an `if`",
    ),
    "append": (
        """
        def f(x):
            y = []
            if x[0] > 0:
                y.append(x[1])
            return y
        """,
        "FILE:5: `.append()` changes a list made outside this branch of an `if`: it would happen once, "
        "while tracing",
        "y.append(x[1])",
        "^^^^^^^^^^^^^^",
        "use an array made by np.zeros, and write out[i] = ...",
    ),
    "a list that may be another one": (
        """
        def f(x):
            y = [x[0]]
            if x[0] > 0:
                y = [x[1]]
            y[0] = 2.0
            return y
        """,
        "FILE:6: item assignment changes a list that may be one of two, which of them depends on data",
        "y[0] = 2.0",
        "^^^^^^^^^^",
        "use an array made by np.zeros, and write out[i] = ...",
    ),
    "an array that may be another one": (
        """
        def f(x):
            y, z = x * 1.0, x * 2.0
            w = y
            if x[0] > 0:
                w = z
            w[0] = 2.0
            return y
        """,
        "FILE:2: `y` is read, but it may share memory with `w`, which was written at FILE:7; whether it does "
        "depends on data or memory layout",
        "def f(x):",
        None,
        "make a copy before: x.copy()",
    ),
    "the truth of an array": (
        """
        def f(x):
            return x if x > 0 else -x
        """,
        "FILE:3: the truth of an array is ambiguous",
        "return x if x > 0 else -x",
        "       ^^^^^^^^^^^^^^^^^^",
        "write np.all(...) or np.any(...), or np.where(...) for a choice element by element",
    ),
    "recursion": (
        """
        def g(a):
            return g(0.5 * a) + 1.0 if a > 1.0 else a

        def f(x):
            return g(x[0])
        """,
        "FILE:3: `g` calls itself in a branch of an `if` that is decided when the program runs: "
        "tracing both branches never ends",
        "return g(0.5 * a) + 1.0 if a > 1.0 else a",
        "       ^^^^^^^^^^",
        "write it as a `while` loop, or let a plain Python number end it",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_place_reason_and_way_out(name):
    source, what, line, caret, way_out = REFUSALS[name]
    f = load(source)["f"]
    with pytest.raises(CaptureError) as error:
        capture(f, (vector(12),))
    shown = str(error.value).replace(f.__code__.co_filename, "FILE")
    place = [f"    {text}" for text in (line, caret) if text]
    assert shown == "\n".join([what, *place, f"hint: {way_out}"])


BY_INDEX = {
    "a function": "op = np.sin if i % 2 == 0 else np.cos\n        s += op(x[i])",
    "a dtype": "u = x[i] if i > 3 else np.float32(2.0)\n        s += u * u",
    "a shape": "u = x[1:] if i == 5 else x\n        s += u[i]",
    "a string": "kind = 'a' if i > 4 else 'b'\n        s += x[i] if kind == 'a' else 1.0",
    "a list": "if i % 3 == 0:\n            done.append(x[i])\n        s += len(done) * x[i]",
    "elements": "s += sum([x[k] for k in range(12) if k > i])",
    "an array of the first trip": "if i == 0: t = x * x[i]\n        else: t = t * x[i]\n        s += t[0]",
}


@pytest.mark.parametrize("name", BY_INDEX)
def test_a_short_loop_is_unrolled_where_its_index_decides_what_a_program_cannot_hold(name):
    f = load(f"""
def f(x):
    s = 0.0
    done = []
    for i in range(12):
        {BY_INDEX[name]}
    return s
""")["f"]
    captured = assert_captured(f, (vector(12),), (vector(12, 1),))
    assert "for" not in {eqn.op.name for eqn in walk(captured.function.body)}


def test_names_are_what_they_were_after_a_branch_that_cannot_be_traced():
    """A loop that cannot be rolled is unrolled, from the state before it."""
    f = load("""
        def f(x):
            s, k = 0.0, 0
            y = np.zeros(12)
            for i in range(12):
                k = k + 1
                if x[i] > 0:
                    s = s + k
                    y[i] = s
                    s = s + [1.0, 2.0, 3.0][i % 3]
            return s, k, y
    """)["f"]
    assert_captured(f, (vector(12),), (vector(12, 1),))


def test_a_fault_of_the_compiler_is_not_taken_for_an_error_of_the_program(monkeypatch):
    def broken(*args):
        raise KeyError("internal")

    monkeypatch.setattr("adcompiler.frontend.values.read_path", broken)
    f = load("def f(x):\n    y = 0.0\n    if np.sum(x) > 0:\n        y = x[0]\n    return y")["f"]
    with pytest.raises(KeyError, match="internal"):
        capture(f, (vector(12),))
