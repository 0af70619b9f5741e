"""Handles on arrays: views that read and write through, in-place operators, NumPy's keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traced_functions import agree, call, compare, served_program, trace

from adcompiler.ir.graph import walk

X, Y = np.linspace(-1.0, 1.0, 7), np.linspace(2.0, 3.0, 7)
A = np.arange(30.0).reshape(5, 6)

# ---- writes ----


def element(x):
    out = np.zeros_like(x)
    out[0] = x[1]
    out[-1] = 2
    out[2] += x[3] * 5
    return out


def slices(x):
    out = x.copy()
    out[1:] = out[:-1]
    out[:-1] += out[1:]
    out[::2] *= 3.0
    out[::-1][0] = 7.0
    return out


def view_of_a_row(a):
    b = a.copy()
    row = b[1]
    row[2:] = -1.0
    row += 1
    b[1, 0] = 10.0
    return b, row, row[0]


def view_of_a_view(a):
    b = a.copy()
    part = b[1:, ::2]
    inner = part[1:, 1]
    inner *= 2.0
    part[0] = 0.5
    return b, part, inner


def transposed_write(a):
    b = a.copy()
    b.T[0, 1:] = 9.0
    np.swapaxes(b, 0, 1)[2] -= 1.0
    return b


def reshaped_write(x):
    b = call(np.zeros, (2, x.shape[0]))
    flat = b.reshape(-1)
    flat[1] = 5.0
    b[1] = x
    flat[-1] = 3.0
    b[:, None, 2:4] += 1.0
    return b, flat


def new_axis_write(x):
    b = x.copy()
    b[:, None][1:3] = 4.0
    b[None, 5] = -1.0
    return b


def two_names(x):
    b = x.copy()
    c = b
    c += 1.0
    b[0] = 7.0
    return b, c


def argument_written(x, y):
    x[1:] += y[:-1]
    x[0] = y[-1]
    return x.sum()


def whole(x, y):
    out = call(np.empty, x.shape[0])
    out[...] = x
    out[:] = out * y
    np.add(out, y, out=out)
    np.multiply(x, 2.0, out=out[...])
    return out


def casts(x):
    counts = call(np.zeros, x.shape[0], dtype=int)
    counts[:] = x * 10.0
    counts[0] = 2.9
    single = x.astype(np.float32)
    single += x
    single[1] = 1.0
    return counts, single


def broadcast_store(a, x):
    b = a.copy()
    b[1:] = b[0]
    b[:, 1] = 5
    b[:, :2] = [[1.0, 2.0]]
    b[0] = np.ones((1, 6))
    return b


def masks(x):
    b = x.copy()
    b[b > 0.5] = 0.0
    b[x < 0] = 9
    c = call(np.zeros, (x.shape[0], 2))
    c[x > 0] = [1.0, 2.0]
    c[np.abs(x) < 0.5] = -1.0
    return b, c


def index_arrays(x, y):
    b = x.copy()
    b[[0, 2]] = 5.0
    b[np.array([1, 1, 3])] = y[:3]
    b[[4, 4]] += 1.0
    c = call(np.zeros, (3, x.shape[0]))
    c[1, [0, 2]] = y[:2]
    c[[0, 2], 1:3] = [[1.0, 2.0], [3.0, 4.0]]
    c[:, [5, 6]] = y[1:3]
    return b, c


def scatter(x, y):
    b = x.copy()
    np.add.at(b, [0, 0, 2], 1.0)
    np.add.at(b, np.array([1, 1, 1]), y[:3])
    np.subtract.at(b, -1, 4.0)
    return b


def fill(x):
    b = np.empty_like(x)
    b.fill(3)
    np.copyto(b[1:3], [1, 2])
    return b


def zero_rank(x):
    b = call(np.array, 3.0)
    b[...] = x[0]
    b += 1
    first = x[0, ...] * 2.0
    return b, b[()] * 2, first


def powers_in_place(x):
    b = x + 3.0
    b **= 2
    b //= 1.5
    b %= 4.0
    b /= 2
    b -= 1
    return b


def matrix_in_place(a):
    q = a[:5, :5].copy()
    q @= q
    return q


def integers_in_place(x):
    b = x.astype(int) + 12
    b &= 7
    b |= 8
    b ^= 3
    b <<= 2
    b >>= 1
    return b


def overlapping(x):
    b = x.copy()
    b[1:] = b[:-1] + b[1:]
    b[::-1] = b
    return b


def copies(x):
    ints = x.astype(int)
    same, rounded, known = ints.astype(int, copy=False), ints.round(), np.nan_to_num(ints)
    ints[0] = 7
    flat, cast = x.flatten(), x.astype(float)
    scalar = call(np.array, 2.0)
    number = scalar[()]
    scalar += 1.0
    flat[0], cast[1] = 9.0, 8.0
    return same, rounded, known, ints, flat, cast, x, number, scalar


def flat_view(x):
    b = x * 1.0
    flat = b.ravel()
    flat[0] = 5.0
    part = b[::2].ravel()
    return flat, part * 2.0, b


WRITES = [
    (copies, (X,)),
    (flat_view, (X,)),
    (element, (X,)),
    (slices, (X,)),
    (view_of_a_row, (A,)),
    (view_of_a_view, (A,)),
    (transposed_write, (A,)),
    (reshaped_write, (X,)),
    (new_axis_write, (X,)),
    (two_names, (X,)),
    (argument_written, (X, Y)),
    (whole, (X, Y)),
    (casts, (X,)),
    (broadcast_store, (A, X)),
    (masks, (X,)),
    (index_arrays, (X, Y)),
    (scatter, (X, Y)),
    (fill, (X,)),
    (zero_rank, (X,)),
    (powers_in_place, (X,)),
    (matrix_in_place, (A,)),
    (integers_in_place, (X,)),
    (overlapping, (X,)),
]


@pytest.mark.parametrize("function, args", WRITES, ids=lambda p: getattr(p, "__name__", ""))
def test_writes_do_what_numpy_does(function: Any, args: tuple[Any, ...]) -> None:
    program = compare(function, args)
    longer = tuple(np.concatenate([a, a]) for a in args)
    agree(function, served_program(program, function, longer), longer)


def test_an_argument_that_is_written_is_reported() -> None:
    program = trace(argument_written, X, Y)
    assert program.function.written == ((1, 0),)


def test_a_row_that_is_written_costs_one_put_an_element() -> None:
    def f(a):
        row = a[1]
        row[2] = 5.0
        return a

    puts = [e for e in walk(trace(f, A).function.body) if e.op.name in ("put", "index")]
    assert [(e.op.name, e.attrs.get("at")) for e in puts] == [("put", None)]


def test_storing_a_handle_into_its_own_place_writes_nothing() -> None:
    def f(a):
        a[1] = a[1]
        a[...] = a
        a[1:, 2][0] = a[1, 2]
        return a[0, 0]

    names = [e.op.name for e in walk(trace(f, A).function.body)]
    assert names.count("put") == 1


# ---- keys ----

LENGTHS = {0: 7, 1: 5, 2: 6}


@st.composite
def slice_keys(draw: Any, n: int) -> slice:
    bound = st.none() | st.integers(-n - 3, n + 3)
    return slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, 3, -1, -2])))


@st.composite
def keys(draw: Any) -> tuple[Any, ...]:
    """A key of an array of shape (7, 5, 6): points, slices, new axes, an ellipsis, index arrays."""
    rank = draw(st.integers(0, 3))
    entries: list[Any] = []
    for axis in range(rank):
        n = LENGTHS[axis]
        kind = draw(st.sampled_from(["point", "slice", "slice", "array"]))
        if kind == "point":
            entries.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            entries.append(draw(slice_keys(n)))
        else:
            shape = draw(st.sampled_from([(2,), (1,), (3, 2), (3, 1)]))
            flat = draw(st.lists(st.integers(-n, n - 1), min_size=6, max_size=6))
            entries.append(np.array(flat)[: int(np.prod(shape))].reshape(shape))
    if draw(st.booleans()) and (rank < 3 or not any(isinstance(e, np.ndarray) for e in entries)):
        entries.insert(draw(st.integers(0, rank)), Ellipsis)
    if draw(st.booleans()):
        entries.insert(draw(st.integers(0, len(entries))), None)
    return tuple(entries)


CUBE = np.random.default_rng(0).uniform(size=(7, 5, 6))


@given(keys())
def test_any_key_reads_what_numpy_reads(key: tuple[Any, ...]) -> None:
    try:
        expected = CUBE[key]
    except IndexError as error:
        with pytest.raises(type(error)):
            trace(lambda t: t[key], CUBE)
        return
    (found,) = trace(lambda t: t[key], CUBE)(CUBE)
    np.testing.assert_array_equal(found, expected)
    assert np.shape(found) == np.shape(expected)


@given(keys(), st.booleans())
def test_any_key_writes_what_numpy_writes(key: tuple[Any, ...], add: bool) -> None:
    def write(t, v):
        t[key] = t[key] + v if add else v
        return t[key]

    try:
        write(CUBE.copy(), 2.5)
    except (IndexError, ValueError):
        return
    compare(write, (CUBE, 2.5))


@given(
    st.integers(0, 12),
    st.integers(-14, 14) | st.none(),
    st.integers(-14, 14) | st.none(),
    st.sampled_from([1, 2, -1, -3]),
)
def test_a_slice_of_known_bounds_is_right_at_every_size(n: int, start: Any, stop: Any, step: int) -> None:
    """Traced at 9: it serves another size and is right there, or says that it does not serve."""

    def f(x):
        return x[start:stop:step]

    program = trace(f, np.arange(9.0))
    other = np.arange(float(n))
    agree(f, served_program(program, f, (other,)), (other,))


@given(st.integers(5, 12), st.integers(-3, 3), st.integers(-3, 3), st.sampled_from([1, 2, -1]))
def test_a_slice_of_sizes_is_right_at_every_size(n: int, first: int, last: int, step: int) -> None:
    def f(x, n):
        return x[n + first : last : step], x[: n + last : step], x[n // 2 + first :], x[first - n : n - 1]

    program = trace(f, np.arange(9.0), 9)
    args = (np.arange(float(n)), n)
    agree(f, served_program(program, f, args), args)
