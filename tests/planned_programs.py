"""Programs of many arrays under budgets, and a process that measures what they take.

The arguments of the process are the backend and names of programs; it prints, for each, what a sweep of
budgets comes to, and for some of these the predicted and the measured bytes, and how far the gradient is from
that of `plan="auto"`.
"""

import functools
import json
import re
import sys

import numpy as np
import optree
from peak_memory import measured_peak, numba_reports

import adcompiler
from adcompiler import Budget, PlanError, adjoint

RANDOM = np.random.default_rng(0)


def normal(*shape, scale=1.0):
    return scale * RANDOM.normal(size=shape)


def mlp(x, y, ws, bs):
    h = x
    for w, b in zip(ws, bs, strict=True):
        h = np.tanh(h @ w + b)
    return np.mean((h - y) ** 2)


def attention(x, wq, wk, wv, wo):
    q, k, v = x @ wq, x @ wk, x @ wv
    s = q @ k.T / np.sqrt(1.0 * q.shape[1])
    e = np.exp(s - np.max(s, axis=1, keepdims=True))
    o = e / np.sum(e, axis=1, keepdims=True) @ v @ wo
    return np.sum(o * o)


def deep(x, ws):
    h = x
    for w in ws:
        h = np.tanh(h @ w)
    return np.sum(h * h)


def residual(x, ws, vs):
    h = x
    for w, v in zip(ws, vs, strict=True):
        h = h + np.tanh(h @ w) @ v
    return np.sum(np.sin(h))


def of_mlp(*widths, rows=384):
    weights = [normal(n, m, scale=0.1) for n, m in zip(widths, widths[1:], strict=False)]
    biases = [normal(m, scale=0.1) for m in widths[1:]]
    return mlp, normal(rows, widths[0]), normal(rows, widths[-1]), weights, biases


PROGRAMS = {
    "mlp": of_mlp(64, 96, 80, 128, 72, 112, 88, 104, 48),
    "small mlp": of_mlp(64, 96, 80, 112, 48, rows=768),
    "attention": (
        attention,
        normal(384, 64),
        *(normal(64, n, scale=0.1) for n in (48, 48, 56)),
        normal(56, 40),
    ),
    "deep": (deep, normal(512, 24), [normal(24, 24, scale=0.3) for _ in range(50)]),
    "residual": (
        residual,
        normal(512, 40),
        [normal(40, n, scale=0.1) for n in (96, 64, 128, 80, 72, 56)],
        [normal(n, 40, scale=0.1) for n in (96, 64, 128, 80, 72, 56)],
    ),
}

SWEEPS = {"attention": 15, "deep": 3}
"""How many budgets are tried, from the least that is feasible to what `plan="auto"` takes; else 4."""


def gradient(f, args, plan, backend):
    """The gradient with respect to all but integers."""
    argnums = tuple(k for k, a in enumerate(args) if not isinstance(a, int))
    return adjoint(f, plan=plan, backend=backend, argnums=argnums, parallel=False)


def least_budget(f, args, backend):
    """The least feasible budget, as the error says it."""
    try:
        gradient(f, args, Budget(1), backend).memory(*args)
    except PlanError as error:
        return int(re.search(r"Budget\((\d+)\) is feasible", str(error))[1])
    raise AssertionError("one byte is enough")


def work(g, args):
    """The operations of the call that was planned last."""
    planner = g.programs(*args).compiled("gradient").planner
    return list(planner._choices.values())[-1].work


def off(expected, found):
    """How far some arrays are from others, relative to their largest elements."""
    pairs = zip(optree.tree_leaves(expected), optree.tree_leaves(found), strict=True)
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(a))) for a, b in pairs)


def swept(f, args, backend, budgets, expected):
    """What each budget comes to; what runs that did not run before is measured."""
    seen = {}
    for budget in budgets:
        g = gradient(f, args, Budget(budget), backend)
        found = {"budget": budget, "peak": g.memory(*args).peak, "work": work(g, args)}
        if seen.setdefault(found["peak"], budget) == budget:
            found["off"] = off(expected, g(*args))
            adcompiler.clear_buffers()
            found["cold"] = measured_peak(functools.partial(g, *args))
        yield found


def everything(name, backend):
    f, *args = PROGRAMS[name]
    auto = gradient(f, args, "auto", backend)
    full, least = auto.memory(*args).peak, least_budget(f, args, backend)
    budgets = np.linspace(least, full, SWEEPS.get(name, 4)).astype(int).tolist()
    sweep = list(swept(f, args, backend, budgets, auto(*args)))
    try:
        gradient(f, args, Budget(least - 1), backend)(*args)
        below = "no error"
    except PlanError as error:
        below = str(error)
    return {"full": full, "least": least, "sweep": sweep, "below": below}


if __name__ == "__main__":
    backend, *names = sys.argv[1:]
    if backend == "numba":
        numba_reports()
    print(json.dumps({name: everything(name, backend) for name in names}))
