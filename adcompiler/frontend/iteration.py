"""What a `for` statement iterates over: ranges, arrays, and zip, enumerate and reversed of them.

A range of at most eight trips whose length is known runs as plain Python, as do lists, tuples and dicts; a
longer one, one of traced length, and an array are rolled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adcompiler.ir.errors import NeedsConcrete
from adcompiler.ir.types import Dim, Relation

from .extents import bound_size, hint, holds
from .frames import refuse
from .handles import Traced, type_name
from .scalars import TracedScalar
from .sizes import integer, plain_integer, size_in
from .values import TracedArray

_PLAIN_TRIPS = 8
UNROLLED = 256
"""The most trips of loops that are unrolled because they cannot be rolled: those of a nest multiply."""
LISTED = 65_536
"""The most items of a list that is made of something traced."""


@dataclass(frozen=True)
class Indexed:
    """What can be iterated over by a traced index: `item(i)` for i = 0 .. length - 1."""

    length: Dim
    item: Callable[[Any], Any]

    def unrolled(self, limit: int) -> Iterator[Any]:
        """Every item, read when it is asked for, since a loop may write what it iterates over.

        The length becomes static.
        """
        known = hint(self.length)
        if known is not None and known > limit:
            refuse(f"a loop of {known} trips is too long to be unrolled", "write it as a `for` statement")
        return (self.item(k) for k in range(operator.index(integer(self.length))))


def indexed(iterable: Any) -> Indexed | None:
    """A range, an array or a combination of them by index; None for any other iterable."""
    if isinstance(iterable, Indexed):
        return iterable
    if isinstance(iterable, range):
        return Indexed(Dim.of(len(iterable)), lambda i: iterable.start + i * iterable.step)
    if type(iterable) is TracedArray and iterable.ndim:
        return Indexed(iterable.type.shape[0], lambda i: iterable[i])
    if isinstance(iterable, Traced):
        raise TypeError(f"'{type_name(iterable)}' object is not iterable")
    return None


class Walk(Iterator[Any]):
    """`zip`, `enumerate` or `reversed` of plain ranges: Python's iterator, and the same by index."""

    def __init__(self, items: Iterator[Any], indexed: Callable[[], Indexed]) -> None:
        self.items = items
        self.indexed = indexed
        self.begun = False

    def __next__(self) -> Any:
        self.begun = True
        return next(self.items)


def by_index(iterable: Any) -> Indexed | None:
    """As `indexed`, and combinations of plain ranges too, of which nothing was taken yet."""
    if type(iterable) is Walk:
        return None if iterable.begun else iterable.indexed()
    return indexed(iterable)


def to_roll(iterable: Any) -> Indexed | None:
    """What a `for` statement should roll; None where it runs as plain Python."""
    found = indexed(iterable)
    if found is None or found.length.constant is None:
        return found
    return found if found.length.constant > _PLAIN_TRIPS else None


def plain(iterable: Any, limit: int) -> Iterable[Any]:
    """What plain Python iterates over."""
    found = indexed(iterable)
    return iterable if found is None else found.unrolled(limit)


# ---- builtins ----


def range_(*args: Any) -> Any:
    """`range`, with traced bounds too."""
    if not any(isinstance(x, Traced) for x in args):
        return range(*args)
    start, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
    step = plain_integer(step, "the step of a range", "write a `while` loop")
    if step == 0:
        raise ValueError("range() arg 3 must not be zero")
    span = stop - start if step > 0 else start - stop
    dim = size_in(span)
    if dim is None:
        if not (type(span) is TracedScalar and span.value.type.dtype.is_integer):
            refuse(
                f"a range needs integers, and a {type_name(span)} is given",
                "convert it: range(int(...))",
            )
        trips = (span + (abs(step) - 1)) // abs(step)
        dim = bound_size(((trips > 0) * trips).astype("int64").read(), "the length of a range")
    else:
        dim = (dim + (abs(step) - 1)) // abs(step)
    return Indexed(dim, lambda i: start + i * step)


def zip_(*iterables: Any, strict: bool = False) -> Any:
    """`zip`, of arrays and traced ranges too."""
    parts = [by_index(x) for x in iterables]
    if all(part is None or _is_plain(x) for x, part in zip(iterables, parts, strict=True)):
        whole = [part for part in parts if part is not None]
        walk = zip(*iterables, strict=strict)
        return Walk(walk, lambda: _zipped(whole, strict)) if whole and len(whole) == len(parts) else walk
    every = [part or _listed(x) for x, part in zip(iterables, parts, strict=True)]
    return _zipped(every, strict)


def _is_plain(iterable: Any) -> bool:
    return isinstance(iterable, range | Walk)


def _zipped(every: Sequence[Indexed], strict: bool) -> Indexed:
    length = every[0].length
    for part in every[1:]:
        length = _shorter(length, part.length, strict)
    return Indexed(length, lambda i: tuple(part.item(i) for part in every))


def _listed(iterable: Any) -> Indexed:
    items: Sequence[Any] = list(iterable)
    return Indexed(Dim.of(len(items)), lambda i: items[i])


def _shorter(a: Dim, b: Dim, strict: bool) -> Dim:
    if a == b:
        return a
    longer = holds(a - b, Relation.NONNEGATIVE)
    if longer is None:
        refuse(
            f"which of the lengths {a} and {b} is the shorter one changes within the program",
            "zip arrays of one length",
            NeedsConcrete,
        )
    if strict and holds(b - a, Relation.NONNEGATIVE) is not longer:
        raise ValueError("zip() arguments have different lengths")
    return b if longer else a


def enumerate_(iterable: Any, start: Any = 0) -> Any:
    """`enumerate`, of arrays and traced ranges too."""
    part = by_index(iterable)
    if part is None:
        return enumerate(iterable, start)
    numbered = Indexed(part.length, lambda i: (start + i, part.item(i)))
    return Walk(enumerate(iterable, start), lambda: numbered) if _is_plain(iterable) else numbered


def reversed_(iterable: Any) -> Any:
    """`reversed`, of arrays and traced ranges too."""
    part = indexed(iterable)
    if part is None:
        return reversed(iterable)
    last = part.length - 1
    backwards = Indexed(part.length, lambda i: part.item(integer(last) - i))
    return Walk(reversed(iterable), lambda: backwards) if _is_plain(iterable) else backwards
