"""Random programs as a user would write them: what captured programs are compared with plain Python on.

`random_program` draws a function `f(x, y, a, b, c, m)`, of vectors of n, a matrix (n, p), a vector of p, a
float and an int, out of the templates of `frontend_grammar`. It ends on all data, and remembers what it is
made of.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import frontend_grammar as grammar

_FAILS_ON_SMALL = re.compile(
    r"\[-?\d|\[r?n? ?%|PICKED|% n|arg|\bmax\(|min\(h|damp|poke\(0|q for q|k = n|at\(|first_above|\[k\]"
)
_ON_DATA = re.compile(
    r"{c1?}|flag|clipped|chilled|chosen|first_above|halvings|not k|k (and|or)|range\(k|{u} if|\(k\)"
)
_VALUES = (
    "s * 1.0", "t * 1.0", "k * 1", "u * 1.0", "v * 1.0", "w * 1.0", "x * 1.0", "h * 1.0", "g * 1.0", "r * 1",
    "flag",
)  # fmt: skip
_LONGEST = grammar.HELPERS.count("\n") + 55
_ARRAYS = ("s", "t", "k", "u", "v", "w", "h", "g")
_LOSS = (
    "s", "0.7 * t", "np.sum(np.sin(u))", "np.dot(v, w)", "np.sum(h * h)", "np.sum(g)", "0.1 * k",
    "np.sum(x) * c", "u @ (h @ g)", "np.sum(u * w)",
)  # fmt: skip


@dataclass(frozen=True)
class Program:
    """The source of a function `f`, and the constructs that it has.

    `scalar` says that it returns one float, else all that it computed; `aliases` that arrays may have
    several names.
    """

    source: str
    constructs: frozenset[str]
    scalar: bool
    aliases: bool


@dataclass(frozen=True)
class Scope:
    """What is around a statement: indices of each axis, other numbers, and how many blocks may yet nest."""

    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    depth: int = 3
    in_loop: bool = False

    @property
    def inner(self) -> Scope:
        return replace(self, depth=self.depth - 1)


def random_program(choose: random.Random, aliases: bool | None = None) -> Program:
    """A program; one in two may give an array several names, if that is not said."""
    while True:
        program = _Writer(choose, choose.random() < 0.5 if aliases is None else aliases).program()
        if program.source.count("\n") < _LONGEST:
            return program


class _Drawn(dict[str, str]):
    """Fills the placeholders of one template."""

    def __init__(self, writer: _Writer, scope: Scope, depth: int) -> None:
        self.writer, self.scope, self.depth = writer, scope, depth

    def __missing__(self, name: str) -> str:
        self[name] = self.writer.draw(name, self.scope, self.depth)
        return self[name]


class _Writer:
    def __init__(self, choose: random.Random, aliases: bool) -> None:
        self.choose = choose
        self.aliases = aliases
        self.scalar = choose.random() < 0.3
        self.any_size = choose.random() < 0.4
        self.on_data = choose.random() < 0.6
        self.constructs: set[str] = set()
        self.loops = self.names = 0
        self.longest = choose.choice((1, 2, 3, 5))
        self.statements = {**grammar.SIMPLE, **(grammar.ALIASING if aliases else {})}
        self.favoured = choose.sample(sorted(self.statements), 5)
        self.returned = self._returned()

    def program(self) -> Program:
        body = [
            *self._start(),
            *self._functions(),
            *self._block(Scope(depth=self.choose.choice((1, 2, 2, 3))), self.longest + 2),
        ]
        lines = ["def f(x, y, a, b, c, m):", *_indented(body), "    " + self.returned]
        source = grammar.HELPERS + "\n".join(lines) + "\n"
        return Program(source, frozenset(self.constructs), self.scalar, self.aliases)

    def _start(self) -> list[str]:
        one, alias = self.choose.choice, self.aliases and self.choose.random() < 0.6
        return [
            "n, p = a.shape",
            one(("u = x.copy()", "u = np.sin(x)", "u = x * 1.0", *(["u = x"] * 3 if alias else []))),
            one(("v = np.zeros_like(x)", "v = np.zeros(n)", "v = 0.5 * y", "v = np.ones(n) * c")),
            one(
                (
                    "w = np.cos(y)",
                    "w = np.zeros(n)",
                    "w = y.copy()",
                    *(["w = y", "w = u"] * 2 if alias else []),
                )
            ),
            one(("h = a.copy()", "h = np.zeros((n, p))", "h = 0.5 * a", *(["h = a"] if alias else []))),
            one(("g = 0.5 * b", "g = b.copy()", "g = np.zeros(p)", *(["g = b"] if alias else []))),
            one(("r = np.zeros(n, dtype=int)", "r = np.arange(n)", "r = np.arange(n)[::-1].copy()")),
            one(("s = 0", "s = 0.0", "s = c", "s = m")),
            one(("t = c", "t = 0.5", "t = 1")),
            one(("k = 0", "k = m", "k = 1")),
            one(("flag = False", "flag = c > 0.5", "flag = m > 3", "flag = True")),
            *([one(("z = u", "z = y[::-1]", "z = x", "z = v[:]"))] if self.aliases else []),
        ]

    def _functions(self) -> list[str]:
        """Functions inside the function, which see the names around them as they are when they are called."""
        self.bump = self.choose.choice(
            ("bump = lambda q: 0.5 * q + s * 0.2",
             "def bump(q, d=t):\n    return 0.5 * q * d + 0.1 * u.sum()",
             "def bump(q):\n    return clipped(q) if q > s else t * 0.5")[: 3 if self.on_data else 2]
        )  # fmt: skip
        poke = self.choose.choice(
            ("def poke(i):\n    u[i] = 0.5 * u[i] + t\n    return u[i]",
             "def poke(i):\n    z = v\n    z[i] += 0.1 * s\n    return z[i] + w[i]")
        )  # fmt: skip
        return [*self.bump.split("\n"), *poke.split("\n")]

    def _returned(self) -> str:
        if self.scalar:
            terms = self.choose.sample(_LOSS, self.choose.randint(2, 6))
            return "return 0.1 * c + " + " + ".join(terms)
        return "return " + ", ".join(self.choose.choice((_VALUES, _VALUES, _ARRAYS)))

    # ---- statements ----

    def _block(self, scope: Scope, longest: int = 0) -> list[str]:
        number = self.choose.randint(1, longest or self.longest)
        return [line for _ in range(number) for line in self._statement(scope)]

    def _statement(self, scope: Scope) -> list[str]:
        kind = self.choose.random()
        if scope.depth and kind < (0.35 if scope.in_loop else 0.55):
            compound = (self._if, self._if, self._for, self._for, self._for, self._while)
            return self.choose.choice(compound)(scope.inner)
        if kind > (0.92 if scope.in_loop else 0.98):
            return self._jump(scope)
        return self._simple(scope)

    def _simple(self, scope: Scope) -> list[str]:
        while True:
            few = self.favoured if self.choose.random() < 0.5 else sorted(self.statements)
            construct = self.choose.choice(few)
            found = self._fitting(self.statements[construct], scope)
            if found:
                self.constructs.add(construct)
                return [self._filled(self.choose.choice(found), scope, 2)]

    def _fitting(self, templates: Sequence[str], scope: Scope) -> list[str]:
        """The templates whose indices there are; in a program for any size those that no size breaks."""
        return [
            template
            for template in templates
            if ("{own}" not in template or scope.rows)
            and not (self.any_size and _FAILS_ON_SMALL.search(template))
            and not (self.any_size and ("{i}" in template or "{i1}" in template) and not scope.rows)
            and (self.on_data or not _ON_DATA.search(template))
            and ("z" not in re.findall(r"\w+", template) or self.aliases or "z = " in template)
        ]

    def _if(self, scope: Scope) -> list[str]:
        lines = self._under(f"if {self._condition(scope)}:", scope)
        while self.choose.random() < 0.25:
            self.constructs.add("elif")
            lines += self._under(f"elif {self._condition(scope)}:", scope)
        if self.choose.random() < 0.5:
            lines += self._under("else:", scope)
            if self.choose.random() < 0.2:
                return self._named_in_branches(lines, scope)
        return lines

    def _named_in_branches(self, lines: list[str], scope: Scope) -> list[str]:
        """A name gets its first value in each branch of an `if`."""
        self.constructs.add("first value in a branch")
        self.names += 1
        indent = lines[0].index("if")
        heads = [k for k, line in enumerate(lines) if line[indent] != " "]
        for k in reversed(heads):
            lines.insert(k + 1, f"    d{self.names} = {self.number(scope, 2)}")
        return [*lines, f"s = 0.5 * d{self.names}"]

    def _under(self, head: str, scope: Scope) -> list[str]:
        return [head, *_indented(self._block(scope, 2))]

    def _jump(self, scope: Scope) -> list[str]:
        """A jump under a condition, perhaps with statements before it."""
        kind = self.choose.choice(("break", "continue", "return") if scope.in_loop else ("return",))
        self.constructs.add(kind if kind != "return" else "early return")
        before = self._simple(scope) if self.choose.random() < 0.3 else []
        jump = self.returned if kind == "return" else kind
        return [f"if {self._condition(scope)}:", *_indented([*before, jump])]

    def _for(self, scope: Scope) -> list[str]:
        self.loops += 1
        own, kind = f"i{self.loops}", self.choose.random()
        inside = replace(scope, in_loop=True)
        if kind < 0.4:
            ranges = [*grammar.ROW_RANGES, *self._triangles(scope)]
            return self._loop("for over rows", f"{own} in {self.choose.choice(ranges)}", scope,
                              replace(inside, rows=(*scope.rows, own)))  # fmt: skip
        if kind < 0.55:
            space = self.choose.choice(grammar.COLUMN_RANGES)
            return self._loop(
                "for over columns", f"{own} in {space}", scope, replace(inside, columns=(*scope.columns, own))
            )
        if kind < 0.75:
            space = self.choose.choice(self._fitting(grammar.TRIP_RANGES, scope))
            return self._loop("for that counts", f"{own} in {space}", scope, inside)
        return self._over_items(own, scope, inside)

    def _triangles(self, scope: Scope) -> list[str]:
        return [t.format(own=scope.rows[-1]) for t in grammar.TRIANGLES for _ in (0, 1) if scope.rows]

    def _over_items(self, own: str, scope: Scope, inside: Scope) -> list[str]:
        items = self.choose.choice([t for t in grammar.ITEMS if not (self.any_size and "e in h" in t)])
        rows = (*scope.rows, own) if "{own}" in items else scope.rows
        numbers = ("e", "d") if "d" in items.split(" in ")[0] else ("row[0]",) if "row" in items else ("e",)
        drawn = _Drawn(self, scope, 0)
        drawn["own"] = own
        if not self.aliases:  # an iterator is another name for what it iterates over
            drawn |= {"u": self.choose.choice("xy"), "v": "y"}
        return self._loop("for over items", items.format_map(drawn), scope,
                          replace(inside, rows=rows, numbers=(*scope.numbers, *numbers)))  # fmt: skip

    def _loop(self, construct: str, items: str, scope: Scope, inside: Scope) -> list[str]:
        self.constructs.add(construct)
        body = self._block(inside)
        if "row" in items.split(" in ")[0] and self.choose.random() < 0.5:
            self.constructs.add("rows that a loop hands out are written")
            body.append(self.choose.choice(("row *= 0.5", "row[0] = s", "row += 0.1 * b")))
        after = self._named_in_loop(body, scope, inside) if self.choose.random() < 0.15 else []
        lines = [f"for {items}:", *_indented(body)]
        if self.choose.random() < 0.1:
            self.constructs.add("else of a loop")
            lines += self._under("else:", replace(scope, depth=0))
        return [*lines, *after]

    def _named_in_loop(self, body: list[str], scope: Scope, inside: Scope) -> list[str]:
        """A name gets a value in a loop, often its first one, and is used after it."""
        self.constructs.add("first value in a loop")
        self.names += 1
        new, place = f"d{self.names}", self.choose.choice((0, len(body)))
        fitting = self._fitting(grammar.NAMED_ARRAYS if self.aliases else grammar.NAMED_NUMBERS, inside)
        used = self._fitting(grammar.USED_ARRAYS if self.aliases else grammar.USED_NUMBERS, scope)
        body.insert(place, self._filled(self.choose.choice(fitting), inside, 1).replace("new", new))
        return [self._filled(self.choose.choice(used), scope, 1).replace("new", new)]

    def _while(self, scope: Scope) -> list[str]:
        self.loops += 1
        own = f"i{self.loops}"
        limit = self.choose.choice(("4", "n", "m", "n - 1", "p"))
        inside = replace(scope, in_loop=True)
        in_range = replace(inside, rows=(*scope.rows, own)) if limit in ("n", "n - 1") else inside
        counted, first = f"{own} += 1", self.choose.random() < 0.5
        kind = self.choose.random()
        if kind < 0.3:
            self.constructs.add("while that counts")
            body = [*self._block(in_range), counted]
            head, start = f"while {own} < {limit}:", f"{own} = 0"
            body = [*([counted] if "continue" in "".join(body) else []), *body]
        elif not self.on_data:
            self.loops -= 1
            return self._for(scope)
        elif kind < 0.75:
            self.constructs.add("while on data")
            head, start = f"while {own} < {limit} and ({self._condition(scope)}):", f"{own} = 0"
            body = (
                [counted, *self._block(inside)]
                if first
                else [*self._block(replace(inside, in_loop=False)), counted]
            )
        elif kind < 0.9:
            self.constructs.add("while on data")
            head, start = f"while {own} > 0.05:", f"{own} = abs({self.number(scope, 1)}) % 1.0"
            body = [f"{own} *= 0.5", *self._block(replace(inside, numbers=(*scope.numbers, own)))]
        else:
            self.constructs |= {"while on data", "while True"}
            head, start = "while True:", f"{own} = 0"
            body = [
                counted,
                f"if {own} > {limit} or {self._condition(scope)}:",
                "    break",
                *self._block(inside),
            ]
        lines = [start, head, *_indented(body)]
        if self.choose.random() < 0.1 and head != "while True:":
            self.constructs.add("else of a loop")
            lines += self._under("else:", replace(scope, depth=0))
        return lines

    # ---- expressions ----

    def draw(self, name: str, scope: Scope, depth: int) -> str:
        """What stands for a placeholder."""
        if name in ("u", "v", "w"):
            return self.choose.choice(
                ("u", "v", "w", "u", "v", "w", "x", "y") if self.aliases else ("u", "v", "w")
            )
        if name == "own":
            return scope.rows[-1]
        if name == "d":
            return str(self.choose.randint(0, 4))
        kinds = {"i": self._row, "j": self._column, "c": self._condition}
        if name[0] in kinds and name != "col":
            return kinds[name[0]](scope)
        if name == "vec":
            return self._filled(self.choose.choice(self._fitting(grammar.VECTORS, scope)), scope, depth - 1)
        if name == "row":
            return self._filled(self.choose.choice(self._fitting(grammar.ROWS, scope)), scope, depth - 1)
        return self.number(scope, depth - 1)

    def _filled(self, template: str, scope: Scope, depth: int) -> str:
        return template.format_map(_Drawn(self, scope, depth))

    def number(self, scope: Scope, depth: int) -> str:
        kind = self.choose.random()
        if depth > 0 and kind < 0.25:
            return self._filled(self.choose.choice(grammar.NUMBERS), scope, depth)
        if depth > 0 and kind < 0.35 and self.on_data:
            self.constructs.add("choice in an expression")
            return self._filled(self.choose.choice(self._fitting(grammar.CHOSEN, scope)), scope, depth)
        reduced = self._fitting(grammar.REDUCED, scope)
        if depth > 0 and kind < 0.45 and reduced:
            return self._filled(self.choose.choice(reduced), scope, depth)
        atoms = ["s", "t", "c", self.choose.choice(("0.5", "1.5", "2", "k", "0.1 * n", "0.1 * m", "RATE"))]
        if scope.rows or not self.any_size:
            elements = ("{u}[{i}]", "{u}[{i}]", "{u}[{i}]", "h[{i}, {j}]", "a[{i}, {j}]", "0.1 * r[{i}]")
            atoms += [self._filled(self.choose.choice(elements), scope, 0) for _ in range(3)]
        return self.choose.choice([*atoms, *scope.numbers, *(f"0.1 * {i}" for i in scope.rows[-1:])])

    def _row(self, scope: Scope) -> str:
        """An index of the axis of n."""
        if scope.rows and (self.any_size or self.choose.random() < 0.8):
            forms = ("{}", "{}", "{}", "{}", "n - 1 - {}", "({} + 1) % n", "{} - 1", "{} // 2", "-{}")
            return self.choose.choice(forms).format(self.choose.choice(scope.rows))
        return self.choose.choice(("0", "-1", "1", "2", "n // 2", "k % n", "n - 1", "m % n"))

    def _column(self, scope: Scope) -> str:
        """An index of the axis of p."""
        forms = ("{}", "{}", "{}", "{} - 1")
        return self.choose.choice(["0", "-1", *(form.format(j) for form in forms for j in scope.columns)])

    def _condition(self, scope: Scope) -> str:
        kinds: Mapping[str, Sequence[str]] = {
            kind: found
            for kind, ts in grammar.CONDITIONS.items()
            if (self.on_data or kind in ("index", "size")) and (found := self._fitting(ts, scope))
        }
        kind = self.choose.choice(list(kinds))
        self.constructs.add(
            f"test of {kind}" if kind in ("data", "index", "size", "flag", "integer") else kind
        )
        return self._filled(self.choose.choice(kinds[kind]), replace(scope, depth=0), 1)


def _indented(lines: Sequence[str]) -> list[str]:
    return ["    " + line for text in lines for line in text.split("\n")]
