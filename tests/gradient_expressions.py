"""Random smooth expressions of numbers, vectors and matrices: the right sides of `gradient_programs`."""

from __future__ import annotations

import random
from dataclasses import dataclass

UNARY = (
    "np.sin({})", "np.cos({})", "np.tanh({})", "np.exp(-{0} * {0})", "np.sqrt(1.0 + {0} * {0})",
    "np.arctan({})", "np.log(2.0 + {0} ** 2)", "{0} / (1.0 + {0} ** 2)", "0.5 * np.abs({})", "(-{})",
    "np.square(np.sin({}))",
)  # fmt: skip
BINARY = (
    "(0.6 * {} + 0.3 * {})", "(0.6 * {} + 0.3 * {})", "{} * np.tanh({})", "(0.5 * {} - 0.4 * {})",
    "np.sin({}) * {}", "np.maximum({}, {})", "np.minimum({}, 0.9 * {})", "np.hypot({}, 1.0 + np.abs({}))",
    "{} / (2.0 + np.cos({}))", "np.where({0} > 0.37, {1}, 0.5 * {0})",
    "np.where({0} < {1}, np.sin({1}), {0})", "np.logaddexp(0.3 * {}, {})",
)  # fmt: skip


@dataclass(frozen=True)
class Scope:
    """The loops around a statement: their indices by the axis that they fit, and how many may yet come."""

    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    depth: int = 0
    inside: bool = False


