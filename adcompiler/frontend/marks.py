"""`checkpointed(...)` in captured code: where it may stand, and what it says of the loop that begins there.

It may stand where rewritten code asks `Runtime.head`. What it marks is handed on, and what it says is left
with the tracer until the loop takes it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from adcompiler.checkpointing.annotation import (
    TOLERANCE,
    Annotation,
    annotated,
    demand_online,
    not_indexed,
)
from adcompiler.checkpointing.plans import POLICY, encoded
from adcompiler.ir.errors import ArgumentError, NeedsConcrete
from adcompiler.ir.graph import Attr

from .conditions import is_bool
from .frames import refuse
from .handles import Traced, type_name
from .iteration import Walk, by_index


@dataclass(frozen=True)
class Marked:
    """What a loop goes through by index, or tests, and what is said of the loop."""

    subject: Any
    annotation: Annotation


def checkpointed(
    iterable: Any, policy: Any = None, *, inverse: Any = None, tolerance: Any = TOLERANCE
) -> Marked:
    """`adcompiler.checkpointed` at the head of a loop."""
    test = isinstance(iterable, bool | np.bool_) or is_bool(iterable)
    scalar = isinstance(iterable, Traced) and not iterable.type.shape
    subject = iterable if test else None if scalar else by_index(iterable)
    with _at_the_users_line():
        if subject is None:
            begun = isinstance(iterable, Walk)
            raise not_indexed("iterator of which items were taken" if begun else type_name(iterable))
        return Marked(subject, annotated(policy, inverse, tolerance, test=test))


@contextmanager
def _at_the_users_line() -> Iterator[None]:
    try:
        yield
    except ArgumentError as error:
        refuse(error.message, error.hint or "")


def policy_of(kind: type[Any]) -> Callable[..., Any]:
    """`Snapshots(...)` and its kind in captured code."""

    def make(tracer: object, *args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Traced) for x in (*args, *kwargs.values())):
            refuse(
                f"`{kind.__name__}` is called with a value that is known only when the program runs",
                "write a plain number: slots and bytes do not depend on sizes",
                NeedsConcrete,
            )
        with _at_the_users_line():
            return kind(*args, **kwargs)

    return make


def refuse_elsewhere(tracer: object, *args: Any, **kwargs: Any) -> Any:
    """`checkpointed` where no loop begins."""
    refuse(
        "`checkpointed` marks a loop, and stands where none begins",
        "write `for i in checkpointed(range(n), Snapshots(10)):`, or `while checkpointed(test, Online(10)):`",
    )


def attributes(annotation: Annotation | None, counted: bool) -> dict[str, Attr]:
    """The attributes of a loop that is marked; `counted` says that its trips are known before it runs."""
    if annotation is None:
        return {}
    if not counted:
        with _at_the_users_line():
            demand_online(annotation)
    return {} if annotation.policy is None else {POLICY: encoded(annotation.policy)}
