"""Where a program is tried: small sizes that its guards allow, random arguments near those given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from adcompiler.ir.errors import ArgumentError
from adcompiler.ir.evaluate import bind_sizes
from adcompiler.ir.graph import Function, Value
from adcompiler.ir.types import Sizes

LARGEST = 3
"""The sizes that are tried are at most this large: so are symbolic trip counts."""

MOST_CHOICES = 20_000


@dataclass(frozen=True)
class Place:
    """Sizes, and arguments of these sizes to vary, None where none are given."""

    sizes: Mapping[str, int]
    args: tuple[Any, ...] | None

    def point(self, function: Function, random: np.random.Generator) -> list[Any]:
        """Random arguments."""
        given = self.args if self.args is not None else (None,) * len(function.body.params)
        return [_varied(p, a, self.sizes, random) for p, a in zip(function.body.params, given, strict=True)]


def places(function: Function, args: Sequence[Any] | None, sizes: Sizes | None) -> Iterator[Place]:
    """Small sizes first, then those of the arguments that are given.

    Raises ArgumentError where arguments contradict the types, or no small sizes satisfy the guards.
    """
    if args is None:
        yield Place(_small_sizes(function, dict(sizes or {})), None)
        return
    known = bind_sizes(function, [np.shape(a) for a in args], sizes or {})
    small = _small_sizes(function, {}, known)
    cut = tuple(_cut(p, a, small) for p, a in zip(function.body.params, args, strict=True))
    yield Place(small, cut)
    if small != known:
        yield Place(known, tuple(args))


def _small_sizes(
    function: Function, given: Mapping[str, int], limits: Mapping[str, int] | None = None
) -> Sizes:
    """Sizes up to 3, different ones first, that satisfy the guards and make no dimension negative."""
    free = [name for name in function.sizes if name not in given]
    if limits is not None and all(limits[name] <= LARGEST for name in free):
        return dict(limits)
    options = (range(LARGEST, -1, -1) for _ in free)
    for _, values in zip(range(MOST_CHOICES), sorted(product(*options), key=_preference), strict=False):
        sizes = {**given, **dict(zip(free, values, strict=True))}
        if limits is not None and any(sizes[name] > limits[name] for name in free):
            continue
        if _allowed(function, sizes):
            return sizes
    if limits is not None:
        return dict(limits)
    raise ArgumentError(
        f"{function.name}: no sizes up to {LARGEST} satisfy what was assumed of them: "
        + ", ".join(map(str, function.guards)),
        hint="give arguments, or sizes",
    )


def _preference(values: tuple[int, ...]) -> tuple[bool, bool, int, tuple[int, ...]]:
    """Nothing empty, nothing of size 1, few equal ones, large ones."""
    return 0 in values, 1 in values, -len(set(values)), tuple(-v for v in values)


def _allowed(function: Function, sizes: Sizes) -> bool:
    dims = [d for p in function.body.params for d in p.type.shape]
    return all(g.holds(sizes) for g in function.guards) and all(d.value(sizes) >= 0 for d in dims)


def _cut(param: Value, arg: Any, sizes: Sizes) -> Any:
    return np.asarray(arg)[tuple(slice(d.value(sizes)) for d in param.type.shape)][()]


def _varied(param: Value, given: Any, sizes: Sizes, random: np.random.Generator) -> Any:
    """Floats between 0.5 and 1.5, or within a tenth of those given; others as given, or 0 and True."""
    kind, shape = param.type.dtype, tuple(d.value(sizes) for d in param.type.shape)
    if not kind.is_float:
        return np.ones(shape, kind.numpy)[()] * (not kind.is_integer) if given is None else given
    if given is None:
        return random.uniform(0.5, 1.5, shape)
    centre = np.asarray(given, np.float64)
    noise = random.uniform(-0.1, 0.1, shape)
    return (centre + np.where(centre == 0, abs(noise), centre * noise))[()]
