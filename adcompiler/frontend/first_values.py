"""Variables that have no value before a loop and get their first one in it.

What is assigned in each trip before it is read is carried for what is after the loop only: from zeros, and it
is there if a trip is made. A number that is assigned in some trips only, or read in a trip before it is
assigned there, is carried as a `Maybe`, together with whether it has a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from adcompiler.ir.errors import NeedsConcrete
from adcompiler.ir.graph import Value
from adcompiler.ir.types import ArrayType, Dim

from .frames import current, refuse
from .joins import join
from .leaves import Leaf, Slot, describe, is_number, leaves, number_type
from .maybe import Half, Maybe, halves
from .plans import Late
from .protocol import Undefined
from .scalars import value as number_value
from .sizes import Size
from .syntax import called
from .values import TracedArray
from .views import positions

if TYPE_CHECKING:
    from .carried import Carry


def bound(carry: Carry, name: str) -> Maybe | None:
    """Such a variable at the head of a trip; None where it has no value there."""
    for slot, kind in _late(carry, name).items():
        carry.param(slot, kind)
    if not _late(carry, name).keys() >= set(_halves(name)):
        return None
    value, defined = (carry.number(slot, carry.params[slot]) for slot in _halves(name))
    return Maybe(value, defined)


def carried_form(carry: Carry, name: str, end: Any) -> Any:
    """What a variable is at the end of a trip, as a `Maybe` where it is carried as one."""
    _, defined = _halves(name)
    partly = defined in carry.plan or defined in carry.before
    return halves(end) if partly and not isinstance(end, Undefined) else end


def compare(carry: Carry, name: str, after: Any, used_after: bool) -> None:
    """The leaves that a trip makes are carried, or learned."""
    missed = name in carry.frame.missed
    if isinstance(after, Maybe) or (missed and not isinstance(after, Undefined)):
        _compare_partly(carry, name, halves(after), used_after or missed)
        return
    ends = dict(leaves(after, Slot(name)))
    carry.after |= ends
    known = _late(carry, name)
    if isinstance(after, Undefined):
        for slot in known:
            del carry.params[slot]
        return
    if not known.keys() <= ends.keys():
        _refuse(name, after)
    for slot, end in ends.items():
        mode = None if slot in known or not used_after else _mode(carry, end)
        if slot in known:
            _compare(carry, slot, end)
        elif mode is not None:
            carry.learned[slot] = mode


def last_view(array: TracedArray, index: Dim) -> bool:
    """Whether an array is a part of one from outside the loop, at a place that the trip's number gives."""
    trace = current()
    own = trace.frame.sizes.keys() - index.names()
    places = positions(array.path)
    return (
        array.cell.frame is not trace.frame
        and array.cell.frame.encloses(trace.frame)
        and all(isinstance(p, Dim) and not p.names() & own for p in places)
        and not any(d.names() & trace.frame.sizes.keys() for d in array.type.shape)
    )


def _late(carry: Carry, name: str) -> dict[Slot, ArrayType]:
    """The leaves of a variable that are carried so."""
    found = {slot: mode.type for slot, mode in carry.plan.items() if isinstance(mode, Late)}
    mine = {slot: kind for slot, kind in found.items() if slot.name == name}
    return {slot: kind for slot, kind in mine.items() if slot in _halves(name)} or mine


def _halves(name: str) -> tuple[Slot, Slot]:
    return Slot(name, (Half.VALUE,)), Slot(name, (Half.DEFINED,))


def _compare_partly(carry: Carry, name: str, after: Maybe, needed: bool) -> None:
    """A variable that has its first value in some trips only, or is read before that."""
    ends = dict(zip(_halves(name), (after.value, after.defined), strict=True))
    carry.after |= ends
    known = _late(carry, name)
    if known.keys() >= ends.keys():
        for slot, end in ends.items():
            _compare(carry, slot, end)
        return
    for slot in known:
        del carry.params[slot]
    if is_number(after.value) and needed:
        kinds = {slot: number_type(end) for slot, end in ends.items()}
        carry.learned |= {slot: Late(ArrayType(kind.dtype), kind) for slot, kind in kinds.items()}
    elif name in carry.frame.missed:
        refuse(
            f"{called(name)} is read in a trip before it has a value there, and holds "
            f"{describe(after.value)} from the trip before",
            f"give `{name}` a value before the loop",
            NeedsConcrete,
        )


def _mode(carry: Carry, end: Leaf) -> Late | None:
    """How a leaf is carried; None for what is known without."""
    names = carry.frame.sizes.keys()
    if is_number(end):
        kind = number_type(end)
        counted = type(end) is Size and end.dim.names() & names <= carry.index.names()
        return None if counted else Late(ArrayType(kind.dtype), kind)
    if type(end) is not TracedArray or not _made_here(end) or (carry.certain and last_view(end, carry.index)):
        return None
    return None if any(d.names() & names for d in end.type.shape) else Late(end.type, None)


def _compare(carry: Carry, slot: Slot, end: Leaf) -> None:
    mode = carry.plan[slot]
    assert isinstance(mode, Late)
    if mode.number is not None and is_number(end):
        grown = join(mode.number, number_type(end), str(slot))
        if grown != mode.number:
            carry.learned[slot] = Late(ArrayType(grown.dtype), grown)
        else:
            carry.results[slot] = number_value(end, grown.dtype)
    elif mode.number is None and type(end) is TracedArray and end.type == mode.type:
        carry.results[slot] = end.read()
    else:
        _refuse(str(slot), end)


def _made_here(array: TracedArray) -> bool:
    """Whether an array, or the part of it that a view shows, is known in this block only."""
    trace = current()
    places = positions(array.path)
    names = [p.names() for p in places if isinstance(p, Dim)] + [d.names() for d in array.type.shape]
    return (
        array.cell.frame is trace.frame
        or any(trace.homes.get(p) is trace.frame for p in places if isinstance(p, Value))
        or any(found & trace.frame.sizes.keys() for found in names)
    )


def _refuse(name: str, end: Any) -> NoReturn:
    refuse(f"{called(name)} is {describe(end)} at the end of a trip, and was something else", "use two names")
