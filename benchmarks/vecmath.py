"""Our own mathematical functions: how far off they are on a million numbers each, and what an element costs.

Half of the numbers are of every size, half lie where the function is of interest. f64 is held against long
double, where that has 64 bits of mantissa, which is held against mpmath on 10,000 of the numbers; erf, erfc
and machines without such numbers against mpmath alone, on fewer. f32 is held against f64. Units in the last
place; the bar is 2.

Times are those of a loop over 4,000 elements in the cache, in nanoseconds an element: ours, NumPy's or
SciPy's function of whole arrays, and the C library called from the same loop. Names of functions may be given
as arguments; all take about two minutes.
"""

import math
import sys

import mpmath as mp
import numpy as np
import scipy.special
from numba import njit

from adcompiler.backends import vecmath
from adcompiler.benchmarking import clock

BAR = 2.0
COUNT, CHECKED, SIZE, SECONDS = 1_000_000, 10_000, 4_000, 0.3
MEASURED = [f.__name__ for f in vecmath.FORMULAS if f.__name__ not in ("larger", "smaller", "logaddexp")]
EXTENDED = np.finfo(np.longdouble).nmant >= 63
RANGES = {
    "exp": (-746, 710),
    "exp2": (-1076, 1025),
    "expm1": (-40, 710),
    "sinh": (-711, 711),
    "cosh": (-711, 711),
    "tanh": (-20, 20),
    "expit": (-746, 40),
    "log": (0, 4),
    "log1p": (-1, 4),
    "log2": (0, 4),
    "log10": (0, 4),
    "sin": (-100, 100),
    "cos": (-100, 100),
    "tan": (-100, 100),
    "erf": (-6, 6),
    "erfc": (-6, 28),
}
ORDINARY = {"power": (0.1, 5), "log": (0.1, 10), "log1p": (-0.5, 10), "log2": (0.1, 10), "log10": (0.1, 10)}
EXACT = {
    "exp2": lambda x: mp.mpf(2) ** x,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "expit": lambda x: 1 / (1 + mp.exp(-x)),
    "power": lambda x, y: x**y,
}


@njit(error_model="numpy")
def logistic(x):
    return 1.0 / (1.0 + math.exp(-x))


def loop_of(function, operands):
    if operands == 1:

        @njit(error_model="numpy", fastmath={"contract"})
        def loop(x, out):
            for i in range(out.size):
                out[i] = function(x[i])

    else:

        @njit(error_model="numpy", fastmath={"contract"})
        def loop(x, y, out):
            for i in range(out.size):
                out[i] = function(x[i], y[i])

    return loop


def numbers(name, random):
    """A million numbers for a function, or pairs of them."""
    half = COUNT // 2
    if name == "power":
        x = np.exp2(np.concatenate([random.uniform(-1074, 1024, half), random.uniform(-1, 1, half)]))
        return x, random.uniform(-1080, 1030, COUNT) / np.log2(x)
    sizes = np.exp2(random.uniform(-1074, 1024, half)) * random.choice([-1.0, 1.0], half)
    x = np.concatenate([sizes, random.uniform(*RANGES[name], half)])
    if name in ("erf", "erfc"):
        x = x[np.abs(x) < 40.0]
    return (np.abs(x) if name in ("log", "log2", "log10") else x[x > -1.0] if name == "log1p" else x,)


def precise(name, *arrays):
    """mpmath's results as long doubles."""
    exact = EXACT.get(name) or getattr(mp, name)
    with mp.workprec(1200 if name in ("sin", "cos", "tan") else 100):
        results = [exact(*map(mp.mpf, each)) for each in zip(*(a.tolist() for a in arrays), strict=True)]
        upper = [mp.libmp.to_float(r._mpf_) for r in results]
        lower = [float(r - u) if math.isfinite(u) else 0.0 for r, u in zip(results, upper, strict=True)]
    return np.array(upper, np.longdouble) + np.array(lower, np.longdouble)


def extended(name, *arrays):
    """The results of long doubles."""
    x = [a.astype(np.longdouble) for a in arrays]
    return 1 / (1 + np.exp(-x[0])) if name == "expit" else getattr(np, name)(*x)


def off(values, right):
    """Units in the last place that numbers are off, the most; infinity may be right."""
    nearest = right.astype(values.dtype)
    error = np.abs(values - right) / np.spacing(np.abs(nearest))
    same = (values == nearest) | (np.isnan(values) & np.isnan(nearest))
    return float(np.where(same, np.fmin(error, 0.5), error).max())


def accuracy(name, loop, random):
    """The most units off: f64, f32, and long double beside mpmath."""
    inputs = numbers(name, random)
    some = random.choice(len(inputs[0]), CHECKED, replace=False)
    sample = [a[some] for a in inputs]
    doubted = 0.0
    if EXTENDED and name not in ("erf", "erfc"):
        right = extended(name, *inputs)
        exact = precise(name, *sample)
        normal = np.isfinite(exact) & (np.abs(exact) > 1e-280)  # else the lower part underflows
        doubted = off(extended(name, *sample)[normal], exact[normal]) / 2048
    else:
        inputs = [a[: COUNT if EXTENDED else CHECKED] for a in inputs]
        right = precise(name, *inputs)
    out = np.empty(len(inputs[0]))
    loop(*inputs, out)
    if name == "power":
        single = [a.astype(np.float32) for a in inputs]
    else:
        single = [np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)]
    short = np.empty(len(single[0]), np.float32)
    loop(*single, short)
    wide = getattr(np, name, None) or getattr(scipy.special, name)
    return off(out, right), off(short, wide(*(a.astype(np.float64) for a in single))), doubted


def times(name, loop, dtype, random):
    """Nanoseconds an element: ours, NumPy's or SciPy's, the C library's."""
    operands = vecmath.FORMULAS[getattr(vecmath, name)].__code__.co_argcount
    inputs = [random.uniform(*ORDINARY.get(name, (-10, 10)), SIZE).astype(dtype) for _ in range(operands)]
    out = np.empty(SIZE, dtype)
    known = getattr(np, name, None) or getattr(scipy.special, name)
    library = {"expit": logistic, "power": math.pow}.get(name) or getattr(math, name)
    scalar = loop_of(library, operands)
    measured = clock.in_turn(
        {
            "ours": lambda: loop(*inputs, out),
            "numpy": lambda: known(*inputs, out=out),
            "libm": lambda: scalar(*inputs, out),
        },
        SECONDS,
    )
    return {who: found.median / SIZE * 1e9 for who, found in measured.items()}


def main():
    print(__doc__)
    print(f"{'':8}{'f64':>7}{'f32':>7}{'oracle':>8}   ours numpy  libm (f64)   ours numpy  libm (f32)")
    worst = 0.0
    for name in sys.argv[1:] or MEASURED:
        random = np.random.default_rng(0)
        function = vecmath.lowered(getattr(vecmath, name))
        loop = loop_of(function, vecmath.FORMULAS[function].__code__.co_argcount)
        with np.errstate(all="ignore"):
            units = accuracy(name, loop, random)
            each = [times(name, loop, dtype, random) for dtype in (np.float64, np.float32)]
        worst = max(worst, *units[:2])
        shown = "     ".join("".join(f"{t[who]:6.2f}" for who in ("ours", "numpy", "libm")) for t in each)
        print(f"{name:8}{units[0]:7.3f}{units[1]:7.3f}{units[2]:8.4f} {shown}", flush=True)
    print(f"\nthe most: {worst:.3f} units, the bar {BAR}")
    sys.exit(worst > BAR)


if __name__ == "__main__":
    main()
