"""One random program as plain Python and as captured: right, loud, silent, or not compared.

Loud is an error that a user can act on: it points at a line of the program, and its message is one of
`REASONS`, or it is a built-in exception that a `check` of the program raises. Everything else is silent:
another number, another dtype, an argument written or not, no error where Python has one, and every error of
the compiler itself.
"""

from __future__ import annotations

import copy
import linecache
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradient_oracle
import numpy as np
import optree
from captured_programs import Result, leaves_of, load, same
from frontend_programs import Program
from frontend_reasons import REASONS

from adcompiler import adjoint
from adcompiler.frontend import specialise
from adcompiler.frontend.captured import Captured, Operands
from adcompiler.ir.check import verify
from adcompiler.ir.errors import AdcompilerError, CaptureError, DerivativeError, VerifierError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import walk

SIZES = ((6, 5, 12), (9, 7, 0), (5, 6, 3), (1, 4, 2), (0, 5, 7), (8, 8, 1), (2, 1, 4))
"""(n, p, m) of the data sets; the program is captured at the first one, and again where it does not serve."""
SECONDS = 60
_DOCUMENTED = (IndexError, ValueError, TypeError, ArithmeticError, NameError)
"""What a program raises itself, if not always in Python's order."""


@dataclass(frozen=True)
class Outcome:
    """What became of a program: "right", "loud", "silent" or "not compared", and why."""

    kind: str
    why: str = ""
    captures: int = 0


class Silent(Exception):
    """What must never happen."""


class Loud(Exception):
    """A refusal, for a reason of the closed set."""


def outcome(program: Program, seed: int, sizes: int = len(SIZES), gradients: bool = True) -> Outcome:
    """Run a program on up to `sizes` data sets; gradients of those that return a float."""
    f = load(program.source)["f"]
    runs = _Runs(f)
    try:
        with _quiet(), _limited():
            right = sum(runs.at(seed, *data) for data in data_sets(seed, sizes))
            if not program.scalar and program.aliases:
                right += sum(runs.at(seed, *SIZES[0], shared=shared) for shared in ("same", "overlapping"))
            if program.scalar and gradients:
                _gradients(f, seed)
    except Loud as error:
        return Outcome("loud", str(error), runs.captures)
    except Silent as error:
        return Outcome("silent", str(error), runs.captures)
    finally:
        specialise._BY_CODE.clear()
        linecache.cache.pop(f.__code__.co_filename, None)
    return Outcome("right" if right else "not compared", captures=runs.captures)


def data_sets(seed: int, number: int) -> list[tuple[int, int, int]]:
    """The first of `SIZES`, and some of the others."""
    first, *others = SIZES
    start = seed % len(others)
    return [first, *others[start:], *others[:start]][:number]


