"""Loops over elements as Python source for Numba.

Every inlined equation becomes one statement, at the outermost loop where its indices are known. Reductions
that run along the innermost axis accumulate in local variables: eight of them for cheap sums of floats,
which LLVM turns into vectors. Their order depends on sizes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from ..ir.graph import Eqn, Value
from ..ir.op import Reduction, Scan
from ..ir.ops.attributes import integer, integers
from ..ir.ops.indexing import element_indices
from ..ir.ops.products import contraction
from ..ir.types import Dim
from .accumulate import start, step_template, stepped
from .blocks import BlockWriter, place_text
from .chunks import Role, role, weight
from .cuts import Cut, Partial
from .elements import Elements, Written
from .kernels import Nest, is_elementwise, stored_reads
from .memory import Place, Scope

LANES = 8
"""Partial accumulators of a sum."""

LONGEST_UNROLLED = 8
"""Inlined equations that may be written once a lane."""

SHORT = 16
"""Constant extents up to which nothing is unrolled here."""


class NestWriter:
    """One nest of loops on the page of a writer."""

    def __init__(self, writer: BlockWriter, nest: Nest, scope: Scope) -> None:
        self.writer = writer
        self.page = writer.page
        self.scope = scope
        self.roots = nest.roots
        self.passing = nest.passing
        self.order = _loop_order(nest)
        self.extents = nest.extents
        self.indices = ["0"] * len(nest.extents)
        for depth, axis in enumerate(self.order):
            self.indices[axis] = writer.names.loop(depth)
        self.loops = [self.indices[axis] for axis in self.order]
        writer.ascending.update(self.loops)
        inlined = writer.scheduled(scope.block).inlined
        self.cut = self._cut(inlined)
        if self.cut is not None:
            writer.ascending.discard(self.loops[0])
        self.elements = Elements(writer, inlined, self.loops)
        self.lanes = LANES if self._unrolls(inlined) else 1

    def write(self) -> None:
        """Write the whole nest."""
        root = self.roots[0]
        lowering = root.op.lowering
        if root.op.updates:
            self._update(root)
        elif root.op.name == "check":
            self._check(root)
        elif isinstance(lowering, Scan):
            self._scan(root, lowering)
        elif root.op.name == "einsum":
            self._einsum(root)
        elif isinstance(lowering, Reduction) and root.output.type.rank:
            self._reduce_some(root, lowering)
        else:
            self._pointwise()

    # ---- loops ----

    def _cut(self, inlined: Mapping[Value, Eqn]) -> Cut | None:
        """How the outermost loop is cut into chunks, if it is."""
        if self.scope.depth or not self.order or self.extents[self.order[0]].constant is not None:
            return None
        if any(not self._cuttable(root, role(root, self.order[0])) for root in self.roots):
            return None
        inside = prod((self.extents[a] for a in self.order[1:]), start=Dim.of(1))
        work = weight(_work(self.roots, inlined))
        return self.writer.cut(self.extents[self.order[0]], inside, work)

    def _cuttable(self, root: Eqn, role: Role) -> bool:
        """Whether chunks may be written here: results that they reduce are numbers, or accumulate in memory."""
        if role is Role.REDUCED and root.output.type.rank:
            return root.op.name != "einsum" and self._reduces_in_memory(root)
        return role is not Role.ORDERED

    def _partial(self, root: Eqn, name: str) -> None:
        """A result that chunks reduce, each for itself."""
        if self.cut is not None and role(root, self.order[0]) is Role.REDUCED:
            template, type_ = step_template(root), root.output.type
            self.cut.partials.append(
                Partial(name, type_, start(root), lambda a, x: stepped(template, type_.dtype, a, x))
            )

    def _unrolls(self, inlined: Mapping[Value, Eqn]) -> bool:
        """Whether a sum along the innermost axis gets several accumulators."""
        root = self.roots[0]
        sums = [r for r in self.roots if isinstance(r.op.lowering, Reduction) or r.op.name == "einsum"]
        if not sums or not self.order or any(not r.output.type.dtype.is_float for r in sums):
            return False
        if root.output.type.rank and root in sums and not _innermost_reduced(root, self.order[-1]):
            return False
        extent = self.extents[self.order[-1]].constant
        work = _work(self.roots, inlined)
        return (
            (extent is None or extent > SHORT)
            and len(work) <= LONGEST_UNROLLED
            and all(e.op.cost <= 4 for e in work)
        )

    def _innermost(self, lane: Callable[[Sequence[str], int], None]) -> tuple[list[Written], list[Written]]:
        """The body of the innermost loop once a lane, and of the loop over what remains."""
        depth = len(self.loops)
        level = self.elements.levels[depth]
        if self.lanes == 1:
            lane(self.indices, 0)
            return level.before, []
        axis, variable = self.order[-1], self.loops[-1]
        for k in range(self.lanes):
            shifted = list(self.indices)
            shifted[axis] = f"{variable} + {k}" if k else variable
            lane(shifted, k)
        unrolled, level.before = level.before, []
        self.elements.forget(depth)
        lane(self.indices, 0)
        rest, level.before = level.before, []
        return unrolled, rest

    def _emit(self, unrolled: Sequence[Written], rest: Sequence[Written], depth: int = 0) -> None:
        """Write the loops from the outermost one."""
        if depth == len(self.loops):
            self._lines(unrolled)
            self._lines(self.elements.levels[depth].after)
            return
        self._lines(self.elements.levels[depth].before)
        extent = str(self.extents[self.order[depth]])
        variable = self.loops[depth]
        if depth == 0 and self.cut is not None:
            self._emit_chunk(self.cut, variable, unrolled, rest)
        elif rest and depth == len(self.loops) - 1:
            self._loop(f"for {variable} in range(0, {extent} - {self.lanes - 1}, {self.lanes}):", unrolled)
            self._loop(f"for {variable} in range({_remainder_start(extent, self.lanes)}, {extent}):", rest)
        else:
            self.page.write(f"for {variable} in {self._range(extent, depth)}:", self.roots[-1])
            with self.page.indented():
                self._emit(unrolled, rest, depth + 1)
        self._lines(self.elements.levels[depth].after)

    def _emit_all(self, lane: Callable[[Sequence[str], int], None]) -> None:
        bodies = self._innermost(lane)
        with self.page.cut(self.cut):
            self._emit(*bodies)

    def _emit_chunk(
        self, cut: Cut, variable: str, unrolled: Sequence[Written], rest: Sequence[Written]
    ) -> None:
        """The outermost loop, from the start to the stop of a chunk."""
        first, last = cut.start, cut.stop
        if rest and len(self.loops) == 1:
            self._loop(f"for {variable} in range({first}, {last} - {self.lanes - 1}, {self.lanes}):", unrolled)
            left = f"{last} - ({last} - {first}) % {self.lanes}"
            self._loop(f"for {variable} in range({left}, {last}):", rest)
        else:
            self.page.write(f"for {variable} in range({first}, {last}):", self.roots[-1])
            with self.page.indented():
                self._emit(unrolled, rest, 1)

    def _range(self, extent: str, depth: int) -> str:
        root = self.roots[0]
        backwards = (
            isinstance(root.op.lowering, Scan) and root.attrs.get("reverse") and depth == len(self.loops) - 1
        )
        return f"range({extent} - 1, -1, -1)" if backwards else f"range({extent})"

    def _loop(self, header: str, body: Sequence[Written]) -> None:
        self.page.write(header, self.roots[-1])
        with self.page.indented():
            self._lines(body)

    def _lines(self, lines: Sequence[Written]) -> None:
        for text, eqn in lines:
            self.page.write(text, eqn)

    def _say(self, text: str, eqn: Eqn) -> None:
        """A statement of the innermost loop."""
        self.elements.levels[len(self.loops)].before.append((text, eqn))

    # ---- elementwise values and full reductions ----

    def _pointwise(self) -> None:
        places: dict[Eqn, Place | None] = {}
        partial: dict[Eqn, list[str]] = {}
        for root in self.roots:
            if is_elementwise(root):
                places[root] = None if root in self.passing else self._memory(root)
            else:
                name = self.writer.define(root.output)
                partial[root] = [name, *(self.writer.names.fresh(name) for _ in range(self.lanes - 1))]
                self._partial(root, name)

        def lane(indices: Sequence[str], k: int) -> None:
            for root in self.roots:
                if root in places:
                    self._store(root, places[root], indices)
                else:
                    x = self.elements.element(root.inputs[0], indices)
                    self._say(*self._step(root, partial[root][k], x))

        bodies = self._innermost(lane)
        with self.page.cut(self.cut):
            for root, names in partial.items():
                self.page.write(f"{' = '.join(names)} = {start(root)}", root)
            self._emit(*bodies)
            for root, names in partial.items():
                self._combine(root, names, self.page.write)

    def _memory(self, root: Eqn) -> Place:
        """Memory for an elementwise value: that of an operand that dies here and is read element by
        element."""
        output = root.output
        alone = len(self.roots) == 1 and output not in self.writer.rows
        reads = stored_reads(root, self.elements.inlined) if alone else ()
        for operand in dict.fromkeys(v for v, _ in reads if v not in self.elements.inlined):
            if operand.type != output.type or (operand, True) not in reads or (operand, False) in reads:
                continue
            place = self.writer.place(operand)
            if self.scope.dies(operand, root, place):
                self.writer.view(root, place)
                return place
        return self.writer.allocate(output, self.scope, root)

    def _store(self, root: Eqn, place: Place | None, indices: Sequence[str]) -> None:
        text = self.elements.computed(root, indices)
        if len(self.roots) > 1:
            text = text if text.isidentifier() else self.elements.name(root.output.name, text, root)
            self.elements.known[root.output, tuple(indices)] = text
        if place is not None:
            self._say(f"{self._at(place, indices)} = {text}", root)

    def _at(self, place: Place, indices: Sequence[str]) -> str:
        return place_text(place.at(*map(self.writer.index_text, indices)))

    # ---- accumulators ----

    def _accumulators(self, root: Eqn, name: str, say: Callable[[str, Eqn], object]) -> list[str]:
        """Variables that start at the neutral element, one a lane."""
        names = [name, *(self.writer.names.fresh(name) for _ in range(self.lanes - 1))]
        say(f"{' = '.join(names)} = {start(root)}", root)
        return names

    def _step(self, root: Eqn, accumulator: str, x: str) -> tuple[str, Eqn]:
        return stepped(step_template(root), root.output.type.dtype, accumulator, x), root

    def _combine(self, root: Eqn, names: Sequence[str], say: Callable[[str, Eqn], object]) -> None:
        """Pairs, then pairs of pairs."""
        while len(names) > 1:
            for first, second in zip(names[::2], names[1::2], strict=True):
                say(*self._step(root, first, second))
            names = names[::2]

    # ---- reductions that leave axes ----

    def _reduce_some(self, root: Eqn, lowering: Reduction) -> None:
        axes = integers(root.attrs["axes"])
        kept = [a for a in range(len(self.extents)) if a not in axes]
        outer = [a for a in self.order if a in kept]
        if self._reduces_in_memory(root):
            self._reduce_in_memory(root, lowering, kept)
        else:
            self._reduce_in_variable(root, kept, len(outer))

    def _reduces_in_memory(self, root: Eqn) -> bool:
        """Whether a loop along the result stands in one that reduces."""
        axes = integers(root.attrs["axes"])
        outer = [a for a in self.order if a not in axes]
        return list(self.order[: len(outer)]) != outer

    def _reduce_in_variable(self, root: Eqn, kept: Sequence[int], depth: int) -> None:
        """The reduced axes come last: a local accumulator for each element of the result."""
        place = self.writer.allocate(root.output, self.scope, root)
        at = self._at(place, [self.indices[a] for a in kept])
        self._accumulate(root, depth, lambda indices: self.elements.element(root.inputs[0], indices), at)

    def _accumulate(self, root: Eqn, depth: int, term: Callable[[Sequence[str]], str], at: str | None) -> str:
        """Accumulate below loop `depth`, store behind it; the variable."""
        level = self.elements.levels[depth]
        name = self.writer.names.fresh(root.output.name)
        names = self._accumulators(root, name, lambda text, eqn: level.before.append((text, eqn)))

        def lane(indices: Sequence[str], k: int) -> None:
            self._say(*self._step(root, names[k], term(indices)))

        bodies = self._innermost(lane)
        self._combine(root, names, lambda text, eqn: level.after.append((text, eqn)))
        if at is not None:
            level.after.append((f"{at} = {name}", root))
        else:
            self._partial(root, name)
        with self.page.cut(self.cut):
            self._emit(*bodies)
        return name

    def _reduce_in_memory(self, root: Eqn, lowering: Reduction, kept: Sequence[int]) -> None:
        """The innermost axis stays: accumulate in the result, in the order of memory."""
        type_ = root.output.type
        place = self.writer.allocate(root.output, self.scope, root, start(root))
        self._partial(root, place.name)
        target = self._at(place, [self.indices[a] for a in kept])

        def lane(indices: Sequence[str], k: int) -> None:
            x = self.elements.element(root.inputs[0], indices)
            self._say(stepped(lowering.step, type_.dtype, target, x), root)

        self._emit_all(lane)

    def _einsum(self, root: Eqn) -> None:
        labels = contraction(root)
        names = list(labels.sizes([v.type for v in root.inputs]))
        letters = [*labels.result, *(c for c in names if c not in labels.result)]
        outer = sum(1 for a in self.order if a < len(labels.result))

        def term(indices: Sequence[str]) -> str:
            at = dict(zip(letters, indices, strict=True))
            factors = [
                self.elements.element(
                    v, ["0" if d.constant == 1 else at[c] for c, d in zip(own, v.type.shape, strict=True)]
                )
                for own, v in zip(labels.operands, root.inputs, strict=True)
            ]
            return " * ".join(factors)

        if root.output.type.rank:
            place = self.writer.allocate(root.output, self.scope, root)
            self._accumulate(root, outer, term, self._at(place, self.indices[: len(labels.result)]))
        else:
            self.writer.texts[root.output] = self._accumulate(root, outer, term, None)

    # ---- running sums, updates, checks ----

    def _scan(self, root: Eqn, lowering: Scan) -> None:
        place = self.writer.allocate(root.output, self.scope, root)
        running = self.writer.names.fresh(root.output.name)
        depth = (
            len(self.loops) - 1
            if self.extents[integer(root.attrs["axis"])].constant != 1
            else len(self.loops)
        )
        self.elements.levels[depth].before.append((f"{running} = {start(root)}", root))

        def lane(indices: Sequence[str], k: int) -> None:
            x = self.elements.element(root.inputs[0], indices)
            self._say(stepped(lowering.step, root.output.type.dtype, running, x), root)
            self._say(f"{self._at(place, indices)} = {running}", root)

        self._emit_all(lane)

    def _update(self, root: Eqn) -> None:
        x, value, *operands = root.inputs
        place = self.writer.updated(root, self.scope)

        def lane(indices: Sequence[str], k: int) -> None:
            reader = self.elements.reader(operands)
            where = element_indices(x.type, [v.type for v in operands], root.attrs, reader, indices)
            sign = "+=" if root.op.name == "add_at" else "="
            self._say(f"{self._at(place, where)} {sign} {self.elements.element(value, indices)}", root)

        self._emit_all(lane)

    def _check(self, root: Eqn) -> None:
        ok = self.writer.names.fresh(root.inputs[0].name or "ok")
        self.page.write(f"{ok} = True", root)

        def lane(indices: Sequence[str], k: int) -> None:
            self._say(f"{ok} = {ok} and {self.elements.element(root.inputs[0], indices)}", root)

        self._emit_all(lane)
        self.writer.check(root, ok, self.scope)


# ---- shapes of nests ----


def _loop_order(nest: Nest) -> list[int]:
    """The axes in the order of their loops; an axis of length 1 needs none; the axis of a running sum is
    innermost."""
    root = nest.roots[0]
    order = [a for a, d in enumerate(nest.extents) if d.constant != 1]
    if isinstance(root.op.lowering, Scan):
        axis = integer(root.attrs["axis"])
        order.sort(key=lambda a: a == axis)
    return order


def _innermost_reduced(root: Eqn, innermost: int) -> bool:
    if root.op.name == "einsum":
        return innermost >= len(contraction(root).result)
    return innermost in integers(root.attrs["axes"])


def _work(roots: Sequence[Eqn], inlined: Mapping[Value, Eqn]) -> set[Eqn]:
    """The equations that are computed for each element."""
    found: set[Eqn] = set()
    pending = list(roots)
    while pending:
        eqn = pending.pop()
        new = {inlined[v] for v in eqn.inputs if v in inlined} - found
        pending += new
        found |= new
    return found | {r for r in roots if is_elementwise(r)}


def _remainder_start(extent: str, lanes: int) -> str:
    extent = extent if extent.isidentifier() or extent.isdigit() else f"({extent})"
    return f"{extent} - {extent} % {lanes}"
