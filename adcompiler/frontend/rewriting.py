"""From a user's function to one that asks a runtime about every construct (`protocol.Runtime`).

    source      the syntax tree of the function, as it runs
    refusals    what is not captured is an error here
    jumps       break, continue and return become structure
    liveness    which names a block assigns, and which are read after it
    statements, expressions      the rest becomes calls of `__c`

The result is compiled under the user's file name, lines and columns, and takes the user's global names,
defaults and closure cells: tracebacks are the user's, and closures see each other's assignments. It is made
once for each code object, whatever number of function objects share that.
"""

from __future__ import annotations

import ast
import functools
import warnings
import weakref
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType

from adcompiler.ir.errors import CaptureError

from .protocol import Runtime
from .refusals import body_of, check_constructs
from .source import find_source
from .statements import rewrite_function
from .syntax import (
    FUNCTION,
    RUNTIME,
    define,
    is_invented,
    load,
    positional,
    without_annotations,
)


@dataclass(frozen=True)
class RewrittenCode:
    """What all functions with one code object share."""

    code: CodeType
    definition: ast.FunctionDef


@dataclass(frozen=True)
class RewrittenFunction:
    """A user's function and its rewritten code."""

    function: FunctionType
    rewritten: RewrittenCode

    def bind(self, runtime: Runtime) -> FunctionType:
        """The rewritten function, asking `runtime`; `__wrapped__` is the user's function."""
        original, code = self.function, self.rewritten.code
        cells = dict(zip(original.__code__.co_freevars, original.__closure__ or (), strict=True))
        cells |= {RUNTIME: CellType(runtime), FUNCTION: CellType(original)}
        closure = tuple(cells[name] for name in code.co_freevars)
        bound = FunctionType(code, original.__globals__, original.__name__, original.__defaults__, closure)
        bound.__kwdefaults__ = original.__kwdefaults__
        functools.update_wrapper(bound, original)
        return bound


def rewrite(function: FunctionType) -> RewrittenFunction:
    """Rewrite a plain Python function, method or lambda.

    Raises
    ------
    CaptureError
        If its source is not available or not what runs, or if it contains a construct that is not captured.
    """
    code = getattr(function, "__code__", None)
    known = _REWRITTEN.get(id(code))
    if known is None:
        rewritten = _rewrite(function)
        code = function.__code__
        known = weakref.ref(code, functools.partial(_forget, id(code))), rewritten
        _REWRITTEN[id(code)] = known
    return RewrittenFunction(function, known[1])


def rewritten_source(function: FunctionType) -> str:
    """The rewritten code of a function as Python source, to look at."""
    return ast.unparse(rewrite(function).rewritten.definition)


# By identity: code objects that compare equal may come from different files.
_REWRITTEN: dict[int, tuple[weakref.ref[CodeType], RewrittenCode]] = {}


def _forget(key: int, dead: weakref.ref[CodeType]) -> None:
    """Called before another code object can have the same identity."""
    del _REWRITTEN[key]


def _rewrite(function: FunctionType) -> RewrittenCode:
    source = find_source(function)
    check_constructs(source)
    arguments = without_annotations(source.node.args)
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [item and ast.Constant(None) for item in arguments.kw_defaults]
    name = "__lambda" if isinstance(source.node, ast.Lambda) else function.__name__
    try:
        definition = rewrite_function(name, arguments, body_of(source.node), source.node, None)
        return RewrittenCode(_compile(definition, function, source.file), definition)
    except RecursionError:
        message = "is nested too deeply; each `return`, `break` or `continue` nests what follows"
        place = source.location(source.node)
        raise CaptureError(f"`{function.__name__}` {message}", place, "split the function") from None


def _compile(definition: ast.FunctionDef, function: FunctionType, file: str) -> CodeType:
    """Compile the definition inside a factory, which gives it the free variables of the user's function.

    It has another name there: a recursive call must find the user's function, not the rewritten one.
    """
    inner = define("__captured", definition.args, definition.body, definition)
    free = positional(RUNTIME, FUNCTION, *function.__code__.co_freevars)
    factory = define("__factory", free, [inner, ast.Return(load(inner.name))], definition)
    module = ast.fix_missing_locations(ast.Module([factory], []))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # Python gave it when it compiled the user's file
        code = compile(module, file, "exec", dont_inherit=True)
    for name in (factory.name, inner.name):
        code = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return _with_user_names(code, function.__code__.co_name, function.__code__.co_qualname)


def _with_user_names(code: CodeType, name: str, qualified: str) -> CodeType:
    """Tracebacks show the functions made for control flow under the name of the user's function around."""
    constants: list[object] = []
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = constant.co_name
            if is_invented(inner):
                constant = _with_user_names(constant, name, qualified)
            else:
                constant = _with_user_names(constant, inner, f"{qualified}.<locals>.{inner}")
        constants.append(constant)
    return code.replace(co_consts=tuple(constants), co_name=name, co_qualname=qualified)
