"""Derivatives inside captured functions: `grad(f)(x)` where x is traced.

The inner function is traced into a Function of its own, transformed as any other, and written into the
program around it; so gradients of gradients need nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import pipeline
from .checkpointing.plans import residuals
from .differentiation import Choice, Differentiation
from .frontend.arguments import binder
from .frontend.cells import Cell
from .frontend.extents import same_dim
from .frontend.inner import Inner, spliced, trace_inner
from .frontend.runtime import Tracer
from .frontend.scalars import TracedScalar, value
from .frontend.values import TracedArray
from .ir.errors import ArgumentError
from .ir.graph import Function, Value
from .ir.types import Dim
from .transforms.zeros import zeros_like


def gradient(
    tracer: Tracer,
    transformed: Any,
    choice: Choice,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    with_value: bool,
) -> Any:
    """The gradient, or (value, gradient), of `transformed.function` at traced arguments."""
    inner, differentiation = _traced(tracer, transformed, transformed.function, choice, args, kwargs)
    n = len(inner.function.body.results) if with_value else 0
    wrt, loss = differentiation.wrt, differentiation.loss
    program = pipeline.gradient(inner.function, wrt, loss, residuals(choice.options.plan)[0], range(n))
    results = _spliced(program, inner.operands)
    gradients = differentiation.assemble(results[n:])
    return (differentiation.returned(results[:n]), gradients) if with_value else gradients


def jvp(
    tracer: Tracer,
    function: Callable[..., Any],
    choice: Choice,
    primals: Sequence[Any],
    tangents: Sequence[Any],
) -> tuple[Any, Any]:
    """(returned, tangent) of a function at traced primals and tangents."""
    inner, differentiation = _traced(tracer, None, function, choice, tuple(primals), {})
    params = inner.function.body.params
    dots = [_like(leaf, params[k], what) for what, k, leaf in differentiation.tangent_leaves(tangents)]
    program = pipeline.tangent(inner.function, differentiation.wrt)
    results = _spliced(program, [*inner.operands, *dots])
    n = len(inner.function.body.results)
    return differentiation.returned(results[:n]), differentiation.moved(results[n:])


def vjp(
    tracer: Tracer, function: Callable[..., Any], choice: Choice, primals: Sequence[Any]
) -> tuple[Any, ...]:
    """(returned, pullback), with aux (value, pullback, aux), of a function at traced primals."""
    inner, differentiation = _traced(tracer, None, function, choice, tuple(primals), {})
    program = pipeline.adjoint(inner.function, differentiation.wrt, residuals(choice.options.plan)[0])
    n, results = len(inner.function.body.results), inner.function.body.results
    forward = _spliced(inner.function, inner.operands)
    returned = differentiation.returned(forward)

    def pull(cotangent: Any) -> Any:
        given = differentiation.cotangent_leaves(cotangent)
        bars = [
            _like(given[k], results[k], "the cotangent") if k in given else zeros_like(results[k])
            for k in differentiation.float_results
        ]
        return differentiation.assemble_tuple(_spliced(program, [*inner.operands, *bars])[n:])

    return (returned[0], pull, returned[1]) if choice.has_aux else (returned, pull)


def _traced(
    tracer: Tracer,
    transformed: Any,
    function: Callable[..., Any],
    choice: Choice,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> tuple[Inner, Differentiation]:
    inner = trace_inner(tracer, transformed, function, args, kwargs)
    kinds = tuple("a traced value" if p is not None else "a static value" for p in inner.parameters)
    return inner, Differentiation(
        function=inner.function,
        names=binder(function).starred,
        structure=inner.structure,
        parameters=inner.parameters,
        kinds=kinds,
        outputs=inner.outputs,
        result=inner.result,
        choice=choice,
    )


def _like(leaf: Any, primal: Value, what: str) -> Value:
    """A tangent or cotangent in the dtype of its primal, whose shape it must have."""
    given, expected = value(leaf, primal.type.dtype), primal.type.shape
    shape = given.type.shape
    if len(shape) != len(expected) or not all(map(same_dim, shape, expected)):
        raise ArgumentError(f"{what} has shape {_shown(shape)}, where its primal has {_shown(expected)}")
    return given


def _shown(shape: tuple[Dim, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def _spliced(program: Function, operands: Sequence[Value]) -> list[Any]:
    """The results of a Function written into the current program, as traced values."""
    return [TracedArray(Cell(v)) if v.type.shape else TracedScalar(v) for v in spliced(program, operands)]
