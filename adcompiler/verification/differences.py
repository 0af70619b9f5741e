"""Derivatives by differences: complex steps where they are exact, else extrapolated central differences.

The numerical half of the proof. It knows functions only by calling them, so that it checks compiled code as
well as IR. Complex steps: W. Squire and G. Trapp, SIAM Review 40 (1998) 110. Extrapolation: C. Ridders,
Advances in Engineering Software 4 (1982) 75.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Function, walk
from adcompiler.ir.op import Op, Sample
from adcompiler.ir.types import DType, Sizes

Array = np.ndarray[Any, Any]
Line = Callable[[float], Any]
"""A function of one number: a program along a line through its arguments."""

STEP = 1e-2
SHRINK = 1.6
ROWS = 12
ROUNDING = 4e-16


class WrongDerivative(AdcompilerError, AssertionError):
    """A derivative that differences contradict."""


# ---- along a line ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A derivative and a bound for its error, both of the result's shape."""

    value: Any
    error: Any


def richardson(line: Line, step: float = STEP) -> Estimate:
    """The derivative at 0 of a function of one number: central differences, extrapolated to step 0.

    Every entry of Neville's table is a candidate; taken is, element by element, the one that differs least
    from its two predecessors; by how much, with what rounding can do, is the error.
    """
    best: Array | None = None
    error: Array = np.array(np.inf)
    above: list[Array] = []
    for row in range(ROWS):
        h = step / SHRINK**row
        high, low = np.asarray(line(h), float), np.asarray(line(-h), float)
        rounding = ROUNDING * np.maximum(abs(high), abs(low)) / h
        table = [np.asarray((high - low) / (2 * h))]
        for order, earlier in enumerate(above, start=1):
            factor = SHRINK ** (2 * order)
            table.append((factor * table[-1] - earlier) / (factor - 1))
            change = np.maximum(abs(table[-1] - table[-2]), abs(table[-1] - earlier)) + rounding
            better = change < error
            best = np.where(better, table[-1], table[-1] if best is None else best)
            error = np.where(better, change, error)
        above = table
    return Estimate(best, error)


# ---- complex steps -----------------------------------------------------------------------------------------


def complex_step(
    function: Function, args: Sequence[Any], tangents: Sequence[Any], sizes: Sizes
) -> list[Any] | None:
    """The derivatives of the float results along a direction, to the last digits.

    `tangents` has an entry for each parameter: arrays, or None. None is returned where an op of the Function
    does not evaluate on complex numbers as a holomorphic function.
    """
    if not all(eqn.blocks or eqn.op.effect or holomorphic(eqn.op) for eqn in walk(function.body)):
        return None
    h = 1e-30
    moved = [a if t is None else a + 1j * h * np.asarray(t) for a, t in zip(args, tangents, strict=True)]
    results = evaluate(function, moved, sizes, rule=_on_complex)
    kinds = [r.type.dtype.is_float for r in function.body.results]
    return [np.imag(r) / h for r, is_float in zip(results, kinds, strict=True) if is_float]


def _on_complex(op: Op) -> Callable[..., Any]:
    """The evaluation of an op, its float operands made complex; control flow stays as it is."""

    def rule(*inputs: Any, **attrs: Any) -> Any:
        if "blocks" in attrs:
            return op.numpy(*inputs, **attrs)
        wide = [np.asarray(x, complex)[()] if np.asarray(x).dtype.kind == "f" else x for x in inputs]
        return op.numpy(*wide, **attrs)

    return rule


@cache
def holomorphic(op: Op) -> bool:
    """Whether an op evaluates on complex numbers, and its imaginary part there is its derivative.

    Tried out on the smooth samples of its record: there is no list of such ops.
    """
    floating = [s for s in op.samples if any(np.asarray(x).dtype.kind == "f" for x in s.inputs)]
    with np.errstate(all="ignore"):
        return all(_holomorphic_at(op, s) for s in floating if s.smooth)


