"""Constructs around traced values that stay plain Python, and the methods of traced numbers and arrays."""

import functools
import operator
import re

import numpy as np
import pytest
from captured_programs import assert_captured, load

from adcompiler.frontend.capture import capture
from adcompiler.ir.errors import CaptureError

X = np.array([0.3, -1.7, 2.5, 0.4])
Y = np.array([4.2, 0.1, 0.6, -1.9])
A = np.arange(6.0).reshape(2, 3)


class Counter:
    def __init__(self):
        self.total = 0.0
        self.seen = []

    def add(self, x):
        self.total += x
        self.seen += [x]
        return self


def containers(x):
    parts = [x[0]]
    parts += [x[1]]
    parts[0] = parts[0] + 1.0
    parts[1] *= 2.0
    named = {"a": x, "b": [x[2]]}
    named["b"][0] += 1.0
    named |= {"c": len(x)}
    return parts, named


def objects(x):
    counter = Counter().add(x[0]).add(x[1] * 2.0)
    counter.total -= 1.0
    return counter.total, counter.seen


def conditions(x):
    n = len(x)
    chained = 1.0 if 2 < n < 9 and not n < 3 else 2.0
    broken = 1.0 if 9 < n < 20 else 2.0
    chosen = [k * x[k] for k in range(4) if k % 2 and k < n]
    return chained, broken, sum(chosen), not n, n and x[0], 0 or x[1], np.logical_not(x[0] > 0), not x[0] > 0


def assertions(x):
    assert x[0] > -100.0, "too small"
    assert len(x) > 2
    assert x[0] < 100.0, f"{x[0]} is too large"
    return x[0]


def iterations(x):
    pairs = [a * b for a, b in zip(x, [1.0, 2.0, 3.0, 4.0])]  # noqa: B905
    return pairs, [k * a for k, a in enumerate(x, 2)], list(reversed([x[0], x[1]])), [a for a in reversed(x)]


def library_calls(x):
    scaled = functools.partial(operator.mul, x[0])
    return functools.reduce(lambda a, b: a * b + x[0], list(x)), scaled(2.0), list(map(lambda a: a + 1.0, x))


def numbers(x):
    y = x[0]
    return y.shape, y.T, y.real, y.conjugate(), y[()], y.item(), y.sum(), y.astype(np.float32), y.ndim, y.size


def arrays(x):
    whole, bare = x.astype(int), x.astype(float, copy=False)
    filled = x.copy()
    filled.fill(x[0])
    copies = whole, bare, filled, x.flatten(), x.tolist()
    return copies, x.itemsize, x.nbytes, x.real, x[1:2].item(), x.item(2)


def reversed_parts(x):
    """Views of views: starts and steps are put together."""
    back = x[::-1]
    return back[1:][::2], back[1], back[:3][1:], x[1:][1:][0]


CONSTRUCTS = {
    "containers": containers,
    "objects": objects,
    "conditions": conditions,
    "assertions": assertions,
    "iterations": iterations,
    "library calls": library_calls,
    "numbers": numbers,
    "arrays": arrays,
    "views of views": reversed_parts,
}


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_gives_what_python_gives(name):
    assert_captured(CONSTRUCTS[name], (X,), (Y,))


def test_places_from_data_in_a_part_of_an_array():
    def shifted(a, k):
        part = a[1:, k:]
        return part[0, k], part[:, 0]

    assert_captured(shifted, (A, np.int64(1)), (A * 2.0, np.int64(1)))


ERRORS = {
    "len(x[0])": (TypeError, "object of type 'numpy.float64' has no len()"),
    "[a for a in x[0]]": (TypeError, "'numpy.float64' object is not iterable"),
    "x[0][1]": (IndexError, "invalid index to scalar variable."),
    "float(x[0])[0]": (TypeError, "'float' object is not subscriptable"),
    "x[0].nothing": (AttributeError, "object has no attribute 'nothing'"),
    "x.nothing": (AttributeError, "'numpy.ndarray' object has no attribute 'nothing'"),
    "x.item()": (ValueError, "can only convert an array of size 1 to a Python scalar"),
    "x[..., ...]": (IndexError, "an index can only have a single ellipsis ('...')"),
    "x[::0]": (ValueError, "slice step cannot be zero"),
    "range(len(x), 3, 0)": (ValueError, "range() arg 3 must not be zero"),
    "np.squeeze(x, 0)": (ValueError, "cannot select an axis to squeeze out which has size not equal to one"),
    "np.split(x, 3)": (ValueError, "array split does not result in an equal division"),
    "np.stack([])": (ValueError, "need at least one array to stack"),
}


@pytest.mark.parametrize("expression", ERRORS)
def test_what_is_an_error_in_python_is_the_same_error(expression):
    error, message = ERRORS[expression]
    function = load(f"def f(x):\n    return {expression}")["f"]
    for call in (lambda: function(X), lambda: capture(function, (X,))):
        with pytest.raises(error, match=re.escape(message) + "$"):
            call()


REFUSALS = {
    "1.0 if x > 0 else 2.0": "the truth of an array is ambiguous",
    "0.0 < x < 1.0": "the truth of an array is ambiguous",
    "0.3 in x": "`in` an array depends on its elements",
    "x.flat": "`.flat` is not supported",
    "x.imag": "complex numbers are not supported",
    "x.tobytes()": "`.tobytes` of an array is not supported",
    "[a for a in x if a > 0]": "the `if` of a comprehension decides on a value that is known only when",
    "x[x > 0]": "`x[mask]` has a shape that depends on the data",
}


@pytest.mark.parametrize("expression", REFUSALS)
def test_what_depends_on_data_is_refused(expression):
    function = load(f"def f(x):\n    return {expression}")["f"]
    with pytest.raises(CaptureError, match=re.escape(f":2: {REFUSALS[expression]}")):
        capture(function, (X,))
