"""What `--arg NAME=TEXT` may say: a value, or a type that stands for a value that is made up.

Values are read off Python's syntax tree, of which only literals are taken; nothing is ever evaluated.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adcompiler.ir.types import F64, I64, DType

DTYPES = "|".join(dtype.value for dtype in DType)
TYPE = re.compile(rf"({DTYPES})(?:\[(.*)\])?")
WITH_DTYPE = re.compile(rf"(.*):({DTYPES})", re.DOTALL)
WORDS = {"true": True, "false": False, "none": None, "inf": np.inf, "nan": np.nan}
FIRST_SIZE = 5
"""Sizes from here on are symbolic; smaller ones would be compiled in."""


class Unreadable(ValueError):
    """A text that is neither a value nor a type."""


def is_type(text: str) -> bool:
    """Whether a text is a type, as `f64[n, 3]`."""
    return TYPE.fullmatch(text.strip()) is not None


# ---- values ----


def parse_value(text: str) -> Any:
    """A number, string, `true`, `false`, `none`, a tuple of values, or a nested list of numbers as an array.

    `:f32` behind a number or list gives the dtype. Raises Unreadable for everything else.
    """
    text = text.strip()
    typed = WITH_DTYPE.fullmatch(text)
    if typed is not None:
        return _with_dtype(parse_value(typed[1]), DType(typed[2]))
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unreadable(f"`{text}` is neither a value nor a type") from None
    return _value(tree.body, text)


def _value(node: ast.expr, text: str) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return value
        case ast.Name(id=word) if word in WORDS:
            return WORDS[word]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _value(operand, text)
            if type(number) in (int, float):
                return -number if isinstance(sign, ast.USub) else number
        case ast.Tuple(elts=elements):
            return tuple(_value(element, text) for element in elements)
        case ast.List():
            return _array(node, text)
        case ast.Name(id=word):
            raise Unreadable(f"`{word}` is neither a value nor a type; a string needs quotes: '\"{word}\"'")
    raise Unreadable(f"`{text}` is not a literal: numbers, strings, true, false, and lists of numbers are")


def _array(node: ast.List, text: str) -> np.ndarray[Any, Any]:
    try:
        array = np.array(_nested(node, text))
    except ValueError:
        raise Unreadable(f"the rows of `{text}` differ in length") from None
    if array.dtype.kind not in "bif":
        raise Unreadable(f"`{text}` is no array of numbers that fit into 64 bits")
    return array


def _nested(node: ast.List, text: str) -> list[Any]:
    return [_nested(x, text) if isinstance(x, ast.List) else _value(x, text) for x in node.elts]


def _with_dtype(value: Any, dtype: DType) -> Any:
    if isinstance(value, str | tuple) or value is None:
        raise Unreadable(f"`{value}` has no dtype")
    array = np.asarray(value).astype(dtype.numpy)
    return array if array.shape or isinstance(value, np.ndarray) else array[()]


# ---- types ----


@dataclass(frozen=True)
class Examples:
    """Made-up values of types; a size has the same value wherever it is named.

    Sizes that are not in `sizes` are all `every`, by default different ones. Without `random` arrays are
    zeros, which take no memory as long as they are not written.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    random: np.random.Generator | None = field(default_factory=lambda: np.random.default_rng(0))
    every: int | None = None

    def value(self, name: str, text: str) -> Any:
        """A value for the argument `name` of a type such as `f64`, `f32[n, 3]` or `i64`.

        A scalar i64 is a Python int, and counts for the size of its name. Raises Unreadable.
        """
        match = TYPE.fullmatch(text.strip())
        assert match is not None
        dtype = DType(match[1])
        if match[2] is None:
            return self._scalar(name, dtype)
        shape = tuple(self._size(part.strip(), text) for part in match[2].split(","))
        if dtype.is_float and self.random is not None:
            return self.random.uniform(0.25, 0.75, shape).astype(dtype.numpy, copy=False)
        return np.zeros(shape, dtype.numpy)  # valid as indices

    def _scalar(self, name: str, dtype: DType) -> Any:
        if dtype is F64:
            return self._number()
        if dtype is I64:
            return self._size(name, name)
        if dtype is DType.BOOL:
            raise Unreadable(f"a program depends on the value of a bool: write {name}=true or {name}=false")
        return dtype.numpy.type(self._number() if dtype.is_float else 1)

    def _number(self) -> float:
        return 0.5 if self.random is None else float(self.random.uniform(0.25, 0.75))

    def _size(self, text: str, whole: str) -> int:
        if text.isdecimal():
            return int(text)
        if not text.isidentifier():
            raise Unreadable(f"`{text}` is no size in `{whole}`: a name or a number is")
        other = self.every if self.every is not None else FIRST_SIZE + len(self.sizes)
        return self.sizes.setdefault(text, other)
