"""Dense linear algebra on the simulator's arrays: what the device's libraries are told, SciPy's do here."""

import numpy as np
import pytest
from library_cases import *  # noqa: F403
from library_cases import assert_product

from adcompiler.backends.cuda.libraries import simulated_routines


@pytest.mark.parametrize(
    ("labels", "counts"),
    [
        ("bcij,bcjk->bcik", [6]),  # b and c lie one behind the other
        ("cbij,bcjk->bcik", [3, 3]),
        ("bcij,jk->bcik", [1]),  # b, c and i are one axis
        ("bcij,bcj->bci", [6]),
    ],
)
@pytest.mark.simulator
def test_batches_are_as_few_calls_as_can_be(labels, counts, monkeypatch):
    told = []
    for name in ("gemm", "gemv"):
        body = getattr(simulated_routines, name)
        monkeypatch.setattr(
            simulated_routines, name, lambda *args, body=body: (told.append(args[-1]), body(*args))
        )
    sizes = {"b": 2, "c": 3, "i": 12, "j": 13, "k": 14}
    terms = labels.split("->")[0].split(",")
    assert_product(labels, *(np.ones([sizes[c] for c in term]) for term in terms))
    assert told == counts
