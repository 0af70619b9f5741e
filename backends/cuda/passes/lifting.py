"""Scalars that the device computes become arrays of one element.

On the host they would be numbers, and to have a number of the device the host must wait for it. As arrays of
shape (1,) they broadcast, are fused into the loops that read them, and stay where they are as carries and
results. A number is read of such an array, `index v, 0`, only where one is needed: as an operand of what runs
in a kernel, which reads it there, and at the end for results; or where it decides what the host does.

    host-level                  becomes
    index x, i                  index x, i {at=(("span", 1, 1),)}
    index x, i, of a device i   index x, i {at=("gather",)}
    items, slices               rows of [n, 1], spans of one element

Loops on the host run trip by trip: their sums become carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ....ir.build import Environment, block, emit, lookup, origin, renewed, replay, using
from ....ir.graph import Attrs, Block, Eqn, Function, Value, constant, reads
from ....ir.loops import loop_body, state_count
from ....ir.op import Scalar
from ....ir.ops import OPS
from ....ir.types import ArrayType, Dim
from .placement import Placement, placed

ONE = (Dim.of(1),)


def lifted(function: Function) -> Function:
    """The same Function, in which no host-level scalar follows from what is on the device."""
    where = placed(function)
    wanted = _wanted(function.body, where)
    with using(OPS):
        body = block(function.body.params, lambda *_: _Lifted(where, wanted).function(function.body))
    return replace(function, body=body)


def _wanted(host_level: Block, where: Placement) -> set[Value]:
    """The scalars on the device that are computed with, carried, or handed out of a host-level block."""
    found = set[Value]()
    for eqn in host_level.eqns:
        if eqn.blocks and where.on_host(eqn):
            found.update(eqn.inputs, *(inner.results for inner in eqn.blocks))
            found.update(*(_wanted(inner, where) for inner in eqn.blocks))
        elif isinstance(eqn.op.lowering, Scalar) or eqn.op.name in ("check", "index", "broadcast"):
            found.update(eqn.inputs)
    return {v for v in found if not v.type.rank and not where.knows(v)}


@dataclass
class _Lifted:
    """A host-level block that is being written.

    `values` has the copies of what was there before: arrays, scalars that the host knows, and those that are
    read where they lie; `arrays` has scalars as arrays of one element. Some are in both.
    """

    where: Placement
    wanted: set[Value]
    values: Environment = field(default_factory=dict)
    arrays: Environment = field(default_factory=dict)

    def function(self, body: Block) -> list[Value]:
        self.equations(body)
        return [self.number(r) for r in body.results]

    def equations(self, source: Block) -> None:
        for eqn in source.eqns:
            with origin(eqn.location, eqn.note):
                self.equation(eqn)

    def inside(self) -> _Lifted:
        """A block inside this one."""
        return _Lifted(self.where, self.wanted, dict(self.values), dict(self.arrays))

    # ---- values ----

    def number(self, value: Value) -> Value:
        """A value as it was: what is an array of one element is read."""
        if value in self.arrays and value not in self.values:
            return emit(OPS["index"], [self.arrays[value], constant(0)], names=[value.name])[0]
        return lookup(self.values, value)

    def array(self, value: Value) -> Value:
        """A scalar as an array of one element."""
        if value not in self.arrays:
            self.arrays[value] = _broadcast(self.number(value), value.name)
        return self.arrays[value]

    def either(self, value: Value) -> Value:
        """What there is of a value, for what takes both."""
        return self.arrays[value] if value in self.arrays else self.number(value)

    def is_lifted(self, value: Value) -> bool:
        """Whether a scalar of a host-level block is an array of one element."""
        return not value.type.rank and not self.where.knows(value)

    def state(self, value: Value, lifts: bool) -> Value:
        return self.array(value) if lifts else self.number(value)

    def define(self, old: Sequence[Value], new: Sequence[Value]) -> None:
        """What an equation has made, of scalars that are wanted the array, too."""
        self.values.update(zip(old, new, strict=True))
        for value in self.wanted.intersection(old):
            self.array(value)

    # ---- equations ----

    def equation(self, eqn: Eqn) -> None:
        scalar = isinstance(eqn.op.lowering, Scalar)
        if eqn.blocks:
            self.region(eqn)
        elif scalar and self.is_lifted(eqn.output):
            operands = [self.state(v, self.is_lifted(v)) for v in eqn.inputs]
            (self.arrays[eqn.output],) = emit(eqn.op, operands, eqn.attrs, names=[eqn.output.name])
        elif eqn.op.name == "index" and _takes_points(eqn) and not self.where.knows(eqn.output):
            self.element(eqn)
        else:
            takes_both = scalar or eqn.op.name in ("check", "broadcast")
            operands = [self.either(v) if takes_both else self.number(v) for v in eqn.inputs]
            self.define(eqn.outputs, emit(eqn.op, operands, eqn.attrs, names=[o.name for o in eqn.outputs]))

    def element(self, eqn: Eqn) -> None:
        """An element of an array, or a row; where the device says which, it is gathered."""
        x, *operands = eqn.inputs
        moved = [self.is_lifted(v) for v in operands]
        at: list[object] = ["gather" if lifts else "point" for lifts in moved]
        if not any(moved):
            if eqn.output not in self.wanted:
                self.define(eqn.outputs, replay(eqn, self.numbers(eqn.inputs)))
                return
            at[-1] = ("span", ONE[0], 1)
        indices = [self.state(v, lifts) for v, lifts in zip(operands, moved, strict=True)]
        attrs: Attrs = {"at": tuple(at)}  # type: ignore[arg-type]
        (found,) = emit(OPS["index"], [self.number(x), *indices], attrs, names=[eqn.output.name])
        if eqn.output.type.rank:
            self.values[eqn.output] = OPS["reshape"](found, shape=eqn.output.type.shape)
        else:
            self.arrays[eqn.output] = found

    def numbers(self, values: Sequence[Value]) -> Environment:
        """The environment for what reads these values as they were."""
        return {**self.values, **{v: self.number(v) for v in values}}

    def region(self, eqn: Eqn) -> None:
        if not self.where.on_host(eqn):
            self.define(eqn.outputs, replay(eqn, self.numbers(list(dict.fromkeys(reads(eqn))))))
        elif eqn.op.loop:
            self.loop(eqn)
        else:
            self.branch(eqn)

    # ---- what runs on the host ----

    def branch(self, eqn: Eqn) -> None:
        lifts = [self.is_lifted(o) for o in eqn.outputs]

        def copied(source: Block) -> Block:
            inner = self.inside()

            def body() -> list[Value]:
                inner.equations(source)
                return [inner.state(r, lift) for r, lift in zip(source.results, lifts, strict=True)]

            return block([], body)

        predicate = self.number(eqn.inputs[0])
        outputs = emit(eqn.op, [predicate], eqn.attrs, list(map(copied, eqn.blocks)), _names(eqn.outputs))
        for old, new, lift in zip(eqn.outputs, outputs, lifts, strict=True):
            (self.arrays if lift else self.values)[old] = new

    def loop(self, eqn: Eqn) -> None:
        count, body = state_count(eqn.attrs), loop_body(eqn)
        lifts = [self.is_lifted(p) for p in body.params[1 : 1 + count]]
        rows = [k for k in range(count, len(eqn.inputs)) if eqn.inputs[k].type.rank > 1]

        def copied(source: Block) -> Block:
            inner = self.inside()
            states = zip(source.params[1 : 1 + count], lifts, strict=True)
            kept = [(p, lift) for p, lift in ((source.params[0], False), *states)]
            kept += [(source.params[1 + k], False) for k in rows if source is body]
            params = [_one_element(p) if lift else renewed(p) for p, lift in kept]
            for (old, lift), new in zip(kept, params, strict=True):
                (inner.arrays if lift else inner.values)[old] = new

            def write(index: Value, *_: Value) -> list[Value]:
                if source is not body:
                    inner.equations(source)
                    return [inner.number(source.results[0])]
                for k in range(count, len(eqn.inputs)):
                    if k not in rows:
                        inner.slice(source.params[1 + k], eqn.inputs[k], index)
                inner.equations(source)
                ends = [inner.state(r, lift) for r, lift in zip(source.results, lifts, strict=False)]
                return [*ends, *(inner.state(r, not r.type.rank) for r in source.results[count:])]

            return block(params, write)

        operands = [self.state(v, lift) for v, lift in zip(eqn.inputs, lifts, strict=False)]
        operands += [self.number(eqn.inputs[k]) for k in rows]
        outputs = emit(
            eqn.op, operands, _with_carries(eqn.attrs), list(map(copied, eqn.blocks)), _names(eqn.outputs)
        )
        for old, new, lift in zip(eqn.outputs, outputs, lifts, strict=False):
            (self.arrays if lift else self.values)[old] = new
        for old, new in zip(eqn.outputs[count:], outputs[count:], strict=True):
            self.values[old] = new if new.type == old.type else OPS["reshape"](new, shape=old.type.shape)

    def slice(self, param: Value, stack: Value, index: Value) -> None:
        """What a trip is handed of an array of numbers."""
        attrs: Attrs = {"at": (("span", ONE[0], 1),)}
        (self.arrays[param],) = emit(OPS["index"], [self.number(stack), index], attrs, names=[param.name])


def _takes_points(eqn: Eqn) -> bool:
    at = eqn.attrs.get("at", ())
    assert isinstance(at, tuple)
    return all(item == "point" for item in at)


def _with_carries(attrs: Attrs) -> Attrs:
    """The attributes of a loop whose sums are carries."""
    if "sums" not in attrs:
        return attrs
    return {**{name: attr for name, attr in attrs.items() if name != "sums"}, "carry": state_count(attrs)}


def _broadcast(value: Value, name: str | None) -> Value:
    return emit(OPS["broadcast"], [value], {"shape": ONE}, names=[name])[0]


def _one_element(value: Value) -> Value:
    return Value(ArrayType(value.type.dtype, ONE), value.name)


def _names(values: Sequence[Value]) -> list[str | None]:
    return [v.name for v in values]
