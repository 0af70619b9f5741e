"""IR text as tokens, and a cursor over them that knows where an error stands."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from .errors import TextError
from .text import NAME

T = TypeVar("T")
DEEPEST = 100  # nested brackets and blocks: far below Python's own limit of recursion


class Kind(enum.Enum):
    """What a token is; the value describes it in messages."""

    NAME = "a name"
    NUMBER = "a number"
    STRING = "a string"
    HASH = "a hash"
    SYMBOL = "a symbol"
    LINE = "the end of the line"
    END = "the end of the text"


@dataclass(frozen=True)
class Token:
    """A piece of the text; line and column count from 1. The text of a LINE is the comment before it."""

    kind: Kind
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        return self.kind.value if self.kind in (Kind.LINE, Kind.END) else repr(self.text)

    @property
    def width(self) -> int:
        return 1 if self.kind in (Kind.LINE, Kind.END) else len(self.text)


_TOKEN = re.compile(
    rf"""
    (?P<space> [ \t\r]+ | \#.* )
  | (?P<NAME> {NAME.pattern} )
  | (?P<NUMBER> 0x[0-9a-f]+ | [0-9]+ (?:\.[0-9]*)? (?:[eE][+-]?[0-9]+)? )
  | (?P<STRING> "(?:[^"\\]|\\.)*" )
  | (?P<HASH> @[0-9a-f]+ )
  | (?P<SYMBOL> -> | // | == | != | >= | [-+*(){{}}\[\],:=] )
  """,
    re.VERBOSE,
)


class Cursor:
    """A position in the tokens of a text."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._depth = 0
        self._at = 0
        self._tokens: list[Token] = []
        self._tokens.extend(self._tokenized())

    def _tokenized(self) -> Iterator[Token]:
        """Lines without a token are left out."""
        for number, line in enumerate(self._lines, start=1):
            at, comment, empty = 0, "", True
            while at < len(line):
                found = _TOKEN.match(line, at)
                if found is None:
                    self.fail_at_character(line[at], number, at + 1)
                if found.lastgroup == "space":
                    comment = found[0][1:].strip() if found[0][0] == "#" else ""
                else:
                    yield Token(Kind[str(found.lastgroup)], found[0], number, at + 1)
                    empty = False
                at = found.end()
            if not empty:
                yield Token(Kind.LINE, comment, number, len(line) + 1)
        yield Token(Kind.END, "", len(self._lines), len(self._lines[-1]) + 1)

    # ---- looking and taking ----

    def peek(self, ahead: int = 0) -> Token:
        """The next token, or one further on."""
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        """The next token; the cursor moves past it."""
        token = self.peek()
        self._at += 1
        return token

    def at(self, text: str, ahead: int = 0) -> bool:
        """Whether this word or symbol comes next."""
        token = self.peek(ahead)
        return token.text == text and token.kind in (Kind.NAME, Kind.SYMBOL)

    def at_kind(self, kind: Kind) -> bool:
        return self.peek().kind is kind

    def accept(self, text: str) -> bool:
        """Take this word or symbol if it comes next."""
        found = self.at(text)
        self._at += found
        return found

    def expect(self, text: str) -> Token:
        """Take this word or symbol; an error if something else comes."""
        if not self.at(text):
            self.fail(f"expected {text!r}, found {self.peek()}")
        return self.take()

    def expect_kind(self, kind: Kind, what: str | None = None) -> Token:
        """Take a token of this kind; an error if something else comes."""
        if not self.at_kind(kind):
            self.fail(f"expected {what or kind.value}, found {self.peek()}")
        return self.take()

    def expect_zero(self) -> None:
        """Take the number 0, with which guards and `max` compare."""
        if self.peek().text != "0":
            self.fail(f"expected '0', found {self.peek()}")
        self.take()

    def listed(self, item: Callable[[], T], close: str) -> list[T]:
        """Items between commas up to a closing bracket, which is taken too."""
        found: list[T] = []
        if not self.at(close):
            found = self.separated(item)
        self.expect(close)
        return found

    def separated(self, item: Callable[[], T]) -> list[T]:
        """One item or more, between commas."""
        found = [item()]
        while self.accept(","):
            found.append(item())
        return found

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Inside one more bracket or block; an error where there are too many."""
        if self._depth == DEEPEST:
            self.fail(f"nested more than {DEEPEST} deep")
        self._depth += 1
        yield
        self._depth -= 1

    def fail_at_character(self, character: str, line: int, column: int) -> NoReturn:
        """No token begins with this character."""
        message = "a string without its end" if character == '"' else f"unexpected character {character!r}"
        self.fail(message, Token(Kind.SYMBOL, character, line, column))

    def fail(self, message: str, token: Token | None = None, hint: str | None = None) -> NoReturn:
        """Raise TextError at a token, the next one if none is given."""
        at = token or self.peek()
        line = self._lines[at.line - 1].replace("\t", " ")
        caret = " " * (at.column - 1) + "^" * at.width
        raise TextError(f"line {at.line}, column {at.column}: {message}\n    {line}\n    {caret}", hint=hint)
