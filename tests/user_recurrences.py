"""Loops that carry states, and loops of ragged length, as users write them."""

# ruff: noqa: B007, B008, B023, E731, E741, F841

import numpy as np
from user_program import UserProgram


def inner_local(x, n):
    out = 0.0
    for i in range(n):
        t = np.zeros(3)
        for j in range(3):
            t[j] = x[j] * (i + 1)
        out += t @ t
    return out


def inner_function(x, n):
    def step(y, k):
        return y + 0.1 * np.cos(y * k)

    for k in range(n):
        x = step(x, k)
    return x


def closure_capture(x, w, n):
    def residual(z):
        return z - w * np.tanh(z)

    for _ in range(n):
        x = x - 0.5 * residual(x)
    return x


def loop_over_rows_pair(A, B):
    s = 0.0
    for a, b in zip(A, B):
        s += np.exp(-np.sum((a - b) ** 2))
    return s


def loop_over_columns(A):
    s = 0.0
    for c in A.T:
        s += np.prod(c)
    return s


def two_outputs(x):
    a = np.zeros(len(x))
    b = np.zeros(len(x))
    for i in range(len(x)):
        a[i] = x[i] ** 2
        b[len(x) - 1 - i] = a[i] * x[i]
    return a - b


def zero_trip_default(x, n):
    r = x.sum()
    for i in range(n):
        r = r * x[i]
    return r


def range_start_stop(x, a, b):
    s = x[0]
    for i in range(a, b):
        s = s * x[i]
    return s


def range_negative(x, a, b):
    s = 1.0
    for i in range(a, b, -2):
        s = s * 0.5 + x[i]
    return s


def range_step_size(x, w):
    s = 0.0
    for i in range(0, len(x) - w + 1, w):
        s += np.prod(x[i : i + w])
    return s


def sliding(x, w):
    out = np.zeros(len(x) - w + 1)
    for i in range(len(x) - w + 1):
        out[i] = np.mean(x[i : i + w]) ** 2
    return out


def rows_shift(A):
    B = np.zeros_like(A)
    for i in range(A.shape[0]):
        B[i] = np.roll(A[i], 1) * A[i - 1]
    return B


def last_row_negative(A):
    s = 0.0
    for i in range(A.shape[0]):
        s += A[-i - 1] @ A[i]
    return s


def column_update(A):
    B = A.copy()
    for j in range(1, A.shape[1]):
        B[:, j] -= B[:, j - 1] * B[0, j]
    return B


def block_update(A, n):
    B = A.copy()
    for k in range(n):
        B[1:-1, 1:-1] = np.sin(B[:-2, 1:-1] + B[2:, 1:-1]) * B[1:-1, 2:]
    return B


def game(u, n):
    for t in range(n):
        v = u.copy()
        for i in range(len(u)):
            left = u[i - 1]
            right = u[(i + 1) % len(u)]
            v[i] = u[i] + 0.1 * (left * right - u[i])
        u = v
    return u


def copy_back(a, n):
    b = np.zeros_like(a)
    a = a.copy()
    for t in range(n):
        b[1:-1] = 0.5 * (a[2:] * a[:-2]) + a[1:-1]
        a[:] = b
    return a


def history(x, n):
    H = np.zeros((n + 1, len(x)))
    H[0] = x
    for t in range(n):
        H[t + 1] = np.sin(H[t]) + 0.1 * H[t - 1]
    return H


def delay(x, n, lag):
    y = np.zeros(n + lag)
    y[:lag] = x
    for t in range(lag, n + lag):
        y[t] = 0.9 * y[t - 1] + np.tanh(y[t - lag])
    return y[-1]


def fft_like(x):
    n = len(x)
    re = np.zeros(n)
    for k in range(n):
        for t in range(n):
            re[k] += x[t] * np.cos(2 * np.pi * k * t / n)
    return re


def mandel(c, n):
    zr = 0.0
    zi = 0.0
    for _ in range(n):
        zr, zi = zr * zr - zi * zi + c[0], 2 * zr * zi + c[1]
    return zr * zr + zi * zi


def polynomial_eval_matrix(c, X):
    P = np.zeros_like(X)
    for a in c:
        P = P @ X + a * np.eye(X.shape[0])
    return P


def loop_const_trip(x):
    for i in range(20):
        x = x + 0.01 * i * np.sin(x)
    return x


def loop_unrolled_nested(x):
    s = 0.0
    for i in range(3):
        for j in range(3):
            s += x[i] * x[j] * (i - j) + x[i]
    return s


def nested_mixed(x, n):
    s = 0.0
    for i in range(n):
        for j in range(3):
            s = np.sin(s + x[j] * i)
    return s


def nested_carry(x, n):
    s = 0.1
    for i in range(n):
        for j in range(len(x)):
            s = np.cos(s * x[j])
        s = s * 1.1
    return s


def triple(x, n):
    s = 0.0
    for i in range(n):
        for j in range(i, n):
            for k in range(j, n):
                s += x[i] * x[j] * x[k]
    return s


def triangular_partial(x):
    s = 0.0
    for i in range(len(x)):
        t = 0.0
        for j in range(i + 1):
            t += np.sin(x[j])
        s += t * t
    return s


