"""Forward mode: push tangents through the equations of a Function.

Every equation is replayed, and its tangent written beside it from the one statement of its derivative: the
sum of partial times tangent, the op itself on the tangents if it is linear, or the rule of the op. A tangent
that is zero is no value at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adcompiler.ir.build import emit, function, lookup, origin, renewed, replay, replay_origin
from adcompiler.ir.graph import Block, Eqn, Function, Value
from adcompiler.ir.op import Linear, NoDerivative, Partials
from adcompiler.ir.ops import OPS

from .activity import varied
from .zeros import zeros_like


def forward(source: Function, wrt: Sequence[int]) -> Function:
    """The Jacobian-vector product.

    Parameters are those of `source`, then a tangent for each parameter in `wrt`; results are those of
    `source`, then a tangent for each float result.
    """
    primal = source.body
    params = [renewed(p) for p in primal.params]
    dots = [Value(params[k].type, f"{params[k].name or 'x'}_dot") for k in wrt]

    def body(*values: Value) -> Sequence[Value]:
        seeds = {primal.params[k]: dot for k, dot in zip(wrt, dots, strict=True)}
        scope = Tangents({}, {}).push(primal, dict(zip(primal.params, values, strict=False)), seeds)
        moving = [scope.tangent_or_zeros(r) for r in primal.results if r.type.dtype.is_float]
        return [*map(scope.primal, primal.results), *moving]

    return function(
        f"{source.name}_jvp",
        [*params, *dots],
        body,
        ops=OPS,
        sizes=source.sizes,
        guards=source.guards,
        written=source.written,
    )


class Tangents:
    """The tangents of the values of one block and the blocks around it; what a rule sees as `Forward`."""

    def __init__(self, copies: Mapping[Value, Value], tangents: Mapping[Value, Value]) -> None:
        self.copies = dict(copies)
        self.tangents = dict(tangents)

    def primal(self, value: Value) -> Value:
        return lookup(self.copies, value)

    def tangent(self, value: Value) -> Value | None:
        return self.tangents.get(value)

    def tangent_or_zeros(self, value: Value) -> Value:
        return self.tangents.get(value) or zeros_like(value)

    def has_tangent(self, value: Value) -> bool:
        return value in self.tangents

    def varied(self, block: Block, seeds: frozenset[Value]) -> frozenset[Value]:
        return varied(block, seeds | self.tangents.keys())

    def push(self, block: Block, copies: Mapping[Value, Value], tangents: Mapping[Value, Value]) -> Tangents:
        inner = Tangents({**self.copies, **copies}, {**self.tangents, **tangents})
        for eqn in block.eqns:
            inner._step(eqn)
        return inner

    def _step(self, eqn: Eqn) -> None:
        statement = eqn.op.derivative
        moving = any(v in self.tangents for v in eqn.inputs)
        match statement:
            case NoDerivative():
                replay_origin(eqn, self.copies)
            case Partials() if moving:
                self._enter(eqn, self._through_partials(eqn, statement))
            case Linear() if moving:
                self._enter(eqn, self._through_linear(eqn))
            case Partials() | Linear():
                replay_origin(eqn, self.copies)
            case _:
                with origin(eqn.location, eqn.note):
                    outputs, tangents = statement.jvp(self, eqn)
                self.copies.update(zip(eqn.outputs, outputs, strict=True))
                self._enter(eqn, tangents)

    def _enter(self, eqn: Eqn, tangents: Sequence[Value | None]) -> None:
        for output, tangent in zip(eqn.outputs, tangents, strict=True):
            if tangent is not None and output.type.dtype.is_float:
                self.tangents[output] = tangent

    def _through_partials(self, eqn: Eqn, statement: Partials) -> list[Value]:
        with origin(eqn.location, eqn.note):
            replay(eqn, self.copies)
        with origin(eqn.location, f"tangent of {eqn.output.name or eqn.op.name}"):
            values = list(map(self.primal, (*eqn.inputs, *eqn.outputs)))
            total: Value | None = None
            for operand, partial in statement.by_operand(eqn.inputs, values, eqn.attrs).items():
                dot = self.tangents.get(operand)
                if dot is not None:
                    term = partial * dot
                    total = term if total is None else total + term
            if total is None:
                return [zeros_like(eqn.output)]
            if total.type.shape != eqn.output.type.shape:
                (total,) = emit(OPS["broadcast"], [total], {"shape": eqn.output.type.shape})
            return [total]

    def _through_linear(self, eqn: Eqn) -> list[Value]:
        with origin(eqn.location, eqn.note):
            replay(eqn, self.copies)
        with origin(eqn.location, f"tangent of {eqn.outputs[0].name or eqn.op.name}"):
            operands = [
                self.tangent_or_zeros(v) if v.type.dtype.is_float else self.primal(v) for v in eqn.inputs
            ]
            return list(emit(eqn.op, operands, eqn.attrs))
