"""Carries that are only added to become sums; the others stay."""

import numpy as np
import pytest

from adcompiler.backends.cuda.passes.accumulations import accumulated
from adcompiler.frontend.capture import capture
from adcompiler.ir.check import verify
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import walk
from adcompiler.ir.loops import carry_count, state_count
from adcompiler.pipeline import primal


def total(x):
    s = 1.0
    for i in range(len(x)):
        s += x[i] * x[i]
    return s


def nested(x):
    s, parts = 0.0, np.zeros(3)
    for i in range(len(x)):
        for j in range(len(x)):
            s -= x[i] * x[j]
            parts[j % 3] += x[i]
    return s + np.sum(parts)


def in_branches(x):
    positive = negative = 0.0
    for i in range(len(x)):
        if x[i] > 0.5:
            positive += x[i]
        else:
            negative += x[i] * x[i]
    return positive - negative


def compensated(x):
    s = lost = 0.0
    for i in range(len(x)):
        y = x[i] - lost
        t = s + y
        lost = (t - s) - y
        s = t
    return s


def running(x):
    s, out = 0.0, np.zeros(len(x))
    for i in range(len(x)):
        s += x[i]
        out[i] = s
    return np.sum(out)


def with_state(x):
    s, y = 0.0, 1.0
    for i in range(len(x)):
        y = np.sin(y) + x[i]
        s += y
    return s


@pytest.mark.parametrize(
    ("function", "states"),
    [
        (total, [(0, 1)]),
        (nested, [(0, 2), (0, 2)]),
        (in_branches, [(0, 2)]),
        (compensated, [(2, 0)]),
        (running, [(2, 0)]),
        (with_state, [(1, 1)]),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_what_is_only_added_to_is_a_sum(function, states):
    x = np.linspace(0.1, 1.3, 7)
    captured = capture(function, (x,))
    function = primal(captured.function)
    found = accumulated(function)
    verify(found)
    loops = [eqn for eqn in walk(found.body) if eqn.op.name == "for"]
    counts = [(carry_count(e.attrs), state_count(e.attrs) - carry_count(e.attrs)) for e in loops]
    assert sorted(counts) == sorted(states)
    sizes = {name: len(x) for name in found.sizes}
    assert evaluate(found, (x,), sizes) == evaluate(function, (x,), sizes)
