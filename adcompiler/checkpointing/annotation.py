"""What users write at a loop: `for i in checkpointed(range(n), Snapshots(10))`.

Outside of a capture that changes nothing: what is iterated over, or tested, comes back as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

import numpy as np

from adcompiler.ir.errors import ArgumentError

from .plans import Online, Policy

T = TypeVar("T")

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Annotation:
    """What `checkpointed` says of a loop: a policy, or the inverse of a trip and how far it may drift."""

    policy: Policy | None
    inverse: Callable[..., Any] | None
    tolerance: float


def checkpointed(
    iterable: T,
    policy: Policy | None = None,
    *,
    inverse: Callable[..., Any] | None = None,
    tolerance: float = TOLERANCE,
) -> T:
    """Say of a loop how its gradient remembers the trips.

    It stands where the loop begins, and nowhere else:

        for i in checkpointed(range(n), Snapshots(10)): ...
        for i in checkpointed(range(n), inverse=step_back): ...
        while checkpointed(error > 1e-9, Online(10)): ...

    A loop that is marked is always rolled, however few trips it makes; where it cannot be, that is an error.
    Numba does not know this function: a function that is compiled by `njit` can mention it only where it is
    captured, and never called itself.

    Parameters
    ----------
    iterable : range, array, or zip, enumerate or reversed of them; or bool
        What a `for` statement iterates over, or what a `while` tests.
    policy : Snapshots, Sqrt, StoreAll, Budget or Online
        What is kept. A loop whose number of trips only shows as it runs, a `while` or one with a `break` or
        `return` that data decide, takes Online; where the number is known, Online is like Snapshots.
    inverse : callable, optional
        For a `for` without jumps, in place of a policy: nothing is kept, since `inverse(i, u, v)` is the
        state before a trip. Its first argument is the item of the trip; its other parameters are named like
        variables of the loop, are given their values after the trip, and it returns those before it, in the
        same order. Parameters with a default are left alone. It may change no array of the loop; what it
        checks, an index say, is checked on the way forward. On the way back it gives the state before each
        trip, from which the trip is evaluated again. Variables that the derivative of a trip does not depend
        on may be left out. Derivatives of derivatives keep their trips.
    tolerance : float
        How far a variable may be off on the way back: by this share of its largest element. Two things are
        held against it. The trip, from the state before it, leads to the state after it: there the largest
        element is that of both. And the state that the loop has been run back to is the one that it began
        with: there it is the largest that the variable has had in the loop. Differences of less than 100
        units in the last place of the largest element of all variables are rounding, and pass; NaN never
        does, and integers and bools come back exactly.

    Returns
    -------
    range, array, iterator or bool
        `iterable` itself.

    Raises
    ------
    ArgumentError
        There is nothing to iterate over by index, no policy, or one that does not fit a `while`.
    CaptureError
        From the capture, at the user's line: as above; the loop cannot be rolled; `inverse` does not fit the
        loop; or no loop begins here.
    DerivativeError
        From a gradient, at the user's line: `inverse` leaves out a variable that the way back needs, or needs
        more than it may read.
    ArithmeticError
        From the call of a gradient: `inverse` does not undo a trip, or drifts by more than the tolerance.
    """
    annotated(policy, inverse, tolerance, test=isinstance(iterable, _BOOLS))
    scalar = isinstance(iterable, np.ndarray) and iterable.ndim == 0
    if scalar or not isinstance(iterable, (*_BOOLS, *_ITERABLES)):
        raise not_indexed(type(iterable).__name__)
    return iterable


_BOOLS = (bool, np.bool_)
_ITERABLES = (range, np.ndarray, zip, enumerate, reversed, type(iter(range(0))), type(iter(range(2**70))))


def annotated(policy: object, inverse: object, tolerance: object, *, test: bool) -> Annotation:
    """What `checkpointed` is told, at a `while` if it is given a `test`.

    Raises
    ------
    ArgumentError
        It does not go together.
    """
    if policy is not None and inverse is not None:
        raise ArgumentError(
            "checkpointed() is told both a policy and an inverse",
            hint="leave one of them out: a loop that is run backwards keeps no states",
        )
    if inverse is None:
        if not isinstance(policy, get_args(Policy)):
            raise ArgumentError(
                f"{policy!r} is no policy for a loop",
                hint="the policies are Snapshots(10), Sqrt(), StoreAll(), Online(10) and "
                'Budget("512 MiB"); or pass inverse=',
            )
    elif not callable(inverse):
        raise ArgumentError(
            f"inverse={inverse!r} cannot be called",
            hint="pass a function of the item of a trip and of variables of the loop",
        )
    number = isinstance(tolerance, int | float) and not isinstance(tolerance, bool)
    if not number or not (math.isfinite(tolerance) and tolerance > 0):  # type: ignore[operator, arg-type]
        raise ArgumentError(f"tolerance={tolerance!r} is no positive number", hint="the default is 1e-06")
    found = Annotation(policy, inverse, float(tolerance))  # type: ignore[arg-type]
    if test:
        demand_online(found)
    return found


def demand_online(found: Annotation) -> None:
    """Refuse what does not fit a loop whose number of trips only shows as it runs."""
    if isinstance(found.policy, Online):
        return
    what = "an inverse" if found.policy is None else f"{found.policy!r}"
    raise ArgumentError(
        f"{what} is not for a loop whose number of trips only shows as it runs, a `while` or one that a jump "
        "may leave",
        hint="use Online(slots)",
    )


def not_indexed(kind: str) -> ArgumentError:
    """The error for what a loop cannot go through by index."""
    return ArgumentError(
        f"checkpointed() marks a loop over a range, an array, or zip, enumerate or reversed of them, or the "
        f"test of a `while`, and is given {'an' if kind[0] in 'aeiou' else 'a'} {kind}",
        hint="loop over a range, or over an array: np.array(...); a test of a `while` is a bool: `x != 0`",
    )
