"""What tracing does not take: each refusal names the line, the variable, the reason and a way out."""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest
from traced_functions import call, trace

from adcompiler.ir.errors import CaptureError, NeedsConcrete

X = np.linspace(-1.0, 1.0, 8)
A = np.arange(42.0).reshape(6, 7)
KNOWN = "a traced value is needed, and it is known only when the program runs"


def views_of_arguments(a):
    y = a.reshape(2, -1)
    a[0] = 1.0
    return y.sum()


def flattened_slice(x):
    y = x[::2].ravel()
    y[0] = 1.0
    return x.sum()


def written_einsum(a):
    np.einsum("ij->ji", a)[0] = 1.0
    return a


def written_broadcast(x):
    y = np.broadcast_to(x, (3, 8))
    y[0] = 1.0
    return y


def written_diagonal(a):
    d = np.diagonal(a)
    d[0] = 1.0
    return d


REFUSED = [
    (
        lambda x: x[x > 0],
        "`x[mask]` has a shape that depends on the data",
        "use np.where(mask, x, 0), or a loop with an `if`",
    ),
    (
        lambda x: x.__setitem__(x > 0, x[:3]),
        "what is stored in `x[mask]` has as many elements as the mask has places",
        "use x[...] = np.where(mask, values, x), or a loop with an `if`",
    ),
    (
        lambda x: x[True],
        "an array is indexed with a bool",
        "index with a slice, an integer or an integer array",
    ),
    (
        lambda x: float(x[0]),
        f"a Python float of {KNOWN}",
        "use it as it is; NumPy and `math` functions take it",
    ),
    (lambda x: int(x[0]), f"a Python int of {KNOWN}", "use it as it is, or x.astype(int)"),
    (
        lambda x: [1, 2][x.argmax()],
        f"a plain integer of {KNOWN}",
        "index an array with it instead of a list; lengths must be sizes",
    ),
    (
        lambda x: 1.0 if x[0] > 0 else 2.0,
        f"the truth of {KNOWN}",
        "write the test as an `if` or `while` of the captured function itself",
    ),
    (
        lambda x: sorted(x[:2]),
        f"the truth of {KNOWN}",
        "write the test as an `if` or `while` of the captured function itself",
    ),
    (lambda x: {x[0]: 1}, f"a dict key or set member of {KNOWN}", "use a plain Python value as key"),
    (lambda x: f"{x[0]:.3f}", f"the text of {KNOWN}", "print results outside of the captured function"),
    (
        lambda x: np.frombuffer(np.asarray(x)),
        "a traced value was handed to code that needs its numbers (np.asarray of a list of them, C code)",
        "use NumPy functions on it, or move that call out of the captured function",
    ),
    (lambda x: 3 in x, "`in` an array depends on its elements", "use np.any(x == value)"),
    (
        lambda x: x == "name",
        "an array is compared with what is neither an array nor a number",
        "use `is`, or len()",
    ),
    (
        lambda x: np.sort(x),
        "np.sort of traced values is not supported",
        "sort before, and pass the sorted array",
    ),
    (
        lambda x: np.unique(x),
        "np.unique of traced values is not supported",
        "find the distinct values before, and pass them",
    ),
    (
        lambda x: np.nonzero(x),
        "np.nonzero of traced values is not supported",
        "use np.where with three arguments, or a loop with an `if`",
    ),
    (
        lambda x: np.where(x > 0),
        "np.where of a condition alone has a result whose size depends on the data",
        "give all three",
    ),
    (
        lambda a: np.linalg.svd(a),
        "np.linalg.svd of traced values is not supported",
        "write it with NumPy functions that are, or as a loop over elements",
    ),
    (
        lambda x: np.fft.fft(x),
        "np.fft.fft of traced values is not supported",
        "write it with NumPy functions that are, or as a loop over elements",
    ),
    (
        lambda x: np.gcd(x.astype(int), 2),
        "np.gcd is not supported",
        "write it in terms of functions that are, or as a loop",
    ),
    (lambda x: np.maximum.accumulate(x), "np.maximum.accumulate is not supported", "write it as a loop"),
    (
        lambda x: np.multiply.at(x, [0], 2.0),
        "np.multiply.at is not supported",
        "write it as a loop over the indices",
    ),
    (
        lambda x: np.sin(x, where=x > 0),
        "np.sin with where= leaves elements undefined",
        "use np.where on the result",
    ),
    (
        lambda x: np.sin(x, out=np.zeros(8)),
        "out= is an array that was not made in the captured function",
        "pass it as an argument",
    ),
    (lambda x: x.flat, "`.flat` is not supported", "use .ravel(), or x.reshape(-1)"),
    (lambda x: x.imag, "complex numbers are not supported", "write real and imaginary parts as two arrays"),
    (
        lambda x: x.tobytes(),
        "`.tobytes` of an array is not supported",
        "write it with NumPy functions that are",
    ),
    (
        lambda x: x.reshape(2, -1, order="F"),
        "reshape in order 'F' is not supported",
        "transpose before and after",
    ),
    (
        lambda x: np.median(x),
        "np.median of traced values is not supported",
        "sort before, and pass the sorted array",
    ),
    (
        lambda x: call(np.arange, 0.0, x[0]),
        "np.arange of traced floats has a length that depends on their rounding",
        "use np.linspace",
    ),
    (
        lambda x: np.take(x, [1], mode="clip"),
        "np.take with mode='clip' is not supported",
        "bring the indices into range before",
    ),
    (
        views_of_arguments,
        "`a` is read, but it may share memory with `a`, which was written at",
        "make a copy before: x.copy()",
    ),
    (
        flattened_slice,
        "`x` is read, but it may share memory with `x`, which was written at",
        "make a copy before: x.copy()",
    ),
    (written_einsum, "`a` is written, but it is a view that np.einsum gave", "write to a copy of it"),
    (written_broadcast, "`x` is written, but it is the result of np.broadcast_to", "write to a copy of it"),
    (
        written_diagonal,
        "`a` is written, but it is a diagonal, which NumPy makes read-only",
        "write to a copy of it",
    ),
]


