"""The quick way to a program: for calls with plain arguments, one check written for one specialisation.

Plain are arrays, numbers, bools and strings, in tuples, lists, dicts and dataclasses as well. The check is a
Python function of the function called, any of the same code, and of the arguments; it returns what the
compiled program is called with, or None where the program might not serve. It may be stricter than the key,
the observations and the guards of the specialisation, never laxer: they are asked where it says None. Of
`def f(x, y): return np.sum(x * y) * RATE`:

    def inputs(_callee, x, y):
        try:
            _scope = _callee.__globals__
            if not (
                type(x) is _ndarray and (x.dtype is _c0 or x.dtype == _c0)
                and type(y) is float
                and (_scope['np'] if 'np' in _scope else _builtins.np) is _c1
            ): return None
            RATE = (_scope['RATE'] if 'RATE' in _scope else _builtins.RATE)
            if not (
                type(RATE) is float
            ): return None
            [n] = x.shape
            if not (
                not 0 < n < 5
            ): return None
            if x.flags.num & 257 != 257: x = _ready(x)
            return (x, y, RATE, n, )
        except _unreadable:
            return None
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import optree

from adcompiler.ir.types import Dim

from .arguments import READY, STATIC_SIZES, TAKEN_APART, Kind, LeafKey, ready
from .capture import identifiers
from .captured import Captured, Inputs, SizeSource
from .device_arrays import is_device_array_of
from .observations import UNREADABLE, Attribute, Item, Observation, Path, Step, Variable, seen
from .sharing import overlaps

Check = Callable[..., Inputs | None]

_BUILTINS = ("type", "float", "int", "abs", "len", "max")
"""Names that the source uses; all others in it that are not the user's begin with an underscore."""
_NAMESPACE = {
    "_builtins": builtins,
    "_is_device_array": is_device_array_of,
    "_ndarray": np.ndarray,
    "_overlaps": overlaps,
    "_ready": ready,
    "_seen": seen,
    "_unreadable": UNREADABLE,
}


def plain_check(
    captured: Captured, function: Callable[..., Any], on_device: bool = False
) -> Check | None:
    """The check of calls of functions of one code and type; None if such calls are not plain.

    It is called with the function, then one value a parameter. Arrays may be on a GPU for programs that are.
    """
    if not _is_plain(captured):
        return None
    writer = _Writer(captured, function, on_device)
    source = writer.source()
    namespace = {**_NAMESPACE, **writer.constants}
    exec(_compiled(source), namespace)
    check: Check = namespace["inputs"]
    return check


@lru_cache(maxsize=256)
def _compiled(source: str) -> CodeType:
    """Functions made again and again of one code have one check."""
    return compile(source, "<check of plain calls>", "exec")


def _is_plain(captured: Captured) -> bool:
    """Whether a check can tell that the program serves: without its doubts about arrays that it writes."""
    arguments, written = captured.arguments, any(a.written for a in captured.arguments)
    return (
        _has_plain_nodes(captured.structure)
        and all(a.key.static[:1] in ((), (bool,), (str,)) and a.same_as is None for a in arguments)
        and not (written and captured.hidden)
    )


def _has_plain_nodes(tree: optree.PyTreeSpec) -> bool:
    """Whether it consists of tuples, lists, dicts, Nones, and dataclasses that are taken apart by fields."""
    if tree.type is None:
        return True
    plain = tree.type in (list, dict, type(None), *TAKEN_APART) or issubclass(tree.type, tuple)
    return plain and all(map(_has_plain_nodes, tree.children()))


