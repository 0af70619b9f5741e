"""What is measured beside the peers: our backends, and the function as Python runs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from adcompiler.api import adjoint
from adcompiler.ir.cost import Cost, static_cost
from adcompiler.programs import Programs

from .workload import PROGRAMS, Ready, Workload, leaves

T = TypeVar("T")


class Python:
    """The function itself, uncompiled: the measure of all values."""

    name = "python"

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        args, named = workload.call
        function = getattr(workload.function, "py_func", workload.function)
        return [Ready(lambda: function(*args, **named))] if program == "primal" else []


class Backend:
    """One of our backends; primal and gradient are traced and compiled each by itself."""

    def __init__(self, name: str, function: Callable[..., Any], wrt: Sequence[str]) -> None:
        self.name = name
        adjoint(_square, backend=name)(2.0)  # the first compilation loads the compiler
        self._functions = {p: adjoint(function, argnames=tuple(wrt), backend=name) for p in PROGRAMS}
        self._compiled: dict[str, list[Programs]] = {p: [] for p in PROGRAMS}

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        function, known = self._functions[program], self._compiled[program]
        args, named = workload.call
        (programs, operands), trace = timed(lambda: function.specialised(tuple(args), named))
        new = all(programs is not other for other in known)
        known.append(programs)
        compile = timed(lambda: programs.compiled(program).compile(*operands.inputs))[1] if new else None
        call = function.primal if program == "primal" else function

        def arrays(result: Any) -> list[Any]:
            return leaves([result[name] for name in workload.wrt] if program == "gradient" else result)

        return [Ready(lambda: call(*args, **named), "", trace if new else None, compile, arrays)]


class Costs:
    """What a function costs by its own program, at any size; traced with the NumPy backend."""

    def __init__(self, function: Callable[..., Any], wrt: Sequence[str]) -> None:
        self._function = adjoint(function, argnames=tuple(wrt), backend="numpy")

    def of(self, workload: Workload) -> dict[str, Cost]:
        """The cost of primal and gradient. The values of the arguments are not read."""
        args, named = workload.call
        programs, operands = self._function.specialised(tuple(args), named)
        sizes = dict(zip(programs.function.sizes, operands.sizes, strict=True))
        return {program: static_cost(programs.stage(program), sizes) for program in PROGRAMS}

    def writes(self, workload: Workload) -> bool:
        """Whether the function changes arguments."""
        args, named = workload.call
        return bool(self._function.programs(*args, **named).function.written)


def _square(x: Any) -> Any:
    return x * x


def timed(function: Callable[[], T]) -> tuple[T, float]:
    """What a function returns, and the seconds that it took."""
    begin = time.perf_counter()
    result = function()
    return result, time.perf_counter() - begin
