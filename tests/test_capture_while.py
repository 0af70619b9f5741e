"""`while`, and jumps out of rolled loops: captured programs give what plain Python gives, or say why not."""

import jump_programs
import numpy as np
import pytest
import while_programs
from captured_programs import assert_captured, load, run_captured
from jump_programs import counts_in_a_for, packs, search
from while_programs import (
    X9,
    bisection,
    forever,
    guarded_index,
    insertion_sort,
    named_in_the_loop,
    newton_by_error,
    on_a_size,
    search_in_while,
    two_counters,
    vector,
    while_else,
)

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError
from adcompiler.ir.graph import walk


def ops(captured):
    """The ops of a program, inner blocks included."""
    return [eqn.op.name for eqn in walk(captured.function.body)]


PROGRAMS = while_programs.PROGRAMS | jump_programs.PROGRAMS


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda f: f.__name__)
def test_a_program_gives_what_python_gives(function):
    assert_captured(function, *PROGRAMS[function])


RETURNS = {
    "an argument": """
        def f(x, y, level):
            for i in range(x.shape[0]):
                if x[i] > level:
                    return y
            return x
    """,
    "a view": """
        def f(x, y, level):
            a = x[:, None] * y
            for i in range(x.shape[0]):
                if x[i] > level:
                    return a[i]
            return y * 0.0
    """,
    "an array made in a trip": """
        def f(x, y, level):
            for i in range(x.shape[0]):
                z = x[i] * y
                if x[i] > level:
                    return z, i
            return y, -1
    """,
    "a carried array": """
        def f(x, y, level):
            while True:
                y = 0.5 * y
                if np.sum(y) < level:
                    return y
    """,
    "None and then a number": """
        def search(x, level):
            for i in range(x.shape[0]):
                if x[i] > level:
                    return None
            return None
        def f(x, y, level):
            return 1.0 if search(x, level) is None else x[0]
    """,
    "from a helper that writes": """
        def halved(x, y, level):
            for i in range(x.shape[0]):
                x[i] *= 0.5
                if x[i] < level:
                    return x[i]
            y[:] = 1.0
            return 0.0
        def f(x, y, level):
            a = halved(x, y, level)
            b = halved(x, y, level)
            return a, b, x.sum(), y.sum()
    """,
    "a name of the last trip": """
        def f(x, y, level):
            for i in range(x.shape[0]):
                z = x[i] * y
                if x[i] > level:
                    break
            return z, z + y[i]
    """,
    "a view of the last trip": """
        def f(x, y, level):
            a = x[:, None] * y
            for i in range(x.shape[0]):
                row = a[i]
                if x[i] > level:
                    break
            return row * 2.0
    """,
}


@pytest.mark.parametrize("name", RETURNS)
def test_what_a_jump_hands_on(name):
    f = load(RETURNS[name])["f"]
    calls = [(vector(n), vector(n, 1), level) for n, level in ((9, 0.6), (9, 2.0), (6, 0.0), (12, 0.9))]
    if "carried" in name:
        calls = [call for call in calls if call[-1]]
    assert_captured(f, *calls)


# ---- what a program does not have ----


def carries(captured):
    """The number of carries of each loop."""
    loops = (eqn for eqn in walk(captured.function.body) if eqn.op.name in ("for", "while"))
    return [len(eqn.inputs) for eqn in loops]


@pytest.mark.parametrize(
    "function", [guarded_index, on_a_size, two_counters, insertion_sort, counts_in_a_for]
)
def test_a_counter_is_a_size_and_what_it_indexes_is_in_range(function):
    captured = capture(function, PROGRAMS[function][0])
    assert "check" not in ops(captured)
    assert max(carries(captured)) <= 1


def test_a_counter_that_a_jump_leaves_behind_is_a_size_inside_the_loop():
    search, left = (capture(f, PROGRAMS[f][0]) for f in (search_in_while, while_else))
    assert carries(search) == [2]  # the result and its flag
    (loop,) = (eqn for eqn in left.function.body.eqns if eqn.op.name == "while")
    assert "check" not in {eqn.op.name for block in loop.blocks for eqn in walk(block)}
    assert carries(left) == [2]  # the flag, and the counter as it is after the loop


def test_a_counter_that_a_branch_changes_is_carried():
    captured = capture(packs, PROGRAMS[packs][0])
    assert carries(captured) == [2]
    assert "check" in ops(captured)


def test_a_jump_makes_a_while_of_at_most_as_many_trips():
    (loop,) = (e for e in capture(search, PROGRAMS[search][0]).function.body.eqns if e.op.name == "while")
    assert str(loop.attrs["limit"]) == "n"


def test_continue_leaves_a_for():
    def f(x):
        s = 0.0
        for i in range(x.shape[0]):
            if x[i] > 0.5:
                continue
            s += x[i]
        return s

    captured = assert_captured(f, (X9,), (vector(0),))
    assert "while" not in ops(captured)


@pytest.mark.parametrize("function", [newton_by_error, bisection, forever])
def test_a_while_that_begins_with_plain_values_is_rolled_from_its_first_trip(function):
    captured = capture(function, PROGRAMS[function][0])
    assert [eqn.op.name for eqn in captured.function.body.eqns if eqn.op.name != "dim"] == ["while"]


