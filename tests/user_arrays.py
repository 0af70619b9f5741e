"""Shapes, products and small programs, as users write them."""

# ruff: noqa: B007, B008, B023, E731, E741, F841

import math
from functools import partial
import numpy as np
from user_program import UserProgram


def column_stack(x, y):
    return np.column_stack([x, y, x * y])


def pad(x):
    p = np.pad(x, 1)
    return p[2:] - p[:-2]


def roll_axis(x):
    return np.roll(x, 1, axis=0) + np.flip(x, axis=1) + np.fliplr(x)


def tri_diag(x):
    return np.tril(x) @ np.triu(x, 1) + np.diag(np.diag(x))


def moveaxes(x):
    return np.moveaxis(x, 0, -1).sum(0) + np.swapaxes(x, 0, 1).sum(2).T.sum() + x.transpose(2, 1, 0).sum()


def reshapes(x):
    return x.reshape(-1) @ np.ravel(x) + x.flatten().sum() + x.reshape(x.shape[1], -1).sum()


def meshgrid(x, y):
    a, b = np.meshgrid(x, y)
    return a * b


def outer_sub(x, y):
    return np.subtract.outer(x, y)


def linspace_use(x):
    t = np.linspace(0, 1, len(x))
    return np.sum(t * x)


def rotation(theta, p):
    c, s = np.cos(theta), np.sin(theta)
    R = np.array([[c, -s], [s, c]])
    return p @ R.T


def math_functions(a):
    return math.exp(a) + math.sin(a) * math.sqrt(a) + math.log(a) + math.pi * math.tanh(a) + math.pow(a, 2)


def builtin_functions(x):
    return sum(x) + max(x[0], x[1]) + abs(x[0]) + min(1.0, x[1]) + pow(x[0], 2) + float(x[1])


def size_arithmetic(x):
    n = x.size
    return x.sum() / n**2 + n // 2 + n % 2 + 1 / (n + 1)


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


def trig(x):
    return np.arctan2(x, 2.0) + np.hypot(x, 1.0) + np.sinh(x) + np.arcsinh(x) + np.tan(x / 3) + np.arctan(x)


def exp_family(x):
    return (
        np.expm1(x)
        + np.log1p(x * x)
        + np.logaddexp(x, 0.0)
        + np.exp2(x)
        + np.log2(x * x + 1)
        + np.cbrt(x + 10)
    )


def cross(a, b):
    return np.cross(a, b)


def average(x, w):
    return np.average(x, weights=w)


def triangular(x):
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            s += x[i] * x[j]
    return s


def triangular_upper(A):
    n = A.shape[0]
    s = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            s += A[i, j] ** 2 * A[j, i]
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


def window_max(x):
    out = np.zeros(len(x) - 2)
    for i in range(len(x) - 2):
        out[i] = np.max(x[i : i + 3])
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


def two_counters(x):
    i = 0
    s = 0.0
    for j in range(0, len(x), 2):
        s += x[j] * x[i]
        i += 1
    return s


def loop_index_after(x):
    i = 0
    for i in range(len(x)):
        pass
    return x[i] * i if len(x) else 0.0


def reverse_enumerate(x):
    out = x.copy()
    for i in reversed(range(len(x))):
        out[i] = out[i] * 2 + (out[i + 1] if i + 1 < len(x) else 0.0)
    return out


def inner_product_3d(T, v):
    return np.einsum("ijk,i,j,k->", T, v, v, v) + np.tensordot(T, v, axes=([2], [0])).sum()


def matmul_vector_stack(T, v):
    return T @ v + np.matmul(T, v[:, None])[..., 0]


def softmax_helper(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_axes(x):
    return softmax_helper(x, axis=0) * softmax_helper(x)


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


N1 = (5, 1, 2, 3, 4, 6, 17)
N2 = (5, 2, 3, 4, 6, 17)


PROGRAMS = [
    UserProgram(column_stack, v2),
    UserProgram(pad, v1),
    UserProgram(roll_axis, m3),
    UserProgram(tri_diag, sq),
    UserProgram(moveaxes, lambda n, r: (r.normal(size=(n, n, n)),), (5, 0, 1, 2, 6)),
    UserProgram(reshapes, m3),
    UserProgram(meshgrid, lambda n, r: (r.normal(size=n), r.normal(size=n + 1))),
    UserProgram(outer_sub, lambda n, r: (r.normal(size=n), r.normal(size=n + 1))),
    UserProgram(linspace_use, v1),
    UserProgram(rotation, lambda n, r: (0.3, r.normal(size=(n, 2)))),
    UserProgram(math_functions, lambda n, r: (0.7,), (5,)),
    UserProgram(builtin_functions, v1, N2),
    UserProgram(size_arithmetic, v1, N1),
    UserProgram(in_place_operators, v1),
    UserProgram(out_argument, v1),
    UserProgram(trig, v1),
    UserProgram(exp_family, v1),
    UserProgram(cross, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=3))),
    UserProgram(average, lambda n, r: (r.normal(size=n), 1 + r.random(n)), N1),
    UserProgram(triangular, v1),
    UserProgram(triangular_upper, sq),
    UserProgram(triangular_write, v1),
    UserProgram(triangular_slices, sq),
    UserProgram(prefix_dot, v2),
    UserProgram(window_max, lambda n, r: (r.normal(size=n + 2),)),
    UserProgram(row_update, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=n))),
    UserProgram(overwrite_loop, v1),
    UserProgram(two_counters, v1),
    UserProgram(loop_index_after, v1),
    UserProgram(reverse_enumerate, v1),
    UserProgram(inner_product_3d, lambda n, r: (r.normal(size=(n, n, n)), r.normal(size=n)), (5, 0, 1, 2, 6)),
    UserProgram(matmul_vector_stack, lambda n, r: (r.normal(size=(2, n, n)), r.normal(size=n))),
    UserProgram(softmax_axes, m3, N1),
    UserProgram(partial_call, m3, N1),
    UserProgram(uses_object, v1),
]