class _Writer:
    """The source of one check, and the constants in it.

    `bare` is the source of the plain function that is called, or whose method is, None if there is none, and
    `free` its closure variables. `operands` are the arguments, then the hidden arguments: the variable of
    each, and what it must be. `sizes` are the variables that hold the size of an axis, or the absolute value
    of an int.
    """

    def __init__(self, captured: Captured, function: Callable[..., Any], on_device: bool) -> None:
        self.captured = captured
        self.on_device = on_device
        bare = function.__func__ if isinstance(function, MethodType) else function
        self.free: Sequence[str] = ()
        self.bare: str | None = None
        if isinstance(bare, FunctionType):
            self.free = bare.__code__.co_freevars
            self.bare = "_callee" if bare is function else "_callee.__func__"
        self.constants: dict[str, Any] = {}
        keys = [*(a.key for a in captured.arguments), *(h.key for h in captured.hidden)]
        names = [*(a.name for a in captured.arguments), *(str(h.path) for h in captured.hidden)]
        sources = [SizeSource(k, axis) for k, key in enumerate(keys) for axis in _axes(key)]
        known = dict(zip(captured.sizes, captured.function.sizes, strict=True))
        labels = [known.get(source, names[source.operand]) for source in sources]
        chosen = identifiers([*_BUILTINS, *names, *labels])[len(_BUILTINS) :]
        self.operands = list(zip(chosen[: len(names)], keys, strict=True))
        self.sizes = dict(zip(sources, chosen[len(names) :], strict=True))

    def source(self) -> str:
        """The whole function, in the order in which it runs."""
        arguments = self.operands[: len(self.captured.arguments)]
        hidden = self.operands[len(self.captured.arguments) :]
        paths = [item.path for item in self.captured.hidden]
        parameters, nodes, taken = self.taken_apart()
        lines = [
            *_unless(nodes),
            *taken,
            *_unless([*(self.argument(*a) for a in arguments), *self.observed(paths)]),
            *(f"{name} = {self.read(path)}" for (name, _), path in zip(hidden, paths, strict=True)),
            *_unless([self.kind(*operand) for operand in hidden]),
            *self.measured(),
            *_unless([*self.fitting(), *self.apart()]),
            *(self.prepared(name, key) for name, key in self.operands if key.kind is Kind.ARRAY),
            f"return {self.returned()}",
        ]
        head = f"def inputs({', '.join(['_callee', *parameters])}):\n    try:"
        if any("_scope" in line for line in lines):
            lines.insert(0, f"_scope = {self.bare}.__globals__")
        return "\n        ".join([head, *lines]) + "\n    except _unreadable:\n        return None\n"

    def constant(self, value: Any) -> str:
        """A name for a value that is compared with."""
        name = f"_c{len(self.constants)}"
        self.constants[name] = value
        return name

    # ---- what the key says ----

    def taken_apart(self) -> tuple[list[str], list[str], list[str]]:
        """The parameters, what the containers among them must be, and statements that read their leaves."""
        parameters, nodes, statements = [], [], []
        leaves = (name for name, _ in self.operands)
        for k, tree in enumerate(self.captured.structure.children()):
            if tree.is_leaf():
                parameters.append(next(leaves))
                continue
            parameters.append(f"_p{k}")
            for text, part in self.parts(parameters[-1], tree):
                if part.is_leaf():
                    statements.append(f"{next(leaves)} = {text}")
                elif part.type is type(None):
                    nodes.append(f"{text} is None")
                else:
                    length = "" if part.type in TAKEN_APART else f" and len({text}) == {part.num_children}"
                    nodes.append(f"type({text}) is {self.constant(part.type)}{length}")
        return parameters, nodes, statements

    def parts(self, text: str, tree: optree.PyTreeSpec) -> Iterator[tuple[str, optree.PyTreeSpec]]:
        """Every container and every leaf of an argument, and how it is read; the outermost first."""
        yield text, tree
        for entry, child in zip(tree.entries(), tree.children(), strict=True):
            place = f".{entry}" if tree.type in TAKEN_APART else f"[{self.constant(entry)}]"
            yield from self.parts(f"{text}{place}", child)

    def argument(self, name: str, key: LeafKey) -> str:
        """That an argument is what the program takes: its arrays may be on a GPU where the program is."""
        kind = self.kind(name, key)
        if key.kind is not Kind.ARRAY or not self.on_device:
            return kind
        return f"({kind} or _is_device_array({name}, {self.constant(_dtype(key))}))"

    def kind(self, name: str, key: LeafKey) -> str:
        """That an operand is of its kind and dtype."""
        match key.kind:
            case Kind.ARRAY:
                dtype = self.constant(_dtype(key))
                return f"type({name}) is _ndarray and ({name}.dtype is {dtype} or {name}.dtype == {dtype})"
            case Kind.NUMBER:
                return f"type({name}) is float"
            case Kind.SCALAR:
                return f"type({name}) is {self.constant(_dtype(key).type)}"
            case Kind.SIZE:
                return f"type({name}) is int and {name} {'<' if key.negative else '>='} 0"
            case Kind.STATIC:
                kind, value = map(self.constant, key.static)
                return f"type({name}) is {kind} and {name} == {value}"

    def measured(self) -> Iterator[str]:
        """Statements that read every size; an array of another rank raises a ValueError."""
        for k, (name, key) in enumerate(self.operands):
            if key.kind is Kind.SIZE:
                yield f"{self.sizes[SizeSource(k, None)]} = abs({name})"
            elif key.kind is Kind.ARRAY:
                sizes = (self.sizes[SizeSource(k, axis)] for axis in _axes(key))
                yield f"[{', '.join(sizes)}] = {name}.shape"

    def apart(self) -> Iterator[str]:
        """That no array which the function writes shares memory with another one."""
        arrays = [
            (name, argument.written or argument.lost is not None)
            for (name, key), argument in zip(self.operands, self.captured.arguments, strict=False)
            if key.kind is Kind.ARRAY
        ]
        for (one, changed), (other, also) in combinations(arrays, 2):
            if changed or also:
                yield f"not _overlaps({one}, {other})"

    # ---- what the trace relied on ----

    def observed(self, hidden: Sequence[Path]) -> Iterator[str]:
        """That what was read of the Python world is as it was; what hidden arguments are is asked later."""
        for observation in self.captured.observations:
            if observation.how != "leaf" or observation.path not in hidden:
                yield self.holds(observation)

    def holds(self, observation: Observation) -> str:
        """That one observation would be made again."""
        now, found = self.read(observation.path), observation.found
        match observation.how:
            case "identity":
                return f"{now} is {self.constant(found)}"
            case "value":
                kind, value = map(self.constant, found)
                return f"type({now}) is {kind} and {now} == {value}"
            case "type":
                return f"type({now}) is {self.constant(found)}"
            case "code" if len(found) == 2 and type(found[0]) is CodeType:
                seen = f"_seen({now}, 'code') == {self.constant(found)}"
                return f"({now}.__code__ is {self.constant(found[0])} or {seen})"
            case how:
                return f"_seen({now}, {how!r}) == {self.constant(found)}"

    def read(self, path: Path) -> str:
        """The object on a path now."""
        found = "_callee" if path.root is None else self.operands[path.root][0]
        for step in path.steps:
            found = self.step(step, found)
        return found

    def step(self, step: Step, owner: str) -> str:
        """The object one step further than `owner`."""
        match step:
            case Variable(name) if owner == self.bare:
                if name in self.free:
                    return f"{owner}.__closure__[{self.free.index(name)}].cell_contents"
                return f"(_scope[{name!r}] if {name!r} in _scope else _builtins.{name})"
            case Attribute(name) if name.isidentifier() and not keyword.iskeyword(name):
                return f"{owner}.{name}"
            case Item(key):
                return f"{owner}[{self.constant(key)}]"
            case _:
                return f"{self.constant(step)}.take({owner})"

    def fitting(self) -> Iterator[str]:
        """That static sizes are what they were and others not small, then the guards on them."""
        for source, size in self.sizes.items():
            static = None if source.axis is None else self.operands[source.operand][1].shape[source.axis]
            if source.axis is not None:
                yield f"not 0 < {size} < {STATIC_SIZES.stop}" if static is None else f"{size} == {static}"
        names = zip(self.captured.function.sizes, self.captured.sizes, strict=True)
        sizes = {name: Dim.of(self.sizes[source]) for name, source in names}
        for implied in self.captured.implied:
            yield f"{self.sizes[implied.source]} == {implied.dim.substitute(sizes)}"
        for guard in self.captured.function.guards:
            yield f"{guard.dim.substitute(sizes)} {guard.relation.value} 0"

    # ---- what is returned ----

    def prepared(self, name: str, key: LeafKey) -> str:
        """The statement that makes a NumPy array what programs take."""
        conditions = [f"type({name}) is _ndarray"] if self.on_device else []
        conditions += [f"{name}.flags.num & {READY} != {READY}"] if key.shape else []
        made = f"{name} = _ready({name})"
        return f"if {' and '.join(conditions)}: {made}" if conditions else made

    def returned(self) -> str:
        """The inputs of the program."""
        values = [name for name, key in self.operands if key.traced]
        sizes = [self.sizes[source] for source in self.captured.sizes]
        return "(" + "".join(f"{name}, " for name in (*values, *sizes)) + ")"


def _axes(key: LeafKey) -> Sequence[int | None]:
    """Where a leaf has sizes: its axes, or None, the int itself."""
    return (None,) if key.kind is Kind.SIZE else range(len(key.shape))


def _dtype(key: LeafKey) -> np.dtype[Any]:
    assert key.dtype is not None
    return key.dtype.numpy


def _unless(conditions: Sequence[str]) -> list[str]:
    """The statement that gives up unless all conditions hold."""
    if not conditions:
        return []
    return ["if not (", *(f"    {'and ' * (k > 0)}{c}" for k, c in enumerate(conditions)), "): return None"]
