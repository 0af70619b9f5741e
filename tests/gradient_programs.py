"""Random smooth programs of loops and arrays, with one float result: what gradients are tried on.

Every product has a bounded factor and every time step is short, so values stay near 1 and differences of the
plain program are good to ten digits. Kinks (`maximum`, `where`, branches on data) are met by chance only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from gradient_expressions import Expressions, Scope

HELPERS = """
import math
import numpy as np

RATE = 0.25
TABLE = np.linspace(0.1, 0.9, 5)
PICKED = np.array([1, 0, 1, 2])
CONFIG = {"scale": 0.75, "weights": [0.5, 0.25]}


def damp(z, q):
    z[0] = 0.5 * z[-1] + 0.1 * q
    return z


def smooth(z, q):
    for r in range(1, z.shape[0]):
        z[r] = 0.5 * z[r - 1] + RATE * q * np.cos(z[r])
    return z[0] + q * 0.1


def step(z, q):
    return z + 0.1 * (np.sin(z) - q)


def pair(z, r):
    return r * CONFIG["scale"], np.sin(z) + TABLE[2]


def relax(z, q, k):
    for _ in range(k):
        z = z + 0.1 * (q * np.cos(z) - z)
    return z


def fill(z, r):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = 0.5 * z[i, j] * np.cos(z[i - 1, j]) + 0.2 * r[j]


def horner(z, q):
    total = 0.0
    for r in z:
        total = total * math.tanh(q) + r
    return 0.3 * total


def energy(z):
    half = lambda q: 0.5 * q * np.sin(q)
    return np.sum(half(z)) / (1 + len(z))


def until(z, bound):
    total = 0.0
    for q in z:
        total = total + np.tanh(q)
        if total > bound:
            return total * bound
    return total - bound


