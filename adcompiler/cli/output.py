"""Numbers and arrays as people read them, and as JSON has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from adcompiler.ir.types import DType

INLINE = 12
"""Arrays of up to this many elements are printed; of larger ones their type and norm."""


def shown(x: Any) -> str:
    """A number or array on one line, to ten digits."""
    array = np.asarray(x)
    if array.dtype.kind not in "bifu":
        return repr(x)
    if array.size <= INLINE:
        return _nested(array.tolist())
    kind = f"{DType.of(array.dtype)}[{', '.join(map(str, array.shape))}]"
    return f"{kind} of norm {_nested(float(np.linalg.norm(array.astype(float))))}"


def _nested(x: Any) -> str:
    if isinstance(x, list):
        return f"[{', '.join(map(_nested, x))}]"
    return f"{x:.10g}" if isinstance(x, float) else str(x)


def table(rows: list[list[str]]) -> list[str]:
    """Lines with aligned columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{n}}" for cell, n in zip(row, widths, strict=True)).rstrip() for row in rows]


def print_json(fields: Mapping[str, Any]) -> None:
    """One JSON object on stdout; arrays are nested lists, and what JSON has no number for is a string."""
    click.echo(json.dumps(plain(fields), indent=2, allow_nan=False))


def plain(x: Any) -> Any:
    """The same of the types that JSON has."""
    match x:
        case Mapping():
            return {str(key): plain(value) for key, value in x.items()}
        case list() | tuple():
            return [plain(value) for value in x]
        case np.ndarray() | np.generic():
            return plain(x.tolist())
        case float() if not np.isfinite(x):
            return str(x)
        case None | bool() | int() | float() | str():
            return x
    return str(x)
