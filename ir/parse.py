"""The parser of IR text: recursive over nested blocks only, and it never evaluates anything.

The grammar is stated in `text.py`. Types that the text declares are checked against the rules of the ops;
what concerns the Function as a whole (sizes in scope, sums) is left to the verifier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .check import inferred
from .errors import AdcompilerError
from .graph import Attr, Attrs, Block, Eqn, Function, Value
from .literals import (
    Data,
    array_type,
    attribute,
    constant_is_next,
    dim,
    integer,
    operand_constant,
    size_name,
    string,
)
from .op import Op
from .text import RESERVED
from .tokens import Cursor, Kind, Token
from .types import ArrayType, Guard, Relation


def parse(text: str, ops: Mapping[str, Op], data: Data | None = None) -> Function:
    """The Function that a text describes.

    Parameters
    ----------
    text
        As `to_text` writes it. Trailing comments become the notes of their equations, so that the Function
        prints the same text again.
    ops
        The ops that may occur, by name.
    data
        The arrays that the text gives by hash only, as `constants_of` returns them.

    Raises
    ------
    TextError
        Where the text is malformed; the message has line, column, the line, and a caret.
    """
    return _Parser(Cursor(text), ops, data or {}).function()


@dataclass(frozen=True)
class _Binder:
    """A name with its declared type, and where they stand."""

    name: Token
    type: ArrayType
    place: Token


class _Parser:
    """The cursor, and the values in scope by name."""

    def __init__(self, cursor: Cursor, ops: Mapping[str, Op], data: Data) -> None:
        self.cursor = cursor
        self.ops = ops
        self.data = data
        self.scope: dict[str, Value] = {}

    # ---- function ----

    def function(self) -> Function:
        cursor = self.cursor
        cursor.expect("func")
        quoted = cursor.at_kind(Kind.STRING)
        name = string(cursor) if quoted else self.plain_name("the name of the function").text
        sizes = cursor.listed(lambda: size_name(cursor), "]") if cursor.accept("[") else []
        cursor.expect("(")
        params = self.define(cursor.listed(self.binder, ")"))
        arrow = cursor.expect("->")
        cursor.expect("(")
        declared = cursor.listed(self.placed_type, ")")
        guards = cursor.separated(self.guard) if cursor.accept("where") else []
        written = cursor.separated(lambda: self.writing(params)) if cursor.accept("writes") else []
        self.open_block()
        body = self.block("return", params)
        if len(declared) != len(body.results):
            cursor.fail(f"{len(declared)} results are declared, {len(body.results)} are returned", arrow)
        for k, (result, (place, kind)) in enumerate(zip(body.results, declared, strict=True)):
            if kind != result.type:
                cursor.fail(f"result {k} is {result.type}, not {kind}", place)
        self.end_of_line()
        cursor.expect_kind(Kind.END)
        return Function(name, body, tuple(sizes), tuple(guards), tuple(written))

    def guard(self) -> Guard:
        """`n - m == 0`."""
        left = dim(self.cursor)
        sign = self.cursor.peek()
        if sign.text not in [r.value for r in Relation]:
            self.cursor.fail(f"expected '==', '!=' or '>=', found {sign}")
        self.cursor.take()
        self.cursor.expect_zero()
        return Guard(left, Relation(sign.text))

    def writing(self, params: Sequence[Value]) -> tuple[int, int]:
        """`1 -> x`: result 1 is the final contents of x."""
        result = integer(self.cursor)
        self.cursor.expect("->")
        name = self.cursor.expect_kind(Kind.NAME, "the name of a parameter")
        if name.text not in self.scope:
            self.cursor.fail(f"{name} is not a parameter", name)
        return result, params.index(self.scope[name.text])

    # ---- names ----

    def plain_name(self, what: str) -> Token:
        token = self.cursor.expect_kind(Kind.NAME, what)
        if token.text in RESERVED:
            self.cursor.fail(f"{token} means something else in the text", token)
        return token

    def placed_type(self) -> tuple[Token, ArrayType]:
        return self.cursor.peek(), array_type(self.cursor)

    def binder(self) -> _Binder:
        """`x: f64[n]`."""
        name = self.plain_name("the name of a value")
        self.cursor.expect(":")
        place, kind = self.placed_type()
        return _Binder(name, kind, place)

    def define(self, binders: Sequence[_Binder]) -> list[Value]:
        """New values, in scope from here on."""
        for binder in binders:
            if binder.name.text in self.scope:
                self.cursor.fail(f"{binder.name} is defined twice", binder.name)
            self.scope[binder.name.text] = Value(binder.type, binder.name.text)
        return [self.scope[b.name.text] for b in binders]

    # ---- blocks and equations ----

    def open_block(self) -> str | None:
        """`{` and the end of its line; the comment there."""
        self.cursor.expect("{")
        return self.end_of_line()

    def block(self, last: str, params: Sequence[Value]) -> Block:
        """Equations, results, `}`; what is defined in them goes out of scope."""
        cursor, outer = self.cursor, set(self.scope).difference(p.name for p in params if p.name)
        eqns: list[Eqn] = []
        with cursor.nested():
            while not cursor.at(last):
                if cursor.at("return") or cursor.at("yield"):
                    cursor.expect(last)
                eqns.append(self.equation())
            cursor.take()
            results = [] if cursor.at_kind(Kind.LINE) else cursor.separated(self.operand)
        self.end_of_line()
        cursor.expect("}")
        for name in [name for name in self.scope if name not in outer]:
            del self.scope[name]
        return Block(tuple(params), tuple(eqns), tuple(results))

    def end_of_line(self) -> str | None:
        """Take the end of a line; the comment before it."""
        return self.cursor.expect_kind(Kind.LINE).text or None

    def equation(self) -> Eqn:
        """`y: f64 = sin x`, with its blocks and the comment behind it."""
        cursor = self.cursor
        binders: list[_Binder] = []
        if cursor.at(":", ahead=1):
            binders = cursor.separated(self.binder)
            cursor.expect("=")
        place = cursor.expect_kind(Kind.NAME, "an op")
        op = self.op(place)
        bare = cursor.at_kind(Kind.LINE) or cursor.at("{") or cursor.at("(")
        inputs = [] if bare else cursor.separated(self.operand)
        attrs = self.attributes() if cursor.accept("{") else {}
        notes, blocks = [], []
        while cursor.accept("("):
            params = self.define(cursor.listed(self.binder, ")"))
            notes.append(self.open_block())
            blocks.append(self.block("yield", params))
        notes.append(self.end_of_line())
        self.check_types(place, op, binders, inputs, attrs, blocks)
        return Eqn(op, tuple(inputs), tuple(self.define(binders)), attrs, tuple(blocks), note=notes[0])

    def op(self, place: Token) -> Op:
        if place.text not in self.ops:
            self.cursor.fail(f"there is no op {place}", place, _did_you_mean(place.text, self.ops))
        return self.ops[place.text]

    def operand(self) -> Value:
        """A constant, or the name of a value in scope."""
        if constant_is_next(self.cursor):
            return operand_constant(self.cursor, self.data)
        token = self.cursor.expect_kind(Kind.NAME, "an operand")
        if token.text not in self.scope:
            self.cursor.fail(f"{token} is not defined here", token, _did_you_mean(token.text, self.scope))
        return self.scope[token.text]

    def attributes(self) -> dict[str, Attr]:
        """`name=value, ...}`."""
        attrs: dict[str, Attr] = {}

        def item() -> None:
            name = self.cursor.expect_kind(Kind.NAME, "the name of an attribute")
            if name.text in attrs:
                self.cursor.fail(f"attribute {name} is given twice", name)
            self.cursor.expect("=")
            attrs[name.text] = attribute(self.cursor)

        self.cursor.listed(item, "}")
        return attrs

    def check_types(
        self,
        place: Token,
        op: Op,
        binders: Sequence[_Binder],
        inputs: Sequence[Value],
        attrs: Attrs,
        blocks: Sequence[Block],
    ) -> None:
        """Compare the declared types with those that the op gives."""
        try:
            types = inferred(op, [v.type for v in inputs], attrs, blocks)
        except AdcompilerError as error:
            self.cursor.fail(error.message, place)
        if len(types) != len(binders):
            self.cursor.fail(f"{op.name} has {len(types)} results, not {len(binders)}", place)
        for kind, binder in zip(types, binders, strict=True):
            if kind != binder.type:
                self.cursor.fail(f"{binder.name} is {kind}, not {binder.type}", binder.place)


def _did_you_mean(name: str, known: Iterable[str]) -> str | None:
    near = get_close_matches(name, known, n=2)
    return f"did you mean {' or '.join(near)}?" if near else None
