"""Running a captured program with NumPy, and comparing it with the Python function it was captured from."""

from __future__ import annotations

import copy
import itertools
import linecache
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optree

from adcompiler.frontend.arguments import binder, flatten
from adcompiler.frontend.capture import capture
from adcompiler.frontend.captured import Captured
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate

_NUMBER = itertools.count()


def load(source: str, **names: Any) -> dict[str, Any]:
    """Run a program's source under a file name of its own, as a notebook does; it sees `names` and `np`."""
    source = textwrap.dedent(source)
    file = f"<captured {next(_NUMBER)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": "captured", "np": np} | names
    exec(compile(source, file, "exec", dont_inherit=True), namespace)
    return namespace


@dataclass(frozen=True)
class Result:
    """What a function returned, and its arguments afterwards; None for one that cannot be told."""

    returned: Any
    arguments: tuple[Any, ...]


def leaves_of(function: Callable[..., Any], args: Sequence[Any]) -> list[Any]:
    """The leaves of the arguments, defaults filled in."""
    return flatten(binder(function).bind(tuple(args), {}))[0]


def run_captured(captured: Captured, function: Callable[..., Any], args: Sequence[Any]) -> Result | None:
    """Evaluate a captured program on copies of the arguments; None if it does not serve them."""
    args = copy.deepcopy(tuple(args))
    leaves = leaves_of(function, args)
    operands = captured.operands(function, leaves)
    if operands is None:
        return None
    sizes = dict(zip(captured.function.sizes, operands.sizes, strict=True))
    results = evaluate(captured.function, operands.values, sizes)
    by_parameter = {a.parameter: k for k, a in enumerate(captured.arguments) if a.parameter is not None}
    after = [None if a.lost else leaf for a, leaf in zip(captured.arguments, leaves, strict=True)]
    for result, parameter in captured.function.written:
        after[by_parameter[parameter]] = results[result]
    return Result(captured.returned(results), tuple(after))


def run_plain(function: Callable[..., Any], args: Sequence[Any]) -> Result:
    """Call the Python function on copies of the arguments."""
    args = copy.deepcopy(tuple(args))
    with np.errstate(all="ignore"):
        returned = function(*args)
    return Result(returned, tuple(leaves_of(function, args)))


def same(got: Result, expected: Result) -> bool:
    """Whether two results are equal up to rounding."""
    mine, theirs = (optree.tree_flatten(r.returned, namespace="adcompiler") for r in (got, expected))
    if mine[1] != theirs[1]:
        return False
    pairs = [*zip(mine[0], theirs[0], strict=True), *zip(got.arguments, expected.arguments, strict=True)]
    return all(a is None or _close(a, b) for a, b in pairs)


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return bool(a == b)
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-10, atol=1e-12, equal_nan=True)


def assert_captured(function: Callable[..., Any], *calls: Sequence[Any]) -> Captured:
    """Capture at the first call; every call must give what Python gives, and be served by the one program."""
    captured = capture(function, calls[0])
    verify(captured.function)
    for args in calls:
        got = run_captured(captured, function, args)
        assert got is not None, captured.failing(function, leaves_of(function, args))
        expected = run_plain(function, args)
        assert same(got, expected), f"{got} is not {expected}"
    return captured
