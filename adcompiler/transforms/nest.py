"""A survey of a Function's blocks: where each value lives, what makes it, and where else it can be read.

A *site* is a block of an equation; the sites around a value are its home. Values at the top level have none.

What a loop leaves of each trip is stacked outside of it, and again outside the loops around that. A loop
whose trip count changes in the loops around it is *ragged*: its stacks have no size there. They are made
where the adjoint walks back through it, by running it once more. So every value has an `anchor`: the number
of sites around the block in which its stack is made. Or else its stacks are padded to the most trips that it
can make, where that is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adcompiler.ir.accesses import Access, Versions, access, chain
from adcompiler.ir.affine import highest
from adcompiler.ir.graph import Attr, Block, Constant, Eqn, Value, mentioned
from adcompiler.ir.indices import never_meet
from adcompiler.ir.integers import Integers, integers
from adcompiler.ir.loops import loop_body, most_trips, split, trip_count, undoes
from adcompiler.ir.types import I64, ArrayType, Dim, Positive

Site = tuple[Eqn, int]
Home = tuple[Site, ...]


@dataclass(frozen=True)
class Element:
    """An element of an array that is readable in the reverse sweep: `index array, *indices {at}`."""

    array: Value
    indices: tuple[Value, ...]
    at: Attr

    @property
    def attrs(self) -> dict[str, Attr]:
        return {} if self.at is None else {"at": self.at}


@dataclass(frozen=True)
class Nest:
    """What is known of the values of a block and the blocks inside it.

    `sliced` maps a slice parameter to its operand, `indices` holds the index parameters of loops, `bindings`
    the equations that bind a name, `counts` a value for the trips that a `while` inside a block has made,
    `elsewhere` the reads that an array outside the loop answers as well, and `padded` the length of the
    stacks of ragged loops that are padded. `again` says that every loop inside a loop is to be run once more
    where the adjoint walks back through it, as ragged ones are, and those that have an inverse.
    """

    home: dict[Value, Home] = field(default_factory=dict)
    made: dict[Value, Eqn] = field(default_factory=dict)
    sliced: dict[Value, Value] = field(default_factory=dict)
    indices: set[Value] = field(default_factory=set)
    bindings: dict[str, list[tuple[Eqn, Home]]] = field(default_factory=dict)
    counts: dict[Eqn, Value] = field(default_factory=dict)
    elsewhere: Mapping[Value, Element] = field(default_factory=dict)
    padded: Mapping[Eqn, Dim] = field(default_factory=dict)
    again: bool = False

    def runs_again(self, loop: Eqn) -> bool:
        """Whether a loop inside a loop is run once more whatever its trips are: it keeps nothing of them."""
        return self.again or undoes(loop_body(loop))

    def sources(self, value: Value) -> tuple[Value, ...] | None:
        """What a value is replayed from; None if it cannot be."""
        if value in self.indices:
            return ()
        if value in self.sliced:
            return (self.sliced[value],)
        if value in self.elsewhere:
            element = self.elsewhere[value]
            return (element.array, *element.indices)
        eqn = self.made.get(value)
        if eqn is None or eqn.blocks:
            return None
        return (*eqn.inputs, *(self.bound(b) for b in self.binds(eqn, self.home[value])))

    def dear(self, value: Value) -> bool:
        """Whether a value is replayed only where it cannot be kept."""
        eqn = self.made.get(value)
        return eqn is not None and eqn.op.dear and value not in self.elsewhere

    def binds(self, eqn: Eqn, home: Home) -> Iterator[Eqn]:
        """The equations inside loops or branches that bind sizes which an equation mentions."""
        for name in sorted(mentioned(eqn)):
            for bind, at in self.bindings.get(name, ()):
                if at and home[: len(at)] == at:
                    yield bind

    def bound(self, binder: Eqn) -> Value:
        """The integer that an equation inside a block binds."""
        return self.counts[binder] if binder.blocks else binder.inputs[0]

    def count(self, loop: Eqn) -> tuple[Value, ...]:
        """The value for the trips of a loop, if it has one."""
        return (self.counts[loop],) if loop in self.counts else ()

    # ---- where stacks are made ----

    def level(self, name: str, home: Home) -> int:
        """The number of sites around the place where a size is bound; 0 for the sizes of the program."""
        for depth, (eqn, _) in enumerate(home):
            if eqn.attrs.get("index") == name:
                return depth + 1
        found = (len(at) for _, at in self.bindings.get(name, ()) if home[: len(at)] == at)
        return max(found, default=0)

    def changing(self, dims: Iterable[Dim], home: Home) -> int:
        """The number of sites within which these sizes are constant."""
        return max((self.level(name, home) for d in dims for name in d.names()), default=0)

    def anchor(self, home: Home) -> int:
        """The number of sites around the block in which what is kept of a value at home here is stacked."""
        anchor = 0
        for depth, (eqn, _) in enumerate(home):
            if depth and eqn.op.loop and eqn not in self.padded:
                bound_here = eqn.op.binds is not None
                changes = self.changing([trip_count(eqn.attrs)], home[:depth]) > anchor
                if self.runs_again(eqn) or bound_here or changes:
                    anchor = depth
        return anchor

    def stacked_trips(self, loop: Eqn) -> Dim:
        """The length of the stacks of a loop."""
        return self.padded.get(loop, trip_count(loop.attrs))

    def most_trips(self, loop: Eqn, home: Home) -> Dim | None:
        """The most trips of a `for` at home here, in sizes that its stacks may have; None if not known."""
        most = most_trips(loop.attrs)
        if most is None or loop.op.binds is not None:
            return None
        around = self.anchor(home)
        bounds: dict[str, tuple[Dim, Dim | None]] = {}
        for eqn, _ in home[around:]:
            trips = most_trips(eqn.attrs) if eqn.op.loop else None
            if "index" in eqn.attrs:
                bounds[str(eqn.attrs["index"])] = Dim(), None if trips is None else trips - 1
        match most.terms:
            case (((Positive() as atom,), 1),):
                most = atom.of
        found = highest(most, bounds)
        return None if found is None or self.changing([found], home) > around else found.positive()


def survey(block: Block) -> Nest:
    """The survey of a whole Function body, redirected reads included."""
    nest = Nest()
    _scan(block, (), nest)
    return replace(nest, elsewhere=_redirected(nest, integers(block)))


def _scan(block: Block, home: Home, nest: Nest) -> None:
    nest.home.update((p, home) for p in block.params)
    for eqn in block.eqns:
        nest.home.update((o, home) for o in eqn.outputs)
        nest.made.update((o, eqn) for o in eqn.outputs)
        if eqn.op.binds is not None:
            nest.bindings.setdefault(str(eqn.attrs[eqn.op.binds]), []).append((eqn, home))
        if eqn.op.binds is not None and eqn.blocks and home:
            count = nest.counts[eqn] = Value(ArrayType(I64), str(eqn.attrs[eqn.op.binds]))
            nest.home[count], nest.made[count] = home, eqn
        if eqn.op.loop:
            params = loop_body(eqn).params
            nest.indices.update(b.params[0] for b in eqn.blocks)
            operands = split(eqn.attrs, eqn.inputs).slices
            nest.sliced.update(zip(split(eqn.attrs, params[1:]).slices, operands, strict=True))
        for k, inner in enumerate(() if eqn.op.closed else eqn.blocks):
            _scan(inner, (*home, (eqn, k)), nest)


# ---- redirected reads ----


def _redirected(nest: Nest, known: Integers) -> dict[Value, Element]:
    """Element reads inside loops, and values written there, that an array outside the loop holds as well.

    A read of a changing array finds the same number in the array that the loop leaves behind, if no later
    write hits the element, and in the array that it began with, if no earlier one does. A value that was
    written and stays can be read from the array it was written to.
    """
    order = {eqn: k for k, eqn in enumerate(dict.fromkeys(nest.made.values()))}
    found: dict[Value, Element] = {}
    for eqn in order:
        if eqn.op.name == "index" and nest.home[eqn.output]:
            array = _outside(nest, known, eqn.inputs[0], access(eqn), nest.home[eqn.output])
            if array is not None:
                found[eqn.output] = Element(array, eqn.inputs[1:], eqn.attrs.get("at"))
    for eqn in order:
        written = eqn.inputs[1] if eqn.op.name == "put" else None
        if written is None or not _stored_here(nest, order, eqn, written) or written in found:
            continue
        array = _outside(nest, known, eqn.output, access(eqn), nest.home[written])
        if array is not None:
            found[written] = Element(array, eqn.inputs[2:], eqn.attrs.get("at"))
    return found


def _stored_here(nest: Nest, order: Mapping[Eqn, int], put: Eqn, written: Value) -> bool:
    """Whether the value was made in the block of its `put`, after the indices that say where it goes."""
    maker = nest.made.get(written)
    if isinstance(written, Constant) or maker is None or maker.blocks or not nest.home[written]:
        return False
    earlier = all(i not in nest.made or order[nest.made[i]] < order[maker] for i in put.inputs[2:])
    return earlier and nest.home[written] == nest.home[put.output]


def _outside(nest: Nest, known: Integers, array: Value, read: Access, home: Home) -> Value | None:
    """The array outside the loops in which the element can be read again; None if there is none."""
    found: Value | None = None
    for depth in range(len(home) - 1, -1, -1):
        eqn, k = home[depth]
        if nest.home.get(array, ())[: depth + 1] != home[: depth + 1]:
            continue  # captured: nothing changes at this level
        versions = chain(eqn, k, array)
        if versions is None:
            return found
        outer = _same_element(nest, known, eqn, versions, read, home[: depth + 1])
        if outer is None:
            return found
        array = outer
        found = array if eqn.op.loop else found
    return found


def _same_element(
    nest: Nest, known: Integers, eqn: Eqn, versions: Versions, read: Access, site: Home
) -> Value | None:
    """What a loop or branch leaves of an array, or begins with, if the element is the same there."""
    index = loop_body(eqn).params[0] if eqn.op.loop else None

    def varies(integer: Value) -> bool:
        home = nest.home.get(integer, ())
        return home[: len(site)] == site if eqn.op.loop else home[: len(site)] == site != home

    def clear(writes: Sequence[Access], *apart: int) -> bool:
        return all(never_meet(w, read, index, varies, apart, known) for w in writes)

    later = (-1 if eqn.attrs.get("reverse") else 1,) if eqn.op.loop else ()
    earlier = tuple(-d for d in later)
    if clear(versions.before, *later) and clear(versions.after, *later, 0):
        return versions.left
    if clear(versions.before, *earlier, 0) and clear(versions.after, *earlier):
        return versions.begun
    return None
