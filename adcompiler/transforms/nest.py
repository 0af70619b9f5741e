"""A survey of a Function's blocks: where each value lives, what makes it, and where else it can be read.

A *site* is a block of an equation; the sites around a value are its home. Values at the top level have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from adcompiler.ir.accesses import Access, Form, access, chain, linear_forms, never_meet
from adcompiler.ir.graph import Attr, Block, Constant, Eqn, Value
from adcompiler.ir.loops import carry_count, split
from adcompiler.ir.types import Dim, Monomial

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
    the `bind` equations of a name, `elsewhere` the reads that an array outside the loop answers as well.
    """

    home: dict[Value, Home] = field(default_factory=dict)
    made: dict[Value, Eqn] = field(default_factory=dict)
    sliced: dict[Value, Value] = field(default_factory=dict)
    indices: set[Value] = field(default_factory=set)
    bindings: dict[str, list[tuple[Eqn, Home]]] = field(default_factory=dict)
    elsewhere: Mapping[Value, Element] = field(default_factory=dict)

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
        return (*eqn.inputs, *(b.inputs[0] for b in self.binds(eqn, self.home[value])))

    def dear(self, value: Value) -> bool:
        """Whether a value is replayed only where it cannot be kept."""
        eqn = self.made.get(value)
        return eqn is not None and eqn.op.dear and value not in self.elsewhere

    def binds(self, eqn: Eqn, home: Home) -> Iterator[Eqn]:
        """The `bind` equations inside loops or branches whose sizes an equation mentions."""
        for name in mentioned(eqn):
            for bind, at in self.bindings.get(name, ()):
                if at and home[: len(at)] == at:
                    yield bind

    def local_names(self) -> frozenset[str]:
        """The sizes that change within the nest: loop indices and values bound inside blocks."""
        loops = {site[0] for home in self.home.values() for site in home}
        named = {str(eqn.attrs["index"]) for eqn in loops if "index" in eqn.attrs}
        return frozenset(
            named | {name for name, found in self.bindings.items() if any(at for _, at in found)}
        )


def mentioned(eqn: Eqn) -> frozenset[str]:
    """The sizes in the attributes and results of an equation; not those in its blocks."""
    names = frozenset[str]().union(*(d.names() for o in eqn.outputs for d in o.type.shape))
    return names.union(*(_names(a) for a in eqn.attrs.values()))


def _names(attr: Attr) -> frozenset[str]:
    if isinstance(attr, Dim):
        return attr.names()
    return frozenset[str]().union(*map(_names, attr)) if isinstance(attr, tuple) else frozenset()


def survey(block: Block) -> Nest:
    """The survey of a whole Function body, redirected reads included."""
    nest = Nest()
    _scan(block, (), nest)
    return replace(nest, elsewhere=_redirected(nest, linear_forms(block)))


def _scan(block: Block, home: Home, nest: Nest) -> None:
    nest.home.update((p, home) for p in block.params)
    for eqn in block.eqns:
        nest.home.update((o, home) for o in eqn.outputs)
        nest.made.update((o, eqn) for o in eqn.outputs)
        if eqn.op.name == "bind":
            nest.bindings.setdefault(str(eqn.attrs["size"]), []).append((eqn, home))
        if eqn.op.name == "for":
            params = eqn.blocks[0].params
            nest.indices.add(params[0])
            operands = split(eqn.attrs, eqn.inputs).slices
            nest.sliced.update(zip(split(eqn.attrs, params[1:]).slices, operands, strict=True))
        for k, inner in enumerate(eqn.blocks):
            _scan(inner, (*home, (eqn, k)), nest)


# ---- redirected reads ----


def _redirected(nest: Nest, forms: Mapping[Value, Form]) -> dict[Value, Element]:
    """Element reads inside loops, and values written there, that an array outside the loop holds as well.

    A read of a changing array finds the same number in the array that the loop leaves behind, if no later
    write hits the element, and in the array that it began with, if no earlier one does. A value that was
    written and stays can be read from the array it was written to.
    """
    order = {eqn: k for k, eqn in enumerate(dict.fromkeys(nest.made.values()))}
    found: dict[Value, Element] = {}
    for eqn in order:
        if eqn.op.name == "index" and nest.home[eqn.output]:
            array = _outside(nest, forms, eqn.inputs[0], access(eqn), nest.home[eqn.output])
            if array is not None:
                found[eqn.output] = Element(array, eqn.inputs[1:], eqn.attrs.get("at"))
    for eqn in order:
        written = eqn.inputs[1] if eqn.op.name == "put" else None
        if written is None or not _stored_here(nest, order, eqn, written) or written in found:
            continue
        array = _outside(nest, forms, eqn.output, access(eqn), nest.home[written])
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


def _outside(nest: Nest, forms: Mapping[Value, Form], array: Value, read: Access, home: Home) -> Value | None:
    """The array outside the loops in which the element can be read again; None if there is none."""
    found: Value | None = None
    for loop, _ in reversed(home):
        inside = nest.home.get(array, ())
        if all(site[0] is not loop for site in inside):
            continue  # captured: nothing changes at this level
        if loop.op.name != "for" or inside[-1][0] is not loop:
            return None
        (body,) = loop.blocks
        versions = chain(body, array, carry_count(loop.attrs))
        if versions is None:
            return found
        k, before, after = versions

        def varies(key: Value | Monomial, loop: Eqn = loop) -> bool:
            return isinstance(key, Value) and any(site[0] is loop for site in nest.home.get(key, ()))

        def clear(writes: object, *apart: int, body: Block = body) -> bool:
            assert isinstance(writes, list)
            return all(never_meet(w, read, body.params[0], varies, apart, forms) for w in writes)

        later = -1 if loop.attrs.get("reverse") else 1
        if clear(before, later) and clear(after, later, 0):
            array = found = loop.outputs[k]
        elif clear(before, -later, 0) and clear(after, -later):
            array = found = loop.inputs[k]
        else:
            return found
    return found
