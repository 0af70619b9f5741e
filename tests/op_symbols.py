"""Partials as formulas: what an elementwise op states, evaluated on symbols, and SymPy's own derivative."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import mpmath
import numpy as np
import sympy
from op_cases import Case
from op_derivatives import statement

from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.op import Op, Sample
from adcompiler.ir.ops.exact import exact

SECONDS = 10.0
DIGITS = 30
POINTS = 5


def one_a_form(chosen: Sequence[Case]) -> list[Case]:
    """The first smooth case of each op, or of each setting of its attributes."""
    first: dict[tuple[str, str], Case] = {}
    for case in chosen:
        if case.sample.smooth:
            first.setdefault((case.op.name, str(case.sample.attrs)), case)
    return list(first.values())


def partials_at(op: Op, inputs: Sequence[float]) -> list[float]:
    """The numbers that the partials give at one point."""
    case = Case(op, Sample(tuple(map(np.float64, inputs))), op.name)
    stated = statement(case)
    assert stated is not None
    with np.errstate(all="ignore"):
        results = evaluate(stated.function, [*case.inputs, *case.outputs])
    assert stated.places == tuple(range(len(inputs)))
    return [float(result) for result in results]


# ---- proofs ------------------------------------------------------------------------------------------------


def symbolic(op: Op) -> Callable[..., Any]:
    """The rule that evaluates an op on SymPy expressions, constants taken for what they are exactly."""
    assert op.sympy is not None, op.name
    form = op.sympy
    return lambda *inputs, **attrs: form(*map(_exactly, inputs), **attrs)


def _exactly(x: Any) -> Any:
    if isinstance(x, bool | np.bool_):
        return sympy.true if x else sympy.false
    return exact(x) if isinstance(x, float | np.floating) else x


def has_step(case: Case) -> bool:
    """Whether the formula of an op is made of pieces."""
    return _formula(case)[1].has(sympy.floor, sympy.sign, sympy.Max, sympy.Min)


def verdicts(case: Case, distort: Callable[[Any], Any] = lambda partial: partial) -> list[str]:
    """For each float input "proved", "to 30 digits", or "wrong"; `distort` plants an error."""
    point = Case(case.op, Sample(tuple(np.ravel(x)[0] for x in case.inputs), case.sample.attrs), case.id)
    stated = statement(point)
    assert stated is not None
    symbols, value = _formula(case)
    operands = [*symbols, value, *([sympy.Integer(1)] if stated.linear else [])]
    partials = dict(zip(stated.places, evaluate(stated.function, operands, rule=symbolic), strict=True))
    return [
        _verdict(case, symbols, value, symbols[place], distort(_exactly(partials.get(place, sympy.S.Zero))))
        for place in case.floats
    ]


def _formula(case: Case) -> tuple[list[Any], Any]:
    """Symbols for the inputs, and the result in terms of them."""
    symbols = [_symbol(i, x) for i, x in enumerate(case.inputs)]
    return symbols, symbolic(case.op)(*symbols, **case.sample.attrs)


def _symbol(number: int, inputs: Any) -> sympy.Symbol:
    name = f"x{number}"
    if np.asarray(inputs).dtype == bool:
        return sympy.Symbol(name)
    return sympy.Symbol(name, real=True, **({"positive": True} if np.all(inputs > 0) else {}))


def _verdict(case: Case, symbols: Sequence[Any], value: Any, by: Any, partial: Any) -> str:
    difference = partial - sympy.diff(value, by)
    if any(_is_zero(difference, normal) for normal in (sympy.cancel, sympy.simplify)):
        return "proved"
    return "to 30 digits" if _agree_in_numbers(case, symbols, value, by, partial) else "wrong"


def _is_zero(expression: Any, normal: Callable[[Any], Any]) -> bool:
    try:
        with time_limit(SECONDS):
            return normal(expression) == 0
    except (TimeoutError, sympy.PolynomialError, NotImplementedError):
        return False


def _agree_in_numbers(case: Case, symbols: Sequence[Any], value: Any, by: Any, partial: Any) -> bool:
    """The partial against mpmath's derivative of the value along one symbol, at random points."""
    random = np.random.default_rng(0)
    for _ in range(POINTS):
        point = {s: _between(random, x) for s, x in zip(symbols, case.inputs, strict=True)}
        rest = {s: x for s, x in point.items() if s is not by}
        with mpmath.workdps(2 * DIGITS):
            along = sympy.lambdify(by, value.subs(rest), "mpmath")
            derivative = mpmath.diff(along, mpmath.mpf(point[by].p) / point[by].q)
            stated = mpmath.mpf(sympy.N(partial.subs(point), 2 * DIGITS))
            if abs(stated - derivative) > mpmath.mpf(10) ** -DIGITS * (1 + abs(derivative)):
                return False
    return True


def _between(random: np.random.Generator, inputs: Any) -> Any:
    """A random element, moved a little: the sample chose the branch, and no kink is that near."""
    x = random.choice(np.ravel(inputs))
    if isinstance(x, np.bool_):
        return sympy.true if x else sympy.false
    return sympy.Rational(float(x) * (1 + random.uniform(0, 1e-3)))


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds of the main thread."""

    def expire(*_: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