@pytest.mark.parametrize("function, message, hint", REFUSED, ids=[str(k) for k in range(len(REFUSED))])
def test_a_refusal_says_where_why_and_what_instead(function, message, hint):
    arg = A if "a" in inspect.signature(function).parameters else X
    with pytest.raises(CaptureError) as caught:
        trace(function, arg)
    error = caught.value
    assert error.message.startswith(message)
    assert error.hint == hint
    assert error.location is not None and error.location.file == __file__
    first = function.__code__.co_firstlineno
    assert first <= error.location.line <= first + 3
    assert f"{__file__}:{error.location.line}: {message}" in str(error)


LIKE_NUMPY = [
    lambda x: x + np.zeros(5),
    lambda x: x[8],
    lambda x: x[-9],
    lambda x: x[0, 0],
    lambda x: x[..., ...],
    lambda x: x[1.5],
    lambda x: x[::0],
    lambda x: x[[9]],
    lambda x: x["name"],
    lambda x: x.reshape(3, 3),
    lambda x: x.reshape(-1, -1),
    lambda x: x.reshape(-1, 3),
    lambda x: x.sum(1),
    lambda x: x.sum(axis=(0, 0)),
    lambda x: x @ np.zeros(3),
    lambda x: x @ 2.0,
    lambda x: x.transpose(0, 1),
    lambda x: np.concatenate([x, x[None]]),
    lambda x: np.concatenate([]) if x is None else np.stack([x, x[1:]]),
    lambda x: np.squeeze(x, 0),
    lambda x: np.split(x, 3),
    lambda x: np.broadcast_to(x, (2, 5)),
    lambda x: x & 1,
    lambda x: ~x,
    lambda x: x << 1,
    lambda x: -(x > 0),
    lambda x: (x > 0) - (x > 1),
    lambda x: x.astype(int) ** -1,
    lambda x: x.astype(np.uint8) + 300,
    lambda x: x.astype(int).__iadd__(0.5),
    lambda x: x.__setitem__(slice(None), np.zeros(5)),
    lambda x: x.__setitem__(9, 1.0),
    lambda x: x[:3].__iadd__(x),
    lambda x: len(x[0]),
    lambda x: [y for y in x[0]],
    lambda x: x.sum()[0],
    lambda x: x.nothing,
    lambda x: hash(x),
    lambda x: x.item(),
    lambda x: np.linalg.solve(x[:, None] * x, x[:5]),
    lambda x: np.linalg.inv(x[None] * x[1:, None]),
    lambda x: np.zeros(x.shape[0] - 9),
    lambda x: np.linalg.norm(x, "nuc"),
]


@pytest.mark.parametrize("function", LIKE_NUMPY, ids=[str(k) for k in range(len(LIKE_NUMPY))])
def test_what_numpy_refuses_is_refused_with_an_error_of_the_same_class(function):
    with pytest.raises(Exception) as numpys:
        function(copy.copy(X))
    with pytest.raises(Exception) as ours:
        trace(function, X)
    builtin = next(c for c in type(numpys.value).__mro__ if c.__module__ == "builtins")
    assert isinstance(ours.value, builtin | CaptureError)


def test_broadcasting_errors_speak_numpys_words():
    with pytest.raises(ValueError) as numpys:
        X + np.zeros(5)
    with pytest.raises(ValueError) as ours:
        trace(lambda x, y: x + y, X, np.zeros(5))
    assert ours.value.message == str(numpys.value).strip()


def test_what_needs_a_plain_value_is_told_apart():
    with pytest.raises(NeedsConcrete):
        trace(lambda x: [0, 1][x.argmax()], X)
    with pytest.raises(CaptureError) as caught:
        trace(lambda x: x[x > 0], X)
    assert not isinstance(caught.value, NeedsConcrete)
