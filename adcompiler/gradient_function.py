"""Gradient functions, as users call them: which program serves a call, and what is asked of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import Any

from . import nested
from .differentiation import Choice
from .explanations.explain import explain
from .explanations.records import Explanation
from .frontend.arguments import binder, flatten
from .frontend.captured import Captured, Inputs, Operands
from .frontend.specialise import Specialisations
from .ir.errors import DeviceMemoryError
from .memory import Memory, memory
from .out_arrays import Named
from .planned import running
from .programs import Programs
from .verification.verdict import Verdict

Function = Callable[..., Any]


def specialisations(f: Function, choice: Choice) -> Specialisations[Programs]:
    """Where the programs of a function are found."""

    def build(captured: Captured) -> Programs:
        return Programs(captured, choice, binder(f).starred)

    return Specialisations(f, choice.key, build, on_device=choice.options.backend == "cuda")


class GradientFunction:
    """A compiled gradient function; see `adjoint`. It compiles at the first call that needs the program."""

    def __init__(self, f: Function, choice: Choice) -> None:
        self.function = f
        self.choice = choice
        functools.update_wrapper(self, f, updated=())
        self._specialisations = specialisations(f, choice)

    @property
    def key(self) -> tuple[Any, ...]:
        """What a call depends on beside `function`."""
        return self.choice.key

    def specialised(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Programs, Operands]:
        """The programs that serve these arguments, and what to call them with."""
        specialisation, operands = self._specialisations.find(args, kwargs)
        return specialisation.program, operands

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The gradient; `out`, if given, are arrays to make it in.

        `out` is an array for the gradient of one array, else a structure like the gradient's with None for
        what is to be made. Its arrays have exactly the dtype and shape of their gradients, share no memory
        with an argument nor with each other, and are what is returned. If a check fails in the call they hold
        anything. Where the function itself takes `out`, it gets it.
        """
        try:
            if kwargs and "out" in kwargs and not self._own_out:
                out = kwargs.pop("out")
                if out is not None:
                    programs, inputs, read = self._reading(args, kwargs)
                    return programs.gradient_into(inputs, out, read)
            specialisation, inputs = self._specialisations.serving(args, kwargs)
            return specialisation.program.gradient(inputs)
        except DeviceMemoryError as error:
            raise self._advised(error, "gradient", args, kwargs) from None

    def value_and_grad(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """(value, gradient), with `has_aux` ((value, aux), gradient), of one compiled program.

        `out` are arrays for the gradient, as in a call.
        """
        try:
            if kwargs and "out" in kwargs and not self._own_out:
                out = kwargs.pop("out")
                if out is not None:
                    programs, inputs, read = self._reading(args, kwargs)
                    return programs.value_and_grad_into(inputs, out, read)
            specialisation, inputs = self._specialisations.serving(args, kwargs)
            return specialisation.program.value_and_grad(inputs)
        except DeviceMemoryError as error:
            raise self._advised(error, "value_and_grad", args, kwargs) from None

    def _advised(
        self, error: DeviceMemoryError, stage: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> DeviceMemoryError:
        """The error, with what the whole call takes and the least that it could."""
        found = self.explain(*args, stage=stage, **kwargs)
        less = f"; plan=Budget({found.least}) is feasible" if found.least < found.peak else ""
        hint = f"the call takes {found.peak:,} bytes beside arguments on the GPU{less}"
        return DeviceMemoryError(error.asked, error.free, hint)

    @functools.cached_property
    def _own_out(self) -> bool:
        """Whether the function itself takes an argument `out`."""
        parameters = self._specialisations.binder.signature.parameters.values()
        return any(p.name == "out" or p.kind is p.VAR_KEYWORD for p in parameters)

    def _reading(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Programs, Inputs, Sequence[Named]]:
        """The programs that serve a call, their inputs, and the arrays that the call reads."""
        specialisation, inputs = self._specialisations.serving(args, kwargs)
        leaves, _ = flatten(self._specialisations.binder.bind(args, kwargs))
        return specialisation.program, inputs, specialisation.captured.arrays_read(leaves, inputs)

    def primal(self, *args: Any, **kwargs: Any) -> Any:
        """What the function itself returns, compiled; it writes the arrays that the function writes."""
        specialisation, inputs = self._specialisations.serving(args, kwargs)
        programs = specialisation.program
        if not programs.function.written:
            return programs.primal(inputs, ())
        leaves, _ = flatten(self._specialisations.binder.bind(args, kwargs))
        return programs.primal(inputs, leaves)

    def vjp(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """(value, pullback), with `has_aux` (value, pullback, aux); the pullback may be called many times."""
        specialisation, inputs = self._specialisations.serving(args, kwargs)
        return specialisation.program.vjp(inputs)

    def verify(self, *args: Any, **kwargs: Any) -> Verdict:
        """Prove as much as can be proven of the gradient, near these arguments; see `adcompiler.verify`."""
        programs, operands = self.specialised(args, kwargs)
        return programs.verify(operands)

    def trace_call(self, tracer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call in a captured function is: the gradient, written into the program around it."""
        return nested.gradient(tracer, self, self.choice, args, kwargs, with_value=False)

    def ir(self, *args: Any, stage: str = "gradient", **kwargs: Any) -> str:
        """The program as text: stage "trace", "primal", "adjoint", "tangent" or "gradient".

        Raises
        ------
        ArgumentError
            For any other stage.
        """
        return self.programs(*args, **kwargs).text(stage)

    def source(self, *args: Any, stage: str = "gradient", **kwargs: Any) -> str:
        """The generated Python source that a call runs, of stage "primal", "gradient" or "value_and_grad".

        Raises
        ------
        ArgumentError
            For any other stage.
        """
        programs, inputs, _ = self._reading(args, kwargs)
        return programs.source(stage, inputs)

    def memory(self, *args: Any, stage: str = "gradient", **kwargs: Any) -> Memory:
        """What a call with these arguments takes of memory, computed before it; stages are those of `source`.

        Raises
        ------
        ArgumentError
            For any other stage.
        """
        programs, inputs, read = self._reading(args, kwargs)
        program, given = running(programs.compiled(stage), inputs)
        return memory(program, given, inputs, [array for _, array in read])

    def explain(self, *args: Any, stage: str = "gradient", **kwargs: Any) -> Explanation:
        """What the plan comes to for these arguments: the peak of memory and where it is, what loops keep and
        why, what is computed again, and which budgets are feasible.

        Nothing is run. The stage may be "value_and_grad" too.

        Raises
        ------
        ArgumentError
            For any other stage.
        PlanError
            The plan cannot be carried out, as a call would say.
        """
        programs, inputs, read = self._reading(args, kwargs)
        return explain(stage, *programs.explained(stage), inputs, [array for _, array in read])

    def programs(self, *args: Any, **kwargs: Any) -> Programs:
        """Everything compiled for these arguments; for tools that show it."""
        return self.specialised(args, kwargs)[0]

    @property
    def specialisations(self) -> int:
        """How many programs tracing has made for this function so far."""
        return len(self._specialisations.entries)

    def __get__(self, instance: Any, owner: type | None = None) -> GradientFunction:
        """A decorated method, bound to its object; `argnums` does not count `self`."""
        if instance is None:
            return self
        return GradientFunction(MethodType(self.function, instance), self.choice)

    def __repr__(self) -> str:
        return f"<gradient of {getattr(self.function, '__qualname__', self.function)}>"


class ValueAndGradient:
    """A function of what `value_and_grad` returns."""

    def __init__(self, gradient: GradientFunction, chosen: Callable[[Any], Any]) -> None:
        self.function = gradient.function
        self.gradient = gradient
        self.chosen = chosen
        functools.update_wrapper(self, gradient.function, updated=())

    @property
    def key(self) -> tuple[Any, ...]:
        """What a call depends on beside `function`."""
        return (self.chosen.__code__, *self.gradient.key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.chosen(self.gradient.value_and_grad(*args, **kwargs))

    def trace_call(self, tracer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What a call in a captured function is."""
        return self.chosen(nested.gradient(tracer, self, self.gradient.choice, args, kwargs, with_value=True))
