"""The printer: a Function as text that `parse.py` reads back.

One generic grammar for every op, an equation a line, comments after `#`:

    function: func NAME [n, m] (x: f64[n], ...) -> (f64, ...) where n - m == 0, ... writes 1 -> x, ... {
    equation: y: f64, z: f64[n] = OP x, 2.0 {attribute=1} (i: i64, ...) {
    results:  return x, y        yield x, y        }

`where` lists the guards, `writes` the results that are final contents of parameters. Constants stand where
they are used, with their bits: `2.0` is f64, `3` is i64, `True` is bool, others name their dtype as in
`2.0:f32`; NaNs other than `nan` give their bits, `nan(0x7ff8000000000001)`. Arrays list their elements row
by row, `[1.0, 2.0]:f64[2]`; those of more than 16 elements give only a hash of their contents,
`@0123456789abcdef:f64[20]`, and `constants_of` hands the data over beside the text. In attributes a Dim
that is a number is printed, and read back, as an integer.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import VerifierError
from .graph import Attr, Block, Constant, Eqn, Function, Value, values, walk
from .types import BOOL, F32, F64, I64, ArrayType, Dim, DType

NAME = re.compile(r"[^\W\d]\w*")
WORDS = ("func", "where", "writes", "return", "yield", "max", "True", "False", "None", "nan", "inf")
RESERVED = frozenset((*WORDS, *(dtype.value for dtype in DType)))
INLINE = 16  # elements: larger arrays are given by the hash of their contents
COMMENT_COLUMN = 56  # longer lines do not push the comments of all others to the right


def to_text(function: Function, locations: bool = True) -> str:
    """The text of a Function.

    With `locations` the user's lines and the notes follow as comments, each once. `parse(to_text(f), ops,
    constants_of(f))` is structurally equal to f and prints the same text.
    """
    names = Names(function)
    comments = _comments(function) if locations else {}
    lines = [_Line(_head(function, names)), *_block(function.body, "return", 1, names, comments), _Line("}")]
    commented = [len(line.code) for line in lines if line.comment]
    column = max((n for n in commented if n <= COMMENT_COLUMN), default=0)
    return "\n".join(f"{x.code:{column}}  # {x.comment}" if x.comment else x.code for x in lines)


def constants_of(function: Function) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays that the text gives by hash only, by their hash."""
    uses = list(function.body.results)
    for eqn in walk(function.body):
        uses += [*eqn.inputs, *(result for block in eqn.blocks for result in block.results)]
    large = [v.data for v in uses if isinstance(v, Constant) and np.size(v.data) > INLINE]
    return {content_hash(data): data for data in large}


def content_hash(data: np.ndarray[Any, Any]) -> str:
    """16 hexadecimal digits for dtype, shape and contents of an array."""
    head = f"{DType.of(data.dtype)}{data.shape}".encode()
    return hashlib.blake2b(head + data.tobytes(), digest_size=8).hexdigest()


def is_name(text: str) -> bool:
    """Whether sizes may have this name: an identifier that means nothing else in the text."""
    return NAME.fullmatch(text) is not None and text.isidentifier() and text not in RESERVED


# ---- names ----


class Names:
    """A name for every value of a Function, no two alike: its hint where that is free."""

    def __init__(self, function: Function) -> None:
        self._names: dict[Value, str] = {}
        self._used = set(RESERVED)
        self._next: dict[str, int] = {}
        for value in values(function.body):
            self.of(value)

    def of(self, value: Value) -> str:
        """The name of a value; one that the Function does not define gets a name when it is first met."""
        if value not in self._names:
            self._names[value] = self._fresh(value.name)
        return self._names[value]

    def operand(self, value: Value) -> str:
        """The name of a value, or the text of a Constant."""
        return constant_text(value) if isinstance(value, Constant) else self.of(value)

    def operands(self, operands: Sequence[Value]) -> str:
        return ", ".join(map(self.operand, operands))

    def binders(self, defined: Sequence[Value]) -> str:
        """`x: f64, y: i64`."""
        return ", ".join(f"{self.of(v)}: {v.type}" for v in defined)

    def _fresh(self, hint: str | None) -> str:
        name = re.sub(r"\W+", "_", hint or "").strip("_")
        stem = "v" if not name.isidentifier() else re.sub(r"_\d+$", "", name) + "_"
        if stem == "v":
            name = ""
        while not name or name in self._used:
            number = self._next.get(stem, int(stem != "v"))
            self._next[stem] = number + 1
            name = f"{stem}{number}"
        self._used.add(name)
        return name


# ---- lines ----


@dataclass(frozen=True)
class _Line:
    code: str
    comment: str = ""


def _head(function: Function, names: Names) -> str:
    params = function.body.params
    name = function.name if is_name(function.name) else string_text(function.name)
    sizes = f"[{', '.join(function.sizes)}]" if function.sizes else ""
    results = ", ".join(str(r.type) for r in function.body.results)
    where = f" where {', '.join(map(str, function.guards))}" if function.guards else ""
    writes = ", ".join(f"{result} -> {names.of(params[param])}" for result, param in function.written)
    writes = f" writes {writes}" if writes else ""
    return f"func {name}{sizes}({names.binders(params)}) -> ({results}){where}{writes} {{"


def _block(block: Block, last: str, depth: int, names: Names, comments: dict[Eqn, str]) -> Iterator[_Line]:
    indent = "  " * depth
    for eqn in block.eqns:
        code = indent + eqn_text(eqn, names)
        for k, inner in enumerate(eqn.blocks):
            yield _Line(f"{code} ({names.binders(inner.params)}) {{", comments.get(eqn, "") if k == 0 else "")
            yield from _block(inner, "yield", depth + 1, names, comments)
            code = indent + "}"
        yield _Line(code, "" if eqn.blocks else comments.get(eqn, ""))
    yield _Line(f"{indent}{last} {names.operands(block.results)}".rstrip())


def eqn_text(eqn: Eqn, names: Names) -> str:
    """The line of an equation, without the blocks and without comment."""
    outputs = names.binders(eqn.outputs) + " = " if eqn.outputs else ""
    inputs = " " + names.operands(eqn.inputs) if eqn.inputs else ""
    attrs = ", ".join(f"{name}={attr_text(attr)}" for name, attr in eqn.attrs.items())
    return f"{outputs}{eqn.op.name}{inputs}{f' {{{attrs}}}' if attrs else ''}"


def _comments(function: Function) -> dict[Eqn, str]:
    """What stands behind each equation: its note and the user's line, where they differ from those before."""
    comments: dict[Eqn, str] = {}
    place, note, shown = None, None, ""
    for eqn in walk(function.body):
        here = (eqn.location.file, eqn.location.line) if eqn.location else None
        parts = [eqn.note] if eqn.note and eqn.note != note else []
        if eqn.location and here != place:
            parts.append(f"{eqn.location.short}  {eqn.location.source}")
        text = "".join(c if c.isprintable() else " " for c in "; ".join(parts)).strip()
        comments[eqn] = "" if text == shown else text
        place, note, shown = here, eqn.note, text
    return comments


# ---- attributes and constants ----


def attr_text(attr: Attr) -> str:
    """An attribute's value; VerifierError for what attributes may not be."""
    match attr:
        case str():
            return string_text(attr)
        case float():
            return _float_text(int.from_bytes(struct.pack(">d", attr)), F64)
        case tuple():
            return f"({', '.join(map(attr_text, attr))}{',' if len(attr) == 1 else ''})"
        case bool() | int() | None | Dim() | DType():
            return str(attr)
    raise VerifierError(f"{attr!r} cannot be an attribute")


def string_text(text: str) -> str:
    """A string in double quotes, with the escapes of JSON."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def constant_text(constant: Constant) -> str:
    """A Constant as operand: every bit of it, or its hash."""
    kind = constant.type
    if not kind.shape:
        suffix = "" if kind.dtype in (BOOL, I64, F64) else f":{kind.dtype}"
        return _elements(constant.data, kind)[0] + suffix
    if np.size(constant.data) > INLINE:
        return f"@{content_hash(constant.data)}:{kind}"
    return f"[{', '.join(_elements(constant.data, kind))}]:{kind}"


def _elements(data: Any, kind: ArrayType) -> list[str]:
    flat = np.ravel(data)
    if not kind.dtype.is_float:
        return [str(x) for x in flat.tolist()]
    return [_float_text(bits, kind.dtype) for bits in flat.view(f"u{kind.dtype.itemsize}").tolist()]


def _float_text(bits: int, dtype: DType) -> str:
    """The shortest decimals that mean these bits; the bits themselves for NaNs other than the usual one."""
    value = from_bits([bits], dtype)[0]
    if np.isnan(value):
        return "nan" if bits == usual_nan(dtype) else f"nan({bits:#x})"
    short = str(value) if dtype is not DType.BF16 else repr(float(str(value)))
    # decimals are read as f64 first, which may round twice
    return short if dtype.numpy.type(float(short)) == value else repr(float(value))


def from_bits(bits: Sequence[int], dtype: DType) -> np.ndarray[Any, Any]:
    """The elements that have these bits."""
    return np.array(bits, f"u{dtype.itemsize}").view(dtype.numpy)


def usual_nan(dtype: DType) -> int:
    """The bits of the NaN that is printed without them."""
    return {F64: 0x7FF8 << 48, F32: 0x7FC0 << 16, DType.F16: 0x7E00, DType.BF16: 0x7FC0}[dtype]