def _holomorphic_at(op: Op, sample: Sample) -> bool:
    def line(h: complex) -> Any:
        inputs = [x + h if np.asarray(x).dtype.kind == "f" else x for x in sample.inputs]
        return op.numpy(*inputs, **sample.attrs)

    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)  # the imaginary part is dropped
        try:
            imaginary = np.imag(line(1e-30j)) / 1e-30
        except (TypeError, ValueError, NotImplementedError, np.exceptions.ComplexWarning):
            return False
    if np.asarray(line(0.0)).dtype.kind != "f":
        return True
    estimate = richardson(line, 1e-4)
    return bool(np.allclose(imaginary, estimate.value, rtol=1e-6, atol=1e-6))


# ---- whole functions ---------------------------------------------------------------------------------------


def directional(
    function: Function, args: Sequence[Any], tangents: Sequence[Any], sizes: Sizes
) -> list[Estimate]:
    """The derivatives of the float results of a Function along a direction."""
    exact = complex_step(function, args, tangents, sizes)
    if exact is not None:
        return [Estimate(d, 1e-14 * np.abs(d)) for d in exact]
    kinds = [r.type.dtype.is_float for r in function.body.results]

    def line(h: float) -> Array:
        moved = [a if t is None else a + h * np.asarray(t) for a, t in zip(args, tangents, strict=True)]
        results = evaluate(function, moved, sizes)
        return flat([r for r, is_float in zip(results, kinds, strict=True) if is_float])

    whole = richardson(line)
    shapes = [np.shape(r) for r, k in zip(evaluate(function, args, sizes), kinds, strict=True) if k]
    pieces = zip(split(whole.value, shapes), split(whole.error, shapes), strict=True)
    return [Estimate(value, error) for value, error in pieces]


def flat(arrays: Sequence[Any]) -> Array:
    """Arrays end to end; halves in f64, in which what is made of them is not rounded."""
    wide = [np.asarray(a, np.float64) if DType.of(np.asarray(a).dtype).is_half else a for a in arrays]
    return np.concatenate([np.ravel(a) for a in wide]) if arrays else np.zeros(0)


def split(vector: Array, shapes: Sequence[tuple[int, ...]]) -> Iterator[Array]:
    """What `flat` has put end to end."""
    at = 0
    for shape in shapes:
        n = int(np.prod(shape))
        yield vector[at : at + n].reshape(shape)
        at += n


# ---- compiled derivatives against differences --------------------------------------------------------------

Callables = Callable[..., Sequence[Any]]
"""Takes and returns float arrays, one after the other."""


_COARSE = {DType.BF16: (0.2, 0.1), DType.F16: (5e-2, 6e-2), DType.F32: (1e-2, 3e-2)}
"""The tolerance, and the step of differences, for results of few digits."""


@dataclass(frozen=True)
class Tolerance:
    """What counts as wrong is more than `atol + rtol * size`; with `eps` central differences of that step."""

    atol: float
    rtol: float
    eps: float | None = None

    @staticmethod
    def of(args: Sequence[Any], atol: float | None, rtol: float | None, eps: float | None) -> Tolerance:
        """What is not given follows from the least precise dtype: 1e-5, 1e-2 for f32, 5e-2 and 0.2 below."""
        kinds = [DType.of(np.asarray(a).dtype) for a in args]
        coarse = next((limits for kind, limits in _COARSE.items() if kind in kinds), None)
        default, step = coarse or (1e-5, None)
        return Tolerance(
            default if atol is None else atol, default if rtol is None else rtol, step if eps is None else eps
        )

    def derivative(self, line: Line) -> Array:
        """The derivative at 0 by differences."""
        if self.eps is None:
            return np.asarray(richardson(line).value)
        return np.asarray((np.asarray(line(self.eps)) - np.asarray(line(-self.eps))) / (2 * self.eps))

    def allows(self, found: Any, expected: Any) -> Any:
        """Element by element; NaN only where NaN is expected."""
        return np.isclose(found, expected, rtol=self.rtol, atol=self.atol, equal_nan=True)


