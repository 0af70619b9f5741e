"""What is compiled of one captured function: primal, gradient, value and gradient, pullback, tangent.

Each program is made when it is first asked for. Here the leaves that the frontend found become parameters,
and the results of programs the structures that users see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from . import pipeline
from .backends import Compiled
from .differentiation import Choice, Differentiation
from .frontend.arguments import Kind, ready
from .frontend.captured import Argument, Captured, Inputs, Operands
from .ir.errors import ArgumentError
from .ir.graph import Function
from .ir.text import to_text
from .transforms.partition import Partition
from .verification.verdict import Verdict


class Programs:
    """The programs of one specialisation; each is called with the operands that the frontend prepared.

    What is called most takes them in a row, as `inputs`. `parameters` are the names of the parameters of the
    user's function.
    """

    def __init__(self, captured: Captured, choice: Choice, parameters: tuple[str, ...]) -> None:
        self.captured = captured
        self.choice = choice
        self.function = captured.function
        self.differentiation = Differentiation(
            function=captured.function,
            names=parameters,
            structure=captured.structure,
            parameters=tuple(None if a.same_as is not None else a.parameter for a in captured.arguments),
            kinds=tuple(_kind(a, captured) for a in captured.arguments),
            outputs=captured.outputs,
            result=captured.result,
            choice=choice,
            written=tuple((self._argument(p).name, r) for r, p in captured.function.written),
        )

    def _argument(self, parameter: int) -> Argument:
        return next(a for a in self.captured.arguments if a.parameter == parameter)

    @property
    def wrt(self) -> tuple[int, ...]:
        """The parameters of the Function that are differentiated."""
        return self.differentiation.wrt

    @property
    def loss(self) -> int:
        """The result of the Function that is differentiated."""
        return self.differentiation.loss

    # ---- what users call ----

    @cached_property
    def gradient(self) -> Callable[[Inputs], Any]:
        """The gradient alone."""
        program = self._gradient_program
        if self._points or self.choice.argnames is not None or not self.differentiation.flat:
            return lambda inputs: self._assembled(program.call(*inputs))
        if isinstance(self.choice.argnums, int):
            return lambda inputs: program.call(*inputs)[0]
        return lambda inputs: program.call(*inputs)

    def _assembled(self, gradients: Sequence[Any]) -> Any:
        return self.differentiation.assemble(self._as_given(gradients))

    def _as_given(self, gradients: Sequence[Any]) -> Sequence[Any]:
        """Programs know scalars only: the gradient of an array of rank 0 is one again."""
        if not self._points:
            return gradients
        return [np.asarray(g) if k in self._points else g for k, g in enumerate(gradients)]

    @cached_property
    def _points(self) -> frozenset[int]:
        """Which gradients are those of arrays of rank 0."""
        keys = [self._argument(parameter).key for parameter in self.wrt]
        return frozenset(k for k, key in enumerate(keys) if key.kind is Kind.ARRAY and not key.shape)

    @cached_property
    def value_and_grad(self) -> Callable[[Inputs], tuple[Any, Any]]:
        """The value (with aux beside it, if there is any) and the gradient."""
        program, n = self._value_and_gradient_program, len(self.function.body.results)
        returned, assemble = self.differentiation.returned, self._assembled

        def run(inputs: Inputs) -> tuple[Any, Any]:
            results = program.call(*inputs)
            return returned(results[:n]), assemble(results[n:])

        return run

    def primal(self, operands: Operands, leaves: Sequence[Any]) -> Any:
        """What the function returns; arguments that it writes are written."""
        for argument in self.captured.arguments:
            if argument.lost:
                raise ArgumentError(
                    f"the final contents of `{argument.name}` are not known: {argument.lost}",
                    hint=f"let the function work on a copy: {argument.name}.copy()",
                )
        results = self._primal_program.call(*operands.values, *operands.sizes)
        places = {a.parameter: leaf for leaf, a in zip(leaves, self.captured.arguments, strict=False)}
        for result, parameter in self.function.written:
            places[parameter][...] = results[result]
        return self.differentiation.returned(results)

    def vjp(self, operands: Operands) -> tuple[Any, ...]:
        """(returned, pullback), with aux (value, pullback, aux)."""
        parts, forward, pullback = self._pullback_programs
        n = len(self.function.body.results)
        results = forward.call(*operands.values, *operands.sizes)
        residuals, bound = results[n : n + parts.residuals], results[n + parts.residuals :]
        sizes = (*operands.sizes, *map(int, bound))
        value = self.differentiation.value(results[:n])

        def pull(cotangent: Any) -> Any:
            bars = self._cotangents(cotangent, results)
            gradients = self._as_given(pullback.call(*residuals, *bars, *sizes))
            return self.differentiation.assemble_tuple(gradients)

        if self.choice.has_aux:
            return value, pull, self.differentiation.returned(results)[1]
        return value, pull

    def jvp(self, operands: Operands, tangents: Sequence[Any]) -> tuple[Any, Any]:
        """(returned, its tangent); a part of the result that is not a float has tangent None."""
        n, params = len(self.function.body.results), self.function.body.params
        dots = [
            _like(leaf, operands.values[number], params[number].type.dtype.numpy, what)
            for what, number, leaf in self.differentiation.tangent_leaves(tangents)
        ]
        results = self._tangent_program.call(*operands.values, *dots, *operands.sizes)
        return self.differentiation.value(results[:n]), self.differentiation.moved(results[n:])

    def _cotangents(self, cotangent: Any, results: Sequence[Any]) -> list[Any]:
        """One cotangent a float result; zeros for what is not part of the value."""
        given = self.differentiation.cotangent_leaves(cotangent)
        bars = []
        for k in self.differentiation.float_results:
            primal = np.asarray(results[k])
            bar = given.get(k)
            bars.append(
                np.zeros_like(primal)[()]
                if bar is None
                else _like(bar, primal, primal.dtype, "the cotangent")
            )
        return bars

    def verify(self, operands: Operands) -> Verdict:
        """What can be proven of the adjoint, near these arguments."""
        from .verification.report import verify  # a tenth of what the package takes to load

        sizes = dict(zip(self.function.sizes, operands.sizes, strict=True))
        return verify(
            self.function,
            self.stage("adjoint"),
            self.wrt,
            tangent=self.stage("tangent"),
            args=operands.values,
            sizes=sizes,
        )

    # ---- what tools show ----

    def text(self, stage: str) -> str:
        """The program of a stage as text."""
        return to_text(self.stage(stage))

    def stage(self, name: str) -> Function:
        """The Function of a stage: "trace", "primal", "adjoint", "tangent" or "gradient"."""
        plan = self.choice.options.plan
        stages: dict[str, Callable[[], Function]] = {
            "trace": lambda: self.function,
            "primal": lambda: pipeline.primal(self.function),
            "adjoint": lambda: pipeline.adjoint(self.function, self.wrt, plan),
            "tangent": lambda: pipeline.tangent(self.function, self.wrt),
            "gradient": lambda: self._gradient_function(()),
        }
        if name not in stages:
            raise ArgumentError(f"there is no stage {name!r}", hint="the stages are " + ", ".join(stages))
        return stages[name]()

    def source(self, stage: str) -> str:
        """The generated Python source of a stage: "primal", "gradient" or "value_and_grad"."""
        return self.compiled(stage).source

    def compiled(self, stage: str) -> Compiled:
        """The compiled program of a stage."""
        stages: dict[str, Callable[[], Compiled]] = {
            "primal": lambda: self._primal_program,
            "gradient": lambda: self._gradient_program,
            "value_and_grad": lambda: self._value_and_gradient_program,
        }
        if stage not in stages:
            raise ArgumentError(
                f"there is no program {stage!r}", hint="the programs are " + ", ".join(stages)
            )
        return stages[stage]()

    # ---- the programs ----

    @cached_property
    def _primal_program(self) -> Compiled:
        return self._compile(pipeline.primal(self.function))

    @cached_property
    def _gradient_program(self) -> Compiled:
        return self._compile(self._gradient_function(()))

    @cached_property
    def _value_and_gradient_program(self) -> Compiled:
        return self._compile(self._gradient_function(range(len(self.function.body.results))))

    @cached_property
    def _tangent_program(self) -> Compiled:
        return self._compile(pipeline.tangent(self.function, self.wrt))

    @cached_property
    def _pullback_programs(self) -> tuple[Partition, Compiled, Compiled]:
        parts = pipeline.pullback(self.function, self.wrt, self.choice.options.plan)
        return parts, self._compile(parts.forward), self._compile(parts.pullback)

    def _gradient_function(self, values: Sequence[int]) -> Function:
        return pipeline.gradient(self.function, self.wrt, self.loss, self.choice.options.plan, values)

    def _compile(self, function: Function) -> Compiled:
        return pipeline.compiled(function, self.choice.options)


def _kind(argument: Argument, captured: Captured) -> str:
    """What error messages call a leaf of the arguments."""
    if argument.same_as is not None:
        return f"the same array as `{captured.arguments[argument.same_as].name}`, which the function writes"
    kind = str(argument.key)
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _like(leaf: Any, primal: Any, dtype: np.dtype[Any], what: str) -> Any:
    """A tangent or cotangent as the program takes it: of the shape and dtype of its primal."""
    array = np.asarray(leaf)
    if array.shape != np.shape(primal):
        raise ArgumentError(f"{what} has shape {array.shape}, where its primal has {np.shape(primal)}")
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ArgumentError(f"{what} is {array.dtype}, where {dtype} is expected")
    return ready(array.astype(dtype, copy=False)) if array.ndim else dtype.type(array[()])
