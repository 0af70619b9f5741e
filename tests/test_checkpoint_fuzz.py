"""Random programs whose functions are checkpointed: right, or refused, and what they are without it."""

import random
import re
from contextvars import ContextVar

import numpy as np
import pytest
from captured_programs import load
from gradient_oracle import TRACED, WRT, arguments, outcome
from gradient_programs import random_gradient_program
from hypothesis import given, settings
from hypothesis import strategies as st

from adcompiler import AdcompilerError, adjoint, pipeline


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """A round trip of the text after every pass would take ten times as long as all the rest."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))


def checkpointed(source, whole=False):
    """A program whose functions are checkpointed, but for `f`; that too if it is to be done as a whole."""
    inside = re.sub(r"^def (?!f\()", "@checkpoint\ndef ", source, flags=re.MULTILINE)
    outside = "\nf = checkpoint(f)\n" if whole else ""
    return f"from adcompiler import checkpoint\n{inside}{outside}"


def program(seed, longest=3):
    """A random program that calls functions of its own."""
    choose = random.Random(seed)
    while True:
        source = random_gradient_program(choose, longest)
        body = source[source.index("def f(") :]
        if re.search(r"\b(damp|smooth|step|pair|relax|fill|horner|energy|until)\(", body):
            return source


def test_they_are_right_or_refused():
    found = [
        outcome(checkpointed(program(seed, 2), seed % 2 == 0), seed, sizes=1, second_order=seed == 3)
        for seed in range(5)
    ]
    assert found.count("right") >= 4


@given(st.integers(100, 10**6), st.booleans())
@settings(max_examples=4)
def test_they_give_the_gradients_that_they_give_without(seed, whole):
    source = program(seed, 2)
    args = arguments(np.random.default_rng(seed), *TRACED)
    plain, again = (load(text)["f"] for text in (source, checkpointed(source, whole)))
    try:
        with np.errstate(all="ignore"):
            expected = adjoint(plain, WRT, backend="numpy").value_and_grad(*args)
            value, bars = adjoint(again, WRT, backend="numpy").value_and_grad(*args)
    except (AdcompilerError, AssertionError, IndexError, UnboundLocalError):
        return
    np.testing.assert_array_equal(value, expected[0])
    for bar, other in zip(bars, expected[1], strict=True):
        np.testing.assert_allclose(bar, other, rtol=1e-12, atol=1e-13)
