"""What is compiled of one captured function: primal, gradient, value and gradient, pullback, tangent.

Each program is made when it is first asked for. Here the leaves that the frontend found become parameters,
and the results of programs the structures that users see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from . import pipeline
from .backends import Compiled
from .backends.cuda.device import interchange
from .checkpointing.plans import Plan, residuals
from .differentiation import Choice, Differentiation
from .directions import like
from .frontend.arguments import Kind
from .frontend.captured import Argument, Captured, Inputs, Operands
from .ir.errors import ArgumentError
from .ir.graph import Function
from .ir.text import to_text
from .out_arrays import Named, Out, call_into
from .planned import PlannedProgram, PlannedPullback, Planner, Program, Sources, running
from .structures import Build, Expression, results, several
from .transforms.inline import inline
from .verification.verdict import Verdict


class Programs:
    """The programs of one specialisation; each is called with the operands that the frontend prepared.

    Most are called with them in a row, as `inputs`. `parameters` are the names of the parameters of the
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
        self.on_device = choice.options.backend == "cuda"
        """Whether programs run on a GPU, and so may their arguments be there."""
        self._explained: dict[str, tuple[PlannedProgram, PlannedProgram]] = {}

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
        program, text, build = self._gradient_program, *self._built(self._gradient_text)
        if text == several(results(len(self.wrt))):
            return lambda inputs: program.call(*inputs)
        return lambda inputs: build(program.call(*inputs))

    @cached_property
    def value_and_grad(self) -> Callable[[Inputs], tuple[Any, Any]]:
        """The value (with aux beside it, if there is any) and the gradient."""
        program, (_, build) = self._value_and_gradient_program, self._built(self._both_text)
        return lambda inputs: build(program.call(*inputs))

    def gradient_into(self, inputs: Inputs, out: Any, read: Sequence[Named]) -> Any:
        """The gradient, in arrays of the caller; `read` are the arrays that the call reads."""
        _, build = self._built(self._gradient_text)
        return build(self._filled(self._gradient_program, inputs, out, read, 0))

    def value_and_grad_into(self, inputs: Inputs, out: Any, read: Sequence[Named]) -> tuple[Any, Any]:
        """The value, and the gradient in arrays of the caller."""
        program, first = self._value_and_gradient_program, len(self.function.body.results)
        _, build = self._built(self._both_text)
        both: tuple[Any, Any] = build(self._filled(program, inputs, out, read, first))
        return both

    def _filled(
        self, program: Program, inputs: Inputs, out: Any, read: Sequence[Named], first: int
    ) -> list[Any]:
        """The results of a program whose gradients stand behind others, in the arrays that are brought."""
        leaves = self.differentiation.out_leaves(out)
        outs = [Out(what, first + place, array) for what, place, array in leaves]
        found = list(call_into(program, inputs, outs, read, self.on_device))
        for brought in outs:
            found[brought.result] = brought.array
        return found

    def _built(self, write: Callable[[Expression], str]) -> tuple[str, Build]:
        expression = Expression()
        text = write(expression)
        return text, expression.build(text)

    def _gradient_text(self, expression: Expression, first: int = 0) -> str:
        return self.differentiation.gradient_text(expression, self._gradients(expression, first))

    def _both_text(self, expression: Expression) -> str:
        value = self.differentiation.returned_text(expression)
        return several([value, self._gradient_text(expression, len(self.function.body.results))])

    def _gradients(self, expression: Expression, first: int) -> list[str]:
        """Programs know scalars only: the gradient of an array of rank 0 is one again."""
        keys = [self._argument(parameter).key for parameter in self.wrt]
        points = [key.kind is Kind.ARRAY and not key.shape for key in keys]
        array = expression.constant(np.asarray)
        found = zip(results(len(self.wrt), first), points, strict=True)
        return [f"{array}({source})" if point else source for source, point in found]

    def primal(self, inputs: Inputs, leaves: Sequence[Any]) -> Any:
        """What the function returns; arguments that it writes, of these leaves, are written."""
        found = self._primal_call(inputs)
        places = {a.parameter: leaf for leaf, a in zip(leaves, self.captured.arguments, strict=False)}
        for result, parameter in self.function.written:
            if self.on_device:
                interchange.put(places[parameter], found[result])
            else:
                places[parameter][...] = found[result]
        return self.differentiation.returned(found)

    @cached_property
    def _primal_call(self) -> Callable[[Inputs], Sequence[Any]]:
        for argument in self.captured.arguments:
            if argument.lost:
                raise ArgumentError(
                    f"the final contents of `{argument.name}` are not known: {argument.lost}",
                    hint=f"let the function work on a copy: {argument.name}.copy()",
                )
        program = self._primal_program
        return lambda inputs: program.call(*inputs)

    def vjp(self, inputs: Inputs) -> tuple[Any, ...]:
        """(returned, pullback), with aux (value, pullback, aux)."""
        planned, build = self._pullback_programs
        variant, given, own_sizes = planned.chosen(inputs)
        n, kept = len(self.function.body.results), variant.parts.residuals
        found = variant.forward.staying(*given)
        taken, bound = found[n : n + kept], found[n + kept :]
        sizes = (*own_sizes, *map(int, bound))
        leave = interchange.leaving(given) if self.on_device else None
        returned = _left(found[:n], leave)
        value = self.differentiation.value(returned)

        def pull(cotangent: Any) -> Any:
            bars = self._cotangents(cotangent, found)
            return build(_left(variant.pullback.staying(*taken, *bars, *sizes), leave))

        if self.choice.has_aux:
            return value, pull, self.differentiation.returned(returned)[1]
        return value, pull

    def jvp(self, inputs: Inputs, tangents: Sequence[Any]) -> tuple[Any, Any]:
        """(returned, its tangent); a part of the result that is not a float has tangent None."""
        n, params = len(self.function.body.results), self.function.body.params
        dots = [
            like(leaf, inputs[number], params[number].type.dtype.numpy, what, self.on_device)
            for what, number, leaf in self.differentiation.tangent_leaves(tangents)
        ]
        found = self._tangent_program.call(*inputs[: len(params)], *dots, *inputs[len(params) :])
        return self.differentiation.value(found), self.differentiation.moved(found[n:])

    def _cotangents(self, cotangent: Any, results: Sequence[Any]) -> list[Any]:
        """One cotangent a float result; zeros for what is not part of the value."""
        given = self.differentiation.cotangent_leaves(cotangent)
        bars = []
        for k in self.differentiation.float_results:
            dtype, bar = self.function.body.results[k].type.dtype.numpy, given.get(k)
            bars.append(
                np.zeros(np.shape(results[k]), dtype)[()]
                if bar is None
                else like(bar, results[k], dtype, "the cotangent", self.on_device)
            )
        return bars

    def values_on_host(self, operands: Operands) -> list[Any]:
        """The values of a call as NumPy's."""
        return [interchange.on_host(v) if interchange.is_foreign(v) else v for v in operands.values]

    def verify(self, operands: Operands) -> Verdict:
        """What can be proven of the adjoint, near these arguments."""
        from .verification.report import verify  # a tenth of what the package takes to load

        sizes = dict(zip(self.function.sizes, operands.sizes, strict=True))
        return verify(
            inline(self.function),
            inline(self.stage("adjoint")),
            self.wrt,
            tangent=inline(self.stage("tangent")),
            args=self.values_on_host(operands),
            sizes=sizes,
        )

    # ---- what tools show ----

    def text(self, stage: str) -> str:
        """The program of a stage as text."""
        return to_text(self.stage(stage))

    def stage(self, name: str) -> Function:
        """The Function of a stage: "trace", "primal", "adjoint", "tangent" or "gradient"."""
        kind = residuals(self.choice.options.plan)[0]
        stages: dict[str, Callable[[], Function]] = {
            "trace": lambda: self.function,
            "primal": lambda: pipeline.primal(self.function),
            "adjoint": lambda: pipeline.adjoint(self.function, self.wrt, kind),
            "tangent": lambda: pipeline.tangent(self.function, self.wrt),
            "gradient": lambda: self._gradient_function((), kind),
        }
        if name not in stages:
            raise ArgumentError(f"there is no stage {name!r}", hint="the stages are " + ", ".join(stages))
        return stages[name]()

    def source(self, stage: str, inputs: Inputs) -> str:
        """The generated Python source that a call runs: "primal", "gradient" or "value_and_grad"."""
        return running(self.compiled(stage), inputs)[0].source

    def compiled(self, stage: str) -> Program:
        """The compiled program of a stage."""
        stages: dict[str, Callable[[], Program]] = {
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
    def _gradient_program(self) -> Program:
        return self._planned(lambda kind: self._gradient_function((), kind))

    @cached_property
    def _value_and_gradient_program(self) -> Program:
        every = range(len(self.function.body.results))
        return self._planned(lambda kind: self._gradient_function(every, kind))

    def _planned(self, made: Callable[[str], Function]) -> Program:
        """A program under the plan, made for these residuals; one that plans nothing is compiled as it is."""
        planner = self._planner(made, self.choice.options.plan, two_phase=False)
        if not planner.plans:
            return self._compile(planner.function)
        return PlannedProgram(planner)

    def explained(self, stage: str) -> tuple[PlannedProgram, PlannedProgram]:
        """The program of a stage under its plan, and the program with all variants that there are."""
        stages = {"gradient": (), "value_and_grad": range(len(self.function.body.results))}
        if stage not in stages:
            raise ArgumentError(
                f"there is no plan of a program {stage!r}", hint="there is one of " + ", ".join(stages)
            )
        if stage not in self._explained:
            plan, program = self.choice.options.plan, self.compiled(stage)
            if not isinstance(program, PlannedProgram):
                program = PlannedProgram(self._gradient_planner(stages[stage], plan))
            every = program
            if plan in ("auto", "store_all"):
                planner = self._gradient_planner(stages[stage], "recompute_all")
                every = PlannedProgram(planner)
            self._explained[stage] = program, every
        return self._explained[stage]

    def _gradient_planner(self, values: Sequence[int], plan: Plan) -> Planner:
        return self._planner(lambda kind: self._gradient_function(values, kind), plan, two_phase=False)

    def _planner(self, adjoint: Callable[[str], Function], plan: Plan, two_phase: bool) -> Planner:
        first = len(self.function.body.params)
        sources = Sources(adjoint, lambda: pipeline.primal(self.function), first)
        return Planner(sources, replace(self.choice.options, plan=plan), two_phase)

    @cached_property
    def _tangent_program(self) -> Program:
        """Planned as gradients are: there may be some in the function, with loops that walk back."""
        return self._planned(lambda _: pipeline.tangent(self.function, self.wrt))

    @cached_property
    def _pullback_programs(self) -> tuple[PlannedPullback, Build]:
        plan, wrt = self.choice.options.plan, self.wrt
        planner = self._planner(lambda kind: pipeline.adjoint(self.function, wrt, kind), plan, two_phase=True)
        body, expression = self.function.body, Expression()
        text = self.differentiation.tuple_text(expression, self._gradients(expression, 0))
        found = PlannedPullback(planner, len(body.params), len(body.results))
        return found, expression.build(text)

    def _gradient_function(self, values: Sequence[int], residuals: str) -> Function:
        return pipeline.gradient(self.function, self.wrt, self.loss, residuals, values)

    def _compile(self, function: Function) -> Compiled:
        return pipeline.compiled(function, self.choice.options)


def _kind(argument: Argument, captured: Captured) -> str:
    """What error messages call a leaf of the arguments."""
    if argument.same_as is not None:
        return f"the same array as `{captured.arguments[argument.same_as].name}`, which the function writes"
    kind = str(argument.key)
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _left(results: Sequence[Any], leave: interchange.Exporter | None) -> Sequence[Any]:
    """Results as the caller gets them, those on a GPU by `leave`."""
    return results if leave is None else [leave(r) if interchange.is_foreign(r) else r for r in results]
