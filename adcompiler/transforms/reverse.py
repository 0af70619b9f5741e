"""Reverse mode: walk the equations of a Function backwards, handing cotangents on.

The adjoint is first written as if every primal value of every depth were in scope (`Draft`): rules name
primal values directly. What of them is kept and what is replayed is decided afterwards, in `residuals.py`,
which turns the draft into a Function.

A block that captures nothing, that of a `call`, is a program of its own: its adjoint is a `call` that runs
it again, keeps of that run what it needs, and walks back. So of a call nothing outlasts the forward sweep but
its operands and results.

A cotangent moves: the first contribution to a value becomes its cotangent, later ones are added. Entering a
loop it becomes the start of a sum or carry, and leaves as its result. So the cotangent of an array that a
loop reads element by element is one array, updated in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adcompiler.ir.build import block, origin, using, with_names
from adcompiler.ir.graph import Attrs, Block, Constant, Eqn, Function, Value
from adcompiler.ir.op import Contribution, Cotangent, Linear, Partials, Rule
from adcompiler.ir.ops import OPS

from .activity import varied
from .dce import dce_block
from .legalise import REVERSES, Draft, legalise, rerun
from .shared import sharing
from .zeros import zeros_like


def reverse(
    source: Function, wrt: Sequence[int], plan: str = "auto", of: Sequence[int] | None = None
) -> Function:
    """The vector-Jacobian product.

    Parameters are those of `source`, then a cotangent for each of the results `of`, by default for each that
    is a float; results are those of `source`, then a cotangent for each parameter in `wrt`. `plan` chooses
    which primal values loops keep: "auto" the fewest bytes, then the least work; "store_all" every one that
    the adjoint reads.
    """
    return legalise(source, draft(source, wrt, of, plan), plan)


def draft(primal: Function, wrt: Sequence[int], of: Sequence[int] | None = None, plan: str = "auto") -> Draft:
    """The adjoint of a Function, every primal value taken to be in scope; `plan` is for its calls."""
    body = primal.body
    seeds = [body.params[k] for k in wrt]
    chosen = range(len(body.results)) if of is None else of
    floats = [body.results[k] for k in chosen if body.results[k].type.dtype.is_float]
    bars = [Value(r.type, f"{r.name or 'y'}_bar") for r in floats]
    sweep = Sweep(_Adjoint(varied(body, seeds), [], {}, set(), plan), {})

    def write(*cotangents: Value) -> Sequence[Value]:
        sweep.begin(zip(floats, cotangents, strict=True))
        sweep.sweep(body)
        return [sweep.take_or_zeros(p) for p in seeds]

    with using(OPS):
        return _drafted(block(bars, write), sweep.adjoint, body)


def _drafted(adjoint: Block, of: _Adjoint, primal: Block) -> Draft:
    named = with_names(dce_block(adjoint), of.names)
    return sharing(Draft(named, tuple(of.reversed)), primal)


@dataclass(frozen=True)
class _Adjoint:
    """What all scopes of one adjoint share.

    The values that vary, the equations with blocks reversed so far, names for cotangents (`x_bar` for x), the
    cotangents that are masked: zero wherever a `where` or an `if` does not take what they belong to; and the
    plan for what calls keep when they run again.
    """

    varied: frozenset[Value]
    reversed: list[Eqn]
    names: dict[Value, str]
    masked: set[Value]
    plan: str


class Sweep:
    """The cotangents of the values of one block; what a rule sees as `Reverse`."""

    def __init__(self, adjoint: _Adjoint, cotangents: Mapping[Value, Value]) -> None:
        self.adjoint = adjoint
        self.cotangents = dict(cotangents)

    def differentiable(self, value: Value) -> bool:
        return value in self.adjoint.varied

    def begin(self, cotangents: Iterable[tuple[Value, Value]]) -> None:
        """Start with these cotangents."""
        for value, cotangent in cotangents:
            self.accumulate(value, cotangent)

    def accumulate(self, value: Value, cotangent: Cotangent, chosen: bool = False) -> None:
        if cotangent is None or not self.differentiable(value):
            return
        so_far, masked = self.cotangents.get(value), self.adjoint.masked
        if isinstance(cotangent, Contribution):
            self._set(value, cotangent.into(self.instantiate(so_far, value)))
            remains = chosen or so_far in masked
        else:
            part = unbroadcast(cotangent, value)
            self._set(value, part if so_far is None else so_far + part)
            remains = (chosen or cotangent in masked) and (so_far is None or so_far in masked)
        if remains:
            masked.add(self.cotangents[value])

    def _set(self, value: Value, cotangent: Value) -> None:
        self.cotangents[value] = cotangent
        if value.name and not cotangent.name:
            self.adjoint.names.setdefault(cotangent, f"{value.name}_bar")

    def has_cotangent(self, value: Value) -> bool:
        return value in self.cotangents

    def is_chosen(self, value: Value) -> bool:
        return self.cotangents.get(value) in self.adjoint.masked

    def take(self, value: Value) -> Value | None:
        return self.cotangents.pop(value, None)

    def take_or_zeros(self, value: Value) -> Value:
        return self.instantiate(self.take(value), value)

    def instantiate(self, cotangent: Value | None, primal: Value) -> Value:
        return zeros_like(primal) if cotangent is None else cotangent

    def inside(self, cotangents: Mapping[Value, Value]) -> Sweep:
        inner = Sweep(self.adjoint, {})
        for value, cotangent in cotangents.items():
            inner._set(value, cotangent)
        return inner

    def run_again(
        self, body: Block, wrt: Sequence[Value], cotangents: Sequence[tuple[Value, Value]]
    ) -> tuple[Block, Sequence[int], Sequence[int]]:
        again = replace(body, eqns=tuple(rerun(e) for e in body.eqns if e.op.name != "check"))
        bars = [Value(ct.type, ct.name) for _, ct in cotangents]
        masked = {bar for bar, (_, ct) in zip(bars, cotangents, strict=True) if ct in self.adjoint.masked}
        inner = Sweep(_Adjoint(varied(again, wrt), [], {}, masked, self.adjoint.plan), {})
        moved: list[int] = []
        chosen: list[int] = []

        def write(*values: Value) -> Sequence[Value]:
            inner.begin((v, bar) for (v, _), bar in zip(cotangents, values, strict=True))
            inner.sweep(again)
            moved.extend(k for k, v in enumerate(wrt) if inner.has_cotangent(v))
            chosen.extend(k for k in moved if inner.is_chosen(wrt[k]))
            return [inner.take_or_zeros(wrt[k]) for k in moved]

        adjoint = _drafted(block(bars, write), inner.adjoint, again)
        whole = legalise(Function("again", again), adjoint, self.adjoint.plan).body
        back = dce_block(replace(whole, results=whole.results[len(again.results) :]))
        return back, moved, chosen

    def mark(self, primal: Eqn) -> Attrs:
        self.adjoint.reversed.append(primal)
        return {REVERSES: len(self.adjoint.reversed) - 1}

    def sweep(self, block: Block) -> None:
        for eqn in reversed(block.eqns):
            cotangents = [self.cotangents.pop(o, None) for o in eqn.outputs]
            if any(ct is not None for ct in cotangents):
                with origin(eqn.location, f"adjoint of {eqn.outputs[0].name or eqn.op.name}"):
                    self._step(eqn, cotangents)

    def _times(self, partial: Value | float, cotangent: Value) -> Value:
        """Their product; 0 where a masked cotangent is 0, even if the partial is not finite there."""
        if cotangent not in self.adjoint.masked or isinstance(partial, Constant | float):
            return partial * cotangent
        return OPS["guarded_mul"](partial, cotangent)

    def _step(self, eqn: Eqn, cotangents: Sequence[Value | None]) -> None:
        match eqn.op.derivative:
            case Partials() as partials:
                (ct,) = cotangents
                assert ct is not None
                found = partials.by_operand(eqn.inputs, (*eqn.inputs, *eqn.outputs), eqn.attrs)
                for operand, partial in found.items():
                    if self.differentiable(operand):
                        self.accumulate(operand, self._times(partial, ct), ct in self.adjoint.masked)
            case Linear(transpose):
                (ct,) = cotangents
                assert ct is not None
                for operand, part in zip(eqn.inputs, transpose(eqn, ct), strict=True):
                    self.accumulate(operand, part, eqn.op.chooses or ct in self.adjoint.masked)
            case Rule() as rule:
                rule.vjp(self, eqn, cotangents)


def unbroadcast(cotangent: Value, primal: Value) -> Value:
    """The cotangent of an operand: summed over the axes that broadcasting stretched."""
    wide, shape = cotangent.type.shape, primal.type.shape
    lead = len(wide) - len(shape)
    axes = [*range(lead), *(lead + k for k, n in enumerate(shape) if n != wide[lead + k])]
    if not axes:
        return cotangent
    summed = OPS["sum"](cotangent, axes=tuple(axes))
    return summed if summed.type.shape == shape else OPS["reshape"](summed, shape=shape)
