"""The function that a command is about, `FILE.py:FUNCTION`, and the arguments to call it with."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from adcompiler.frontend.arguments import binder, flatten
from adcompiler.gradient_function import GradientFunction

from .values import Examples, Unreadable, is_type, parse_value


@dataclass(frozen=True)
class Request:
    """A function of the user's, and one value a parameter."""

    target: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    values: tuple[Any, ...]

    @property
    def call(self) -> tuple[list[Any], dict[str, Any]]:
        """The positional and keyword arguments."""
        return binder(self.function).unbind(self.values)

    @property
    def floats(self) -> tuple[str, ...]:
        """The parameters that hold a float: those with a derivative; the first one if there is none."""
        named = zip(self.parameters, self.values, strict=True)
        found = tuple(name for name, value in named if any(map(_is_float, flatten(value)[0])))
        return found or self.parameters[:1]


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, float) or getattr(getattr(leaf, "dtype", None), "kind", "") == "f"


def read(target: str, args: Sequence[str], *, made_up: bool = False) -> Request:
    """The function and its arguments; types stand for made-up values where that is allowed.

    Raises click.UsageError, which says what there is instead.
    """
    return requested(target, load(target), args, Examples() if made_up else None)


def requested(
    target: str, function: Callable[..., Any], args: Sequence[str], examples: Examples | None
) -> Request:
    """A function that is loaded already, and its arguments; `examples` makes up the values of types."""
    given = dict(_split(arg) for arg in args)
    parameters = inspect.signature(getattr(function, "py_func", function)).parameters
    unknown = [name for name in given if name not in parameters]
    missing = [p.name for p in parameters.values() if p.name not in given and _required(p)]
    if unknown or missing:
        problem = f"has no argument {_names(unknown)}" if unknown else f"needs --arg for {_names(missing)}"
        raise click.UsageError(f"{target} {problem}; its arguments are {_names(parameters) or 'none'}")
    values = [
        _value(p.name, given[p.name], examples) if p.name in given else _default(p)
        for p in parameters.values()
    ]
    return Request(target, function, tuple(parameters), tuple(values))


# ---- functions ----


def load(target: str) -> Callable[..., Any]:
    """The function that `FILE.py:FUNCTION` names; of a gradient function, what it is the gradient of."""
    file, colon, name = target.rpartition(":")
    path = Path(file if colon else target)
    if path.suffix != ".py" or not path.is_file():
        raise click.UsageError(f"{str(path)!r} is no Python file; a target is FILE.py:FUNCTION")
    module = _user_module(path)
    found = getattr(module, name, None) if colon else None
    if not callable(found) or isinstance(found, type):
        missing = f"{path} has no function `{name}`" if colon else f"{target} names no function"
        raise click.UsageError(f"{missing}; it has {_names(_functions(module)) or 'none'}")
    return found.function if isinstance(found, GradientFunction) else found


def imported(name: str, path: Path) -> ModuleType:
    """A file as the module of this name."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _user_module(path: Path) -> ModuleType:
    """The file as a module; files beside it can be imported, as when it is run."""
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return imported(f"adcompiler_target_{path.stem}", path.resolve())
    except Exception as error:
        raise click.UsageError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)


def _functions(module: ModuleType) -> list[str]:
    """The functions that a file defines, in its order."""
    return [
        name
        for name, x in vars(module).items()
        if callable(x) and not isinstance(x, type) and getattr(x, "__module__", None) == module.__name__
    ]


# ---- arguments ----


def _split(arg: str) -> tuple[str, str]:
    name, equals, text = arg.partition("=")
    if not equals:
        raise click.UsageError(f"--arg {arg}: write NAME=VALUE")
    return name.strip(), text


def _value(name: str, text: str, examples: Examples | None) -> Any:
    try:
        if not is_type(text):
            return parse_value(text)
        if examples is not None:
            return examples.value(name, text)
        raise Unreadable(f"`{text}` is a type, and a value is needed")
    except Unreadable as problem:
        raise click.UsageError(f"--arg {name}: {problem}") from None


def _required(parameter: inspect.Parameter) -> bool:
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not variadic


def _default(parameter: inspect.Parameter) -> Any:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return ()
    return {} if parameter.kind is parameter.VAR_KEYWORD else parameter.default


def _names(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(names)
