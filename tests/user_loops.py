"""Loops over elements, pairs, states and ragged ranges, as users write them."""

# The style is theirs.
# ruff: noqa: B007, B023, B905, E731, E741

import numpy as np
from user_program import UserProgram


def cumprod_loop(x):
    p = 1.0
    out = np.empty(len(x))
    for i in range(len(x)):
        p *= x[i]
        out[i] = p
    return out


def overwritten_reads(x):
    y = np.zeros(len(x) + 1)
    for i in range(len(x)):
        y[i + 1] = np.sin(y[i]) + x[i]
    for i in range(len(x)):
        y[i] = y[i] * y[i + 1]
    return y


def pair_energy(pos, mass):
    n = len(mass)
    e = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            dx = pos[i, 0] - pos[j, 0]
            dy = pos[i, 1] - pos[j, 1]
            r = np.sqrt(dx * dx + dy * dy + 0.1)
            e = e - mass[i] * mass[j] / r
    return e


def pair_energy_lower(pos, mass):
    e = 0.0
    for i in range(len(mass)):
        for j in range(i):
            d = pos[i] - pos[j]
            e += mass[i] * mass[j] * np.exp(-(d @ d))
    return e


def forces_newton3(pos):
    n = pos.shape[0]
    F = np.zeros_like(pos)
    for i in range(n):
        for j in range(i + 1, n):
            d = pos[j] - pos[i]
            f = d / (np.sum(d**2) + 0.3) ** 1.5
            F[i] += f
            F[j] -= f
    return F


def lennard_jones(pos, steps):
    v = np.zeros_like(pos)
    p = pos.copy()
    for t in range(steps):
        a = np.zeros_like(p)
        for i in range(len(p)):
            for j in range(len(p)):
                d = p[i] - p[j]
                a[i] -= d * np.exp(-(d**2))
        v = v + 0.01 * a
        p = p + 0.01 * v
    return p.sum() + (v**2).sum()


def back_substitution_slices(U_, b):
    n = len(b)
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - U_[i, i + 1 :] @ x[i + 1 :]) / U_[i, i]
    return x


def lu_vectorised(A):
    n = A.shape[0]
    M = A.copy()
    for k in range(n - 1):
        M[k + 1 :, k] /= M[k, k]
        M[k + 1 :, k + 1 :] -= np.outer(M[k + 1 :, k], M[k, k + 1 :])
    return M


def gram_schmidt(A):
    n = A.shape[1]
    Q = np.zeros_like(A)
    for j in range(n):
        v = A[:, j].copy()
        for i in range(j):
            v -= (Q[:, i] @ A[:, j]) * Q[:, i]
        Q[:, j] = v / np.sqrt(v @ v)
    return Q


def cholesky_slices(A):
    n = len(A)
    L = np.zeros((n, n))
    for j in range(n):
        L[j, j] = np.sqrt(A[j, j] - L[j, :j] @ L[j, :j])
        L[j + 1 :, j] = (A[j + 1 :, j] - L[j + 1 :, :j] @ L[j, :j]) / L[j, j]
    return L


def legendre(x, n):
    p0 = 1.0
    p1 = x
    for k in range(1, n):
        p0, p1 = p1, ((2 * k + 1) * x * p1 - k * p0) / (k + 1)
    return p1


def de_boor(pts, t):
    p = pts.copy()
    n = len(p)
    for r in range(1, n):
        for i in range(n - r):
            p[i] = (1 - t) * p[i] + t * p[i + 1]
    return p[0]


def romberg_like(f):
    n = len(f)
    R = np.zeros((n, n))
    for i in range(n):
        R[i, 0] = f[i]
        for j in range(1, i + 1):
            R[i, j] = R[i, j - 1] + (R[i, j - 1] - R[i - 1, j - 1]) / (4**j - 1.0)
    return R[n - 1, n - 1]


def pointer_walk(x, nxt, n):
    p = 0
    s = 0.0
    for _ in range(n):
        s += x[p] ** 2 * s + x[p]
        p = nxt[p]
    return s


def bin_means(x, b, nb):
    s = np.zeros(nb)
    c = np.zeros(nb)
    for i in range(len(x)):
        s[b[i]] += x[i]
        c[b[i]] += 1
    return s / np.maximum(c, 1)


def running_max(x):
    out = np.zeros(len(x))
    m = -np.inf
    for i in range(len(x)):
        m = max(m, x[i])
        out[i] = m
    return out


def online_variance(x):
    mean = 0.0
    m2 = 0.0
    for k in range(len(x)):
        d = x[k] - mean
        mean += d / (k + 1)
        m2 += d * (x[k] - mean)
    return m2 / len(x)


def kahan(x):
    s = 0.0
    c = 0.0
    for v in x:
        y = v - c
        t = s + y
        c = (t - s) - y
        s = t
    return s


def matrix_carry(A, n):
    P = np.eye(A.shape[0])
    for _ in range(n):
        P = P @ A
    return P


def dict_carry(x, n):
    st = {"p": x, "v": np.zeros_like(x)}
    for k in range(6):
        st["v"] = st["v"] - 0.1 * st["p"]
        st["p"] = st["p"] + 0.1 * st["v"]
    return st["p"]


