"""Planted errors: each way to flip a sign, drop a term or drop a factor in the derivative of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from adcompiler.ir.build import emit, function, lookup, renewed, replay
from adcompiler.ir.graph import Constant, Eqn, Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import ArrayType

NEUTRAL: Mapping[str, float] = {"add": 0.0, "sub": 0.0, "mul": 1.0, "div": 1.0}
"""What stands in for an operand of these ops when it is dropped."""


@dataclass(frozen=True)
class Mutant:
    """A Function with one planted error."""

    error: str
    function: Function


def mutants(original: Function) -> Iterator[Mutant]:
    """Each with one error, in the same order for Functions that differ in shapes only."""
    for number, result in enumerate(original.body.results):
        name = f"result {number}"
        yield Mutant(f"{name}: sign flipped", with_results(original, number, lambda value: -value))
        if not is_filled(result, 0.0):
            yield Mutant(f"{name}: dropped", with_results(original, number, zeros_like))
    for number, eqn in enumerate(original.body.eqns):
        neutral = NEUTRAL.get(eqn.op.name)
        for operand, value in enumerate(eqn.inputs if neutral is not None else ()):
            if not is_filled(value, neutral):
                error = f"equation {number}, {eqn.op.name}: operand {operand} dropped"
                yield Mutant(error, with_operand(original, eqn, operand, filled(value.type, neutral)))


def zeros_like(value: Value) -> Constant:
    return filled(value.type, 0.0)


def filled(type: ArrayType, number: float) -> Constant:
    """A constant of a static shape."""
    return constant(np.full([d.value({}) for d in type.shape], number), type.dtype)


def is_filled(value: Value, number: float) -> bool:
    return isinstance(value, Constant) and bool(np.all(value.data == number))


def with_results(original: Function, number: int, change: Callable[[Value], Value]) -> Function:
    """A copy in which one result is changed."""
    return copied(original, lambda eqn, env: None, {number: change})


def with_operand(original: Function, where: Eqn, operand: int, stand_in: Constant) -> Function:
    """A copy in which one operand of one equation is a constant."""

    def edited(eqn: Eqn, env: dict[Value, Value]) -> tuple[Value, ...] | None:
        if eqn is not where:
            return None
        inputs = [stand_in if i == operand else lookup(env, v) for i, v in enumerate(eqn.inputs)]
        return emit(eqn.op, inputs, eqn.attrs)

    return copied(original, edited, {})


def copied(
    original: Function,
    edited: Callable[[Eqn, dict[Value, Value]], tuple[Value, ...] | None],
    changes: Mapping[int, Callable[[Value], Value]],
) -> Function:
    """A copy: `edited` may answer the outputs of an equation itself, `changes` are applied to results."""

    def body(*params: Value) -> list[Value]:
        env = dict(zip(original.body.params, params, strict=True))
        for eqn in original.body.eqns:
            outputs = edited(eqn, env)
            if outputs is None:
                replay(eqn, env)
            else:
                env.update(zip(eqn.outputs, outputs, strict=True))
        results = [lookup(env, r) for r in original.body.results]
        return [changes[i](r) if i in changes else r for i, r in enumerate(results)]

    return function(original.name, [renewed(p) for p in original.body.params], body, ops=OPS)
