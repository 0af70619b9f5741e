"""Programs on which differentiation goes wrong without a word: each is right here, or refused.

The known derivatives are themselves held against differences of the plain Python functions.
"""

import copy
from pathlib import Path

import numpy as np
import pytest
from traps import TRAPS

from adcompiler import AdcompilerError, value_and_grad, vjp

# What is refused, with the whole reason. This list may only shrink.
LOUD = {
    "rebound_in_loop": (
        "`x` is read, but it may share memory with `y`, which was written at aliasing.py:168; whether it "
        "does depends on data or memory layout"
    ),
    "reshaped_copy": (
        "`b` is read, but it may share memory with `b`, which was written at views.py:41; whether it does "
        "depends on data or memory layout"
    ),
    "nonlocal_counter": "`nonlocal total` is not supported in a captured function",
    "mutable_default": (
        "item assignment changes a list made outside the function: it would happen once, while tracing"
    ),
    "sorted_by_data": "np.argsort of traced values is not supported",
}

RIGHT = 0.85
COMPILED = {
    "product_in_place", "overlapping_ahead", "rows_of_a_loop", "newton", "return_from_a_loop",
    "guarded_index", "single_precision_loop", "closure_over_a_carry", "added_at", "linked_list",
    "same_argument_twice",
}  # fmt: skip
READ_ONLY = {"register", "copied_row", "triangle", "inner_break", "added_at", "window", "swapped_names"}


def name(trap):
    return trap.name


def chosen(names):
    return [trap for trap in TRAPS if trap.name in names]


@pytest.mark.parametrize("trap", TRAPS, ids=name)
def test_right_or_loud(trap):
    check(trap, "numpy")


@pytest.mark.parametrize("trap", chosen(COMPILED), ids=name)
def test_right_or_loud_when_compiled(trap):
    check(trap, "numba")


@pytest.mark.parametrize("trap", chosen(READ_ONLY), ids=name)
def test_a_pullback_does_not_see_what_is_written_after_the_call(trap):
    args = copy.deepcopy(trap.args)
    _, pullback = vjp(trap.function, *args, backend="numpy")
    args[0].fill(np.nan)
    first, second = pullback(1.0)[0], pullback(2.0)[0]
    np.testing.assert_allclose(first, trap.gradient(*trap.args), rtol=1e-11, atol=1e-11)
    np.testing.assert_array_equal(second, 2.0 * first)


def check(trap, backend):
    refusal = differentiated(trap, backend)
    if refusal is None:
        assert trap.name not in LOUD, f"`{trap.name}` is right now: remove it from LOUD"
    else:
        assert refusal == LOUD.get(trap.name)


def differentiated(trap, backend):
    """The reason why a trap is refused; None if its value and gradient are right."""
    compiled = value_and_grad(trap.function, backend=backend)
    args = copy.deepcopy(trap.args)
    try:
        compiled(*args)
        with trap.change():
            value, gradient = compiled(*args)
            expected, known = plain_value(trap), trap.gradient(*trap.args)
    except AdcompilerError as error:
        assert error.location is not None and error.hint
        file = Path(trap.function.__code__.co_filename)
        assert error.location.file == str(file)
        return error.message.replace(str(file), file.name)
    np.testing.assert_equal(args, trap.args)
    for argument in args:
        if isinstance(argument, np.ndarray):
            argument.fill(-7)  # results share no memory with arguments
    given = np.asarray(trap.args[0])
    assert (np.shape(gradient), np.asarray(gradient).dtype) == (given.shape, given.dtype)
    tolerance = 1e-5 if given.dtype == np.float32 else 1e-11
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, known, rtol=tolerance, atol=tolerance)
    return None


def plain_value(trap, step=None):
    """What Python gives, with the first argument moved by a step."""
    first, *others = copy.deepcopy(trap.args)  # an array that is passed twice stays one array
    if step is not None:
        first = first.astype(np.float64) if isinstance(first, np.ndarray) and not others else first
        first += step
    with np.errstate(all="ignore"):
        return float(trap.function(first, *others))


@pytest.mark.parametrize("trap", [trap for trap in TRAPS if not trap.kink and not trap.jump], ids=name)
def test_the_known_gradient_is_that_of_differences(trap):
    """Central differences of order eight."""
    h, weights = 2e-3, (4 / 5, -1 / 5, 4 / 105, -1 / 280)
    shape = np.shape(trap.args[0])
    differences = np.zeros(shape)
    with trap.change():
        for place in np.ndindex(shape):
            step = np.zeros(shape)
            step[place] = h
            differences[place] = sum(
                w * (plain_value(trap, k * step) - plain_value(trap, -k * step)) / h
                for k, w in enumerate(weights, start=1)
            )
        np.testing.assert_allclose(trap.gradient(*trap.args), differences, rtol=1e-7, atol=1e-9)


def test_the_suite_is_whole():
    assert len(TRAPS) == len({trap.name for trap in TRAPS}) and len(TRAPS) >= 200
    assert LOUD.keys() | COMPILED | READ_ONLY <= {trap.name for trap in TRAPS}
    assert len(TRAPS) - len(LOUD) >= RIGHT * len(TRAPS)
    assert all(trap.about for trap in TRAPS)
