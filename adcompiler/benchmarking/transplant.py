"""A user's function on another array library: its code stays, the globals that it sees are exchanged.

`np` in the globals of a function becomes `jax.numpy`, say, and so do submodules, functions imported by name,
and `math`, whose functions become NumPy's of the same op. Functions of the user's that it calls, in its own
module or in others, are treated alike, closures too; what Numba has compiled is taken as the Python that it
was. Libraries are left alone.
"""

from __future__ import annotations

import builtins
import math
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from types import BuiltinFunctionType, CellType, FunctionType, ModuleType
from typing import Any

import numpy as np

from adcompiler.gradient_function import GradientFunction
from adcompiler.ir.ops import OPS

from .workload import Impossible

Function = Callable[..., Any]


class Transplant:
    """What stands for which object. `modules` has the new library's module for "numpy", "scipy"; `array` what
    becomes of arrays among the globals.
    """

    def __init__(self, modules: Mapping[str, Any], array: Callable[[Any], Any] = lambda x: x) -> None:
        self.modules = modules
        self.array = array
        self._functions: dict[int, FunctionType] = {}
        self._scopes: dict[int, dict[str, Any]] = {}
        self._kept: list[Any] = []

    def __call__(self, function: Function) -> Function:
        """The function on the other library; Impossible for callables that are no Python functions."""
        plain = _compiled_from(function.function if isinstance(function, GradientFunction) else function)
        if not isinstance(plain, FunctionType):
            raise Impossible(f"{type(function).__name__} objects cannot be given another numpy")
        return self.function(plain)

    def value(self, x: Any) -> Any:
        """What stands for an object that a function finds in its globals or its closure."""
        if isinstance(x, GradientFunction):
            return self._functions.get(id(x.function), _refuse_derivative)
        x = _compiled_from(x)
        if isinstance(x, ModuleType):
            return self._module(x)
        if isinstance(x, FunctionType) and _users(x.__code__.co_filename):
            return self.function(x)
        if isinstance(x, np.ndarray):
            return self.array(x)
        if isinstance(x, BuiltinFunctionType) and x.__module__ == "math":
            return self._numpy_function(_of_numpy(x), x)
        if callable(x):
            return self._numpy_function(x, x)
        return x

    def function(self, function: FunctionType) -> FunctionType:
        """A function of the user's, with its globals and closure exchanged."""
        if id(function) in self._functions:
            return self._functions[id(function)]
        cells = tuple(CellType() for _ in function.__closure__ or ())
        new = FunctionType(
            function.__code__,
            self._scope(function.__globals__),
            function.__name__,
            function.__defaults__,
            cells,
        )
        new.__kwdefaults__ = function.__kwdefaults__
        self._kept.append(function)
        self._functions[id(function)] = new
        for cell, old in zip(cells, function.__closure__ or (), strict=True):
            cell.cell_contents = self.value(old.cell_contents)
        return new

    def _scope(self, scope: dict[str, Any]) -> dict[str, Any]:
        """The globals of a module; a function that is still being treated may be among them."""
        if id(scope) not in self._scopes:
            new = self._scopes[id(scope)] = {"__builtins__": builtins}
            new |= {name: self.value(x) for name, x in scope.items() if name != "__builtins__"}
        return self._scopes[id(scope)]

    def _module(self, module: ModuleType) -> Any:
        if module is math:
            return Namespace(self, math)
        library, _, path = module.__name__.partition(".")
        if library in self.modules:
            return _inside(self.modules[library], path)
        file = getattr(module, "__file__", None)
        return Namespace(self, module) if file is not None and _users(file) else module

    def _numpy_function(self, function: Any, otherwise: Any) -> Any:
        """The function of this name, where it is one of a module that is exchanged."""
        name = str(getattr(function, "__name__", ""))
        for home in ("numpy", "numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg"):
            library, _, path = home.partition(".")
            known = library in self.modules and home in sys.modules
            if known and getattr(sys.modules[home], name, None) is function:
                return getattr(_inside(self.modules[library], path), name)
        return otherwise


class Namespace:
    """A module of the user's, or `math`, as a function on another library sees it."""

    def __init__(self, transplant: Transplant, module: ModuleType) -> None:
        self._transplant = transplant
        self._of = module

    def __getattr__(self, name: str) -> Any:
        return self._transplant.value(getattr(self._of, name))


def _inside(module: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        module = getattr(module, name)
    return module


def _refuse_derivative(*args: Any, **kwargs: Any) -> None:
    """A gradient function; in its own body alone its name means the function."""
    raise Impossible("cannot run it: it calls a gradient function of adcompiler's")


def _compiled_from(x: Any) -> Any:
    """The Python function that Numba's dispatcher was made of; anything else as it is."""
    return x.py_func if isinstance(getattr(x, "py_func", None), FunctionType) else x


def _of_numpy(function: Any) -> Any:
    """NumPy's function for one of `math`: both are the same op."""
    return next((op.numpy for op in OPS.values() if function in op.dispatch), function)


def _users(file: str) -> bool:
    """Whether a file belongs to no installed library."""
    folders = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")}
    return not folders & set(Path(file).resolve().parents)
