"""Integers that grow by the same step in each trip of a loop are sizes.

`k = k + 1` makes k the polynomial `start + step * index`, so that what it indexes is known to be in range and
need not be kept for a reverse sweep. Found in the equations of a first trace of the body, and checked in the
next one. Only trips after which the loop goes on count: where a branch sets the flag of a jump, whatever it
leaves in k is there after the loop, and in no other trip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from adcompiler.ir.graph import Constant, Eqn, Value
from adcompiler.ir.types import I64, ArrayType, Dim

from .frames import Frame

Affine = tuple[int, Dim]
"""The c and d of `c * param + d`."""


@dataclass(frozen=True)
class Growth:
    """What the integers of a trip are, in terms of a parameter of its block.

    `jumps` are the flags at the end of the trip.
    """

    frame: Frame
    jumps: Set[Value]

    def by(self, param: Value, end: Value) -> Dim | None:
        """The d of `end = param + d`, the same in each trip; None for any other end."""
        multiple, step = self._affine({param: (1, Dim())}, end) or (0, Dim())
        return step if multiple == 1 and not step.names() & self.frame.sizes.keys() else None

    def to(self, end: Value) -> Dim | None:
        """The size that an integer is; None where it is none."""
        bound = {b.value: (0, Dim.of(name)) for name, b in self.frame.sizes.items() if b.value is not None}
        multiple, size = self._affine(bound, end) or (1, Dim())
        return None if multiple else size

    def _affine(self, start: Mapping[Value, Affine], end: Value) -> Affine | None:
        known = dict(start)
        _extend(known, dict.fromkeys(self.jumps, False), self.frame.builder.eqns)
        return _term(known, end)


def _extend(known: dict[Value, Affine], truth: dict[Value, bool], eqns: Sequence[Eqn]) -> None:
    """Go through equations; `truth` has the bools that are known where no jump is made."""
    for eqn in eqns:
        match eqn.op.name:
            case "dim":
                size: Any = eqn.attrs["size"]
                known[eqn.output] = 0, Dim.of(size)
            case "add" | "sub" if eqn.output.type == ArrayType(I64):
                left, right = (_term(known, operand) for operand in eqn.inputs)
                if left is not None and right is not None:
                    sign = 1 if eqn.op.name == "add" else -1
                    known[eqn.output] = left[0] + sign * right[0], left[1] + right[1] * sign
            case "logical_not" if eqn.inputs[0] in truth:
                truth[eqn.output] = not truth[eqn.inputs[0]]
            case "if":
                _extend_by_branches(known, truth, eqn)


def _extend_by_branches(known: dict[Value, Affine], truth: dict[Value, bool], eqn: Eqn) -> None:
    """A result of an `if` is what each branch that does not jump says."""
    going_on: list[Sequence[Value]] = []
    for taken, block in zip((True, False), eqn.blocks, strict=True):
        bools = {r: truth[o] for r, o in zip(block.results, eqn.outputs, strict=True) if o in truth}
        jumps = any(isinstance(r, Constant) and bool(r.data) is not held for r, held in bools.items())
        if not jumps and truth.get(eqn.inputs[0], taken) is taken:
            _extend(known, truth | bools, block.eqns)
            going_on.append(block.results)
    for k, output in enumerate(eqn.outputs):
        if output.type == ArrayType(I64):
            found = {_term(known, results[k]) for results in going_on}
            term = found.pop() if len(found) == 1 else None
            if term is not None:
                known[output] = term


def _term(known: Mapping[Value, Affine], value: Value) -> Affine | None:
    if isinstance(value, Constant):
        return 0, Dim.of(int(value.data))
    return known.get(value)
