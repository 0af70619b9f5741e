"""One random program against what Python gives: its value, gradient, both modes, and second order.

A program is right, refused (an error that points at the user's line), or a `Wrong` is raised.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from captured_programs import load, run_plain

from adcompiler import adjoint, jvp
from adcompiler.ir.errors import AdcompilerError, VerifierError

WRT = (0, 1, 2, 3, 4)
TRACED = (6, 5, 12)
LARGE = ((9, 6, 3), (5, 7, 0), (7, 5, 1), (6, 6, 2), (8, 5, 9))
SMALL = ((2, 3, 10), (3, 2, 5), (1, 1, 1), (2, 2, 0), (4, 5, 2))
STEPS = (2e-3, 5e-4, 1e-4, 2e-5)
RTOL = 1e-6


class Wrong(Exception):
    """A number that is not Python's, an error of the compiler itself, or a changed argument."""


def outcome(
    source: str,
    seed: int,
    *,
    backend: str = "numpy",
    plan: str = "auto",
    second_order: bool = False,
    sizes: int = 4,
) -> str:
    """What one compiled object does with a program at up to four `sizes`; raises `Wrong`."""
    f = load(source)["f"]
    gradient = adjoint(f, argnums=WRT, backend=backend, plan=plan)
    rng = np.random.default_rng(seed)
    others = [*rng.permutation(LARGE)[:2], *rng.permutation(SMALL)[: seed % 2]]
    right = 0
    for n, p, m in [TRACED, *(map(int, other) for other in others)][:sizes]:
        args = arguments(rng, n, p, m)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            where = f"n, p, m = {n}, {p}, {m}"
            found = _guarded(where, lambda args=args: at_point(f, gradient, args, rng))
            if found == "right" and right == 0:
                found = _guarded(where, lambda args=args: modes(f, gradient, args, rng))
            if found == "right" and right == 0 and second_order and not writes(gradient, args):
                found = _guarded("second order", lambda args=args: at_second_order(gradient, args, rng))
        if found == "refused":
            return "refused"
        right += found == "right"
    return "right" if right else "not tried"


def arguments(rng: np.random.Generator, n: int, p: int, m: int) -> tuple[Any, ...]:
    """x, y, a, b, c, m."""
    shapes: tuple[Any, ...] = (n, n, (n, p), p)
    return (*(rng.uniform(0.1, 1.0, shape) for shape in shapes), float(rng.uniform(0.2, 0.9)), m)


def _guarded(where: str, check: Callable[[], str]) -> str:
    """A check; errors that point at the user's line are refusals, all others are the compiler's."""
    try:
        return check()
    except Wrong as error:
        raise Wrong(f"{where}: {error}") from None
    except Exception as error:
        if is_refusal(error):
            return "refused"
        raise Wrong(f"{where}: {type(error).__name__}: {error}") from error


def is_refusal(error: Exception) -> bool:
    """Whether an error is meant for the user: it says where, or the program raised it."""
    if isinstance(error, VerifierError):
        return False
    return isinstance(error, AdcompilerError) or bool(getattr(error, "__notes__", ()))


# ---- first order ----


def at_point(f: Callable[..., Any], gradient: Any, args: Sequence[Any], rng: np.random.Generator) -> str:
    """Value, arguments afterwards, gradient and both modes at one point."""
    try:
        expected = run_plain(f, args)
    except Exception as error:
        _must_raise(gradient, args, error)
        return "not tried"
    if not all(np.all(np.abs(part) < 1e3) for part in (expected.returned, *expected.arguments)):
        return "not tried"
    given = copy.deepcopy(args)
    value, bars = gradient.value_and_grad(*given)
    agree("value", value, expected.returned, rtol=1e-9)
    for a, b in zip(given, args, strict=True):
        agree("an argument of the gradient, afterwards", a, b, rtol=0)
    dots = tuple(rng.normal(size=np.shape(arg)) for arg in args[:-1])
    for name, k in zip("xyabc", WRT, strict=True):
        only = [dot if j == k else np.zeros_like(dot) for j, dot in enumerate(dots)]
        scale = np.sum(np.abs(bars[k] * dots[k]))
        differ(f"gradient of {name}", np.sum(bars[k] * dots[k]), lambda z: f(*z), args, only, scale)
    return "right"


def _must_raise(gradient: Any, args: Sequence[Any], error: Exception) -> None:
    try:
        gradient(*copy.deepcopy(args))
    except Exception as ours:
        if is_refusal(ours) or isinstance(ours, type(error)):
            return
        raise
    raise Wrong(f"no error, where Python raises {error!r}")


