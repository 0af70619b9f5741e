"""Loops over elements, pairs and prefixes, as users write them."""

# ruff: noqa: B007, B008, B023, E731, E741, F841

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


def nonlinear_inplace(x, n):
    y = x.copy()
    for k in range(n):
        for i in range(1, len(y)):
            y[i] = np.tanh(y[i] + y[i - 1] ** 2)
    return y


def inplace_product(x, n):
    y = x.copy()
    for k in range(n):
        y *= np.cos(y)
        y[1:] += y[:-1] * 0.5
    return np.sum(y)


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


def forces(pos):
    n = pos.shape[0]
    F = np.zeros_like(pos)
    for i in range(n):
        for j in range(n):
            if i != j:
                d = pos[j] - pos[i]
                F[i] += d / (np.sum(d**2) + 0.3) ** 1.5
    return F


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


def back_substitution(U_, b):
    n = len(b)
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        s = b[i]
        for j in range(i + 1, n):
            s -= U_[i, j] * x[j]
        x[i] = s / U_[i, i]
    return x


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


def bessel_series(x, n):
    term = 1.0
    total = 1.0
    for k in range(1, n):
        term = -term * (x / 2) ** 2 / (k * k)
        total += term
    return total


def legendre(x, n):
    p0 = 1.0
    p1 = x
    for k in range(1, n):
        p0, p1 = p1, ((2 * k + 1) * x * p1 - k * p0) / (k + 1)
    return p1


def clenshaw(c, x):
    b1 = 0.0
    b2 = 0.0
    for k in range(len(c) - 1, 0, -1):
        b1, b2 = 2 * x * b1 - b2 + c[k], b1
    return x * b1 - b2 + c[0]


def de_boor(pts, t):
    p = pts.copy()
    n = len(p)
    for r in range(1, n):
        for i in range(n - r):
            p[i] = (1 - t) * p[i] + t * p[i + 1]
    return p[0]


def de_casteljau_slices(pts, t):
    p = pts
    for r in range(3):
        p = (1 - t) * p[:-1] + t * p[1:]
    return p


def neville(x, y, t):
    n = len(x)
    p = y.copy()
    for k in range(1, n):
        for i in range(n - k):
            p[i] = ((t - x[i + k]) * p[i] + (x[i] - t) * p[i + 1]) / (x[i] - x[i + k])
    return p[0]


def lagrange(x, y, t):
    s = 0.0
    for i in range(len(x)):
        L = 1.0
        for j in range(len(x)):
            if j != i:
                L *= (t - x[j]) / (x[i] - x[j])
        s += y[i] * L
    return s


def romberg_like(f):
    n = len(f)
    R = np.zeros((n, n))
    for i in range(n):
        R[i, 0] = f[i]
        for j in range(1, i + 1):
            R[i, j] = R[i, j - 1] + (R[i, j - 1] - R[i - 1, j - 1]) / (4**j - 1.0)
    return R[n - 1, n - 1]


def pascal(n, x):
    row = np.ones(n)
    for k in range(1, n):
        for j in range(n - 1, 0, -1):
            row[j] = row[j] + x * row[j - 1]
    return row


def counter_index(x, stride):
    out = np.zeros(3 * len(x))
    k = 0
    for i in range(len(x)):
        out[k] = x[i] ** 2
        k += 3
    return out


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


def running_max_np(x):
    m = x[0]
    s = 0.0
    for v in x:
        m = np.maximum(m, v)
        s += m
    return s


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


def stacked_states(A, x, n):
    xs = [x]
    for k in range(6):
        xs.append(np.tanh(A @ xs[-1]))
    return np.stack(xs).sum(0)


def tuple_carry(s, n):
    state = (s, s * 2)
    for k in range(n):
        a, b = state
        state = (a * 0.9 + b * 0.1, np.sin(a))
    return state[0] * state[1]


def dict_carry(x, n):
    st = {"p": x, "v": np.zeros_like(x)}
    for k in range(6):
        st["v"] = st["v"] - 0.1 * st["p"]
        st["p"] = st["p"] + 0.1 * st["v"]
    return st["p"]


def v1(n, r):
    return (r.normal(size=n),)


def sq(n, r):
    return (r.normal(size=(n, n)) + 4 * np.eye(n),)


def sqb(n, r):
    return (r.normal(size=(n, n)) + 4 * np.eye(n), r.normal(size=n))


def spd(n, r):
    a = r.normal(size=(n, n))
    return (a @ a.T + 3 * np.eye(n),)


N1 = (5, 1, 2, 3, 4, 6, 17)
S = (5, 0, 1, 2, 3, 4, 6, 9)


PROGRAMS = [
    UserProgram(cumprod_loop, v1),
    UserProgram(overwritten_reads, v1),
    UserProgram(nonlinear_inplace, lambda n, r: (r.normal(size=n), n)),
    UserProgram(inplace_product, lambda n, r: (r.normal(size=n), n)),
    UserProgram(pair_energy, lambda n, r: (r.normal(size=(n, 2)), r.random(n))),
    UserProgram(pair_energy_lower, lambda n, r: (r.normal(size=(n, 2)), r.random(n))),
    UserProgram(forces, lambda n, r: (r.normal(size=(n, 2)),)),
    UserProgram(forces_newton3, lambda n, r: (r.normal(size=(n, 2)),)),
    UserProgram(lennard_jones, lambda n, r: (r.normal(size=n), n), S),
    UserProgram(back_substitution, sqb),
    UserProgram(back_substitution_slices, sqb),
    UserProgram(lu_vectorised, sq, S),
    UserProgram(gram_schmidt, sq, S),
    UserProgram(cholesky_slices, spd, S),
    UserProgram(bessel_series, lambda n, r: (1.3, n)),
    UserProgram(legendre, lambda n, r: (0.3, n)),
    UserProgram(clenshaw, lambda n, r: (r.normal(size=n), 0.3), N1),
    UserProgram(de_boor, lambda n, r: (r.normal(size=n), 0.3), N1),
    UserProgram(de_casteljau_slices, lambda n, r: (r.normal(size=n), 0.3), (5, 4, 6, 17)),
    UserProgram(
        neville, lambda n, r: (np.arange(n) + 0.1 * r.random(n), r.normal(size=n), 0.3), (5, 1, 2, 3, 4, 6)
    ),
    UserProgram(
        lagrange,
        lambda n, r: (np.arange(n) + 0.1 * r.random(n), r.normal(size=n), 0.3),
        (5, 0, 1, 2, 3, 4, 6),
    ),
    UserProgram(romberg_like, v1, N1),
    UserProgram(pascal, lambda n, r: (n, 0.3)),
    UserProgram(counter_index, lambda n, r: (r.normal(size=n), 3)),
    UserProgram(pointer_walk, lambda n, r: (r.normal(size=n) * 0.5, r.permutation(n), n), N1),
    UserProgram(bin_means, lambda n, r: (r.normal(size=7), r.integers(0, n, 7), n), N1),
    UserProgram(running_max, v1),
    UserProgram(running_max_np, v1, N1),
    UserProgram(online_variance, v1, N1),
    UserProgram(kahan, v1),
    UserProgram(matrix_carry, lambda n, r: (r.normal(size=(3, 3)) * 0.5, n)),
    UserProgram(stacked_states, lambda n, r: (r.normal(size=(n, n)), r.normal(size=n), n)),
    UserProgram(tuple_carry, lambda n, r: (0.3, n)),
    UserProgram(dict_carry, lambda n, r: (r.normal(size=3), n)),
]
