"""What a record says of its derivative, as a Function for one case, and numbers to hold it against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from op_cases import Case

from adcompiler.ir.build import as_value, function
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Eqn, Function, Value, constant
from adcompiler.ir.op import Contribution, Linear, Partials
from adcompiler.ir.ops import OPS
from adcompiler.ir.types import ArrayType

Array = Any


@dataclass(frozen=True)
class Statement:
    """What a record says of its derivative.

    For Partials the Function maps inputs and outputs to partials; for Linear inputs, outputs and a cotangent
    to those of the inputs. Result i speaks of input `places[i]`; the others have zero.
    """

    function: Function
    places: tuple[int, ...]
    linear: bool


def statement(case: Case) -> Statement | None:
    """The statement for a case; None if it has both modes written out, or no derivative at all."""
    derivative = case.op.derivative
    if not isinstance(derivative, Partials | Linear) or not case.floats:
        return None
    (output,) = case.function.body.results
    if not output.type.dtype.is_float:
        return None
    linear = isinstance(derivative, Linear)
    types = [*case.types, output.type, *([output.type] if linear else [])]
    places: list[int] = []

    def body(*values: Value) -> list[Value]:
        inputs = values[: len(case.types)]
        if isinstance(derivative, Linear):
            eqn = Eqn(case.op, inputs, (values[len(inputs)],), case.sample.attrs)
            answers = [
                _settled(a, t) for a, t in zip(derivative.transpose(eqn, values[-1]), case.types, strict=True)
            ]
        else:
            answers = list(derivative.of(*values, **case.sample.attrs))
        assert len(answers) == len(inputs)
        places.extend(i for i, a in enumerate(answers) if a is not None)
        return [as_value(answers[i]) for i in places]

    written = function(f"{case.op.name}_derivative", [Value(t) for t in types], body, ops=OPS)
    return Statement(written, tuple(places), linear)


def _settled(answer: Any, like: ArrayType) -> Value | None:
    """An in-place contribution, made to a zero."""
    if not isinstance(answer, Contribution):
        return answer
    shape = [d.value({}) for d in like.shape]
    return answer.into(constant(np.zeros(shape), like.dtype))


# ---- against numbers ---------------------------------------------------------------------------------------


def agrees(case: Case, stated: Statement) -> bool:
    """Whether the statement is the derivative that differences find; for Linear, the op's adjoint."""
    check = _transposed if stated.linear else _differences
    return all(check(case, stated, place) for place in case.floats)


def _differences(case: Case, stated: Statement, place: int) -> bool:
    with np.errstate(all="ignore"):
        partials = evaluate(stated.function, [*case.inputs, *case.outputs])
    (output,) = case.outputs
    partial = partials[stated.places.index(place)] if place in stated.places else 0.0
    stated_partial = np.broadcast_to(partial, np.shape(output))
    exact = complex_step(case, place)
    if exact is not None:
        return close(stated_partial, exact, 1e-11)
    return close(stated_partial, central(case, place), 1e-7) and slope_is_two(case, place, stated_partial)


def _transposed(case: Case, stated: Statement, place: int) -> bool:
    """⟨ct, op(t)⟩ = ⟨transpose(ct), t⟩ for tangents of one input alone."""
    random = np.random.default_rng(place)
    (output,) = case.outputs
    cotangent = _random_like(random, output)
    tangents = [np.zeros_like(x) if i in case.floats else x for i, x in enumerate(case.inputs)]
    tangents[place] = _random_like(random, case.inputs[place])
    (image,) = case.evaluate(*tangents)
    answers = evaluate(stated.function, [*case.inputs, output, cotangent])
    answer = answers[stated.places.index(place)] if place in stated.places else 0.0
    return close(np.sum(answer * tangents[place]), np.sum(cotangent * image), tolerance(case, 1e-11))


def _random_like(random: np.random.Generator, x: Array) -> Array:
    return random.uniform(0.5, 1.5, np.shape(x)).astype(np.asarray(x).dtype)[()]


def tolerance(case: Case, exact: float) -> float:
    """A tolerance for f64, widened where an f32 takes part."""
    single = any(np.asarray(x).dtype == np.float32 for x in (*case.inputs, *case.outputs))
    return 1e-5 if single else exact


def close(a: Array, b: Array, tolerance: float) -> bool:
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def along(case: Case, place: int) -> Callable[[Any], Array]:
    """The first output as all elements of one input move by the same step."""

    def moved(step: Any) -> Array:
        inputs = list(case.inputs)
        inputs[place] = inputs[place] + step
        with np.errstate(all="ignore"):
            return case.op.numpy(*inputs, **case.sample.attrs)

    return moved


def complex_step(case: Case, place: int) -> Array | None:
    """The derivative to the last digits; None where NumPy's function does not take complex numbers."""
    try:
        moved = along(case, place)(1e-30j)
    except TypeError:
        return None
    return np.imag(moved) / 1e-30 if np.iscomplexobj(moved) else None


def central(case: Case, place: int) -> Array:
    """Central differences of fourth order."""
    f, h = along(case, place), 1e-3
    return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)


def slope_is_two(case: Case, place: int, derivative: Array) -> bool:
    """Whether the remainder of the first-order Taylor expansion falls by four when the step is halved."""
    f = along(case, place)
    start, steps = f(0.0), 2.0 ** -np.arange(7, 11)
    remainders = np.array([np.sum(np.abs(f(h) - start - h * derivative)) for h in steps])
    noise = 1e-13 * (1 + np.sum(np.abs(start)))
    ratios = remainders[:-1] / np.maximum(remainders[1:], noise)
    return bool(np.all((ratios > 3.0) | (remainders[:-1] < 8 * noise)))
