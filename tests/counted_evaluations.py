"""How often a call evaluates a function of NumPy, and loops whose bodies do so exactly once a trip.

Programs for the NumPy backend call `np.arctan` by its name. Its derivative reads its argument alone, and what
these loops do with its result is linear: no adjoint evaluates it again, but where a trip is run again.
"""

import numpy as np
import pytest

from adcompiler import checkpointed


def evaluations(call):
    """How often `call()`, which has been made before, evaluates `np.arctan`."""
    call()
    made = 0

    def counting(x):
        nonlocal made
        made += 1
        return arctan(x)

    arctan = np.arctan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "arctan", counting)
        call()
    return made


def counted_loop(policy):
    """A recurrence of n trips; the tape of a trip is its state."""

    def f(x, n):
        s = x
        for _ in checkpointed(range(n), policy):
            s = 0.9 * np.arctan(s) + 0.1 * x
        return s

    return f


def counted_while(policy):
    """The same recurrence, whose trips only show as it runs."""

    def f(x, n):
        s, k = x, 0
        while checkpointed(k < n, policy):
            s = 0.9 * np.arctan(s) + 0.1 * x
            k += 1
        return s

    return f


def taping(policy):
    """A recurrence with one number as state, that tapes five of a trip where all that is read is kept."""

    def f(x, n):
        s = x
        for _ in checkpointed(range(n), policy):
            a = np.sin(s)
            b = np.cos(a)
            c = np.exp(-b * a)
            s = 0.9 * np.arctan(s) * c + 0.1 * x
        return s

    return f


def plain(x, n):
    """What `counted_loop` and `counted_while` compute, without a word about memory."""
    s = x
    for _ in range(n):
        s = 0.9 * np.arctan(s) + 0.1 * x
    return s
