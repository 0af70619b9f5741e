"""Sizes on the command line: `--sizes 1e3:1e8`, and `--size-of m=16`."""

from __future__ import annotations

from collections.abc import Iterator

import click

DECADE, SMALLEST = 10.0, 1.1  # factors from one size to the next


def read_sizes(text: str) -> list[int]:
    """The sizes of `FROM:TO`, `FROM:TO:xFACTOR`, a number, or a list of such, in increasing order.

    Raises click.UsageError.
    """
    return sorted({size for part in text.split(",") for size in _range(part.strip())})


def _range(text: str) -> Iterator[int]:
    """Geometric: both ends, and what lies between them by whole steps from the first."""
    first, *rest = text.split(":")
    begin = _size(first, text)
    if not rest:
        yield begin
        return
    end = _size(rest[0], text)
    factor = _factor(rest[1], text) if len(rest) == 2 else DECADE
    if len(rest) > 2 or not begin <= end:
        raise click.UsageError(f"--sizes {text}: write FROM:TO or FROM:TO:xFACTOR, the smaller size first")
    size = float(begin)
    while round(size) < end:
        yield round(size)
        size *= factor
    yield end


def _size(text: str, whole: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = 0.5
    if not 1 <= number < 2**63 or number != int(number):
        raise click.UsageError(f"--sizes {whole}: `{text}` is no size; 1000, 1e3 are")
    return int(number)


def _factor(text: str, whole: str) -> float:
    try:
        factor = float(text.removeprefix("x"))
    except ValueError:
        factor = 0.0
    if not text.startswith("x") or not SMALLEST <= factor < float("inf"):
        raise click.UsageError(f"--sizes {whole}: `{text}` is no factor of x{SMALLEST} or more; x2, x10 are")
    return factor


def read_named(texts: tuple[str, ...]) -> dict[str, int]:
    """The sizes of `--size-of NAME=N`. Raises click.UsageError."""
    found = {}
    for text in texts:
        name, equals, number = text.partition("=")
        if not equals or not name.strip().isidentifier() or not number.strip().isdecimal():
            raise click.UsageError(f"--size-of {text}: write NAME=N")
        found[name.strip()] = int(number)
    return found


def size_text(size: int | None) -> str:
    """A size as people write it: 1000, 32768, 1e6; "-" for none."""
    if size is None:
        return "-"
    digits = str(size).rstrip("0")
    zeros = len(str(size)) - len(digits)
    return f"{digits}e{zeros}" if zeros > 3 and len(digits) == 1 else str(size)