def check_jvp(f: Callables, jvp: Callables, args: Sequence[Any], tolerance: Tolerance, seed: int = 0) -> None:
    """Compare a forward derivative with differences of `f`, along one random direction.

    `f(*args)` returns float arrays, `jvp(args, tangents)` their tangents. Raises WrongDerivative, naming
    result and element.
    """
    tangents = _directions(args, seed)
    found = jvp(args, tangents)
    shapes = [np.shape(t) for t in found]
    expected = split(tolerance.derivative(lambda h: flat(f(*_moved(args, tangents, h)))), shapes)
    for k, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        _compare("forward", f"result {k}", np.asarray(ours), theirs, tolerance)


def check_vjp(
    f: Callables,
    vjp: Callables,
    args: Sequence[Any],
    tolerance: Tolerance,
    seed: int = 0,
    names: Sequence[str] = (),
) -> None:
    """Compare a reverse derivative with differences of `f`, for random cotangents.

    `f(*args)` returns float arrays, `vjp(args, cotangents)` one cotangent an argument. One difference along a
    random direction decides; only where it disagrees are the elements tried one by one. Raises
    WrongDerivative, naming argument and element.
    """
    cotangents = _directions(f(*args), seed + 1)
    found = [np.asarray(ct) for ct in vjp(args, cotangents)]

    def along(tangents: Sequence[Any]) -> Line:
        return lambda h: np.dot(flat(cotangents), flat(f(*_moved(args, tangents, h))))

    direction = _directions(args, seed)
    if tolerance.allows(np.dot(flat(found), flat(direction)), tolerance.derivative(along(direction))):
        return
    for k, ours in enumerate(found):
        theirs = np.array([tolerance.derivative(along(unit)) for unit in _units(args, k)], float).reshape(
            ours.shape
        )
        _compare("reverse", _argument(k, names), ours, theirs, tolerance)
    raise WrongDerivative(
        "the reverse derivative is wrong along a random direction, but right in each element"
    )


def _argument(k: int, names: Sequence[str]) -> str:
    return f"argument {k} ({names[k]})" if k < len(names) and names[k] else f"argument {k}"


def _compare(mode: str, where: str, ours: Array, theirs: Array, tolerance: Tolerance) -> None:
    wrong = ~np.asarray(tolerance.allows(ours, theirs))
    if wrong.any():
        gaps = np.where(wrong, np.nan_to_num(abs(ours - theirs), nan=np.inf), -1.0)
        index = tuple(map(int, np.unravel_index(int(np.argmax(gaps)), gaps.shape)))
        element = f", element {index if len(index) > 1 else index[0]}" if index else ""
        raise WrongDerivative(
            f"the {mode} derivative is wrong for {where}{element}: "
            f"it says {ours[index]:.10g}, differences say {theirs[index]:.10g}"
        )


def _directions(arrays: Sequence[Any], seed: int) -> list[Array]:
    """Random numbers between 0.5 and 1.5 with random signs, in the dtype of each array."""
    random = np.random.default_rng(seed)
    return [
        np.asarray(
            random.uniform(0.5, 1.5, np.shape(a)) * random.choice([-1.0, 1.0], np.shape(a)),
            np.asarray(a).dtype,
        )
        for a in arrays
    ]


def _moved(args: Sequence[Any], tangents: Sequence[Any], h: float) -> list[Any]:
    return [
        (np.asarray(a) + np.asarray(h * t, np.asarray(a).dtype))[()]
        for a, t in zip(args, tangents, strict=True)
    ]


def _units(args: Sequence[Any], k: int) -> Iterator[list[Array]]:
    """The unit vectors of argument `k`."""
    for place in range(np.size(args[k])):
        unit = [np.zeros(np.shape(a)) for a in args]
        unit[k].flat[place] = 1.0
        yield unit