def test_plain_values_make_plain_trips():
    def f(x):
        k, waiting = 5, [x, 2.0 * x]
        while k > 2:
            x = x * 1.5
            k -= 1
        while waiting:
            x = x + waiting.pop()
        return x

    assert "while" not in ops(assert_captured(f, (1.0,), (2.0,)))


def test_a_long_while_on_plain_values_is_rolled():
    def f(x):
        k = 0
        while k < 1000:
            x = 0.5 * x + k
            k += 1
        return x

    assert ops(assert_captured(f, (1.0,), (2.0,))).count("while") == 1


def test_a_while_that_would_not_end_in_the_branch_that_is_not_taken():
    def f(x):
        k = 0
        if x > 100.0:
            while k < 10:
                x = x * 0.5
        else:
            while k < 10:
                x = x + 1.0
                k += 1
        return x

    assert_captured(f, (1.0,), (2.0,))


def test_sizes_decide_each_trip_where_a_list_is_indexed():
    def f(x):
        weights = [1.0, 0.5, 0.25]
        k = 0
        s = 0.0
        while k < x.shape[0]:
            s += weights[k] * x[k]
            k += 1
        return s

    assert "while" not in ops(assert_captured(f, (vector(3),)))


def test_a_name_without_a_value_is_an_error_of_the_call():
    captured = assert_captured(named_in_the_loop, (0.5, 30.0))
    with pytest.raises(UnboundLocalError, match="cannot access local variable 'y' where it is not"):
        run_captured(captured, named_in_the_loop, (0.5, 0.0))


def test_an_index_that_runs_out_of_range_is_an_error_of_the_call():
    def f(x):
        k = 0
        while x[k] < 2.0:
            k += 1
        return k

    captured = capture(f, (X9 + 1.5,))
    assert run_captured(captured, f, (np.array([0.0, 1.0, 3.0]),)).returned == 2
    with pytest.raises(IndexError, match="index is out of bounds for axis 0 with size n"):
        run_captured(captured, f, (X9,))


ALIASES = {
    "two names of the last trip": """
        def f(x):
            for i in range(x.shape[0]):
                y = x * i
                z = y
            z[0] = 7.0
            return y
    """,
    "an array bound before a jump": """
        def f(x):
            u = x
            w = x * 1.0
            for i in range(x.shape[0]):
                if x[i] > 0.5:
                    u = w
                    break
                w[i] = 3.0
            u[0] = 9.0
            return w
    """,
}


@pytest.mark.parametrize("name", ALIASES)
def test_what_could_be_wrong_is_refused(name):
    f = load(ALIASES[name])["f"]
    with pytest.raises(CaptureError):
        capture(f, (vector(12),))


# ---- what is refused ----

REFUSALS = {
    "a test that writes": (
        """
        def bumped(x):
            x[0] += 1.0
            return x[0]
        def f(x):
            while bumped(x) < 5.0:
                x[1] *= 2.0
            return x
        """,
        "FILE:6: the test of this `while` changes `x`\n"
        "    while bumped(x) < 5.0:\n"
        "          ^^^^^^^^^^^^^^^\n"
        "hint: write `while True:`, and `if ...: break` behind the change",
    ),
    "no end": (
        """
        def f(x):
            k = 0
            while k < 5:
                x = x + 1.0
            return x
        """,
        "FILE:4: this `while` never ends\n"
        "    while k < 5:\n"
        "          ^^^^^\n"
        "hint: change in its body what it tests, or write `for k in range(n)`",
    ),
    "an array as a test": (
        """
        def f(x):
            while x:
                x = x - 1.0
            return x
        """,
        "FILE:3: the truth of an array is ambiguous\n"
        "    while x:\n"
        "          ^\n"
        "hint: write np.all(...) or np.any(...), or np.where(...) for a choice element by element",
    ),
    "a list in a loop that data end": (
        """
        def f(x):
            w = [1.0, 2.0, 3.0]
            k = 0
            while k < 3 and x[k] < 1.0:
                x[k] *= w[k]
                k += 1
            return x
        """,
        "FILE:6: a plain integer of a traced value is needed, and it is known only when the program runs\n"
        "    x[k] *= w[k]\n"
        "            ^^^^\n"
        "hint: index an array with it instead of a list; lengths must be sizes",
    ),
    "a result of a size that changes": (
        """
        def f(x):
            for i in range(x.shape[0]):
                if x[i] > 0.5:
                    return x[:i]
            return x
        """,
        "FILE:6: what the function returns has no value here: it gets its value in the loop at line 3, and "
        "only numbers, and arrays of the same size in each trip, outlast the last one\n"
        "    return x\n"
        "    ^^^^^^^^\n"
        "hint: return a number, or an array of fixed size",
    ),
    "a shape that grows": (
        """
        def f(x):
            while np.sum(x) < 50.0:
                x = np.concatenate([x, x])
            return x
        """,
        "FILE:3: `x` changes its shape in the loop, from an array float64[n] to an array float64[2*n]\n"
        "    while np.sum(x) < 50.0:\n"
        "          ^^^^^^^^^^^^^^^^\n"
        "hint: make it of its final size before the loop, and use a part of it",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_place_reason_and_way_out(name):
    source, message = REFUSALS[name]
    f = load(source)["f"]
    with pytest.raises(CaptureError) as error:
        capture(f, (vector(6),))
    assert str(error.value).replace(f.__code__.co_filename, "FILE") == message
