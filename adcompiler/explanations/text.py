"""An explanation as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import Explanation, Loop, LoopSchedule

SHOWN = 8
"""Rows of a table that the text has; the JSON has all."""


def lines(found: Explanation) -> Iterator[str]:
    """The text, line by line."""
    yield from _head(found)
    for section in (_alive(found), *map(_loop, found.loops), _recomputed(found), _front(found)):
        shown = list(section)
        yield from ["", *shown] if shown else []


def _head(found: Explanation) -> Iterator[str]:
    yield f"{found.function}, {found.stage}, plan={found.plan}"
    yield f"peak   {found.memory}".replace("\n", "\n       ")
    if found.line:
        yield f"at     {found.line}"
    yield (
        f"work   {found.work:.3g} operations, {found.forward:.3g} in the function itself; the plan adds "
        f"{found.extra:,.0%} of the latter"
    )
    yield f"least  {found.least:,} bytes are feasible"


def _alive(found: Explanation) -> Iterator[str]:
    if found.alive:
        yield "alive at the peak, bytes"
        yield from table([[f"{a.bytes:,}", a.name, a.line] for a in found.alive[:SHOWN]])
        yield from _rest(found.alive, "bytes", sum(a.bytes for a in found.alive[SHOWN:]))


def _recomputed(found: Explanation) -> Iterator[str]:
    if found.recomputed:
        yield "computed again on the way back, times and operations"
        rows = [[f"{r.times:,}", f"{r.work:.3g}", r.line] for r in found.recomputed[:SHOWN]]
        yield from table(rows, numbers=2)
        yield from _rest(found.recomputed, "operations", sum(r.work for r in found.recomputed[SHOWN:]))


def _front(found: Explanation) -> Iterator[str]:
    yield "budgets, and the extra work that they take"
    yield from table([[f"{offer.peak:,}", f"{offer.extra:,.0%}"] for offer in found.front], numbers=2)


def _loop(loop: Loop) -> list[str]:
    trips = "unknown trips" if loop.trips is None else _counted(loop.trips, "trip")
    often = f", {loop.times:,} times" if loop.times > 1 else ""
    lines = [f"loop at {loop.line}", f"  {trips}{often}; {_how(loop)}"]
    if loop.schedule is not None:
        lines += _schedule_lines(loop.schedule)
    for kept in loop.kept[:SHOWN]:
        where = "a tape has" if kept.scheduled else "each trip keeps"
        lines.append(f"  {where} {kept.name}: {kept.type}, {kept.bytes:,} bytes, made at {kept.line}")
        lines.append(f"    {kept.why}; read by: {_listed(kept.readers)}")
    return [*lines, *_rest(loop.kept, "bytes a trip", sum(k.bytes for k in loop.kept[SHOWN:]))]


def _schedule_lines(told: LoopSchedule) -> Iterator[str]:
    yield (
        f"  at most {_counted(told.slots, 'snapshot')} of {told.state:,} bytes beyond the first state "
        f"(s = {told.snapshots:,}), {_counted(told.tapes, 'tape')} of {told.tape:,}; "
        f"{told.memory:,} bytes at a time"
    )
    if told.run is not None:
        moved = f" and {told.run.to_disk:,} to {told.place}" if told.run.to_disk else ""
        yield (
            f"  {_counted(told.run.evaluations, 'evaluation')} of a trip, {told.run.plain:,} plain and "
            f"{told.run.taped:,} taped; {_counted(told.run.writes, 'snapshot')} written{moved}; "
            f"{told.work:.3g} operations again"
        )


def _how(loop: Loop) -> str:
    if loop.schedule is None:
        return f"no schedule: {loop.unscheduled}"
    return f"by a schedule, {loop.schedule.asked or 'as the plan decides'}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _listed(readers: Sequence[str], most: int = 3) -> str:
    more = [f"{len(readers) - most} more"] if len(readers) > most else []
    return "; ".join([*readers[:most], *more])


def _rest(rows: Sequence[Any], what: str, amount: float) -> Iterator[str]:
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more, {amount:,.0f} {what}"


def table(rows: Sequence[Sequence[str]], numbers: int = 1) -> list[str]:
    """Lines with aligned columns, the first `numbers` of them to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = (
        [f"{c:>{w}}" if k < numbers else f"{c:{w}}" for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return ["  " + "  ".join(cells).rstrip() for cells in aligned]
