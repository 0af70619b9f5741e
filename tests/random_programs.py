"""Random plain-Python programs: every statement and expression that is captured, ending on all data."""

from __future__ import annotations

import random

_NAMES = ("a", "b", "c", "d")
_COMPARISONS = ("<", "<=", "==", "!=", ">", ">=")


def random_program(choose: random.Random) -> str:
    """The source of a function `f(a, b, xs)` of two small integers and a list of small integers."""
    return _Writer(choose).program()


class _Writer:
    def __init__(self, choose: random.Random) -> None:
        self.choose = choose
        self.fresh = 0
        self.functions: list[str] = []

    def program(self) -> str:
        head = "def f(a, b, xs):"
        body = [*self.maybe_defined(), *self.block(3, in_loop=False, in_function=True)]
        if self.choose.random() < 0.7:
            body.append("return a, b, xs, " + self.expression(1))
        return "\n".join([head, *("    " + line for line in body)])

    def maybe_defined(self) -> list[str]:
        return [f"{name} = {self.constant()}" for name in ("c", "d") if self.choose.random() < 0.8]

    def constant(self) -> str:
        return str(self.choose.randint(-2, 5))

    def name(self) -> str:
        return self.choose.choice(_NAMES)

    # Expressions -------------------------------------------------------------------------------------------

    def expression(self, depth: int) -> str:
        if depth == 0 or self.choose.random() < 0.2:
            return self.choose.choice((self.name(), self.name(), self.constant(), "xs[0]"))
        kinds = (
            *(self.arithmetic, self.logged, self.boolean, self.ternary, self.comparison),
            *(self.item, self.negation, self.comprehension, self.called),
        )
        return self.choose.choice(kinds)(depth - 1)

    def arithmetic(self, depth: int) -> str:
        operator = self.choose.choice(("+", "-", "*", "+", "-", "//", "%"))
        return f"({self.expression(depth)} {operator} {self.expression(depth)}) % 11"

    def logged(self, depth: int) -> str:
        return f"t({self.expression(depth)})"

    def boolean(self, depth: int) -> str:
        joined = f" {self.choose.choice(('and', 'or'))} "
        return "(" + joined.join(self.expression(depth) for _ in range(self.choose.randint(2, 3))) + ")"

    def ternary(self, depth: int) -> str:
        return f"({self.expression(depth)} if {self.expression(depth)} else {self.expression(depth)})"

    def comparison(self, depth: int) -> str:
        parts = [self.expression(depth)]
        for _ in range(self.choose.randint(1, 3)):
            parts += [self.choose.choice(_COMPARISONS), self.expression(depth)]
        return "(" + " ".join(parts) + ")"

    def item(self, depth: int) -> str:
        return self.choose.choice((f"xs[{self.expression(depth)} % 4]", f"sum(xs[{self.constant()}:])"))

    def negation(self, depth: int) -> str:
        return self.choose.choice((f"(not {self.expression(depth)})", f"(-{self.expression(depth)})"))

    def comprehension(self, depth: int) -> str:
        target = self.choose.choice(("a", "k"))
        inner = self.choose.choice((f"{target} + {self.expression(depth)}", f"t({target})"))
        test = self.choose.choice(
            ("", f" if {self.expression(depth)}", f" if {target} > {self.expression(0)}")
        )
        brackets = self.choose.choice(("sum([{}])", "len({{{}}})", "sum({})", "max([0] + [{}])"))
        return brackets.format(f"{inner} for {target} in xs{test}")

    def called(self, depth: int) -> str:
        if self.functions and self.choose.random() < 0.7:
            return f"{self.choose.choice(self.functions)}({self.expression(depth)})"
        return f"(lambda k: k + {self.expression(depth)})({self.expression(depth)})"

    # Statements --------------------------------------------------------------------------------------------

    def block(self, depth: int, in_loop: bool, in_function: bool) -> list[str]:
        lines: list[str] = []
        known = len(self.functions)
        for _ in range(self.choose.randint(1, 4 if depth else 2)):
            lines += self.statement(depth, in_loop, in_function)
        del self.functions[known:]
        return lines

    def statement(self, depth: int, in_loop: bool, in_function: bool) -> list[str]:
        simple = (self.assignment, self.assignment, self.augmented, self.stored, self.unpacked, self.asserted)
        compound = (self.if_, self.if_, self.for_, self.for_, self.while_, self.def_)
        kind = self.choose.random()
        if kind < 0.15 and in_loop:
            return [self.choose.choice(("break", "continue"))]
        if kind < 0.2 and in_function:
            return [f"return {self.expression(1)}"] if self.choose.random() < 0.9 else ["return"]
        if kind < 0.6 and depth:
            return self.choose.choice(compound)(depth - 1, in_loop)
        return [self.choose.choice(simple)()]

    def assignment(self) -> str:
        return f"{self.name()} = {self.expression(2)}"

    def augmented(self) -> str:
        target = self.choose.choice((self.name(), f"xs[{self.expression(1)} % 3]"))
        if self.choose.random() < 0.25:  # by a constant: what is squared in each trip has no end
            return f"{target} *= {self.constant()}"
        return f"{target} {self.choose.choice(('+=', '-=', '%='))} {self.expression(1)}"

    def stored(self) -> str:
        target = f"xs[{self.expression(1)} % 4]"
        return self.choose.choice(
            (f"{target} = {self.expression(1)}", f"c = {target} = {self.expression(1)}")
        )

    def unpacked(self) -> str:
        pair = self.choose.choice(("{0}, {1}", "{0}, xs[{0} % 2]", "xs[{0} % 3], {0}", "{0}, *xs[0:1]"))
        return f"{pair.format(self.name(), self.name())} = {self.expression(1)}, {self.expression(1)}"

    def asserted(self) -> str:
        return f"assert {self.expression(1)} != {self.constant()}, t({self.constant()})"

    def indent(self, head: str, body: list[str]) -> list[str]:
        return [head, *("    " + line for line in body)]

    def if_(self, depth: int, in_loop: bool) -> list[str]:
        lines = self.indent(f"if {self.expression(2)}:", self.block(depth, in_loop, True))
        if self.choose.random() < 0.3:
            lines += self.indent(f"elif {self.expression(1)}:", self.block(depth, in_loop, True))
        if self.choose.random() < 0.5:
            lines += self.indent("else:", self.block(depth, in_loop, True))
        return lines

    def for_(self, depth: int, in_loop: bool) -> list[str]:
        target, iterable = self.choose.choice(
            (
                (self.name(), f"range({self.choose.randint(0, 4)})"),
                (self.name(), "list(xs)"),
                (f"{self.name()}, {self.name()}", "enumerate(list(xs))"),
                (f"{self.name()}, (c, d)", "enumerate(zip(list(xs), range(3)))"),
                (self.name(), f"(t(k) for k in range({self.choose.randint(0, 4)}))"),
            )
        )
        lines = self.indent(f"for {target} in {iterable}:", self.block(depth, True, True))
        return lines + self.maybe_else(depth, in_loop)

    def while_(self, depth: int, in_loop: bool) -> list[str]:
        self.fresh += 1
        counter = f"w{self.fresh}"
        test = self.choose.choice((f"{counter} > 0", f"{counter} > 0 and {self.expression(1)}", "True"))
        stop = [f"if {counter} < 0: break"] if test == "True" else []
        body = [f"{counter} -= 1", *stop, *self.block(depth, True, True)]
        lines = [f"{counter} = {self.choose.randint(0, 3)}", *self.indent(f"while {test}:", body)]
        return lines + self.maybe_else(depth, in_loop)

    def maybe_else(self, depth: int, in_loop: bool) -> list[str]:
        if self.choose.random() < 0.3:
            return self.indent("else:", self.block(depth, in_loop, True))
        return []

    def def_(self, depth: int, in_loop: bool) -> list[str]:
        self.fresh += 1
        name = f"g{self.fresh}"
        if self.choose.random() < 0.4:
            result = f"(k, e, {self.expression(1)})[{self.constant()} % 3]"
            return self.named(name, [f"{name} = lambda k, e={self.expression(0)}: {result}"])
        statements = [*self.block(min(depth, 1), False, True), f"return {self.expression(1)}"]
        parameter = self.choose.choice(("a", "k"))
        return self.named(name, self.indent(f"def {name}({parameter}, *, e=1):", statements))

    def named(self, name: str, lines: list[str]) -> list[str]:
        self.functions.append(name)
        return lines
