"""Writing IR: emit equations into an open block, open blocks inside it, replay blocks that exist.

One builder is active at a time (per thread); ops called as functions and the operators of Values write into
it. So a rule reads as arithmetic: `sin.derivative` is `lambda x, y: [cos(x)]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import replace

from .errors import AdcompilerError, Location
from .graph import EMITTER, Attrs, Block, Eqn, Function, Value, constant
from .op import Op
from .types import BOOL, F64, I64, Dim, Guard

Environment = MutableMapping[Value, Value]
Substitution = Mapping[str, Dim]


class Builder:
    """The equations of one block while it is being written."""

    def __init__(self, ops: Mapping[str, Op]) -> None:
        self.ops = ops
        self.eqns: list[Eqn] = []

    def apply(self, op: str, *operands: Value | float) -> Value:
        (output,) = self.emit(self.ops[op], operands, {})
        return output

    def origin(self) -> tuple[Location | None, str | None]:
        """Where what is emitted now stems from, and in which role."""
        return _ORIGIN.get()

    def emit(
        self,
        op: Op,
        inputs: Sequence[Value | float],
        attrs: Attrs,
        blocks: Sequence[Block] = (),
        names: Sequence[str | None] = (),
    ) -> tuple[Value, ...]:
        operands = tuple(_operands(inputs))
        location, note = self.origin()
        try:
            types = op.infer([v.type for v in operands], attrs, blocks)
        except AdcompilerError as error:
            if error.location is not None or location is None:
                raise
            raise type(error)(error.message, location, error.hint) from None
        hints = [*names, *[None] * (len(types) - len(names))]
        outputs = tuple(Value(t, name) for t, name in zip(types, hints, strict=True))
        self.eqns.append(Eqn(op, operands, outputs, dict(attrs), tuple(blocks), location, note))
        return outputs


_ORIGIN: ContextVar[tuple[Location | None, str | None]] = ContextVar("origin", default=(None, None))


@contextmanager
def origin(location: Location | None, note: str | None = None) -> Iterator[None]:
    """What is emitted inside stems from this place in the user's source; `note` says in which role."""
    token = _ORIGIN.set((location, note))
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def _operands(inputs: Sequence[Value | float]) -> Iterator[Value]:
    """Python numbers become constants of the dtype of the operands beside them."""
    dtypes = [x.type.dtype for x in inputs if isinstance(x, Value)]
    floating = next((d for d in dtypes if d.is_float), F64)
    numeric = next((d for d in dtypes if d is not BOOL), I64)
    for x in inputs:
        if isinstance(x, Value):
            yield x
        elif isinstance(x, bool):
            yield constant(x, BOOL)
        else:
            yield constant(x, floating if isinstance(x, float) else numeric)


@contextmanager
def building(builder: Builder) -> Iterator[Builder]:
    """Make a builder the active one."""
    token = EMITTER.set(builder)
    try:
        yield builder
    finally:
        EMITTER.reset(token)


def using(ops: Mapping[str, Op]) -> AbstractContextManager[Builder]:
    """A builder for blocks that stand alone, with this table of ops."""
    return building(Builder(ops))


def active() -> Builder:
    """The builder of the block that is being written."""
    builder = EMITTER.get()
    assert isinstance(builder, Builder)
    return builder


def emit(
    op: Op,
    inputs: Sequence[Value | float],
    attrs: Attrs | None = None,
    blocks: Sequence[Block] = (),
    names: Sequence[str | None] = (),
) -> tuple[Value, ...]:
    """Emit one application of any op onto the block that is being written."""
    return active().emit(op, inputs, attrs or {}, blocks, names)


def block(params: Sequence[Value], body: Callable[..., Sequence[Value | float]]) -> Block:
    """The block that `body(*params)` writes; what `body` returns are its results."""
    with building(Builder(active().ops)) as inner:
        results = tuple(as_value(r) for r in body(*params))
    return Block(tuple(params), tuple(inner.eqns), results)


def function(
    name: str,
    params: Sequence[Value],
    body: Callable[..., Sequence[Value | float]],
    *,
    ops: Mapping[str, Op],
    sizes: Sequence[str] = (),
    guards: Sequence[Guard] = (),
    written: Sequence[tuple[int, int]] = (),
) -> Function:
    """The Function that `body(*params)` writes."""
    with building(Builder(ops)) as builder:
        results = tuple(as_value(r) for r in body(*params))
    return Function(
        name,
        Block(tuple(params), tuple(builder.eqns), results),
        tuple(sizes),
        tuple(guards),
        tuple(written),
    )


