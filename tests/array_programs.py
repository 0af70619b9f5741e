"""Random programs of loops over arrays: carried names, aliases, views, element writes, time steps, swaps.

Written to find captured programs that give wrong numbers: sizes and trip counts vary, zero included, names
change the array they stand for, and arrays are written under one name and read under another.
"""

from __future__ import annotations

import random

HELPERS = """
import math
import numpy as np

RATE = 0.25
TABLE = np.linspace(0.1, 0.9, 5)
CONFIG = {"scale": 0.75, "weights": [0.5, 0.25], "steps": 2}


def damp(a, q):
    a[0] = 0.5 * a[1] + 0.1 * q
    return a


def smooth(a, q):
    for j in range(1, a.shape[0]):
        a[j] = 0.5 * a[j - 1] + RATE * q
    return a[0] + q * 0.1


def step(a, q):
    return a + 0.1 * (q - a)


def pair(a, b):
    return b * CONFIG["scale"], a + TABLE[2]


"""
_ARRAYS = ("u", "v", "w", "x", "y")
_NUMBERS = ("s", "t")
_RANGES = (
    "range(n)", "range(n)", "range(1, n)", "range(1, n - 1)", "range(n - 1, 0, -1)", "range(m)", "range(m)",
    "range(3)", "range(9)", "range(0, n, 2)", "range(m - 4)",
)  # fmt: skip


def random_array_program(choose: random.Random) -> str:
    """The source of `f(x, y, q, m)`: two vectors of one size, a number and a trip count."""
    return HELPERS + _Writer(choose).function()


def random_alias_program(choose: random.Random) -> str:
    """The source of such an `f` in which few names are bound, written and read, in loops within loops."""
    return HELPERS + _Aliases(choose).function()


class _Writer:
    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.loops = 0

    def function(self) -> str:
        start = ["n = x.shape[0]", "u = x.copy()", "v = np.zeros_like(x)", "w = y", "s = 0", "t = q", "k = 0"]
        body = start + self.block(3, None, 6)
        body.append("return s * 1.0, t * 1.0, k * 1.0, u * 1.0, v * 1.0, w * 1.0, x * 1.0, y * 1.0")
        return "\n".join(["def f(x, y, q, m):", *_indented(body)]) + "\n"

    def block(self, depth: int, index: str | None, size: int) -> list[str]:
        return [line for _ in range(self.choose.randint(1, size)) for line in self.statement(depth, index)]

    def array(self) -> str:
        return self.choose.choice(_ARRAYS)

    def place(self, index: str | None) -> str:
        return self.choose.choice(("0", "1", "-1", "2", *([index] * 4 if index else [])))

    def number(self, index: str | None, depth: int = 0) -> str:
        kind = self.choose.random()
        if kind < 0.25 or depth > 1:
            return self.choose.choice(_NUMBERS)
        if kind < 0.6:
            return f"{self.array()}[{self.place(index)}]"
        if kind < 0.7:
            return self.choose.choice(("0.5", "2", "k", "q", "RATE", "n", "m", *([index] if index else [])))
        if kind < 0.92:
            return f"(0.5 * {self.number(index, depth + 1)} + 0.3 * {self.number(index, depth + 1)})"
        return self.choose.choice((f"math.sin({self.number(index, 2)})", f"np.sum({self.array()})"))

    def statement(self, depth: int, index: str | None) -> list[str]:
        kinds = (
            self.rebound, self.rebound, self.element, self.element, self.element, self.whole, self.whole,
            self.numeric, self.numeric, self.helped, self.viewed,
        )  # fmt: skip
        if depth and self.choose.random() < (0.45 if index is None else 0.25):
            return self.loop(depth - 1, index)
        return self.choose.choice(kinds)(index)

    def rebound(self, index: str | None) -> list[str]:
        a, b, c = self.array(), self.array(), self.array()
        rebound = (
            f"{a} = {b}", f"{a}, {b} = {b}, {a}", f"{a} = {a} + 0.1 * {b}", f"{a} = {a} + 0.1 * ({b} - {a})",
            f"{a} = 0.9 * {b}", f"{a} = {b}.copy()", f"{a} = step({b}, s)", f"{a}, {b} = pair({b}, {c})",
            f"{a} = np.zeros_like({b})", f"{a} = {b}[::-1]", f"{a} = damp({b}, t)",
        )  # fmt: skip
        return [self.choose.choice(rebound)]

    def element(self, index: str | None) -> list[str]:
        operator = self.choose.choice(("=", "=", "+=", "*="))
        return [f"{self.array()}[{self.place(index)}] {operator} {self.number(index)}"]

    def whole(self, index: str | None) -> list[str]:
        a, b = self.array(), self.array()
        written = (
            f"{a} += 0.1 * {b}", f"{a} *= 0.5", f"{a}[1:] = {b}[:-1]", f"{a}[1:] += 0.1 * {b}[:-1]",
            f"{a}[::2] *= 0.5", f"{a}[:] = {b}", f"{a}[1:-1] = 0.5 * ({b}[2:] + {b}[:-2])",
        )  # fmt: skip
        return [self.choose.choice(written)]

    def numeric(self, index: str | None) -> list[str]:
        number, a = self.choose.choice(_NUMBERS), self.number(index)
        changed = (
            f"{number} = {a}", f"{number} += 0.25 * {a}", f"s, t = t, {a}", "k += 1", "k = 2",
            "s, t = 0.5 * t, s", f"p = (s, {a}); s = p[1] + 0.1 * p[0]",
        )  # fmt: skip
        return [self.choose.choice(changed)]

    def helped(self, index: str | None) -> list[str]:
        return [self.choose.choice((f"s = smooth({self.array()}, t)", f"damp({self.array()}, t)"))]

    def viewed(self, index: str | None) -> list[str]:
        a = self.array()
        views = (
            f"z = {a}[1:]; z[0] = {self.number(index, 1)}; z *= 0.9", f"z = {a}[::-1]; z[1] += s",
            f"z = {a}; {self.array()} = z + 0.1; z[0] = t", f"u[0], v[0] = v[0], {self.array()}[1]",
        )  # fmt: skip
        return [self.choose.choice(views)]

    def loop(self, depth: int, index: str | None) -> list[str]:
        self.loops += 1
        own = f"i{self.loops}"
        ranges = (*_RANGES, f"range({index})", f"range({index}, n)") if index else _RANGES
        return [f"for {own} in {self.choose.choice(ranges)}:", *_indented(self.block(depth, own, 4))]


