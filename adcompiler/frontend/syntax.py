"""Small pieces of syntax tree from which rewritten code is built."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import TypeVar

from .protocol import RESULT

RUNTIME = "__c"
"""The runtime, as rewritten code calls it (see `protocol.Runtime`)."""

FUNCTION = "__function"
"""The user's function that is being captured, as rewritten code calls it."""

_Node = TypeVar("_Node", bound=ast.AST)


def is_invented(name: str) -> bool:
    """Whether a name has the form that is kept for rewritten code."""
    return name.startswith("__") and not name.endswith("__")


def called(name: str) -> str:
    """What messages call a variable, or an item of one."""
    if name.startswith(RESULT):
        return "what the function returns"
    return "a value" if is_invented(name) else f"`{name}`"


def at(new: _Node, old: ast.AST) -> _Node:
    """`new` at the place of `old`, so that tracebacks point there; its parts inherit the place in the end."""
    return ast.copy_location(new, old)


def load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.expr:
    return ast.Name(name, ast.Store())


def names(values: Iterable[str]) -> ast.expr:
    """A tuple of strings, sorted."""
    return ast.Tuple([ast.Constant(value) for value in sorted(values)], ast.Load())


def call(method: str, *args: ast.expr, place: ast.AST, **keywords: ast.expr) -> ast.expr:
    """`__c.method(*args, **keywords)`."""
    function = ast.Attribute(load(RUNTIME), method, ast.Load())
    return at(
        ast.Call(function, list(args), [ast.keyword(key, value) for key, value in keywords.items()]), place
    )


def assign(target: ast.expr, value: ast.expr, place: ast.AST) -> ast.stmt:
    return at(ast.Assign([target], value), place)


def statement(value: ast.expr) -> ast.stmt:
    return at(ast.Expr(value), value)


def positional(*parameters: str) -> ast.arguments:
    """A parameter list."""
    return ast.arguments([], [ast.arg(name) for name in parameters], None, [], [], None, [])


def without_annotations(arguments: ast.arguments) -> ast.arguments:
    """The same parameter list, in place: annotations do not run in rewritten code."""
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return arguments


def thunk(body: ast.expr) -> ast.expr:
    """`lambda: body`."""
    return at(ast.Lambda(positional(), body), body)


def define(name: str, arguments: ast.arguments, body: Sequence[ast.stmt], place: ast.AST) -> ast.FunctionDef:
    """`def name(arguments): body`."""
    definition = ast.FunctionDef(name, arguments, list(body) or [ast.Pass()], [], None, None)
    if "type_params" in ast.FunctionDef._fields:  # Python 3.12
        setattr(definition, "type_params", [])  # noqa: B010
    return at(definition, place)