def modes(f: Callable[..., Any], gradient: Any, args: Sequence[Any], rng: np.random.Generator) -> str:
    """The primal, and forward mode against reverse mode and, for what the function writes, differences."""
    backend = gradient.choice.options.backend
    _primal(gradient, args, run_plain(f, args))
    dots = tuple(np.asarray(rng.normal(size=np.shape(arg)))[()] for arg in args[:-1])
    moved = _loss_and_written(jvp(partial(f, m=args[-1]), args[:-1], dots, backend=backend))
    _, pullback = gradient.vjp(*args)
    bars = {name: np.asarray(rng.normal(size=np.shape(dot)))[()] for name, dot in moved.items()}
    written = {name: bar for name, bar in bars.items() if name}
    pulled = pullback((bars[""], written) if written else bars[""])
    expected = sum(np.sum(bars[name] * dot) for name, dot in moved.items())
    scale = sum(np.sum(np.abs(bars[name] * dot)) for name, dot in moved.items())
    agree("jvp and vjp", sum(np.sum(b * d) for b, d in zip(pulled, dots, strict=True)), expected, 1e-8, scale)
    differ("tangent of the loss", moved[""], lambda z: f(*z), args, dots)
    for name in written:
        k = "xyabc".index(name)
        differ(f"tangent of {name}", moved[name], lambda z, k=k: run_plain(f, z).arguments[k], args, dots)
    return "right"


def _loss_and_written(both: tuple[Any, Any]) -> dict[str, Any]:
    """The tangents of a jvp: that of the loss as "", those of arguments that are written by their names."""
    value, tangent = both
    return {"": tangent[0], **tangent[1]} if isinstance(value, tuple) else {"": tangent}


def _primal(gradient: Any, args: Sequence[Any], expected: Any) -> None:
    given = copy.deepcopy(args)
    agree("value of the primal", gradient.primal(*given), expected.returned, rtol=1e-9)
    for a, b in zip(given, expected.arguments, strict=True):
        agree("an argument of the primal, afterwards", a, b, rtol=1e-9)


# ---- second order ----


def writes(gradient: Any, args: Sequence[Any]) -> bool:
    """Whether the function writes an argument: it may then not be differentiated inside another one."""
    return bool(gradient.programs(*args).function.written)


def at_second_order(gradient: Any, args: Sequence[Any], rng: np.random.Generator) -> str:
    """Derivatives of <gradient, direction>, in both modes, against differences of the compiled gradient."""
    backend = gradient.choice.options.backend

    def slope(x, y, a, b, c, m, u, v, w, d, z):
        gx, gy, ga, gb, gc = gradient(x, y, a, b, c, m)
        return np.sum(gx * u) + np.sum(gy * v) + np.sum(ga * w) + np.sum(gb * d) + gc * z

    dots, ways = ([np.asarray(rng.normal(size=np.shape(z)))[()] for z in args[:-1]] for _ in range(2))
    onward = adjoint(slope, argnums=WRT, backend=backend)
    bars = onward(*args, *dots)
    curvature = sum(np.sum(b * w) for b, w in zip(bars, ways, strict=True))
    scale = sum(np.sum(np.abs(b * w)) for b, w in zip(bars, ways, strict=True))
    fixed = partial(slope, m=args[-1], **dict(zip("uvwdz", dots, strict=True)))
    _, tangent = jvp(fixed, args[:-1], ways, backend=backend)
    agree("second order: forward and reverse over reverse", tangent, curvature, rtol=1e-8, scale=scale)

    def at(moved: Sequence[Any]) -> Any:
        return sum(np.sum(g * d) for g, d in zip(gradient(*moved), dots, strict=True))

    differ("second order", curvature, at, args, ways, scale)
    return "right"


# ---- comparison ----


def agree(what: str, got: Any, expected: Any, rtol: float, scale: float = 0.0) -> None:
    """Equal shapes, and equal numbers up to `rtol` of the largest (or of `scale`)."""
    size = 1e-2 + max(scale, np.max(np.abs(expected), initial=0.0))
    same = np.shape(got) == np.shape(expected)
    if not (same and np.all(np.abs(np.subtract(got, expected)) <= rtol * size)):
        raise Wrong(f"{what}: {got} is not {expected}")


def differ(what: str, got: Any, f: Any, args: Any, dots: Any, scale: float = 0.0) -> None:
    """Compare with central differences along `dots`.

    A step may cross a kink, or the program may be too stiff for it. So smaller ones follow, and the verdict
    is that of two successive ones that agree with each other; where none do there is none.
    """
    before = None
    for h in STEPS:
        expected = differences(f, args, dots, h)
        size = np.max(np.abs(expected), initial=1e-2)
        if np.all(np.abs(got - expected) <= RTOL * max(scale, size)):
            return
        if before is not None and np.all(np.abs(before - expected) <= 0.1 * RTOL * size):
            raise Wrong(f"{what}: {got}, differences give {expected}")
        before = expected


def differences(f: Any, args: Any, dots: Any, h: float) -> Any:
    """Central differences with one Richardson step."""

    def slope(step: float) -> Any:
        up, down = (
            f([*(copy.copy(a) + sign * step * d for a, d in zip(args, dots, strict=False)), args[len(dots)]])
            for sign in (1, -1)
        )
        return (np.asarray(up) - np.asarray(down)) / (2 * step)

    return (4 * slope(h / 2) - slope(h)) / 3
