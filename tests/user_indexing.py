"""Indexing, views, writes, helpers and containers, as users write them."""

# The style is theirs.
# ruff: noqa: B007, B023, B905, E731, E741

from collections import namedtuple

import numpy as np
from user_program import UserProgram


def reverse_slices(x):
    return x[::-1] * x + x[-1::-1] ** 2


def odd_slices(x):
    return np.sum(x[::2]) * np.sum(x[1::2]) + x[-3:].sum() - x[:-3].sum() + x[-1:-4:-1].sum()


def slice_out_of_range(x):
    return x[2:100].sum() + x[-100:2].prod() + x[50:].sum() + x[3:1].sum()


def newaxis_mix(x, y):
    return (x[:, None] * y[None, :, None]).sum(axis=(0, 2)) + x[None, ..., None].sum()


def gather_2d(x, i, j):
    return x[i, j] * x[j, i].sum()


def gather_mixed(x, i):
    return x[i, 1:] + x[:, i][0, :2]


def gather_negative(x):
    return x[np.array([-1, 0, -2])].sum() + x[[-1, -1]].prod()


def boolean_select(x, m):
    return np.where(m, x, 0).sum() + (x * m).sum()


def take(x, i):
    return np.take(x, i, axis=0) + np.take(x, 1, axis=0)


def scatter_assign(x, i):
    out = np.zeros(6)
    out[i] = x
    return out


def scatter_add_inplace(x, i):
    out = np.zeros(6)
    out[i] += x
    return out


def write_column(x, v):
    y = x + 0
    y[:, 0] = v
    y[:, -1] += y[:, 0]
    return y


def write_block(x):
    y = np.zeros((4, 4))
    y[1:3, 1:3] = x
    y[::2, ::-2] += x.T
    return y


def broadcast_write(x):
    y = np.empty((3, len(x)))
    y[:] = x
    y[1:] *= 2.0
    y[0, ...] = x.sum()
    return y


def view_alias(x):
    y = x * 1.0
    v = y[1:]
    v += 1.0
    v[:1] *= 3.0
    return y * 2


def transpose_view_write(x):
    y = x.copy()
    t = y.T
    t[0] = 7.0
    t[:, 1] += t[:, 0]
    return y


def reshape_view_write(x):
    y = x * 2
    r = y.reshape(-1, 2)
    r[:, 0] += 1
    return y


def swap(x, y, n):
    for _ in range(n):
        x, y = y, x * 0.5
    return x - y


def swap_rows(x):
    y = x.copy()
    y[[0, 1]] = y[[1, 0]]
    return y * np.arange(x.shape[1])


def accumulate_in_helper(x):
    acc = np.zeros(2)

    def add(v):
        acc[0] += v
        acc[1] += v * v

    for v in x:
        add(v)
    return acc


def closures_late(x):
    k = 1.0
    f = lambda v: v * k
    k = 3.0
    return f(x).sum()


def list_of_functions(x):
    fs = [lambda v, p=p: v**p for p in range(1, 4)]
    return sum(f(x) for f in fs)


def recursion(x, n=4):
    if n == 0:
        return x
    return np.sin(recursion(x, n - 1)) + x


def varargs(*xs, scale=2.0):
    return scale * sum(np.sum(x**2) for x in xs)


def call_with_star(x, y):
    args = (x, y)
    kw = {"scale": 3.0}
    return varargs(*args, **kw)


Point = namedtuple("Point", "x y")


def namedtuple_arg(p):
    return p.x * p.y + p._replace(x=2.0).x * p.y


def tuple_result(x):
    return x.sum(), {"a": x * 2, "b": [x.mean(), 3, None]}


def dict_loop(p):
    total = 0.0
    for name, v in p.items():
        total = total + (len(name)) * np.sum(v**2)
    return total


def zipped_reversed(x, y):
    s = 0.0
    for a, b in zip(x, y[::-1]):
        s = s * 0.9 + a * b
    return s


def enumerated(x):
    s = 0.0
    for i, row in enumerate(x):
        s += i * row.sum() + row[0]
    return s


def augmented_int(x):
    k = 0
    s = 0.0
    for v in x:
        k += 2
        s += v * k
    return s / max(k, 1)


def mean_by_counting(x):
    count = 0
    total = 0.0
    for i in range(len(x)):
        count += 1
        total += x[i]
    return total / count


def index_arith(x):
    n = len(x)
    s = 0.0
    for i in range(n):
        s += x[(i + 1) % n] * x[i] + x[n - 1 - i] + x[i // 2]
    return s


def float32_mean(x, y):
    return (x - x.mean()) / np.float32(2.0) * y


def v1(n, r):
    return (r.normal(size=n),)


def v2(n, r):
    return r.normal(size=n), r.normal(size=n)


def m3(n, r):
    return (r.normal(size=(n, 3)),)


def f4(n, r):
    return (r.normal(size=n).astype(np.float32),)


N1 = (5, 1, 2, 3, 4, 6, 17)
N2 = (5, 2, 3, 4, 6, 17)
N3 = (5, 3, 4, 6, 17)


PROGRAMS = [
    UserProgram(reverse_slices, v1),
    UserProgram(odd_slices, v1, N3),
    UserProgram(slice_out_of_range, v1),
    UserProgram(newaxis_mix, v2),
    UserProgram(
        gather_2d, lambda n, r: (r.normal(size=(n, n)), r.integers(0, n, 4), r.integers(0, n, 4)), N1
    ),
    UserProgram(gather_mixed, lambda n, r: (r.normal(size=(n, 3)), np.array([1, 1])), N2),
    UserProgram(gather_negative, v1, N2),
    UserProgram(boolean_select, lambda n, r: (r.normal(size=n), r.random(n) < 0.5)),
    UserProgram(take, lambda n, r: (r.normal(size=(n, 2)), r.integers(0, n, 4)), N2),
    UserProgram(scatter_assign, lambda n, r: (r.normal(size=4), np.array([3, 1, 1, 0])), (5,)),
    UserProgram(scatter_add_inplace, lambda n, r: (r.normal(size=4), np.array([3, 1, 1, 0])), (5,)),
    UserProgram(write_column, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=n))),
    UserProgram(write_block, lambda n, r: (r.normal(size=(2, 2)),), (5,)),
    UserProgram(broadcast_write, v1),
    UserProgram(view_alias, v1),
    UserProgram(transpose_view_write, lambda n, r: (r.normal(size=(n, 3)),), N2),
    UserProgram(reshape_view_write, lambda n, r: (r.normal(size=2 * n),)),
    UserProgram(swap, lambda n, r: (r.normal(size=n), r.normal(size=n), n)),
    UserProgram(swap_rows, m3, N2),
    UserProgram(accumulate_in_helper, v1),
    UserProgram(closures_late, v1),
    UserProgram(list_of_functions, v1),
    UserProgram(recursion, v1),
    UserProgram(varargs, v2),
    UserProgram(call_with_star, v2),
    UserProgram(namedtuple_arg, lambda n, r: (Point(r.normal(), r.normal(size=n)),)),
    UserProgram(tuple_result, v1, N1),
    UserProgram(dict_loop, lambda n, r: ({"ab": r.normal(size=n), "xyz": r.normal(size=(n, 2)), "q": 0.3},)),
    UserProgram(zipped_reversed, v2),
    UserProgram(enumerated, m3),
    UserProgram(augmented_int, v1),
    UserProgram(mean_by_counting, v1, N1),
    UserProgram(index_arith, v1),
    UserProgram(float32_mean, lambda n, r: (f4(n, r)[0], f4(n, r)[0]), N1),
]
