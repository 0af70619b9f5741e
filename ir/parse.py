"""The parser of IR text: recursive over nested blocks only, and it never evaluates anything.

The grammar is stated in `text.py`. Types that the text declares are checked against the rules of the ops; what
concerns the whole Function (sizes in scope, sums) is the verifier's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from .check import inferred
from .errors import AdcompilerError
from .graph import Attr, Block, Eqn, Function, Value
from .literals import (
    Data,
    array_type,
    attribute,
    constant_is_next,
    dim,
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
        As `to_text` writes it. Trailing comments become the notes of their equations, so that the Function prints the
        same text again.
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
    def __init__(self, cursor: Cursor, ops: Mapping[str, Op], data: Data) -> None:
        self.cursor = cursor
        self.ops = ops
        self.data = data
        self.scope: dict[str, Value] = {}

    # ---- function ----

    def function(self) -> Function:
        cursor = self.cursor
        cursor.expect("func")
        name = string(cursor) if cursor.at_kind(Kind.STRING) else self.plain_name("the function's name")
        sizes = cursor.listed(lambda: size_name(cursor), "]") if cursor.accept("[") else []
        cursor.expect("(")
        params = self.define(cursor.listed(self.binder, ")"))
        cursor.expect("->")
        cursor.expect("(")
        places: list[Token] = []
        declared = cursor.listed(lambda: places.append(cursor.peek()) or array_type(cursor), ")")  # type: ignore[func-returns-value]
        guards = cursor.separated(self.guard) if cursor.accept("where") else []
        written = cursor.separated(lambda: self.writing(params)) if cursor.accept("writes") else []
        body = self.block("return", params)
        for k, (kind, result) in enumerate(zip(declared, body.results, strict=False)):
            if kind != result.type:
                cursor.fail(f"result {k} is {result.type}, not {kind}", places[k])
        if len(declared) != len(body.results):
            cursor.fail(f"{len(declared)} results are declared, {len(body.results)} are returned", self.last)
        if cursor.at_kind(Kind.LINE):
            cursor.take()
        cursor.expect_kind(Kind.END)
        return Function(name, body, tuple(sizes), tuple(guards), tuple(written))

    def plain_name(self, what: str) -> str:
        token = self.cursor.expect_kind(Kind.NAME, what)
        if token.text in RESERVED:
            self.cursor.fail(f"{token} means something else in the text", token)
        return token.text

    def guard(self) -> Guard:
        """`n - m == 0`."""
        left = dim(self.cursor)
        token = self.cursor.take()
        if token.text not in [r.value for r in Relation]:
            self.cursor.fail(f"expected '==', '!=' or '>=', found {token}", token)
        if self.cursor.peek().text != "0":
            self.cursor.fail(f"expected '0', found {self.cursor.peek()}")
        self.cursor.take()
        return Guard(left, Relation(token.text))

    def writing(self, params: Sequence[Value]) -> tuple[int, int]:
        """`1 -> x`: result 1 is the final contents of x."""
        token = self.cursor.expect_kind(Kind.NUMBER, "the number of a result")
        if not token.text.isdecimal() or len(token.text) > 9:
            self.cursor.fail(f"{token} is not the number of a result", token)
        self.cursor.expect("->")
        name = self.cursor.expect_kind(Kind.NAME, "the name of a parameter")
        if name.text not in self.scope:
            self.cursor.fail(f"{name} is not a parameter", name)
        return int(token.text), params.index(self.scope[name.text])

    # ---- blocks ----

    def block(self, last: str, params: Sequence[Value]) -> Block:
        """`{`, equations, results, `}`; parameters are in scope already."""
        cursor = self.cursor
        cursor.expect("{")
        with cursor.nested():
            note = self.end_of_line()
            eqns: list[Eqn] = []
            while not cursor.at(last):
                eqns.append(self.equation())
            self.head_note = note
            self.last = cursor.take()
            results = [] if cursor.at_kind(Kind.LINE) else cursor.separated(self.operand)
            self.end_of_line()
            cursor.expect("}")
        return Block(tuple(params), tuple(eqns), tuple(results))

    def end_of_line(self) -> str | None:
        """Take the end of a line; the comment before it."""
        return self.cursor.expect_kind(Kind.LINE).text or None
