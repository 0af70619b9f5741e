"""Numbers, dtypes, reductions, shapes and products, as users write them."""

# The style is theirs.
# ruff: noqa: B007, B023, B905, E731, E741

import math
from functools import partial

import numpy as np
from user_program import UserProgram


def float32_int(x, i):
    return x * i


def float32_loop(x):
    s = np.float32(0)
    for v in x:
        s = s + v * v
    return s


def float64_into_float32(x, y):
    out = np.zeros(len(x), np.float32)
    out[:] = x * y
    return out


def int_array_times(x, k):
    return (x * k).sum() + (k**2).sum() + np.sum(k / 2) * x[0]


def int_division(x, k):
    return x * (k // 2) + k % 3


def int_power(x):
    return x**3 + x**-1 + x**0 + x**2.0 + 2**x + x**0.5


def minmax(x, y):
    return np.maximum(x, y) - np.minimum(x, 0.3) + np.fmax(x, y)


def where_broadcast(c, x, y):
    return np.where(c[:, None], x, y)


def reduction_tuple(x):
    return np.sum(x, axis=(0, 2)) + np.mean(x, axis=(-1, 0))


def reduction_keepdims(x):
    return x - x.mean(axis=(1, 2), keepdims=True) + x.sum(axis=-1, keepdims=True)


def variance(x):
    return np.var(x) + np.std(x, axis=0, ddof=1).sum() + x.var(1).sum()


def argmax_gather(x):
    return x[np.argmax(x)] + x[x.argmin()]


def prod_zero(x):
    return np.prod(x)


def cumprod(x):
    return np.cumprod(x)


def split_concat(x):
    a, b = np.split(x, 2)
    return np.concatenate([b, a * 2, x[:1]])


def column_stack(x, y):
    return np.column_stack([x, y, x * y])


def pad(x):
    p = np.pad(x, 1)
    return p[2:] - p[:-2]


def tri_diag(x):
    return np.tril(x) @ np.triu(x, 1) + np.diag(np.diag(x))


def moveaxes(x):
    return np.moveaxis(x, 0, -1).sum(0) + np.swapaxes(x, 0, 1).sum(2).T.sum() + x.transpose(2, 1, 0).sum()


def outer_sub(x, y):
    return np.subtract.outer(x, y)


def rotation(theta, p):
    c, s = np.cos(theta), np.sin(theta)
    R = np.array([[c, -s], [s, c]])
    return p @ R.T


def math_functions(a):
    return math.exp(a) + math.sin(a) * math.sqrt(a) + math.log(a) + math.pi * math.tanh(a) + math.pow(a, 2)


def in_place_operators(x):
    y = x.copy()
    y += x
    y *= 2
    y -= 1
    y /= 3
    y **= 2
    return y


def out_argument(x):
    out = np.empty_like(x)
    np.multiply(x, 2.0, out=out)
    np.add(out, x, out)
    return out


def average(x, w):
    return np.average(x, weights=w)


def triangular(x):
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            s += x[i] * x[j]
    return s


def triangular_write(x):
    n = len(x)
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            out[i, j] = x[i] * x[j]
    return out


def triangular_slices(A):
    s = 0.0
    for i in range(A.shape[0]):
        s += np.sum(A[i, :i] ** 2) + A[i, i:].sum() * A[i, i]
    return s


def prefix_dot(x, y):
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[:i] @ y[:i]
    return out


def row_update(A, x):
    B = A.copy()
    for i in range(1, B.shape[0]):
        row = B[i]
        row += 0.5 * B[i - 1]
        row[0] = x[i]
    return B


def overwrite_loop(x):
    y = x.copy()
    for i in range(len(y) - 1):
        y[i + 1] = y[i + 1] + y[i] * y[i + 1]
        y[i] = 2 * y[i]
    return y


def reverse_enumerate(x):
    out = x.copy()
    for i in reversed(range(len(x))):
        out[i] = out[i] * 2 + (out[i + 1] if i + 1 < len(x) else 0.0)
    return out


def matmul_vector_stack(T, v):
    return T @ v + np.matmul(T, v[:, None])[..., 0]


def softmax_helper(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def partial_call(x):
    return partial(softmax_helper, axis=0)(x)


class Model:
    def __init__(self, k):
        self.k = k
        self.w = np.array([1.0, 2.0])

    def __call__(self, x):
        return self.k * x + self.w.sum()

    def energy(self, x):
        return np.sum(self(x) ** 2)


MODEL = Model(3.0)


def uses_object(x):
    return MODEL.energy(x)


def v1(n, r):
    return (r.normal(size=n),)


def v2(n, r):
    return r.normal(size=n), r.normal(size=n)


def m3(n, r):
    return (r.normal(size=(n, 3)),)


def sq(n, r):
    return (r.normal(size=(n, n)),)


def pos(n, r):
    return (r.uniform(0.5, 1.5, n),)


def f4(n, r):
    return (r.normal(size=n).astype(np.float32),)


N1 = (5, 1, 2, 3, 4, 6, 17)
N2 = (5, 2, 3, 4, 6, 17)


PROGRAMS = [
    UserProgram(float32_int, lambda n, r: (f4(n, r)[0], r.integers(0, 4, n))),
    UserProgram(float32_loop, f4),
    UserProgram(float64_into_float32, lambda n, r: (f4(n, r)[0], r.normal(size=n))),
    UserProgram(int_array_times, lambda n, r: (r.normal(size=n), r.integers(-3, 4, n)), N1),
    UserProgram(int_division, lambda n, r: (r.normal(size=n), r.integers(-9, 9, n))),
    UserProgram(int_power, pos),
    UserProgram(minmax, v2),
    UserProgram(where_broadcast, lambda n, r: (r.random(n) < 0.5, r.normal(size=(n, 3)), r.normal(size=3))),
    UserProgram(reduction_tuple, lambda n, r: (r.normal(size=(2, n, n)),), (5, 1, 2, 3, 6)),
    UserProgram(reduction_keepdims, lambda n, r: (r.normal(size=(n, 2, n)),), (5, 1, 2, 3, 6)),
    UserProgram(variance, m3, N2),
    UserProgram(argmax_gather, v1, N1),
    UserProgram(prod_zero, v1),
    UserProgram(cumprod, v1),
    UserProgram(split_concat, lambda n, r: (r.normal(size=2 * n),)),
    UserProgram(column_stack, v2),
    UserProgram(pad, v1),
    UserProgram(tri_diag, sq),
    UserProgram(moveaxes, lambda n, r: (r.normal(size=(n, n, n)),), (5, 0, 1, 2, 6)),
    UserProgram(outer_sub, lambda n, r: (r.normal(size=n), r.normal(size=n + 1))),
    UserProgram(rotation, lambda n, r: (0.3, r.normal(size=(n, 2)))),
    UserProgram(math_functions, lambda n, r: (0.7,), (5,)),
    UserProgram(in_place_operators, v1),
    UserProgram(out_argument, v1),
    UserProgram(average, lambda n, r: (r.normal(size=n), 1 + r.random(n)), N1),
    UserProgram(triangular, v1),
    UserProgram(triangular_write, v1),
    UserProgram(triangular_slices, sq),
    UserProgram(prefix_dot, v2),
    UserProgram(row_update, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=n))),
    UserProgram(overwrite_loop, v1),
    UserProgram(reverse_enumerate, v1),
    UserProgram(matmul_vector_stack, lambda n, r: (r.normal(size=(2, n, n)), r.normal(size=n))),
    UserProgram(partial_call, m3, N1),
    UserProgram(uses_object, v1),
]