class Expressions:
    """Expressions in the names that a program has: vectors of n, a matrix (n, p), a vector of p, numbers."""

    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.vectors = ("x", "y", "u", "v", "w")
        self.on_data = choose.random() < 0.05
        self.on_indices = choose.random() < 0.3

    def row(self, scope: Scope) -> str:
        """An index of the axis of n."""
        if self.choose.random() < 0.1:
            return self.choose.choice(("0", "n // 2"))
        inner = scope.rows[-1:]
        forms = ("{}", "{}", "{}", "{}", "n - 1 - {}", "({} + 1) % n")
        places = [form.format(i) for form in forms for i in inner]
        return self.choose.choice(["0", "-1", "1", *places, *scope.rows, *(f"{i} - 1" for i in scope.rows)])

    def column(self, scope: Scope) -> str:
        """An index of the axis of p."""
        places = [form.format(j) for form in ("{}", "{}", "{}", "{} - 1") for j in scope.columns]
        return self.choose.choice(["0", "-1", "1", *places])

    def number(self, scope: Scope, depth: int = 2) -> str:
        kind = self.choose.random()
        if depth == 0 or kind < 0.35:
            return self.element_of(scope)
        if kind < 0.5:
            return self.choose.choice(UNARY).format(self.number(scope, depth - 1))
        if kind < 0.8:
            pair = [self.number(scope, depth - 1) for _ in range(2)]
            return self.choose.choice(BINARY).format(*pair)
        return self.reduced(scope)

    def element_of(self, scope: Scope) -> str:
        elements = (
            "s", "t", "c", "0.5", *(f"0.1 * {i}" for i in scope.rows[-1:]),
            f"{self.vector_name()}[{self.row(scope)}]", f"{self.vector_name()}[{self.row(scope)}]",
            f"{self.matrix_name()}[{self.row(scope)}, {self.column(scope)}]", f"g[{self.column(scope)}]",
        )  # fmt: skip
        return self.choose.choice(elements)

    def reduced(self, scope: Scope) -> str:
        u, i, j = self.vector_name(), self.row(scope), self.column(scope)
        reduced = (
            f"np.sum({u}) / n", f"0.2 * np.dot({u}, {self.vector(scope, 0)})",
            f"np.mean({self.vector(scope, 0)})", f"np.max({u})", "np.min(h)",
            f"{u}[np.argmax({self.vector_name()})]", f"np.sum({u}[PICKED]) * RATE",
            f"np.sum({u}[:{i}]) * 0.2" if scope.rows else "0.3 * u[0]", f"horner({u}, s)", f"energy({u})",
            f"until({u}, 0.7)" if self.on_data else f"{u}[n - 1]", f"np.linalg.norm(0.1 + {u}) * 0.2",
            f"math.sin({self.number(scope, 0)})", f"(s if {self.test(scope)} else {self.number(scope, 0)})",
            f"h[{i}] @ g * 0.2", f"0.2 * np.dot(h[{i}, :{j}], g[:{j}])", f"max(s, {u}[0])",
            f"0.2 * sum([{u}[q] * q for q in range(2)])", f"np.prod(0.8 + 0.1 * {u})", "abs(t)",
        )  # fmt: skip
        return self.choose.choice(reduced)

    def vector(self, scope: Scope, depth: int = 2) -> str:
        kind = self.choose.random()
        if depth == 0 or kind < 0.3:
            return self.vector_name()
        if kind < 0.45:
            return self.choose.choice(UNARY).format(self.vector(scope, depth - 1))
        if kind < 0.7:
            other = self.choose.choice((self.vector, self.number))
            pair = [self.vector(scope, depth - 1), other(scope, depth - 1)]
            self.choose.shuffle(pair)
            return self.choose.choice(BINARY).format(*pair)
        u = self.vector(scope, depth - 1)
        made = (
            f"{self.vector_name()}[::-1]", f"0.2 * np.cumsum({u})", f"0.3 * (h @ ({self.columns(scope)}))",
            f"np.flip({u})", "0.2 * h.sum(axis=1)", f"h[:, {self.column(scope)}]",
            f"np.concatenate([({u})[1:], ({u})[:1]])",
            f"np.einsum('ij,j->i', h, {self.columns(scope)}) * 0.2",
            f"np.full(n, {self.number(scope, 1)})", f"np.arange(n) * 0.1 * {self.number(scope, 1)}",
            f"np.linspace(0.0, 1.0, n) * {u}", "np.max(h, axis=1)",
            f"np.stack([{u}, {self.vector_name()}]).mean(axis=0)", f"np.clip({u}, -0.53, 0.71)",
            "a @ b * 0.2", f"np.linalg.solve(np.eye(n) + 0.1 * np.outer({u}, w), {self.vector_name()})",
            f"np.roll({u}, 1)", f"relax({u}, {self.number(scope, 0)}, m)",
            f"step({u}, {self.number(scope, 1)})", f"damp({u} * 1.0, s)",
            f"np.array([{self.number(scope, 1)}]) + {u}", f"({u})[np.arange(n)[::-1]]",
        )  # fmt: skip
        return self.choose.choice(made)

    def columns(self, scope: Scope) -> str:
        """A vector of p."""
        made = (
            "b", "g", "g", f"h[{self.row(scope)}]", "0.2 * h.T @ u", f"np.sin({self.number(scope, 1)} + g)",
            "0.5 * g", "h.mean(axis=0)", f"a[{self.row(scope)}]", f"0.2 * ({self.vector_name()} @ h)",
            "g[::-1]", "g * np.tanh(b)",
        )  # fmt: skip
        return self.choose.choice(made)

    def matrix(self, scope: Scope) -> str:
        made = (
            "np.sin(h)", "0.5 * (h + a)", f"np.outer({self.vector(scope, 1)}, {self.columns(scope)})",
            f"h * {self.vector(scope, 1)}[:, None]", f"0.5 * (h + {self.columns(scope)})", "h[::-1]",
            "h[:, ::-1]", "np.where(h > a, np.cos(h), a)", "0.2 * np.cumsum(h, axis=0)", "h * np.tanh(a)",
            "0.9 * h.T.copy().T", "0.1 * np.outer(u, u) @ h", f"{self.number(scope, 1)} * np.sin(a)",
            "np.reshape(np.ravel(h) * 0.9, (n, p))",
        )  # fmt: skip
        return self.choose.choice(made)

    def vector_name(self) -> str:
        return self.choose.choice(self.vectors)

    def matrix_name(self) -> str:
        return self.choose.choice(("h", "h", "a"))

    def test(self, scope: Scope) -> str:
        """A condition on sizes; in some programs on indices, which may unroll loops, in a few on data."""
        i = scope.rows[-1] if scope.rows else "m"
        if not (self.on_data or self.on_indices):
            return self.choose.choice(("m > 3", "n > 5", "m % 2 == 0", "not m", "n == 7"))
        known = (f"{i} % 2 == 0", f"{i} == 0", f"{i} > 2", f"{i} < n - 2", "m > 3", f"not {i}",
                 f"{i} in (1, 3)")  # fmt: skip
        on_data = (
            f"{self.number(scope, 1)} > 0.43", f"s < {self.number(scope, 0)}",
            f"0.1 < {self.number(scope, 0)} < 0.6",
            f"{i} > 1 and u[{i} - 2] > 0.21" if scope.rows else "n > 5", "s > 1.3",
        )  # fmt: skip
        return self.choose.choice(on_data if self.on_data else known)
