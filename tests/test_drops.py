"""Where lines let go of arrays, and what is alive meanwhile, against Python that runs them.

Random lines make arrays, hand them on and use them, in loops and branches. Run by Python, with objects in the
place of arrays that tell when they are freed, they never use what is gone, and have exactly the peak that
walking them finds.
"""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adcompiler.backends import alive
from adcompiler.backends.drops import with_drops
from adcompiler.backends.lifetimes import steps
from adcompiler.backends.source import Fresh, Line, Trips, render
from adcompiler.ir.types import ArrayType, Dim, DType

NAMES = ("a", "b", "c", "d")


class Allocator:
    """Counts the bytes of objects that are alive."""

    def __init__(self, outcomes=()):
        self.now = self.peak = 0
        self.outcomes = iter(outcomes)

    def make(self, size):
        return Tracked(self, size)

    def use(self, *objects):
        assert all(isinstance(x, Tracked) for x in objects)

    def test(self):
        return next(self.outcomes, False)


class Tracked:
    def __init__(self, allocator, size):
        self.allocator, self.size = allocator, size
        allocator.now += size
        allocator.peak = max(allocator.peak, allocator.now)

    def __del__(self):
        self.allocator.now -= self.size


def line(text, depth, size=None, trips=None):
    name = text.partition(" = ")[0]
    makes = None if size is None else Fresh(name, ArrayType(DType.BOOL, (Dim.of(size),)))
    return Line(text, depth, makes=makes, trips=trips)


def made(name, depth, size):
    return line(f"{name} = make({size})", depth, size)


