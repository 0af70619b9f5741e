"""Planted errors of the frontend: each a way in which arrays of several names once came out wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adcompiler.frontend import aliasing, capture, first_values, merging, outlasting, plans, values
from adcompiler.frontend.cells import Cell


@dataclass(frozen=True)
class Plant:
    """An error: what puts it there, given pytest's `monkeypatch`, and seeds of programs that find it."""

    put: Callable[[Any], None]
    known: range


def _views_that_leave_a_loop_are_copies(monkeypatch: Any) -> None:
    """`for ...: row = a[i]`, then `row[1] = 9`."""

    def unlinked(carry: Any, frame: Any, outputs: Any, made: Any) -> None:
        for slot, mode in carry.plan.items():
            if isinstance(mode, plans.Late) and mode.number is None and slot in outputs:
                made[slot] = Cell(outputs[slot], str(slot))

    monkeypatch.setattr(first_values, "_made_here", lambda array: True)
    monkeypatch.setattr(first_values, "last_view", lambda array, index: False)
    monkeypatch.setattr(aliasing, "_add_late", unlinked)


def _arrays_that_an_if_chooses_are_copies(monkeypatch: Any) -> None:
    """`if c: u = y`, then `u[0] = 1` and a read of `y`."""
    monkeypatch.setattr(merging.Merge, "link", lambda merge: None)


def _one_array_passed_twice_is_two(monkeypatch: Any) -> None:
    """`f(a, a)`."""
    monkeypatch.setattr(capture, "shared_memory", lambda leaves: ())


def _names_that_end_on_one_array_share_it(monkeypatch: Any) -> None:
    """`for ...: u = v = w + 1`, without a trip."""
    right = outlasting.after_loop

    def shared(carry: Any, *rest: Any) -> Any:
        cells = right(carry, *rest)
        first: dict[Any, Cell] = {}
        return {slot: first.setdefault(carry.after[slot].cell, cell) for slot, cell in cells.items()}

    monkeypatch.setattr(outlasting, "after_loop", shared)


def _transposed_views_are_copies(monkeypatch: Any) -> None:
    """`a.T[0] = 1`."""
    right = values.TracedArray.transposed
    monkeypatch.setattr(values.TracedArray, "transposed", lambda array, axes: right(array, axes).copy())


def _doubtful_arrays_are_read(monkeypatch: Any) -> None:
    """A read of what may have been written under another name."""
    monkeypatch.setattr(Cell, "spoil", lambda cell, why: None)


PLANTS: Mapping[str, Plant] = {
    "views that leave a loop are copies": Plant(_views_that_leave_a_loop_are_copies, range(17, 18)),
    "arrays that an if chooses are copies": Plant(_arrays_that_an_if_chooses_are_copies, range(143, 144)),
    "one array passed twice is two": Plant(_one_array_passed_twice_is_two, range(25, 26)),
    "names that end on one array share it": Plant(_names_that_end_on_one_array_share_it, range(325, 326)),
    "transposed views are copies": Plant(_transposed_views_are_copies, range(9, 10)),
    "doubtful arrays are read": Plant(_doubtful_arrays_are_read, range(108, 109)),
}
