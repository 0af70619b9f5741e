"""Reading the leaves of IR text: sizes, types, attributes, constants. Nothing is ever evaluated as Python."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .graph import Attr, Constant, constant
from .text import content_hash, from_bits, is_name, usual_nan
from .tokens import Cursor, Kind, Token
from .types import BOOL, F64, I64, ArrayType, Dim, DType

Data = Mapping[str, np.ndarray[Any, Any]]
_DTYPES = {dtype.value: dtype for dtype in DType}
LONGEST = 1000  # digits: Python reads no more than 4300
_WORDS = {"True": True, "False": False, "None": None}

# ---- sizes and types ----


def size_name(cursor: Cursor) -> str:
    """The name of a size."""
    token = cursor.expect_kind(Kind.NAME, "the name of a size")
    if not is_name(token.text):
        cursor.fail(f"{token} cannot name a size", token)
    return token.text


def dim(cursor: Cursor) -> Dim:
    """A sum of products: `n*m - 3`, `(n + 1) // 2`, `max(n - 1, 0)`."""
    total = -_product(cursor) if cursor.accept("-") else _product(cursor)
    while cursor.at("+") or cursor.at("-"):
        total = total + _product(cursor) if cursor.take().text == "+" else total - _product(cursor)
    return total


def _product(cursor: Cursor) -> Dim:
    product = _factor(cursor)
    while cursor.at("*") or cursor.at("//"):
        if cursor.take().text == "*":
            product = product * _factor(cursor)
        else:
            token = cursor.peek()
            divisor = integer(cursor)
            if divisor == 0:
                cursor.fail("a size is divided by positive integers only", token)
            product = product // divisor
    return product


def _factor(cursor: Cursor) -> Dim:
    token = cursor.peek()
    if token.kind is Kind.NUMBER:
        return Dim.of(integer(cursor))
    if cursor.accept("("):
        with cursor.nested():
            inner = dim(cursor)
        cursor.expect(")")
        return inner
    if cursor.accept("max"):
        cursor.expect("(")
        with cursor.nested():
            inner = dim(cursor)
        cursor.expect(",")
        cursor.expect_zero()
        cursor.expect(")")
        return inner.positive()
    if token.kind is not Kind.NAME:
        cursor.fail(f"expected a size, found {token}")
    return Dim.of(size_name(cursor))


def integer(cursor: Cursor) -> int:
    """Decimal digits."""
    return _integer(cursor, cursor.expect_kind(Kind.NUMBER, "an integer"))


def _integer(cursor: Cursor, token: Token) -> int:
    if not token.text.isdecimal() or len(token.text) > LONGEST:
        cursor.fail(f"{token} is not an integer", token)
    return int(token.text)


def dtype(cursor: Cursor) -> DType:
    """`f64`."""
    token = cursor.peek()
    if token.text not in _DTYPES:
        cursor.fail(f"expected a dtype, found {token}", token, hint="one of " + ", ".join(_DTYPES))
    return _DTYPES[cursor.take().text]


def array_type(cursor: Cursor) -> ArrayType:
    """`f64[n, 3]`, or `f64` for a scalar."""
    kind = dtype(cursor)
    if not cursor.accept("["):
        return ArrayType(kind)
    shape = cursor.separated(lambda: dim(cursor))
    cursor.expect("]")
    return ArrayType(kind, tuple(shape))


# ---- attributes ----


def attribute(cursor: Cursor) -> Attr:
    """A value of an attribute; a Dim that is a number is an integer."""
    token = cursor.peek()
    if token.kind is Kind.STRING:
        return string(cursor)
    if token.kind is Kind.NAME and token.text in _WORDS:
        return _WORDS[cursor.take().text]
    if token.kind is Kind.NAME and token.text in _DTYPES:
        return dtype(cursor)
    if _float_is_next(cursor):
        bits = _bits(cursor, _literal(cursor), F64)
        return struct.unpack(">d", bits.to_bytes(8))[0]  # type: ignore[no-any-return]
    if _tuple_is_next(cursor):
        return _tuple(cursor)
    size = dim(cursor)
    return size if size.constant is None else size.constant


def string(cursor: Cursor) -> str:
    """A string in double quotes."""
    token = cursor.take()
    try:
        return str(json.loads(token.text))
    except ValueError:
        cursor.fail(f"{token.text} is not a string as JSON writes it", token)


def _tuple(cursor: Cursor) -> tuple[Attr, ...]:
    items: list[Attr] = []
    cursor.expect("(")
    with cursor.nested():
        while not cursor.at(")"):
            items.append(attribute(cursor))
            if not cursor.accept(","):
                break
    cursor.expect(")")
    return tuple(items)


def _tuple_is_next(cursor: Cursor) -> bool:
    """Whether a parenthesis opens a tuple, not a size such as `(n + 1) // 2`: it is empty or has a comma."""
    if not cursor.at("("):
        return False
    depth, ahead = 1, 1
    while depth and not (depth == 1 and cursor.at(",", ahead)):
        token = cursor.peek(ahead)
        if token.kind in (Kind.LINE, Kind.END):
            return False
        depth += (token.text in "([{") - (token.text in ")]}") if token.kind is Kind.SYMBOL else 0
        ahead += 1
    return depth > 0 or ahead == 2


def _float_is_next(cursor: Cursor) -> bool:
    token = cursor.peek(int(cursor.at("-")))
    return token.text in ("nan", "inf") if token.kind is Kind.NAME else _is_float(token)


def _is_float(token: Token) -> bool:
    return token.kind is Kind.NUMBER and not token.text.startswith("0x") and not token.text.isdecimal()


# ---- constants ----


@dataclass(frozen=True)
class _Literal:
    """A number as it stands in the text; `bits` of a NaN that gives them."""

    token: Token
    value: bool | int | float
    bits: int | None = None


def constant_is_next(cursor: Cursor) -> bool:
    """Whether the next operand is a constant, not a name."""
    token = cursor.peek()
    if token.kind is Kind.NAME:
        return token.text in ("True", "False", "nan", "inf")
    return token.kind in (Kind.NUMBER, Kind.HASH) or cursor.at("-") or cursor.at("[")


def operand_constant(cursor: Cursor, data: Data) -> Constant:
    """`2.0`, `3:i32`, `[1.0, 2.0]:f64[2]`, or `@0123456789abcdef:f64[20]`."""
    token = cursor.peek()
    if token.kind is Kind.HASH:
        return _stored(cursor, data)
    if cursor.accept("["):
        return _array(cursor, token)
    literal = _literal(cursor)
    kind = dtype(cursor) if cursor.accept(":") else _usual_dtype(literal)
    return constant(from_bits([_bits(cursor, literal, kind)], kind)[0])


def _array(cursor: Cursor, start: Token) -> Constant:
    literals = cursor.listed(lambda: _literal(cursor), "]")
    cursor.expect(":")
    kind, shape = _fixed_type(cursor)
    if len(literals) != math.prod(shape):
        cursor.fail(f"{kind} has {math.prod(shape)} elements, {len(literals)} are given", start)
    bits = [_bits(cursor, literal, kind.dtype) for literal in literals]
    return constant(from_bits(bits, kind.dtype).reshape(shape))


def _stored(cursor: Cursor, data: Data) -> Constant:
    token = cursor.take()
    cursor.expect(":")
    kind, shape = _fixed_type(cursor)
    array = data.get(token.text[1:])
    if array is None:
        cursor.fail(f"no data beside the text has the hash {token.text[1:]}", token)
    if array.shape != shape or array.dtype != kind.dtype.numpy or content_hash(array) != token.text[1:]:
        cursor.fail(f"the data beside the text is not what {token.text}:{kind} stands for", token)
    return constant(array)


def _fixed_type(cursor: Cursor) -> tuple[ArrayType, tuple[int, ...]]:
    token = cursor.peek()
    kind = array_type(cursor)
    shape = tuple(d.constant for d in kind.shape if d.constant is not None and d.constant >= 0)
    if not shape or len(shape) != kind.rank:
        cursor.fail(f"{kind} is not the type of a constant array", token)
    return kind, shape


def _literal(cursor: Cursor) -> _Literal:
    sign = -1 if cursor.accept("-") else 1
    token = cursor.take()
    match token.text:
        case "True" | "False" if token.kind is Kind.NAME and sign == 1:
            return _Literal(token, token.text == "True")
        case "inf" if token.kind is Kind.NAME:
            return _Literal(token, sign * math.inf)
        case "nan" if token.kind is Kind.NAME and sign == 1:
            return _Literal(token, math.nan, _payload(cursor) if cursor.accept("(") else None)
    if not _is_float(token):
        if token.kind is not Kind.NUMBER:
            cursor.fail(f"expected a constant, found {token}", token)
        return _Literal(token, sign * _integer(cursor, token))
    value = float(token.text)
    if math.isinf(value):
        cursor.fail(f"{token.text} does not fit f64", token)
    return _Literal(token, sign * value)


def _payload(cursor: Cursor) -> int:
    token = cursor.expect_kind(Kind.NUMBER, "the bits of a NaN")
    cursor.expect(")")
    if not token.text.startswith("0x"):
        cursor.fail(f"the bits of a NaN are hexadecimal, not {token}", token)
    return int(token.text, 16)


def _usual_dtype(literal: _Literal) -> DType:
    if isinstance(literal.value, bool):
        return BOOL
    return I64 if isinstance(literal.value, int) else F64


def _bits(cursor: Cursor, literal: _Literal, kind: DType) -> int:
    """The bits of a literal as an element of a dtype; an error where it is none."""
    value, token = literal.value, literal.token
    width = 8 * kind.itemsize
    if isinstance(value, bool) and kind is BOOL:
        return int(value)
    if isinstance(value, float) and kind.is_float:
        bits = _nan_bits(literal, kind) if math.isnan(value) else _float_bits(value, kind)
    elif isinstance(value, int) and not isinstance(value, bool) and kind.is_integer:
        low, high = (0, 2**width) if kind.value[0] == "u" else (-(2 ** (width - 1)), 2 ** (width - 1))
        bits = value % 2**width if low <= value < high else None
    else:
        cursor.fail(f"{token} is not of dtype {kind}", token)
    if bits is None:
        cursor.fail(f"{'-' * (value < 0)}{token.text} does not fit {kind}", token)
    return bits


def _nan_bits(literal: _Literal, kind: DType) -> int | None:
    if literal.bits is None:
        return usual_nan(kind)
    fits = literal.bits < 2 ** (8 * kind.itemsize) and bool(np.isnan(from_bits([literal.bits], kind)[0]))
    return literal.bits if fits else None


def _float_bits(value: float, kind: DType) -> int | None:
    with np.errstate(over="ignore"):
        number = np.asarray(value).astype(kind.numpy)
    return int(number.view(f"u{kind.itemsize}")) if np.isinf(number) == math.isinf(value) else None
