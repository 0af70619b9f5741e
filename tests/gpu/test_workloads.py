"""How far the device's gradients are from NumPy's, and what it replays as a graph."""

from functools import partial

import pytest
import workloads
from measuring import ulps
from measuring.on_device import SMALL, gradient, launches, there

from adcompiler.backends.cuda.device import arrays

MOST = 4_500
"""Units in the last place of the largest element: 1e-12 of it."""


@pytest.mark.parametrize("name", workloads.gradients())
def test_differences_from_numpy(name, record_property):
    found = ulps.of(name)
    for what, value in found.items():
        record_property(what, value)
    assert found["cuda, of the largest"] < MOST and found["numba, of the largest"] < MOST


@pytest.mark.parametrize("name", SMALL)
def test_a_graph_computes_what_launches_compute(name):
    workload = workloads.load(name)
    launched, replayed = gradient(name), gradient(name, graphs=True)
    for seed_size in (SMALL[name],) * 4:
        args = there(workload.arguments(seed_size))
        for mine, expected in zip(parts(replayed(*args)), parts(launched(*args)), strict=True):
            assert mine.tobytes() == expected.tobytes()
    assert launches(partial(replayed, *args)) == 0 < launches(partial(launched, *args))


def parts(found):
    found = found if isinstance(found, tuple) else (found,)
    return [arrays.to_host(g) if hasattr(g, "copy_to_host") else g for g in found]