"""
ROWS = (
    "range(n)", "range(n)", "range(n)", "range(1, n)", "range(n - 1)", "range(1, n - 1)",
    "range(n - 1, -1, -1)", "range(n - 2, 0, -1)", "range(0, n, 2)", "range(n - 1, 0, -2)",
    "range(min(m, n))", "range(max(n - 3, 0), n)",
)  # fmt: skip
TRIANGLES = (
    "range({})", "range({} + 1)", "range({}, n)", "range({} + 1, n)", "range({}, -1, -1)",
    "range(n - 1, {}, -1)",
)  # fmt: skip
COLUMNS = ("range(p)", "range(p)", "range(1, p)", "range(p - 1, -1, -1)")
TRIPS = ("range(m)", "range(m)", "range(m)", "range(m - 4)", "range(3)", "range(9)",
         "range(m, 0, -1)", "range(0, m, 3)")  # fmt: skip


def random_gradient_program(choose: random.Random, longest: int = 5) -> str:
    """The source of `f(x, y, a, b, c, m)`: vectors of n, a matrix (n, p), a vector of p, a number, trips.

    Its blocks have up to `longest` statements, in up to three loops.
    """
    return HELPERS + _Writer(choose, longest).function()


class _Writer(Expressions):
    def __init__(self, choose: random.Random, longest: int) -> None:
        super().__init__(choose)
        self.loops = 0
        self.longest = choose.randint(2, longest)
        self.depth = choose.choice((1, 1, 2, 2, 2, 3)[: longest + 1])
        self.targets = self.vectors if choose.random() < 0.3 else ("u", "v", "w")
        self.matrices = ("h", "a") if choose.random() < 0.2 else ("h",)
        self.shared = choose.random() < 0.3

    def function(self) -> str:
        body = [*self.start(), *self.block(Scope(depth=self.depth), self.longest), f"return {self.loss()}"]
        return "\n".join(["def f(x, y, a, b, c, m):", *_indented(body)]) + "\n"

    def start(self) -> list[str]:
        one = self.choose.choice
        return [
            "n, p = a.shape",
            one(("u = x.copy()", "u = np.sin(x)", "u = x" if self.shared else "u = x * 1.0")),
            one(("v = np.zeros_like(x)", "v = np.zeros(n)", "v = 0.5 * y", "v = np.ones(n) * c")),
            one(("w = np.cos(y)", "w = np.zeros(n)", "w = y" if self.shared else "w = y.copy()")),
            one(("h = a.copy()", "h = np.zeros((n, p))", "h = 0.5 * a", "h = np.outer(y, b)")),
            one(("g = 0.5 * b", "g = b.copy()", "g = np.zeros(p)", "g = np.tanh(b)")),
            one(("s = 0", "s = 0.0", "s = c", "s = x[0]")),
            one(("t = c", "t = 0.5", "t = np.mean(y)")),
            "k = 0",
        ]

    def loss(self) -> str:
        terms = (
            "s", "0.7 * t", "np.sum(np.sin(u))", "np.dot(v, w)", "np.sum(h * h)", "np.sum(g)",
            "np.mean(h, axis=0) @ g", "np.sum(u * w)", "0.1 * k", "v[0]", "h[0, -1]", "np.sum(x) * c",
            "np.sum(v ** 2)", "u @ (h @ g)", "w.sum()",
        )  # fmt: skip
        return " + ".join(self.choose.sample(terms, self.choose.randint(2, 7))) + " + 0.1 * c"

    # ---- statements ----

    def block(self, scope: Scope, size: int) -> list[str]:
        return [line for _ in range(self.choose.randint(1, size)) for line in self.statement(scope)]

    def statement(self, scope: Scope) -> list[str]:
        if scope.depth and self.choose.random() < (0.3 if scope.inside else 0.6):
            return self.loop(replace(scope, depth=scope.depth - 1, inside=True))
        kinds: Sequence[Callable[[Scope], list[str]]] = (
            self.element, self.element, self.element, self.element, self.numeric, self.numeric, self.numeric,
            self.whole, self.whole, self.sliced, self.in_matrix, self.in_matrix, self.in_matrix, self.helped,
            self.viewed, self.swapped, self.branch, self.stated, self.leaving,
        )  # fmt: skip
        return self.choose.choice(kinds)(scope)

    def target(self) -> str:
        return self.choose.choice(self.targets)

    def element(self, scope: Scope) -> list[str]:
        place = f"{self.target()}[{self.row(scope)}]"
        written = (
            f"{place} = {self.number(scope)}", f"{place} = {self.number(scope)}",
            f"{place} += 0.2 * {self.number(scope)}", f"{place} *= np.cos({self.number(scope, 1)})",
            f"{place} -= 0.1 * {self.number(scope)}",
        )  # fmt: skip
        return [self.choose.choice(written)]

    def numeric(self, scope: Scope) -> list[str]:
        one = self.number(scope)
        changed = (
            f"s = {one}", f"s += 0.25 * {one}", f"s, t = t, {one}", "s, t = 0.5 * t, s",
            f"t = 0.9 * t + 0.1 * {one}", "k += 1", f"pq = (s, {one}); s = pq[1] + 0.1 * pq[0]",
            f"s = 0.5 * s + {one}", f"t = math.cos(s) * {one}",
        )  # fmt: skip
        return [self.choose.choice(changed)]

    def whole(self, scope: Scope) -> list[str]:
        u, new = self.target(), self.vector(scope)
        if scope.rows and self.choose.random() < 0.5:
            return [f"{u} += 0.1 * {new}"]
        changed = (
            f"{u} = {new}", f"{u} = {u} + 0.1 * {new}", f"{u} += 0.1 * {new}",
            f"{u} = {u} + 0.1 * ({new} - {u})", f"{u} *= 0.8", f"{u}[:] = {new}",
            f"{u} = {self.vector_name()}.copy()", f"{u} *= np.cos({new})",
        )  # fmt: skip
        return [self.choose.choice(changed)]

    def sliced(self, scope: Scope) -> list[str]:
        u, v = self.target(), self.vector_name()
        changed = (
            f"{u}[1:] = 0.5 * {v}[:-1]", f"{u}[1:] += 0.1 * {v}[:-1]", f"{u}[::2] *= 0.5",
            f"{u}[:-1] = np.sin({v}[1:])",
            f"{u}[1:-1] = {u}[1:-1] + 0.1 * ({v}[2:] - 2.0 * {v}[1:-1] + {v}[:-2])",
            f"{u}[::-1] = {self.vector(scope)}", f"{u}[1::2] = {self.number(scope)}",
            *(f"{u}[:{i}] += 0.1 * {v}[{i}]" for i in scope.rows[-1:]),
            *(f"{u}[{i}:] = 0.5 * {v}[{i}:]" for i in scope.rows[-1:]), f"{u}[{u} > 0.41] *= 0.7",
        )  # fmt: skip
        return [self.choose.choice(changed)]

    def in_matrix(self, scope: Scope) -> list[str]:
        h, i, j = self.choose.choice(self.matrices), self.row(scope), self.column(scope)
        changed = (
            f"{h}[{i}, {j}] = {self.number(scope)}", f"{h}[{i}, {j}] += 0.2 * {self.number(scope)}",
            f"{h}[{i}] = {self.columns(scope)}", f"{h}[{i}] += 0.1 * {self.columns(scope)}",
            f"{h} = {self.matrix(scope)}", f"{h}[:, {j}] = {self.vector(scope)}",
            f"{h}[:, {j}] *= np.sin({self.vector(scope, 1)})", f"{h} *= 0.8",
            f"row = {h}[{i}]; row[0] = {self.number(scope, 1)}; row *= 0.9", f"g = {self.columns(scope)}",
            f"{h}[1:] = 0.5 * {h}[:-1]", f"{h} += 0.1 * {self.matrix(scope)}",
            f"g[{j}] = {self.number(scope)}", f"col = {h}[:, {j}]; col[{i}] = s; col += 0.1 * u",
            f"{h}.T[{j}] += 0.1 * v",
        )  # fmt: skip
        return [self.choose.choice(changed)]

    def helped(self, scope: Scope) -> list[str]:
        u, v = self.target(), self.target()
        calls = (
            f"s = smooth({u}, t)", f"damp({u}, {self.number(scope, 1)})", f"fill(h, {self.columns(scope)})",
            "smooth(g, s)", f"{u}, {v} = pair({self.vector_name()}, {self.vector_name()})",
            f"{u} = step({u}, s)", f"damp(h[{self.row(scope)}], t)",
            f"{u} = relax({u}, {self.number(scope, 1)}, m)", f"s = smooth({u}[1:], s)",
            f"smooth(h[:, {self.column(scope)}], t)",
        )  # fmt: skip
        return [self.choose.choice(calls)]

    def viewed(self, scope: Scope) -> list[str]:
        u, one = self.target(), self.number(scope, 1)
        views = (
            f"z = {u}[1:]; z[0] = {one}; z *= 0.9", f"z = {u}[::-1]; z[{self.row(scope)}] += 0.1 * s",
            f"z = {u}; z[0] = {one}; s = {u}[0] * c", "z = h.ravel(); s = 0.2 * np.sum(z[1:] * z[:-1])",
            f"z = {u}[::2]; z += 0.1 * {one}; t = np.sum(z) * 0.2", f"z = h[1:, :]; z[0, 0] = {one}",
        )  # fmt: skip
        return [self.choose.choice(views)]

    def swapped(self, scope: Scope) -> list[str]:
        u, v = self.target(), self.target()
        swaps = (
            f"{u}, {v} = {v}, {u}", f"{u}, {v} = {v}, {u} + 0.1 * {self.vector(scope, 1)}",
            f"{u}[0], {v}[-1] = {v}[-1], {u}[0]", "u, v, w = v, w, u",
        )  # fmt: skip
        return [self.choose.choice(swaps)]

    def branch(self, scope: Scope) -> list[str]:
        lines = [f"if {self.test(scope)}:", *_indented(self.block(replace(scope, depth=0), 2))]
        if self.choose.random() < 0.6:
            lines += ["else:", *_indented(self.block(replace(scope, depth=0), 2))]
        return lines

    def stated(self, scope: Scope) -> list[str]:
        """A tuple or a dict of arrays and numbers, carried by a loop of its own."""
        u, new, one = self.target(), self.vector(scope, 1), self.number(scope, 1)
        tuples = [f"state = ({u}, s)", f"for _ in {self.choose.choice(TRIPS)}:", "    z, q = state",
                  f"    state = (z + 0.1 * ({new} - q), 0.9 * q + 0.1 * {one})",
                  f"{u}, s = state"]  # fmt: skip
        dicts = [f'state = {{"z": {u}, "q": t}}', "for _ in range(m):",
                 f'    state = {{"z": np.sin(state["z"]) * state["q"], "q": 0.5 * state["q"] + 0.2 * {one}}}',
                 f'{u}, t = state["z"], state["q"]']  # fmt: skip
        return self.choose.choice((tuples, dicts))

    def leaving(self, scope: Scope) -> list[str]:
        """Ways out of a loop."""
        if not scope.inside:
            return self.numeric(scope)
        ways = ("break", "continue") if self.on_data else ("continue",)
        return [f"if {self.test(scope)}:", f"    {self.choose.choice(ways)}"]

    def loop(self, scope: Scope) -> list[str]:
        self.loops += 1
        own, kind = f"i{self.loops}", self.choose.random()
        if kind < 0.45:
            spaces = [*ROWS, *(t.format(scope.rows[-1]) for t in TRIANGLES if scope.rows)]
            return self.over(own, self.choose.choice(spaces), replace(scope, rows=(*scope.rows, own)))
        if kind < 0.6:
            return self.over(own, self.choose.choice(COLUMNS), replace(scope, columns=(*scope.columns, own)))
        if kind < 0.85:
            return self.over(own, self.choose.choice(TRIPS), scope)
        if kind < 0.9 and self.on_data:
            inside = _indented([*self.block(scope, min(self.longest, 3)), f"{own} += 1"])
            return [f"{own} = 0", f"while {own} < m:", *(line.replace("continue", "pass") for line in inside)]
        return self.over_items(own, scope)

    def over_items(self, own: str, scope: Scope) -> list[str]:
        """A loop over an array, which its body may write."""
        pairs = (f"{own}, e in enumerate(u)", f"{own}, (e, d) in enumerate(zip(x, v))")
        items = self.choose.choice((*pairs, "e in h[:, 0]", "row in h"))
        item = "row[0]" if items.startswith("row") else "e"
        inside = replace(scope, rows=(*scope.rows, own)) if items in pairs else scope
        return [f"for {items}:", *_indented([f"s = 0.7 * s + 0.2 * np.sin({item})", *self.block(inside, 2)])]

    def over(self, own: str, space: str, scope: Scope) -> list[str]:
        return [f"for {own} in {space}:", *_indented(self.block(scope, min(self.longest, 3)))]


def _indented(lines: Sequence[str]) -> list[str]:
    return ["    " + line for line in lines]
