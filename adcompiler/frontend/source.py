"""Finds the syntax tree of a function, and makes sure that it is the one that runs.

The whole file is parsed and compiled again, under its own name. A function's code object says on which line
it starts and, for a lambda, which columns its instructions come from: several lambdas on one line are told
apart by these. The code just compiled is then compared with the code that runs, so that a file edited since
it was imported is an error and not a wrong gradient.
"""

from __future__ import annotations
import __future__

import ast
import copy
import functools
import linecache
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType

from adcompiler.ir.errors import CaptureError, Location

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_LOAD_AGAIN = "load the module again, or restart Python"
_FUTURE_FLAGS = functools.reduce(
    int.__or__, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


@dataclass(frozen=True)
class FunctionSource:
    """A function's own syntax tree, at its place in the file; private names are mangled as Python does."""

    node: Definition
    file: str
    lines: tuple[str, ...]
    name: str

    def location(self, node: ast.AST) -> Location:
        """Where `node` stands; the end column only if it ends on the line it starts on."""
        line: int = getattr(node, "lineno", self.node.lineno)
        column, end = getattr(node, "col_offset", None), None
        if column is not None and getattr(node, "end_lineno", None) == line:
            end = self._characters(line, node.end_col_offset)  # type: ignore[attr-defined]
        if column is not None:
            column = self._characters(line, column)
        return Location(self.file, line, self.name, column, end)

    def _characters(self, line: int, offset: int) -> int:
        """`ast` counts columns in UTF-8 bytes."""
        return len(self.lines[line - 1].encode()[:offset].decode(errors="replace"))


def find_source(function: FunctionType) -> FunctionSource:
    """The syntax tree of a plain Python function, method or lambda.

    Raises
    ------
    CaptureError
        If there is no source, if it cannot be parsed, or if it is not the source of the code that runs.
    """
    if not isinstance(function, FunctionType):
        name = getattr(function, "__name__", type(function).__name__)
        raise CaptureError(
            f"`{name}` is not a plain Python function: it has no source to capture",
            hint="call it from a function of your own",
        )
    code = function.__code__
    lines = _lines(function)
    module = _module(code, lines)
    name, start = code.co_name, _start(code)
    found = [
        item for item in module.definitions if item.name == name and _first_line(item.node) == start.line
    ]
    if name == "<lambda>":
        found = _by_columns(found, code)
    if len(found) > 1:
        raise CaptureError(
            "several lambdas begin on this line, and Python was told not to keep the columns of code",
            start,
            "put each lambda on a line of its own, or unset PYTHONNODEBUGRANGES",
        )
    if not found or not (_fingerprint(code) in module.fingerprints or _has_assert(found[0].node)):
        message = f"the source of `{name}` is not what runs: its file was changed after it was loaded"
        raise CaptureError(message, start, _LOAD_AGAIN)
    node = copy.deepcopy(found[0].node)
    if found[0].owner:
        _Mangler(found[0].owner).visit(node)
    return FunctionSource(node, code.co_filename, lines, name)


def _start(code: CodeType) -> Location:
    return Location(code.co_filename, code.co_firstlineno, code.co_name)


def _lines(function: FunctionType) -> tuple[str, ...]:
    """The lines of the function's file, or of its notebook cell."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = tuple(linecache.getlines(code.co_filename, function.__globals__))
    if not lines:
        raise CaptureError(
            f"the source of `{code.co_name}` is not available",
            _start(code),
            "define the function in a file or a notebook cell, not in the interactive prompt or by `exec`",
        )
    return lines


def _module(code: CodeType, lines: tuple[str, ...]) -> _Module:
    """All definitions in the file."""
    try:
        return _parse("".join(lines), code.co_filename, code.co_flags & _FUTURE_FLAGS)
    except (SyntaxError, ValueError) as error:
        message = f"the source of `{code.co_name}` cannot be parsed: {error}"
        raise CaptureError(message, _start(code), _LOAD_AGAIN) from None


@dataclass(frozen=True)
class _Found:
    """A definition in a file, with the class around it, if any, whose private names it sees."""

    node: Definition
    name: str
    owner: str


@dataclass(frozen=True)
class _Module:
    definitions: tuple[_Found, ...]
    fingerprints: frozenset[tuple[object, ...]]


@functools.lru_cache(maxsize=16)
def _parse(text: str, file: str, flags: int) -> _Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        tree = ast.parse(text, file)
        code = compile(tree, file, "exec", flags, dont_inherit=True)
    return _Module(tuple(_definitions(tree, "")), frozenset(_fingerprint(c) for c in _codes(code)))


def _definitions(node: ast.AST, owner: str) -> Iterator[_Found]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield _Found(node, node.name, owner)
    elif isinstance(node, ast.Lambda):
        yield _Found(node, "<lambda>", owner)
    inner = node.name if isinstance(node, ast.ClassDef) else owner
    for child in ast.iter_child_nodes(node):
        yield from _definitions(child, inner)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _first_line(node: Definition) -> int:
    """The line that Python calls the first one: that of the first decorator."""
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _by_columns(found: list[_Found], code: CodeType) -> list[_Found]:
    """The innermost of these lambdas whose body holds every instruction of the code."""
    spans = [span for span in code.co_positions() if None not in span and span[2:] != (0, 0)]
    if not spans:
        return found
    holding = [item for item in found if all(_holds(item.node, span) for span in spans)]
    return holding[-1:]  # definitions come outermost first


def _holds(node: Definition, span: tuple[int | None, ...]) -> bool:
    assert isinstance(node, ast.Lambda)
    body = node.body
    line, end_line, column, end_column = span
    return (body.lineno, body.col_offset) <= (line, column) and (end_line, end_column) <= (
        body.end_lineno,
        body.end_col_offset,
    )


def _fingerprint(code: CodeType) -> tuple[object, ...]:
    """What a code object does, in values that are equal only if they are the same (1 and True are not)."""
    return (
        code.co_name,
        code.co_firstlineno,
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        tuple(_constant_key(constant) for constant in code.co_consts),
    )


def _constant_key(constant: object) -> object:
    if isinstance(constant, CodeType):
        return _fingerprint(constant)
    if isinstance(constant, tuple):
        return tuple(_constant_key(item) for item in constant)
    if isinstance(constant, frozenset):
        return frozenset(_constant_key(item) for item in constant)
    return type(constant).__name__, repr(constant)


def _has_assert(node: ast.AST) -> bool:
    """Test runners rewrite asserts as they import a file: such code never equals its source."""
    return any(isinstance(child, ast.Assert) for child in ast.walk(node))


def _mangled(name: str, owner: str) -> str:
    """A private name as the compiler stores it inside the class `owner`."""
    private = name.startswith("__") and not name.endswith("__") and "." not in name
    stripped = owner.lstrip("_")
    return f"_{stripped}{name}" if private and stripped else name


class _Mangler(ast.NodeTransformer):
    """Mangles private names: the rewritten function is compiled outside its class."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        for field in ("id", "attr", "arg", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                setattr(node, field, _mangled(value, self.owner))
        return node