@st.composite
def blocks(draw, depth=0, index=None, branches=True):
    """Lines of one depth; `index` is the loop's around, which sizes may follow."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        kinds = ["make", "share", "use", "use"] + (["for"] + ["if"] * branches if depth < 3 else [])
        kind = draw(st.sampled_from(kinds))
        name, other = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
        size = draw(st.integers(1, 9))
        if kind == "make":
            sizes = [Dim.of(size)]
            if index is not None:
                i = Dim.of(index)
                sizes += [i + size, 20 - i, i * (20 - i) + 1]
            found.append(made(name, depth, draw(st.sampled_from(sizes))))
        elif kind == "share" and name != other:
            found.append(line(f"{name} = {other}", depth))
        elif kind == "for":
            inner, length = f"i{depth}", draw(st.sampled_from([0, 1, 2, 3, 20]))
            trips = Trips(inner, Dim.of(length), draw(st.booleans()))
            order = f"range({length})" + ("[::-1]" if trips.reverse else "")
            found.append(line(f"for {inner} in {order}:", depth, trips=trips))
            found += draw(blocks(depth + 1, inner, branches))
        elif kind == "if":
            found.append(line("if test():", depth))
            found += draw(blocks(depth + 1, index, branches))
            if draw(st.booleans()):
                found.append(line("else:", depth))
                found += draw(blocks(depth + 1, index, branches))
        else:
            found.append(line(f"use({name}, {other})", depth))
    return found


FIRST = [made(name, 0, Dim.of(k + 1)) for k, name in enumerate(NAMES)]


def run(lines, outcomes=()):
    """The peak of lines that Python runs."""
    allocator = Allocator(outcomes)
    scope = {"make": allocator.make, "use": allocator.use, "test": allocator.test}
    body = render([Line(one.text, one.depth + 1) for one in lines])
    exec("def program():\n" + body, scope)
    scope["program"]()
    assert allocator.now == 0
    return allocator.peak


def walked(lines):
    return alive.peak(steps(lines, NAMES), (), {}, 0).bytes


@given(blocks(branches=False))
def test_a_walk_finds_the_peak_of_what_python_runs(lines):
    lines = with_drops([*FIRST, *lines, line("return a", 0)], NAMES, [])
    assert run(lines) == walked(lines)


@given(blocks(), st.lists(st.booleans(), max_size=60))
def test_whatever_branch_is_taken_the_peak_is_not_above(lines, outcomes):
    lines = with_drops([*FIRST, *lines, line("return a", 0)], NAMES, [])
    assert run(lines, outcomes) <= walked(lines)


@given(blocks(), st.lists(st.booleans(), max_size=60))
def test_letting_go_never_takes_more(lines, outcomes):
    lines = [*FIRST, *lines, line("return a", 0)]
    assert run(with_drops(lines, NAMES, []), outcomes) <= run(lines, outcomes)


CASES = {
    "behind the last use": (
        """
        a = make(1)
        b = make(2)
        use(a)
        use(b)
        c = make(3)
        return c
        """,
        """
        a = make(1)
        b = make(2)
        use(a)
        del a
        use(b)
        del b
        c = make(3)
        return c
        """,
    ),
    "never used": ("a = make(1)\nb = make(2)\nreturn b", "a = make(1)\ndel a\nb = make(2)\nreturn b"),
    "in the branch that does not use it": (
        """
        a = make(1)
        if test():
            use(a)
            b = make(1)
        else:
            b = make(2)
        return b
        """,
        """
        a = make(1)
        if test():
            use(a)
            del a
            b = make(1)
        else:
            del a
            b = make(2)
        return b
        """,
    ),
    "in a branch that is not there": (
        """
        a = make(1)
        b = make(1)
        if test():
            use(a)
            b = make(2)
        return b
        """,
        """
        a = make(1)
        b = make(1)
        if test():
            del b
            use(a)
            del a
            b = make(2)
        else:
            del a
        return b
        """,
    ),
    "not before a return": (
        """
        a = make(1)
        b = make(1)
        if test():
            return 1
        use(a)
        return b
        """,
        """
        a = make(1)
        b = make(1)
        if test():
            return 1
        use(a)
        del a
        return b
        """,
    ),
    "behind a loop": (
        """
        a = make(1)
        for i in range(3):
            b = make(2)
            use(a, b)
            c = make(3)
            a = c
        d = make(4)
        return d
        """,
        """
        a = make(1)
        for i in range(3):
            b = make(2)
            use(a, b)
            del a, b
            c = make(3)
            a = c
            del c
        del a
        d = make(4)
        return d
        """,
    ),
    "where a loop is left": (
        """
        a = make(1)
        b = make(1)
        while test():
            c = make(1)
            if test():
                use(a)
                break
            use(c, b)
        return b
        """,
        """
        a = make(1)
        b = make(1)
        while test():
            c = make(1)
            if test():
                del c
                use(a)
                break
            use(c, b)
            del c
        del a
        return b
        """,
    ),
    "where a loop begins anew": (
        """
        a = make(1)
        while test():
            if test():
                a = grown(a)
            while test():
                b = make(1)
                use(a, b)
            else:
                continue
            break
        return 1
        """,
        """
        a = make(1)
        while test():
            if test():
                a = grown(a)
            while test():
                b = make(1)
                use(a, b)
                del b
            else:
                continue
            break
        del a
        return 1
        """,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_where_an_array_is_let_go(case):
    texts = [re.sub(r"(?m)^        ", "", text).split("\n") for text in CASES[case]]
    before, after = ([text for text in rows if text.strip()] for rows in texts)
    lines = [Line(text.strip(), (len(text) - len(text.lstrip())) // 4) for text in before]
    shown = [one.render(comments=False) for one in with_drops(lines, NAMES, [])]
    assert shown == after


def test_results_are_kept_and_nothing_is_let_go_at_the_end():
    lines = [made("a", 0, Dim.of(1)), made("b", 0, Dim.of(1)), line("use(a, b)", 0)]
    assert with_drops(lines, NAMES, ["b"]) == lines


def test_where_data_decide_variables_hold_the_larger():
    lines = [
        line("if test():", 0),
        made("a", 1, Dim.of(5)),
        line("else:", 0),
        made("a", 1, Dim.of(7)),
        made("b", 0, Dim.of(1)),
        line("return a, b", 0),
    ]
    assert walked(lines) == 8
    assert np.array_equal([run(lines, [True]), run(lines, [False])], [6, 8])