@contextmanager
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _limited() -> Iterator[None]:
    """A program or a capture without end is silent, too."""

    def stop(*_: Any) -> None:
        raise Silent(f"no end after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def arguments(seed: int, n: int, p: int, m: int, shared: str = "") -> tuple[Any, ...]:
    """x, y, a, b, c, m; x and y may be one array, or have elements in common."""
    rng = np.random.default_rng([seed, n])
    shapes: tuple[Any, ...] = (n, n, (n, p), p)
    x, y, a, b = (rng.uniform(0.1, 1.0, shape) for shape in shapes)
    if shared == "same":
        y = x
    elif shared == "overlapping":
        both = rng.uniform(0.1, 1.0, n + 1)
        x, y = both[:-1], both[1:]
    return x, y, a, b, float(rng.uniform(0.2, 0.9)), m


class _Runs:
    """A function and what was captured of it so far."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.captures = 0
        self.known = specialise.Specialisations(f, (), self._count)

    def _count(self, captured: Captured) -> None:
        self.captures += 1
        verify(captured.function)

    def at(self, seed: int, n: int, p: int, m: int, shared: str = "") -> bool:
        """Whether Python has an answer at a data set; raises where ours is another one."""
        make = lambda: arguments(seed, n, p, m, shared)  # noqa: E731
        where = f"n, p, m = {n}, {p}, {m}{' ' + shared if shared else ''}"
        try:
            expected = _plain(self.f, make())
        except Silent:
            raise
        except Exception as error:
            self._must_raise(make(), error, where)
            return False
        try:
            got = _judged(where, lambda: self._captured(make()))
        except Loud as error:
            if shared == "overlapping" and str(error) == "overlapping arguments":
                return False
            raise
        if not (same(got, expected) and _same_dtypes(got.returned, expected.returned)):
            raise Silent(f"{where}: {got} is not {expected}")
        return True

    def _captured(self, args: tuple[Any, ...]) -> Result:
        entry, operands = self.known.find(args, {})
        return _evaluated(entry.captured, operands, leaves_of(self.f, args))

    def _must_raise(self, args: tuple[Any, ...], error: Exception, where: str) -> None:
        """What Python raises must be raised; a refusal is no worse."""
        try:
            self._captured(args)
        except Silent:
            raise
        except Exception as ours:
            if isinstance(ours, (type(error), *_DOCUMENTED)) or refusal(ours) is not None:
                return
            raise Silent(f"{where}: {_shown(ours)}, where Python raises {error!r}") from ours
        raise Silent(f"{where}: no error, where Python raises {error!r}")


class _Checked(Exception):
    """A check of the program failed; the cause is the built-in exception that it raises."""


def _evaluated(captured: Captured, operands: Operands, leaves: list[Any]) -> Result:
    """What a captured program returns; what it writes is written, what is lost is not compared."""
    sizes = dict(zip(captured.function.sizes, operands.sizes, strict=True))
    try:
        # backends never return an argument itself, evaluation does
        results = copy.deepcopy(evaluate(captured.function, operands.values, sizes))
    except Exception as error:
        if _is_checked(captured, error):
            error.add_note("a check of the program")
        raise
    parameters = {a.parameter: k for k, a in enumerate(captured.arguments) if a.parameter is not None}
    for result, parameter in captured.function.written:
        leaves[parameters[parameter]][...] = results[result]
    after = [None if a.lost else leaf for a, leaf in zip(captured.arguments, leaves, strict=True)]
    return Result(captured.returned(results), tuple(after))


def _is_checked(captured: Captured, error: Exception) -> bool:
    """Whether an error is that of a check which knows the user's line."""
    checks = (eqn for eqn in walk(captured.function.body) if eqn.op.name == "check" and eqn.location)
    return any(e.attrs["kind"] == type(error).__name__ and e.attrs["message"] == str(error) for e in checks)


def _plain(f: Callable[..., Any], args: tuple[Any, ...]) -> Result:
    """What Python gives; `args` are its own."""
    returned = f(*args)
    return Result(returned, tuple(leaves_of(f, args)))


def _same_dtypes(got: Any, expected: Any) -> bool:
    """Arrays have NumPy's dtypes; a number may have become a float."""
    mine, theirs = (optree.tree_leaves(tree, namespace="adcompiler") for tree in (got, expected))
    return all(
        a.dtype == b.dtype for a, b in zip(mine, theirs, strict=True) if isinstance(b, np.ndarray) and b.ndim
    )


def _gradients(f: Callable[..., Any], seed: int) -> None:
    """Reverse mode against differences, and forward mode against both."""
    gradient = adjoint(f, argnums=gradient_oracle.WRT, backend="numpy")
    rng = np.random.default_rng(seed)
    args = gradient_oracle.arguments(rng, *SIZES[0])
    for check in (gradient_oracle.at_point, gradient_oracle.modes):
        if _judged("gradient", lambda check=check: check(f, gradient, args, rng)) != "right":
            return


# ---- errors ----


def _judged(where: str, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except Silent:
        raise
    except gradient_oracle.Wrong as error:
        raise Silent(f"{where}: {error}") from None
    except Exception as error:
        reason = refusal(error)
        if reason is None:
            raise Silent(f"{where}: {_shown(error)}") from error
        raise Loud(reason) from error


def refusal(error: Exception) -> str | None:
    """Which of the closed set of reasons an error has; None for one that no user should see."""
    if isinstance(error, VerifierError):
        return None
    if isinstance(error, AdcompilerError):
        placed = error.location is not None or not isinstance(error, CaptureError | DerivativeError)
        return next(
            (r for r in REASONS if placed and re.fullmatch(REASONS[r], error.message, re.DOTALL)), None
        )
    return f"at run time: {type(error).__name__}" if getattr(error, "__notes__", ()) else None


def _shown(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