def as_value(x: Value | float) -> Value:
    """A Python number as a Constant (bool, i64 or f64)."""
    return x if isinstance(x, Value) else constant(x)


# ---- replay ----


def lookup(environment: Mapping[Value, Value], value: Value) -> Value:
    """The copy of a value; itself if it was not copied (a Constant, or a value of an outer scope)."""
    return environment.get(value, value)


def replay(eqn: Eqn, environment: Environment, sizes: Substitution | None = None) -> tuple[Value, ...]:
    """Emit a copy of an equation on the copies of its operands, and enter its outputs in the environment."""
    outputs = emit(
        eqn.op,
        [lookup(environment, v) for v in eqn.inputs],
        substituted(eqn.attrs, sizes) if sizes else eqn.attrs,
        [replay_block(b, environment, sizes) for b in eqn.blocks],
        [v.name for v in eqn.outputs],
    )
    environment.update(zip(eqn.outputs, outputs, strict=True))
    return outputs


def replay_origin(eqn: Eqn, environment: Environment, sizes: Substitution | None = None) -> tuple[Value, ...]:
    """`replay` that keeps the equation's place and note."""
    with origin(eqn.location, eqn.note):
        return replay(eqn, environment, sizes)


def replay_block(
    source: Block, environment: Mapping[Value, Value], sizes: Substitution | None = None
) -> Block:
    """A copy of a block, its captured values looked up in the environment."""
    inner = dict(environment)

    def body(*params: Value) -> list[Value]:
        inner.update(zip(source.params, params, strict=True))
        for eqn in source.eqns:
            replay_origin(eqn, inner, sizes)
        return [lookup(inner, r) for r in source.results]

    return block([renewed(p, sizes) for p in source.params], body)


def rewrite_inside(
    eqn: Eqn,
    environment: Environment,
    write: Callable[[Block, dict[Value, Value]], Sequence[Value]],
    sizes: Substitution | None = None,
) -> None:
    """A replay of an equation with blocks, in which `write(block, environment)` writes each block anew.

    The environment that it is given has the block's own parameters; what it returns are the results.
    """

    def copied(source: Block) -> Block:
        params = [renewed(p, sizes) for p in source.params]
        inner = {**environment, **dict(zip(source.params, params, strict=True))}
        return block(params, lambda *_: write(source, inner))

    with origin(eqn.location, eqn.note):
        operands = [lookup(environment, v) for v in eqn.inputs]
        names = [v.name for v in eqn.outputs]
        attrs = substituted(eqn.attrs, sizes) if sizes else eqn.attrs
        outputs = emit(eqn.op, operands, attrs, [copied(b) for b in eqn.blocks], names)
    environment.update(zip(eqn.outputs, outputs, strict=True))


def renewed(value: Value, sizes: Substitution | None = None) -> Value:
    """A new Value of the same type and name."""
    return Value(value.type.substitute(sizes) if sizes else value.type, value.name)


def with_names(source: Block, names: Mapping[Value, str]) -> Block:
    """The same block with a hint for the printer where a value has none."""
    env: dict[Value, Value] = {}

    def defined(value: Value) -> Value:
        env[value] = Value(value.type, value.name or names.get(value))
        return env[value]

    def copied(block: Block) -> Block:
        params = tuple(map(defined, block.params))
        eqns = tuple(
            replace(
                eqn,
                inputs=tuple(lookup(env, v) for v in eqn.inputs),
                blocks=tuple(map(copied, eqn.blocks)),
                outputs=tuple(map(defined, eqn.outputs)),
            )
            for eqn in block.eqns
        )
        return Block(params, eqns, tuple(lookup(env, r) for r in block.results))

    return copied(source)


def substituted(attrs: Attrs, sizes: Substitution) -> Attrs:
    """Attributes with sizes replaced in their Dims."""

    def visit(attr: object) -> object:
        if isinstance(attr, Dim):
            return attr.substitute(sizes)
        return tuple(map(visit, attr)) if isinstance(attr, tuple) else attr

    return {name: visit(attr) for name, attr in attrs.items()}  # type: ignore[misc]
