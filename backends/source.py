"""Writing Python source: names, literals, lines with the user's line beside them."""

from __future__ import annotations

import keyword
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ..ir.graph import Constant, Eqn
from ..ir.op import constructor
from ..ir.types import F64, I64, ArrayType, Dim, DType
from .cuts import Cut

COMMENT_COLUMN = 56

BUILTINS = ("abs", "bool", "enumerate", "float", "int", "len", "max", "min", "range", "round", "slice")
"""Names that generated code may mean by themselves."""


class Names:
    """Names of Python variables: like the hints they are made of, valid, and each given once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*taken, *BUILTINS, *keyword.kwlist, "np", "math"}
        self._count: Counter[str] = Counter()
        self._loops: list[str] = []

    def fresh(self, hint: str | None) -> str:
        """A name that was not given before."""
        name = re.sub(r"\W", "_", hint or "t", flags=re.ASCII)
        name = f"v{name}" if name[0].isdigit() else name
        while name in self.taken:
            stem = name.rstrip("0123456789")
            self._count[stem] += 1
            name = f"{stem}{self._count[stem]}"
        self.taken.add(name)
        return name

    def take(self, name: str) -> None:
        """Never give this name."""
        self.taken.add(name)

    def loop(self, depth: int) -> str:
        """The variable of the loops at this depth of a nest; nests share them."""
        while len(self._loops) <= depth:
            self._loops.append(self.fresh("ijklpq"[len(self._loops) % 6]))
        return self._loops[depth]


@dataclass(frozen=True)
class Line:
    """One line: text without indentation, how deep it stands, and what is said beside it.

    `makes` is the array that it makes, `scratch` what it has beside that while it runs, `trips` how often it
    repeats what stands in it, `cut` the loop of which it is a part, if chunks may run that.
    """

    text: str
    depth: int = 0
    comment: str = ""
    makes: Fresh | None = None
    cut: Cut | None = None
    scratch: tuple[Scratch, ...] = ()
    trips: Trips | None = None

    def render(self, comments: bool) -> str:
        code = "    " * self.depth + self.text
        return f"{code:<{COMMENT_COLUMN}}  # {self.comment}" if comments and self.comment else code


@dataclass(frozen=True)
class Fresh:
    """An array that a line makes: its variable, and what fills memory of its size as that line does.

    Without `filling` only that line can make it. Where it is `kept`, it lies in the workspace of the call. A
    `spare` is an array that a loop makes: when a trip ends its variable holds one that nobody uses.
    """

    name: str
    type: ArrayType
    filling: Callable[[], Sequence[Line]] | None = tuple
    kept: bool = False
    spare: bool = False


@dataclass(frozen=True)
class Scratch:
    """Memory for an array of this type, or for its first elements where only `most` of them are there."""

    type: ArrayType
    most: int | None = None


@dataclass(frozen=True)
class Trips:
    """The trips of a loop: under which name sizes in it mention its index, and how many there are."""

    index: str
    length: Dim
    reverse: bool = False


@dataclass
class Page:
    """Lines under construction."""

    lines: list[Line] = field(default_factory=list)
    depth: int = 0

    def write(
        self,
        text: str,
        eqn: Eqn | None = None,
        makes: Fresh | None = None,
        scratch: Iterable[Scratch] = (),
        trips: Trips | None = None,
    ) -> None:
        line = Line(text, self.depth, remark(eqn), makes, scratch=tuple(scratch), trips=trips)
        self.lines.append(line)

    def extend(self, lines: Iterable[Line]) -> None:
        self.lines.extend(lines)

    @contextmanager
    def indented(self) -> Iterator[None]:
        self.depth += 1
        yield
        self.depth -= 1

    @contextmanager
    def cut(self, cut: Cut | None) -> Iterator[None]:
        """What is written inside is a loop that is cut into chunks."""
        with self.aside() as inside:
            yield
        self.extend(replace(line, cut=cut) for line in inside)

    @contextmanager
    def aside(self) -> Iterator[list[Line]]:
        """What is written inside goes into the list that is given, not onto the page."""
        before, self.lines = self.lines, []
        inside = self.lines
        yield inside
        self.lines = before


def render(lines: Sequence[Line], comments: bool = True) -> str:
    """The text of lines; a comment that repeats the one above it is left out."""
    shown: list[str] = []
    last = ""
    for line in lines:
        repeated = line.comment == last
        shown.append(line.render(comments and not repeated))
        last = line.comment or last
    return "\n".join(shown) + "\n"


def in_loop(header: str, body: Sequence[Line], said: str) -> list[Line]:
    """Lines inside a header."""
    return [Line(header, 0, said), *(replace(line, depth=line.depth + 1) for line in body)]


def remark(eqn: Eqn | None) -> str:
    """`adjoint of z, power.py:5  y = y * sin(x)`."""
    if eqn is None:
        return ""
    place = f"{eqn.location.short}  {eqn.location.source}".strip() if eqn.location else ""
    text = ", ".join(part for part in (eqn.note, place) if part)
    return "".join(c if c.isprintable() else " " for c in text).strip()


# ---- literals ----


def literal(value: Constant) -> str:
    """A scalar Constant as source of exactly its dtype."""
    dtype = value.type.dtype
    if dtype is DType.BOOL:
        return str(bool(value.data))
    text = _float_text(float(value.data)) if dtype.is_float else _integer_text(int(value.data), dtype)
    if dtype in (F64, I64):
        return f"({text})" if text.startswith("-") else text
    return f"{constructor(dtype)}({text})"


def _float_text(x: float) -> str:
    if math.isnan(x):
        return "np.nan"
    return ("-" if x < 0 else "") + "np.inf" if math.isinf(x) else repr(x)


def _integer_text(n: int, dtype: DType) -> str:
    # the literal of the smallest i64 would be a minus applied to a number that is too large
    return f"{n + 1} - 1" if dtype is I64 and n == -(2**63) else str(n)


def zero(dtype: DType) -> str:
    """Zero of a dtype."""
    if dtype is DType.BOOL:
        return "False"
    return {F64: "0.0", I64: "0"}.get(dtype) or f"{constructor(dtype)}(0)"


# ---- shapes ----


def tuple_text(parts: Sequence[str]) -> str:
    """`(a, b)`, `(a,)`, `()`."""
    return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"


def allocation(function: str, type: ArrayType, *fill: str) -> str:
    """`np.empty((n, 3), np.float32)`; the dtype is left out where it is f64."""
    shape = [str(d) for d in type.shape]
    extent = shape[0] if len(shape) == 1 else tuple_text(shape)
    dtype = () if type.dtype is F64 else (constructor(type.dtype),)
    return f"{function}({', '.join((extent, *fill, *dtype))})"
