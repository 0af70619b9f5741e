"""Programs with loops under sweeps of plans, and a process that runs them and measures their memory.

The argument of the process is the backend. For each program and plan it prints what was predicted and what
was measured, cold and warm, the work that the plan costs, and whether results are those of storing all.
"""

import hashlib
import json
import re
import sys

import numpy as np
from peak_memory import measured_peak, numba_reports

import adcompiler
from adcompiler import Budget, PlanError, Snapshots, adjoint, checkpointed
from adcompiler.backends import workspace

RANDOM = np.random.default_rng(0)
TRIPS = 16


def normal(*shape):
    return RANDOM.normal(size=shape)


def recurrence(x, n):
    s = x
    for _ in range(n):
        s = np.sin(s) * x + 0.5 * np.cos(s)
    return np.sum(s)


def heat(u, n):
    for _ in range(n):
        new = u.copy()
        new[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.1 * np.sin(
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
        u = new
    return np.sum(u * u)


def leapfrog(u, n):
    old = 0.9 * u
    for _ in range(n):
        u, old = 2.0 * u - old - 0.1 * np.sin(u), u
    return np.sum(u * old)


def loop_in_loop(x, n):
    s = x
    for _ in range(n):
        for k in range(3):
            s = np.sin(s * x) + 0.1 * k
    return np.sum(s)


def branch_in_loop(x, n):
    s = x
    for i in range(n):
        s = np.sin(s) * x if s[i] > 0.1 else s * s * 0.3 + x
    return np.sum(s)


def in_straight_line(x, n):
    """A loop between lines that keep arrays of their own."""
    a = np.exp(-x * x)
    b = np.tanh(a * x) * a
    s = b
    for _ in range(n):
        s = np.sin(s) * b + a
    t = np.sin(s) * np.exp(-s * s)
    return np.sum(t * np.cos(t) * b)


def one_after_another(x, y, n):
    s = x
    for _ in range(n):
        s = np.sin(s) * x
    t = y * np.sum(s)
    for _ in range(2 * n):
        t = np.cos(t * y) * y
    return np.sum(t)


def element_by_element(x, n):
    """States that are whole arrays, of which a trip writes a part."""
    a = x.copy()
    for k in range(1, n):
        a[k] = np.sin(a[k - 1]) * x[k] + a[k]
        a[0] = a[0] * np.cos(a[k])
    return np.sum(a * a)


def marked_beside(x, n):
    """A loop that has its own policy, and one that the budget is shared out to."""
    s = x
    for _ in checkpointed(range(n), Snapshots(3)):
        s = np.sin(s) * x
    for _ in range(n):
        s = np.sin(s * x) + s
    return np.sum(s)


PROGRAMS = {
    "recurrence": (recurrence, (normal(4000), TRIPS)),
    "recurrence of f32": (recurrence, (normal(8000).astype(np.float32), TRIPS)),
    "heat": (heat, (normal(60, 70), TRIPS)),
    "leapfrog": (leapfrog, (normal(4000), TRIPS)),
    "loop in loop": (loop_in_loop, (normal(4000), TRIPS)),
    "branch in loop": (branch_in_loop, (normal(4000), TRIPS)),
    "in straight line": (in_straight_line, (normal(4000), TRIPS)),
    "one after another": (one_after_another, (normal(4000), normal(2500), TRIPS)),
    "element by element": (element_by_element, (normal(30, 300), 30)),
    "marked beside": (marked_beside, (normal(4000), TRIPS)),
}

NAMED = {"auto": "auto", "store_all": "store_all"}


def least(function, args, backend):
    """The least feasible budget, as its error says it."""
    try:
        adjoint(function, plan=Budget(1), backend=backend)(*args)
    except PlanError as error:
        return int(re.search(r"Budget\((\d+)\) is feasible", str(error.hint))[1])
    raise AssertionError("a byte is enough")


def plans(function, args, backend):
    """Those with names, and budgets from the least feasible one to more than enough."""
    first = least(function, args, backend)
    last = adjoint(function, plan="store_all", backend=backend).memory(*args).peak
    steps = np.linspace(first, max(last, first) * 1.05, 5).astype(int)
    return NAMED | {f"budget {k}": Budget(int(b)) for k, b in enumerate(steps)}


def measured(function, args, plan, backend):
    """Predicted and measured bytes of a call under a plan."""
    gradient = adjoint(function, plan=plan, backend=backend)
    memory = gradient.memory(*args)
    bars = gradient(*args)
    adcompiler.clear_buffers()
    cold, warm = (measured_peak(lambda: gradient(*args)) for _ in range(2))
    program = gradient.programs(*args).compiled("gradient")
    choices = list(program.planner._choices.values()) if hasattr(program, "planner") else []
    kept = memory.workspace if memory.workspace >= 8 * workspace.WORTH else 0
    return {
        "peak": memory.peak,
        "cold": cold,
        "warm": warm,
        "kept": kept,
        "unknown": memory.unknown,
        "budget": plan.bytes if isinstance(plan, Budget) else None,
        "work": choices[0].work if choices else None,
        "bits": hashlib.sha256(bars.tobytes()).hexdigest(),
    }


def main(backend):
    if backend == "numba":
        numba_reports()
    found = {
        name: {said: measured(f, args, plan, backend) for said, plan in plans(f, args, backend).items()}
        for name, (f, args) in PROGRAMS.items()
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