class _Aliases(_Writer):
    """Short statements only, so that many ways in which names share arrays occur.

    In one program of four there is a name, `z`, that has no value at first.
    """

    def __init__(self, choose: random.Random) -> None:
        super().__init__(choose)
        self.late = choose.random() < 0.25

    def block(self, depth: int, index: str | None, size: int) -> list[str]:
        return [line for _ in range(self.choose.randint(2, 5)) for line in self.statement(depth, index)]

    def array(self) -> str:
        return self.choose.choice("uvwx")

    def statement(self, depth: int, index: str | None) -> list[str]:
        a, b = self.array(), self.array()
        if depth and self.choose.random() < 0.4:
            return self.loop(depth - 1, index)
        statements = (
            f"{a} = {b}", f"{a} = {b}", f"{a} = {b} + 1.0", f"{a} = 0.5 * {a}", f"{a}, {b} = {b}, {a}",
            f"{a}[0] = s", f"{a}[0] = 0.5 * {b}[0]", f"{a}[1] += 1.0", f"s = s + {a}[0]", f"s = {a}[1]",
            f"{a} *= 0.5", f"{a}[:] = {b}", f"{a} = {b}[:]",
        )  # fmt: skip
        late = (f"z = {b}", f"z = {b} + 1.0", f"z = {b} + 1.0; {a} = z", f"z = {b}.copy(); z[0] = s")
        if self.late and self.choose.random() < 0.3:
            return [self.choose.choice((*late, "s = z[0]"))]
        return [self.choose.choice(statements)]

    def loop(self, depth: int, index: str | None) -> list[str]:
        self.loops += 1
        trips = self.choose.choice(("m", "m - 12", "m - 4", "n", "12"))
        return [f"for i{self.loops} in range({trips}):", *_indented(self.block(depth, None, 0))]


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]
