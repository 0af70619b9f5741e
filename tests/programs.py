"""Running a program twice, as it stands and rewritten, and comparing everything that can be seen of it."""

from __future__ import annotations

import copy
import itertools
import linecache
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from plain_runtime import PlainRuntime

from adcompiler.frontend.rewriting import rewrite

_NUMBER = itertools.count()


@dataclass(frozen=True)
class Outcome:
    """The error, if any, the result or the error's message and line; arguments and log afterwards."""

    error: str
    result: str
    line: int | None
    arguments: str
    log: tuple[Any, ...]


def load(source: str) -> dict[str, Any]:
    """Run a program under a file name of its own, as a notebook does; `t` logs and returns its argument."""
    source = textwrap.dedent(source)
    file = f"<program {next(_NUMBER)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    log: list[Any] = []

    def t(value: Any) -> Any:
        log.append(value)
        return value

    namespace: dict[str, Any] = {"t": t, "log": log, "__name__": "program"}
    exec(compile(source, file, "exec", dont_inherit=True), namespace)
    return namespace


def observe(namespace: dict[str, Any], function: Callable[..., Any], args: tuple[Any, ...]) -> Outcome:
    """Call the function on copies of the arguments."""
    namespace["log"].clear()
    given = copy.deepcopy(args)
    error, line = "", None
    try:
        result = repr(function(*given))
    except Exception as raised:
        error, result, line = type(raised).__name__, str(raised), user_line(raised, namespace["f"])
        if error == "UnboundLocalError":
            line = (
                None  # Python may name the line before, where one instruction stores a name and loads another
            )
    return Outcome(error, result, line, repr(given), tuple(namespace["log"]))


def user_line(error: Exception, function: FunctionType) -> int | None:
    """The last line of the function's file in the traceback."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == function.__code__.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def assert_same(source: str, *calls: tuple[Any, ...], forgetful: bool = True) -> list[Outcome]:
    """Compare `f` of the program with its rewritten self on each tuple of arguments; return the outcomes."""
    namespace = load(source)
    function = namespace["f"]
    expected = [observe(namespace, function, args) for args in calls]
    bound = rewrite(function).bind(PlainRuntime(forgetful=forgetful))
    assert [observe(namespace, bound, args) for args in calls] == expected
    return expected
