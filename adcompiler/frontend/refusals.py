"""The constructs that are not captured, found before anything is rewritten, each with a way out."""

from __future__ import annotations

import ast
from typing import NoReturn

from adcompiler.ir.errors import CaptureError

from .source import Definition, FunctionSource
from .syntax import is_invented

_PASS_RESULTS = "do this work before the call, and pass its results as arguments"
_RETURN_VALUE = "pass `{0}` as an argument and return its new value"
_FILL_ARRAY = "fill an array or a list, and return it"
_ASYNC = "await outside, and pass the results to a plain `def`"
_CHECKED = "write `assert {0}, {1}`: it is checked in compiled code too"

_STATEMENTS: dict[str, tuple[str, str]] = {
    "Try": ("`try`", "test for the condition with `if` beforehand"),
    "TryStar": ("`try`", "test for the condition with `if` beforehand"),
    "With": ("`with`", _PASS_RESULTS),
    "AsyncWith": ("`async with`", _ASYNC),
    "AsyncFor": ("`async for`", _ASYNC),
    "AsyncFunctionDef": ("`async def`", _ASYNC),
    "Await": ("`await`", _ASYNC),
    "Yield": ("`yield`", _FILL_ARRAY),
    "YieldFrom": ("`yield from`", _FILL_ARRAY),
    "Global": ("`global {0}`", _RETURN_VALUE),
    "Nonlocal": ("`nonlocal {0}`", _RETURN_VALUE),
    "Match": ("`match`", "write it as `if` and `elif`"),
    "ClassDef": ("`class {0}`", "define the class outside the function"),
    "Import": ("`import`", "import at the top of the file"),
    "ImportFrom": ("`import`", "import at the top of the file"),
    "Delete": ("`del {0}`", "leave it out"),
    "Raise": ("`raise`", _CHECKED.format("condition", "message")),
    "NamedExpr": ("`{0} := ...`", "assign `{0}` in a statement of its own before"),
    "TypeAlias": ("`type {0}`", "define the type outside the function"),
}

_WARNINGS = frozenset({"errstate", "catch_warnings"})
"""Context managers that turn warnings off."""

_CALLS: dict[str, str] = {
    "eval": "write the expression out",
    "exec": "write the statements out",
    "compile": "write the code out",
    "__import__": "import at the top of the file",
    "locals": "name the variables you need",
    "globals": "name the variables you need",
    "vars": "name the attributes you need",
    "dir": "name the attributes you need",
    "super": "write `super(Class, self)` or `Class.method(self, ...)`",
}


def check_constructs(source: FunctionSource) -> None:
    """Raise CaptureError at the first construct of the function that is not captured."""
    refusals = _Refusals(source)
    if isinstance(source.node, ast.AsyncFunctionDef):
        refusals.visit(source.node)
    for child in (source.node.args, *body_of(source.node)):
        refusals.visit(child)


class _Refusals(ast.NodeVisitor):
    def __init__(self, source: FunctionSource) -> None:
        self.source = source
        self.bound = _bound_names(source.node)

    def visit(self, node: ast.AST) -> None:
        entry = _STATEMENTS.get(type(node).__name__)
        if entry is not None:
            what, hint = (text.format(_subject(node)) for text in entry)
            self.refuse(node, what, _way_out(node) or hint)
        super().visit(node)

    def refuse(self, node: ast.AST, what: str, hint: str) -> NoReturn:
        raise CaptureError(
            f"{what} is not supported in a captured function", self.source.location(node), hint
        )

    def visit_If(self, node: ast.If) -> None:
        """An `if` that only raises is an `assert`."""
        match node:
            case ast.If(body=[ast.Raise() as raised], orelse=[]):
                self.visit(node.test)
                condition = ast.UnaryOp(ast.Not(), node.test)
                hint = _CHECKED.format(ast.unparse(condition), _message(raised.exc))
                self.refuse(raised, "`raise`", hint)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            self.refuse(node.target, "`async for`", _ASYNC)
        for target in ast.walk(node.target):
            if isinstance(target, ast.Attribute | ast.Subscript):
                what = f"assigning `{ast.unparse(target)}` in a comprehension"
                self.refuse(target, what, "write it as a `for` loop")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        needs_no_frame = name == "super" and bool(node.args)
        if name in _CALLS and name not in self.bound and not needs_no_frame:
            self.refuse(node, f"`{name}()`", _CALLS[name])
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self.check_name(node, node.id)

    def visit_arguments(self, node: ast.arguments) -> None:
        """Annotations do not run; the defaults of the captured function itself ran when it was defined."""
        for argument in (child for child in ast.walk(node) if isinstance(child, ast.arg)):
            self.check_name(argument, argument.arg)
        if node is not self.source.node.args:
            for default in (*node.defaults, *node.kw_defaults):
                if default is not None:
                    self.visit(default)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.check_name(node, node.name)
        if node is not self.source.node and getattr(node, "type_params", None):
            self.refuse(node, "a generic `def` inside a function", "define it outside the function")
        self.generic_visit(node)

    def check_name(self, node: ast.AST, name: str) -> None:
        if is_invented(name):
            self.refuse(node, f"the name `{name}`", "choose a name that does not begin with two underscores")


def body_of(node: Definition) -> list[ast.stmt]:
    """The statements of a function; a lambda returns its body."""
    if isinstance(node, ast.Lambda):
        return [ast.copy_location(ast.Return(node.body), node.body)]
    return node.body


def _subject(node: ast.AST) -> str:
    """The variable, or whatever else, that a message about the node should name."""
    match node:
        case ast.Global() | ast.Nonlocal():
            return ", ".join(node.names)
        case ast.ClassDef():
            return node.name
        case ast.Delete():
            return ", ".join(ast.unparse(target) for target in node.targets)
        case ast.NamedExpr():
            return node.target.id
        case _:
            name = getattr(node, "name", None)
            return ast.unparse(name) if isinstance(name, ast.AST) else ""


def _way_out(node: ast.AST) -> str | None:
    """A better way out than that of most constructs of this kind."""
    match node:
        case ast.With(items=[ast.withitem(ast.Call(function))]) if _last_name(function) in _WARNINGS:
            return "leave it out: compiled arithmetic gives no warnings"
        case ast.Delete(targets=targets) if not all(isinstance(target, ast.Name) for target in targets):
            return "make a new list or dict without it"
    return None


def _last_name(node: ast.expr) -> str:
    """`c` of `c` and of `a.b.c`."""
    return ast.unparse(node).rpartition(".")[2]


def _message(exception: ast.expr | None) -> str:
    """What is said by the exception that a `raise` makes."""
    match exception:
        case ast.Call(args=[message]):
            return ast.unparse(message)
    return "message"


def _bound_names(node: ast.AST) -> set[str]:
    """Every name that the function or one inside it binds."""
    names = {child.arg for child in ast.walk(node) if isinstance(child, ast.arg)}
    names |= {child.name for child in ast.walk(node) if isinstance(child, ast.FunctionDef)}
    stores = (child for child in ast.walk(node) if isinstance(child, ast.Name))
    return names | {child.id for child in stores if not isinstance(child.ctx, ast.Load)}
