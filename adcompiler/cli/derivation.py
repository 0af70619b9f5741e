"""The gradient of a program step by step: values, local derivatives, derivatives of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from adcompiler import pipeline
from adcompiler.backends import Compiled
from adcompiler.checkpointing.plans import residuals
from adcompiler.frontend.captured import Operands
from adcompiler.ir.errors import CheckError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Block, Constant, Eqn, Function, Value
from adcompiler.ir.op import Scalar
from adcompiler.ir.text import Names
from adcompiler.ir.types import Sizes
from adcompiler.programs import Programs
from adcompiler.transforms.dce import dce
from adcompiler.transforms.probe import Probed, probed
from adcompiler.transforms.reverse import reverse

LARGEST = 256
"""Elements of a local derivative that is computed."""


@dataclass(frozen=True)
class Step:
    """One intermediate value.

    `line` is the user's line; `local` has the derivative with respect to each operand that is a float, by
    name: elementwise where value and operand are alike, else of the shape of the value followed by that of
    the operand. `cotangent` is the derivative of the program's value, None where there is none.
    """

    name: str
    value: Any
    line: str
    local: Mapping[str, Any]
    cotangent: Any


@dataclass(frozen=True)
class Derivation:
    """A program's value, its steps, and its gradients by the user's names of the parameters."""

    name: str
    value: Any
    steps: tuple[Step, ...]
    gradients: Mapping[str, Any]


def derivation(programs: Programs, operands: Operands) -> Derivation:
    """Run a program and its adjoint, and keep everything."""
    probe = probed(dce(programs.stage("trace")))
    values, cotangents, total = _run(probe, programs, operands)
    label = _labels(probe.source, programs)
    sizes = dict(zip(probe.source.sizes, operands.sizes, strict=True))
    steps = [
        Step(
            label[output],
            values[output],
            eqn.location.source if eqn.location else eqn.op.name,
            {label[v]: slope for v, slope in _local(eqn, output, values, sizes)},
            cotangents.get(output),
        )
        for eqn in probe.source.body.eqns
        for output in eqn.outputs
        if output in values
    ]
    result, params = probe.source.body.results[programs.loss], probe.source.body.params
    gradients = {label[params[k]]: cotangents[params[k]] for k in programs.wrt}
    return Derivation(label.get(result, probe.source.name), total, tuple(steps), gradients)


def _run(
    probe: Probed, programs: Programs, operands: Operands
) -> tuple[dict[Value, Any], dict[Value, Any], Any]:
    """The values of parameters and intermediates, the cotangents of those that are floats, and the result."""
    source, function = probe.source, probe.function
    params, n = source.body.params, len(source.body.results)
    sizes = dict(zip(source.sizes, operands.sizes, strict=True))
    shifts = [_zeros(v, sizes) for v in probe.probes]
    floats = _float_parameters(source)
    wrt = [*floats, *range(len(params), len(params) + len(shifts))]
    results = range(len(function.body.results))
    program = pipeline.gradient(
        function, wrt, programs.loss, residuals(programs.choice.options.plan)[0], results
    )
    compiled = pipeline.compiled(program, replace(programs.choice.options, backend="numpy"))
    found = _called(compiled, (*operands.values, *shifts, *operands.sizes))
    values = dict(zip((*params, *probe.shown), (*operands.values, *found[n : len(results)]), strict=True))
    moving = [*(params[k] for k in floats), *probe.probes]
    return values, dict(zip(moving, found[len(results) :], strict=True)), found[programs.loss]


def _called(compiled: Compiled, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The results; an error that the function itself raises is no error of the compiler."""
    try:
        return compiled.call(*args)
    except Exception as error:
        notes = getattr(error, "__notes__", ())
        if not notes:
            raise
        raise CheckError("\n".join([f"{type(error).__name__}: {error}", *notes])) from error


def _float_parameters(source: Function) -> list[int]:
    return [k for k, p in enumerate(source.body.params) if p.type.dtype.is_float]


def _zeros(value: Value, sizes: Sizes) -> Any:
    return np.zeros([d.value(sizes) for d in value.type.shape], value.type.dtype.numpy)[()]


def _labels(source: Function, programs: Programs) -> dict[Value, str]:
    """What the user calls each value outside the blocks; a result without a name has that of the function."""
    names = Names(source)
    label = {v: names.of(v) for v in source.body.params}
    label |= {o: names.of(o) for eqn in source.body.eqns for o in eqn.outputs}
    for argument in programs.captured.arguments:
        if argument.parameter is not None:
            label[source.body.params[argument.parameter]] = argument.name
    result = source.body.results[programs.loss]
    if result in label and result.name is None and source.name not in label.values():
        label[result] = source.name
    return label


# ---- local derivatives ----


def _local(eqn: Eqn, output: Value, values: Mapping[Value, Any], sizes: Sizes) -> Iterator[tuple[Value, Any]]:
    """The derivatives of one equation's output; none of a loop or branch."""
    operands = [v for v in dict.fromkeys(eqn.inputs) if not isinstance(v, Constant)]
    floats = [k for k, v in enumerate(operands) if v.type.dtype.is_float]
    if eqn.blocks or not output.type.dtype.is_float or not floats or any(v not in values for v in operands):
        return
    alone = Function(eqn.op.name, Block(tuple(operands), (eqn,), (output,)), tuple(sizes))
    adjoint = reverse(alone, floats)
    args = [values[v] for v in operands]
    for n, k in enumerate(floats):

        def pull(bar: Any, n: int = n) -> Any:
            return evaluate(adjoint, [*args, bar], sizes)[1 + n]

        if not output.type.rank or _elementwise(eqn, operands[k]):
            yield operands[k], pull(np.ones_like(values[output])[()])
        else:
            yield operands[k], _jacobian(pull, values[output], args[k])


def _elementwise(eqn: Eqn, operand: Value) -> bool:
    return isinstance(eqn.op.lowering, Scalar) and operand.type.shape == eqn.output.type.shape


def _jacobian(pull: Callable[[Any], Any], output: Any, operand: Any) -> Any:
    """Row by row, one element of the output after the other; None where it would have too many elements."""
    if np.size(output) * np.size(operand) > LARGEST:
        return None
    basis = np.eye(np.size(output), dtype=output.dtype).reshape(-1, *output.shape)
    return np.array([pull(bar) for bar in basis]).reshape(*output.shape, *np.shape(operand))