def ragged_local(x):
    s = 0.0
    for i in range(1, len(x)):
        y = np.sin(x[:i])
        s += np.sum(y * x[i - 1]) + np.max(y)
    return s


def ragged_softmax(s):
    out = np.zeros_like(s)
    for i in range(len(s)):
        e = np.exp(s[i, : i + 1])
        out[i, : i + 1] = e / e.sum()
    return out


def csr_rows(data, indices, indptr, x):
    s = 0.0
    for i in range(len(indptr) - 1):
        t = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            t += data[k] * x[indices[k]]
        s += np.sin(t) * t
    return s


def segments(x, ptr):
    s = 0.0
    for i in range(len(ptr) - 1):
        s += np.prod(x[ptr[i] : ptr[i + 1]])
    return s


def adjacency(x, edges):
    out = np.zeros(len(x))
    for a, b in edges:
        f = np.sin(x[a] - x[b])
        out[a] += f
        out[b] -= f
    return out


def fem(x, tris):
    s = 0.0
    for t in range(tris.shape[0]):
        p = x[tris[t]]
        s += np.abs((p[1, 0] - p[0, 0]) * (p[2, 1] - p[0, 1]) - (p[2, 0] - p[0, 0]) * (p[1, 1] - p[0, 1]))
    return s


def fem_assembly(k, tris, n):
    K = np.zeros((n, n))
    for e in range(tris.shape[0]):
        for a in range(3):
            for b in range(3):
                K[tris[e, a], tris[e, b]] += k[e] * (a + 1) * (b + 1)
    return K


def v1(n, r):
    return (r.normal(size=n),)


def sq(n, r):
    return (r.normal(size=(n, n)) + 4 * np.eye(n),)


def csr(n, r):
    counts = r.integers(0, 3, n)
    ptr = np.concatenate([[0], np.cumsum(counts)])
    nnz = int(ptr[-1])
    return r.normal(size=nnz), r.integers(0, 4, nnz), ptr, r.normal(size=4)


N1 = (5, 1, 2, 3, 4, 6, 17)
S = (5, 0, 1, 2, 3, 4, 6, 9)


PROGRAMS = [
    UserProgram(inner_local, lambda n, r: (r.normal(size=3), n)),
    UserProgram(inner_function, lambda n, r: (0.3, n)),
    UserProgram(closure_capture, lambda n, r: (0.3, 0.5, n)),
    UserProgram(loop_over_rows_pair, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=(n, 3)))),
    UserProgram(loop_over_columns, lambda n, r: (r.normal(size=(3, n)),)),
    UserProgram(two_outputs, v1),
    UserProgram(zero_trip_default, lambda n, r: (r.normal(size=n), n)),
    UserProgram(range_start_stop, lambda n, r: (r.normal(size=n), 2, n), N1),
    UserProgram(range_negative, lambda n, r: (r.normal(size=n), n - 1, -1), N1),
    UserProgram(range_step_size, lambda n, r: (r.normal(size=n), 2)),
    UserProgram(sliding, lambda n, r: (r.normal(size=n + 2), 3)),
    UserProgram(rows_shift, lambda n, r: (r.normal(size=(n, 3)),)),
    UserProgram(last_row_negative, lambda n, r: (r.normal(size=(n, 3)),)),
    UserProgram(column_update, lambda n, r: (r.normal(size=(3, n)),)),
    UserProgram(block_update, lambda n, r: (r.normal(size=(n, n)), n)),
    UserProgram(game, lambda n, r: (r.normal(size=n), n), N1),
    UserProgram(copy_back, lambda n, r: (r.normal(size=n), n)),
    UserProgram(history, lambda n, r: (r.normal(size=3), n)),
    UserProgram(delay, lambda n, r: (r.normal(size=2), n, 2)),
    UserProgram(fft_like, v1),
    UserProgram(mandel, lambda n, r: (np.array([0.1, 0.2]), n)),
    UserProgram(polynomial_eval_matrix, lambda n, r: (r.normal(size=n), r.normal(size=(2, 2)))),
    UserProgram(loop_const_trip, v1),
    UserProgram(loop_unrolled_nested, lambda n, r: (r.normal(size=3),), (5,)),
    UserProgram(nested_mixed, lambda n, r: (r.normal(size=3), n)),
    UserProgram(nested_carry, lambda n, r: (r.normal(size=n), n)),
    UserProgram(triple, lambda n, r: (r.normal(size=n), n), S),
    UserProgram(triangular_partial, v1),
    UserProgram(ragged_local, v1),
    UserProgram(ragged_softmax, sq),
    UserProgram(csr_rows, csr),
    UserProgram(segments, lambda n, r: (r.normal(size=2 * n), np.arange(0, 2 * n + 1, 2))),
    UserProgram(adjacency, lambda n, r: (r.normal(size=n), r.integers(0, n, (8, 2))), N1),
    UserProgram(fem, lambda n, r: (r.normal(size=(n, 2)), r.integers(0, n, (6, 3))), N1),
    UserProgram(fem_assembly, lambda n, r: (r.normal(size=6), r.integers(0, n, (6, 3)), n), N1),
]