def inner_local(x, n):
    out = 0.0
    for i in range(n):
        t = np.zeros(3)
        for j in range(3):
            t[j] = x[j] * (i + 1)
        out += t @ t
    return out


def closure_capture(x, w, n):
    def residual(z):
        return z - w * np.tanh(z)

    for _ in range(n):
        x = x - 0.5 * residual(x)
    return x


def loop_over_columns(A):
    s = 0.0
    for c in A.T:
        s += np.prod(c)
    return s


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


def rows_shift(A):
    B = np.zeros_like(A)
    for i in range(A.shape[0]):
        B[i] = np.roll(A[i], 1) * A[i - 1]
    return B


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


def loop_unrolled_nested(x):
    s = 0.0
    for i in range(3):
        for j in range(3):
            s += x[i] * x[j] * (i - j) + x[i]
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


def v1(n, r):
    return (r.normal(size=n),)


def sq(n, r):
    return (r.normal(size=(n, n)) + 4 * np.eye(n),)


def sqb(n, r):
    return (r.normal(size=(n, n)) + 4 * np.eye(n), r.normal(size=n))


def spd(n, r):
    a = r.normal(size=(n, n))
    return (a @ a.T + 3 * np.eye(n),)


def csr(n, r):
    counts = r.integers(0, 3, n)
    ptr = np.concatenate([[0], np.cumsum(counts)])
    nnz = int(ptr[-1])
    return r.normal(size=nnz), r.integers(0, 4, nnz), ptr, r.normal(size=4)


N1 = (5, 1, 2, 3, 4, 6, 17)
S = (5, 0, 1, 2, 3, 4, 6, 9)


PROGRAMS = [
    UserProgram(cumprod_loop, v1),
    UserProgram(overwritten_reads, v1),
    UserProgram(pair_energy, lambda n, r: (r.normal(size=(n, 2)), r.random(n))),
    UserProgram(pair_energy_lower, lambda n, r: (r.normal(size=(n, 2)), r.random(n))),
    UserProgram(forces_newton3, lambda n, r: (r.normal(size=(n, 2)),)),
    UserProgram(lennard_jones, lambda n, r: (r.normal(size=n), n), S),
    UserProgram(back_substitution_slices, sqb),
    UserProgram(lu_vectorised, sq, S),
    UserProgram(gram_schmidt, sq, S),
    UserProgram(cholesky_slices, spd, S),
    UserProgram(legendre, lambda n, r: (0.3, n)),
    UserProgram(de_boor, lambda n, r: (r.normal(size=n), 0.3), N1),
    UserProgram(romberg_like, v1, N1),
    UserProgram(pointer_walk, lambda n, r: (r.normal(size=n) * 0.5, r.permutation(n), n), N1),
    UserProgram(bin_means, lambda n, r: (r.normal(size=7), r.integers(0, n, 7), n), N1),
    UserProgram(running_max, v1),
    UserProgram(online_variance, v1, N1),
    UserProgram(kahan, v1),
    UserProgram(matrix_carry, lambda n, r: (r.normal(size=(3, 3)) * 0.5, n)),
    UserProgram(dict_carry, lambda n, r: (r.normal(size=3), n)),
    UserProgram(inner_local, lambda n, r: (r.normal(size=3), n)),
    UserProgram(closure_capture, lambda n, r: (0.3, 0.5, n)),
    UserProgram(loop_over_columns, lambda n, r: (r.normal(size=(3, n)),)),
    UserProgram(range_start_stop, lambda n, r: (r.normal(size=n), 2, n), N1),
    UserProgram(range_negative, lambda n, r: (r.normal(size=n), n - 1, -1), N1),
    UserProgram(range_step_size, lambda n, r: (r.normal(size=n), 2)),
    UserProgram(rows_shift, lambda n, r: (r.normal(size=(n, 3)),)),
    UserProgram(column_update, lambda n, r: (r.normal(size=(3, n)),)),
    UserProgram(block_update, lambda n, r: (r.normal(size=(n, n)), n)),
    UserProgram(game, lambda n, r: (r.normal(size=n), n), N1),
    UserProgram(history, lambda n, r: (r.normal(size=3), n)),
    UserProgram(delay, lambda n, r: (r.normal(size=2), n, 2)),
    UserProgram(mandel, lambda n, r: (np.array([0.1, 0.2]), n)),
    UserProgram(polynomial_eval_matrix, lambda n, r: (r.normal(size=n), r.normal(size=(2, 2)))),
    UserProgram(loop_unrolled_nested, lambda n, r: (r.normal(size=3),), (5,)),
    UserProgram(nested_carry, lambda n, r: (r.normal(size=n), n)),
    UserProgram(triple, lambda n, r: (r.normal(size=n), n), S),
    UserProgram(triangular_partial, v1),
    UserProgram(ragged_local, v1),
    UserProgram(ragged_softmax, sq),
    UserProgram(csr_rows, csr),
    UserProgram(segments, lambda n, r: (r.normal(size=2 * n), np.arange(0, 2 * n + 1, 2))),
    UserProgram(adjacency, lambda n, r: (r.normal(size=n), r.integers(0, n, (8, 2))), N1),
    UserProgram(fem, lambda n, r: (r.normal(size=(n, 2)), r.integers(0, n, (6, 3))), N1),
]
