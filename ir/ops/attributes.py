"""Attributes of structural ops: read with their types, brought to canonical form, written as source."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ShapeError, VerifierError
from ..graph import Attr, Attrs
from ..types import Dim, DType, Shape, normalize_axis


def dim(attr: Attr) -> Dim:
    """An attribute that is a size: a Dim or an integer."""
    if isinstance(attr, bool) or not isinstance(attr, Dim | int):
        raise VerifierError(f"expected a size, got {attr!r}")
    return Dim.of(attr)


def dims(attr: Attr) -> Shape:
    """An attribute that is a tuple of sizes, none of them known to be negative."""
    shape = tuple(dim(a) for a in items(attr))
    if any((d.constant or 0) < 0 for d in shape):
        raise ShapeError("negative dimensions are not allowed")
    return shape


def integer(attr: Attr) -> int:
    """An attribute that is a plain integer, or a Dim that is one."""
    value = dim(attr).constant
    if value is None:
        raise VerifierError(f"expected an integer, got {attr!r}")
    return value


def integers(attr: Attr) -> tuple[int, ...]:
    """An attribute that is a tuple of plain integers."""
    return tuple(integer(a) for a in items(attr))


def dtype(attr: Attr) -> DType:
    """An attribute that is a dtype."""
    if not isinstance(attr, DType):
        raise VerifierError(f"expected a dtype, got {attr!r}")
    return attr


def boolean(attr: Attr) -> bool:
    """An attribute that is a truth value."""
    if not isinstance(attr, bool):
        raise VerifierError(f"expected a truth value, got {attr!r}")
    return attr


def text(attr: Attr) -> str:
    """An attribute that is a string."""
    if not isinstance(attr, str):
        raise VerifierError(f"expected a string, got {attr!r}")
    return attr


def items(attr: Attr) -> tuple[Attr, ...]:
    """An attribute that is a tuple."""
    if not isinstance(attr, tuple):
        raise VerifierError(f"expected a tuple, got {attr!r}")
    return attr


def canonical_axes(axes: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """What a user may write for `axis` as ops take it: sorted and counted from the front; None means all.

    Raises ShapeError for an axis that the array does not have, and for one that occurs twice.
    """
    if axes is None:
        return tuple(range(rank))
    given = (axes,) if isinstance(axes, int) else axes
    normal = tuple(normalize_axis(a, rank) for a in given)
    if len(set(normal)) != len(normal):
        raise ShapeError("duplicate value in 'axis'")
    return tuple(sorted(normal))


def axes(attrs: Attrs, rank: int) -> tuple[int, ...]:
    """The attribute `axes`, which must be in canonical form."""
    given = integers(attrs["axes"])
    if given != canonical_axes(given, rank):
        raise VerifierError(f"axes {given} are not sorted and counted from the front")
    return given


def axis(attrs: Attrs, rank: int) -> int:
    """The attribute `axis`, counted from the front."""
    given = integer(attrs["axis"])
    if given != normalize_axis(given, rank):
        raise VerifierError(f"axis {given} is not counted from the front")
    return given


def term(source: str) -> Dim:
    """The source of an integer as a term of a sum, so that the sum is written as those of sizes are."""
    if source.isdigit():
        return Dim.of(int(source))
    return Dim.of(source if source.isidentifier() else f"({source})")


def factor(size: Dim) -> str:
    """A size as source of a factor."""
    return str(size) if size.constant is not None or size.name is not None else f"({size})"
