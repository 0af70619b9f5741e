"""Roots of loop nests as Python source for Numba: elements that are stored, accumulated or checked.

Every inlined equation becomes one statement, in the outermost loop where its indices are known. A reduction
along the innermost loops accumulates in a variable, any other one in its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..ir.graph import Eqn
from ..ir.op import Scan
from ..ir.ops.attributes import integer
from ..ir.types import ArrayType
from . import roots
from .accumulate import start, step_template, stepped
from .blocks import BlockWriter, place_text
from .chunks import Role, role
from .cuts import Cut, Partial
from .elements import Elements
from .kernels import Nest
from .memory import Group, Place, Scope
from .source import Fresh, Line, allocation, in_loop, remark
from .stored import takeable


@dataclass(frozen=True)
class Terms:
    """A loop whose terms are added up in blocks: the block's first index, and the buffer of each sum."""

    first: str
    buffers: dict[Eqn, str]


class RootWriter:
    """The roots of one nest, in the loops that are being written."""

    def __init__(self, writer: BlockWriter, nest: Nest, scope: Scope) -> None:
        self.writer = writer
        self.page = writer.page
        self.scope = scope
        self.nest = nest
        self.tree = nest.tree
        self.inlined = writer.scheduled(scope.block).inlined
        self.elements = Elements(writer, self.inlined)
        self.places: dict[Eqn, Place] = {}
        self.accumulators: dict[Eqn, list[str]] = {}
        self.block: Terms | None = None
        """The loop that is being written, if it is one in blocks."""
        self.cut: Cut | None = None
        """How the loop outside all others that is being written is cut into chunks, if it is."""
        self.lanes: dict[Eqn, int] = {}
        """The sums of the loop that is being written that have several accumulators, and how many."""
        self.lane: int | None = None
        """Which of its trips is being written, of those that are written one after the other."""
        self.checked = ""

    def _partial(self, root: Eqn, name: str, type_: ArrayType) -> Cut | None:
        """The loop that is cut into chunks, if each of them reduces this result for itself."""
        if self.cut is None or role(root, self.tree.order[root][0]) is not Role.REDUCED:
            return None
        step = partial(stepped, step_template(root), type_.dtype)
        self.cut.partials.append(Partial(name, type_, start(root), step))
        return self.cut

    # ---- roots ----

    def _root(self, root: Eqn) -> None:
        lowering = root.op.lowering
        indices = self._indices(root)
        if roots.is_elementwise(root):
            self._elementwise(root, indices)
        elif root.op.updates:
            self._update(root, indices)
        elif root.op.name == "check":
            self._check(root, indices)
        elif isinstance(lowering, Scan):
            self._scan(root, lowering, indices)
        elif self._kept_behind(root):
            self._reduce_in_memory(root, indices)
        else:
            self._reduce(root, indices)

    def _indices(self, root: Eqn) -> list[str]:
        """The variable of the loop along each axis of the extents."""
        indices = ["0"] * len(roots.extents(root))
        order = self.tree.order[root]
        for depth, axis in enumerate(order):
            indices[axis] = self.writer.names.loop(depth)
        if self.lane:
            indices[order[-1]] += f" + {self.lane}"
        return indices

    def _depth(self, root: Eqn) -> int:
        return len(self.tree.order[root])

    def _complete(self, root: Eqn) -> int:
        return roots.complete(root, self.tree.order[root])

    def _kept_behind(self, root: Eqn) -> list[int]:
        """The axes of the result whose loops stand inside those of a reduction."""
        kept = roots.kept_axes(root)
        return [a for a in self.tree.order[root][self._complete(root) :] if a in kept]

    def _say(self, root: Eqn, text: str) -> None:
        """A statement of the innermost loop."""
        self.elements.say(self._depth(root), text, root)

    # ---- where results live ----

    def _is_number(self, root: Eqn) -> bool:
        """Whether the result is one number in the loops where it is read, and nowhere else."""
        return not root.output.type.rank or (root.output in self.nest.own and not self._own_axes(root))

    def _own_axes(self, root: Eqn) -> list[int]:
        """The axes of a result that memory for it has, where this nest alone reads it."""
        order, kept = self.tree.order[root], roots.kept_axes(root)
        inner = order[self.nest.own[root.output] :]
        return [n for n, a in enumerate(kept) if a in inner]

    def _memory(self, root: Eqn, fill: str = "") -> Place:
        """Memory for a result, before all loops."""
        if root not in self.places:
            self.places[root] = self._found_memory(root, fill)
        return self.places[root]

    def _found_memory(self, root: Eqn, fill: str) -> Place:
        output = root.output
        if output not in self.nest.own:
            return self._taken_over(root) or self.writer.allocate(output, self.scope, root, fill)
        axes = self._own_axes(root)
        name = self.writer.names.fresh(output.name)
        shape = output.type.with_shape([output.type.shape[a] for a in axes])
        if self.cut is not None and self.nest.own[output]:
            self.cut.private.append((name, shape))
        else:
            self.page.write(f"{name} = {allocation('np.empty', shape)}", root, Fresh(name, shape))
        self.writer.places[output] = Place(name, (), Group(None))
        self.elements.own[output] = tuple(axes)
        self.elements.depth[name] = self.nest.own[output]
        return self.writer.places[output]

    def _taken_over(self, root: Eqn) -> Place | None:
        """The memory of an operand that dies here, if there is one."""
        if not roots.is_elementwise(root) or root.output in self.writer.rows:
            return None
        for operand in takeable(root, self.tree, self.inlined):
            place = self.writer.place(operand)
            if self.scope.dies(operand, root, place):
                self.writer.view(root, place)
                return place
        return None

    def _at(self, root: Eqn, place: Place, indices: Sequence[str]) -> str:
        """An element of the memory of a result, by the indices of the result."""
        axes = self.elements.own.get(root.output, range(len(indices)))
        return place_text(place.at(*(self.writer.index_text(indices[a]) for a in axes)))

    def _result_indices(self, root: Eqn, indices: Sequence[str]) -> list[str]:
        return [indices[a] for a in roots.kept_axes(root)]

    # ---- elementwise values ----

    def _elementwise(self, root: Eqn, indices: Sequence[str]) -> None:
        output, elements = root.output, self.elements
        place = None if self._is_number(root) else self._memory(root)
        text = elements.computed(root, indices)
        if place is None or len(self.nest.roots) > 1:
            text = text if text.isidentifier() else elements.name(output.name, text, root)
        if place is None:
            elements.own[output] = ()
            self.writer.texts[output] = text
        else:
            self._say(root, f"{self._at(root, place, indices)} = {text}")
        if text.isidentifier():
            elements.known[output, tuple(indices)] = text

    # ---- reductions ----

    def _term(self, root: Eqn, indices: Sequence[str]) -> str:
        return " * ".join(self.elements.element(v, at) for v, at in roots.terms(root, indices))

    def _stepped(self, root: Eqn, accumulator: str, x: str) -> str:
        return stepped(step_template(root), root.output.type.dtype, accumulator, x)

    def _reduce(self, root: Eqn, indices: Sequence[str]) -> None:
        """The reduced loops are the innermost ones: a variable for each element of the result."""
        output, level = root.output, self._complete(root)
        first = root not in self.accumulators or level == self._depth(root)
        if first:
            self.accumulators[root] = self._accumulated(root, level)
        name, *_ = names = self.accumulators[root]
        term = self._term(root, indices)
        if self.block is not None and root in self.block.buffers:
            index = f"{self.writer.names.loop(self._depth(root) - 1)} - {self.block.first}"
            self._say(root, f"{self.block.buffers[root]}[{self.writer.index_text(index)}] = {term}")
        else:
            self._say(root, self._stepped(root, names[(self.lane or 0) % len(names)], term))
        at = self._result_indices(root, indices)
        if not self._is_number(root) and first:
            say = self.elements.say if level == self._depth(root) else self.elements.say_after
            say(level, f"{self._at(root, self._memory(root), at)} = {name}", root)
        self.elements.known[output, tuple(at)] = name

    def _accumulated(self, root: Eqn, level: int) -> list[str]:
        """Variables that start at the neutral element; what they hold is added up behind the loops."""
        name = self.writer.define(root.output)
        if root.output.type.rank and self._is_number(root):
            self.elements.own[root.output] = ()
        more = (self.writer.names.fresh(name) for _ in range(self.lanes.get(root, 1) - 1))
        names = [name, *more]
        self.elements.depth |= dict.fromkeys(names, level)
        cut = self._partial(root, name, root.output.type.with_shape([]))
        begin, adding, rest = f"{' = '.join(names)} = {start(root)}", [], names
        while len(rest) > 1:
            adding += [self._stepped(root, a, b) for a, b in zip(rest[::2], rest[1::2], strict=True)]
            rest = rest[::2]
        if cut is not None:
            cut.before.append((begin, remark(root)))
            cut.after.extend((text, remark(root)) for text in adding)
        else:
            self.elements.say(level, begin, root)
            for text in adding:
                self.elements.say_after(level, text, root)
        return names

    def _reduce_in_memory(self, root: Eqn, indices: Sequence[str]) -> None:
        """Loops along the result are inside: accumulate in the result, in the order of memory."""
        level, at = self._complete(root), self._result_indices(root, indices)
        first = root not in self.places
        place = self._memory(root, "" if level else start(root))
        if first and (level or root.output in self.elements.own):
            self._filled(root, f"{self._at(root, place, at)} = {start(root)}", level)
        if first:
            axes = self.elements.own.get(root.output, range(len(at)))
            extents = [root.output.type.shape[a] for a in axes]
            self._partial(root, place.name, root.output.type.with_shape(extents))
        self._say(root, self._stepped(root, self._at(root, place, at), self._term(root, indices)))

    def _filled(self, root: Eqn, text: str, level: int) -> None:
        """Loops that let a part of a result start at the neutral element."""
        order, shape = self.tree.order[root], roots.extents(root)
        lines = [Line(text, 0, remark(root))]
        for depth in range(len(order) - 1, level - 1, -1):
            if order[depth] in roots.kept_axes(root):
                head = f"for {self.writer.names.loop(depth)} in range({shape[order[depth]]}):"
                lines = in_loop(head, lines, remark(root))
        self.elements.levels[level].lines += lines

    # ---- running sums, updates, checks ----

    def _scan(self, root: Eqn, lowering: Scan, indices: Sequence[str]) -> None:
        running = self.writer.names.fresh(root.output.name)
        order = self.tree.order[root]
        along = integer(root.attrs["axis"]) in order
        level = self._depth(root) - along
        self.elements.say(level, f"{running} = {start(root)}", root)
        self.elements.depth[running] = self._depth(root)
        term = self.elements.element(root.inputs[0], indices)
        self._say(root, stepped(lowering.step, root.output.type.dtype, running, term))
        if self._is_number(root):
            self.elements.own[root.output] = ()
            self.writer.texts[root.output] = running
        else:
            self._say(root, f"{self._at(root, self._memory(root), indices)} = {running}")
        self.elements.known[root.output, tuple(indices)] = running

    def _update(self, root: Eqn, indices: Sequence[str]) -> None:
        place = self.places[root] = self.places.get(root) or self.writer.updated(root, self.scope)
        where = roots.target(root, indices, self.elements.element)
        at = place_text(place.at(*map(self.writer.index_text, where)))
        sign = "+=" if root.op.name == "add_at" else "="
        self._say(root, f"{at} {sign} {self.elements.element(root.inputs[1], indices)}")

    def _check(self, root: Eqn, indices: Sequence[str]) -> None:
        self.checked = self.writer.names.fresh(root.inputs[0].name or "ok")
        self.elements.say(0, f"{self.checked} = True", root)
        term = self.elements.element(root.inputs[0], indices)
        self._say(root, f"{self.checked} = {self.checked} and {term}")
