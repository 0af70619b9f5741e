"""Dense linear algebra by cuBLAS and cuSOLVER, on the cases of the simulator and on larger ones."""

import numpy as np
import pytest
from library_cases import *  # noqa: F403
from library_cases import arrays, assert_close, assert_product, nan, numbers, product, solve, there


@pytest.mark.parametrize("labels", ["ij,jk->ik", "bij,bjk->bik"])
def test_large_products(labels):
    sizes = {"b": 7, "i": 1000, "j": 513, "k": 300}
    terms = labels.split("->")[0].split(",")
    assert_product(labels, *(numbers(*(sizes[c] for c in term), seed=k) for k, term in enumerate(terms)))


def test_single_precision_is_not_a_shorter_one():
    """A product in TF32 has ten bits of each factor."""
    left = numbers(512, 512, dtype="float32")
    assert_product("ij,jk->ik", left, left)


def test_results_are_the_same_to_the_last_bit():
    a, b = numbers(300, 2000, dtype="float32"), numbers(2000, 100, dtype="float32")
    found = set()
    for _ in range(20):
        out = nan((300, 100), "float32")
        product(there(a), there(b), out, "ij,jk->ik", "i", "j", "k")
        found.add(arrays.to_host(out).tobytes())
    assert len(found) == 1


def test_a_large_system():
    a, b = numbers(700, 700) + 30 * np.eye(700), numbers(700, 65)
    out = nan((700, 65), "float64")
    solve(there(a), there(b), out)
    assert_close(out, np.linalg.solve(a, b))
