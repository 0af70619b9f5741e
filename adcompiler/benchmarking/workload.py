"""A function with arguments of one size, and what every way to run it offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import optree

from adcompiler.frontend.arguments import binder, flatten

from .clock import Wait, nothing

PROGRAMS = ("primal", "gradient")


@dataclass(frozen=True)
class Workload:
    """A function, one value a parameter, and the names of those that are differentiated.

    `writes` says whether a call changes arguments.
    """

    function: Callable[..., Any]
    parameters: tuple[str, ...]
    values: tuple[Any, ...]
    wrt: tuple[str, ...]
    size: int | None
    writes: bool = False

    @property
    def call(self) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments."""
        return binder(self.function).unbind(self.values)

    @property
    def dynamic(self) -> list[str]:
        """The parameters that hold floats or arrays: those differentiated first. The others are constants."""
        others = [name for name, value in self._named() if name not in self.wrt and _varies(value)]
        return [*self.wrt, *others]

    def chosen(self, names: Sequence[str]) -> list[Any]:
        """The values of these parameters."""
        values = dict(self._named())
        return [values[name] for name in names]

    def of(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, of its dynamic parameters alone."""
        names, unbind = self.dynamic, binder(self.function).unbind

        def on(*values: Any) -> Any:
            given = dict(self._named()) | dict(zip(names, values, strict=True))
            args, named = unbind(tuple(given[name] for name in self.parameters))
            return function(*args, **named)

        return on

    def copied(self) -> Workload:
        """The same; with arrays of its own, if the function writes them."""
        if not self.writes:
            return self
        values: Any = self.values
        values = optree.tree_map(lambda x: x.copy() if isinstance(x, np.ndarray) else x, values)
        return replace(self, values=values)

    def _named(self) -> list[tuple[str, Any]]:
        return list(zip(self.parameters, self.values, strict=True))


def _varies(value: Any) -> bool:
    return any(isinstance(leaf, float | np.ndarray | np.generic) for leaf in flatten(value)[0])


@dataclass(frozen=True)
class Ready:
    """A program that can be called: with what, where that matters, as "(device)", and what came before.

    `trace` and `compile` are seconds, None where there was nothing to do; `arrays` are the arrays and numbers
    of what a call returned. Of calls on a device that only start what they compute, `wait` returns when a
    result is there, and `transfers` measures the seconds that copying takes: arguments there, a result back.
    """

    call: Callable[[], Any]
    variant: str = ""
    trace: float | None = None
    compile: float | None = None
    arrays: Callable[[Any], list[Any]] = lambda result: leaves(result)
    wait: Wait = nothing
    transfers: Callable[[Any], tuple[float, float]] | None = None


class Impossible(Exception):
    """Why a runner does not run a program, in one line."""


class Runner(Protocol):
    """A way to run programs: one of our backends, a peer, or Python itself."""

    @property
    def name(self) -> str:
        """What tables call it."""

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        """Everything that comes before the first call of "primal" or "gradient"; [] for one it does not have.

        Several where it can be called in several ways, of which the fastest counts.
        """


@dataclass(frozen=True)
class Missing:
    """A runner that is not there, and why."""

    name: str
    why: str

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        raise Impossible(self.why)


def leaves(result: Any) -> list[Any]:
    """The arrays and numbers of a result, in order; what is no number is left out."""
    found: list[Any] = optree.tree_leaves(result)
    arrays = [np.asarray(leaf) for leaf in found]
    return [array for array in arrays if array.dtype.kind in "biuf"]
