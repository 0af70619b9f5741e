"""Stencils, time stepping, recurrences and linear algebra, as users write them."""

# The style is theirs.
# ruff: noqa: B007, B023, B905, E731, E741

import numpy as np
from user_program import UserProgram


def heat(u, k, steps=12):
    for _ in range(steps):
        u = u + k * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    return np.sum(u**2)


def heat_slices(u, k, nt):
    un = u.copy()
    for t in range(nt):
        un[1:-1] = un[1:-1] + k * (un[2:] - 2 * un[1:-1] + un[:-2])
    return un


def advection_upwind(u, c, nt):
    for _ in range(nt):
        unew = np.empty_like(u)
        unew[1:] = u[1:] - c * (u[1:] - u[:-1])
        unew[0] = u[0]
        u = unew
    return u


def burgers_loop(u, nu, dt):
    n = len(u)
    for it in range(9):
        un = np.zeros(n)
        for i in range(1, n - 1):
            un[i] = u[i] - dt * u[i] * (u[i] - u[i - 1]) + nu * dt * (u[i + 1] - 2 * u[i] + u[i - 1])
        u = un
    return np.dot(u, u)


def laplace2d(p, f):
    q = p.copy()
    for it in range(10):
        q[1:-1, 1:-1] = 0.25 * (q[2:, 1:-1] + q[:-2, 1:-1] + q[1:-1, 2:] + q[1:-1, :-2] - f[1:-1, 1:-1])
        q[:, 0] = 0
        q[-1, :] = q[-2, :]
    return q


def gauss_seidel(x, b):
    n = x.shape[0]
    x = x.copy()
    for sweep in range(3):
        for i in range(1, n - 1):
            x[i] = 0.5 * (x[i - 1] + x[i + 1] - b[i])
    return np.sum(x**2)


def thomas(a, b, c, d):
    n = len(d)
    cp = np.zeros(n)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return x


def rk4_pendulum(theta, omega, g, n):
    def f(y):
        return np.array([y[1], -g * np.sin(y[0])])

    y = np.array([theta, omega])
    h = 0.05
    for _ in range(n):
        k1 = f(y)
        k2 = f(y + 0.5 * h * k1)
        k3 = f(y + 0.5 * h * k2)
        k4 = f(y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y[0] ** 2 + y[1]


def leapfrog(q, p, masses):
    dt = 0.01
    for i in range(20):
        p = p - 0.5 * dt * q**3
        q = q + dt * p / masses
        p = p - 0.5 * dt * q**3
    return np.sum(p * p / (2 * masses)) + np.sum(q**4) / 4


def nbody(pos, mass):
    n = len(mass)
    energy = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            d = pos[i] - pos[j]
            energy -= mass[i] * mass[j] / np.sqrt(np.sum(d * d) + 0.1)
    return energy


def nbody_vector(pos, mass):
    d = pos[:, None, :] - pos[None, :, :]
    r2 = (d**2).sum(-1) + 0.01
    return -0.5 * np.sum(mass[:, None] * mass[None, :] / np.sqrt(r2))


def logistic_map(x, r, n):
    out = np.empty(n)
    for i in range(n):
        x = r * x * (1 - x)
        out[i] = x
    return out


def cumsum_axis(x):
    return np.cumsum(x, axis=1) * np.cumsum(x, axis=0)


def horner(c, x):
    p = 0.0
    for a in c[::-1]:
        p = p * x + a
    return p


def horner_index(c, x):
    n = len(c)
    p = c[n - 1] * 1.0
    for i in range(n - 2, -1, -1):
        p = p * x + c[i]
    return p


def stepped(x, start, stop):
    s = 0.0
    for i in range(start, stop, 3):
        s += x[i] * i
    return s


def newton_sqrt(a, n):
    x = a
    for _ in range(n):
        x = 0.5 * (x + a / x)
    return x


def matmul_loops(A, B):
    C = np.zeros((A.shape[0], B.shape[1]))
    for i in range(A.shape[0]):
        for j in range(B.shape[1]):
            for k in range(A.shape[1]):
                C[i, j] += A[i, k] * B[k, j]
    return C


def matmul_ranks(a1, a2, a3):
    return (
        (a1 @ a1)
        + np.sum(a2 @ a1)
        + np.sum(a1 @ a2)
        + np.sum(a3 @ a2)
        + np.sum(a3 @ a1)
        + np.sum(a2 @ a3)
        + np.sum(a1 @ a3)
        + np.sum(a3 @ a3)
    )


def einsums(A, B, v):
    return (
        np.einsum("ij,jk->", A, B)
        + np.einsum("ii", A @ B)
        + np.einsum("i,ij,j", v, A @ B, v)
        + np.einsum("ij->j", A).sum()
        + np.einsum("ij,ij", A, B.T)
        + np.trace(A @ B)
    )


def solve_and_inverse(A, b):
    n = len(b)
    M = A @ A.T + np.eye(n)
    x = np.linalg.solve(M, b)
    return x @ x + np.linalg.solve(M, b[:, None])[0, 0]


def markov(P, pi, n):
    for _ in range(n):
        pi = pi @ P
        pi = pi / pi.sum()
    return pi


def csr_matvec(data, indices, indptr, x):
    n = len(indptr) - 1
    y = np.zeros(n)
    for i in range(n):
        for k in range(indptr[i], indptr[i + 1]):
            y[i] += data[k] * x[indices[k]]
    return y


def scatter(x, idx, n):
    out = np.zeros(n)
    np.add.at(out, idx, x)
    return out


def minmod(u):
    a = u[1:-1] - u[:-2]
    b = u[2:] - u[1:-1]
    return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)


def trajectory(x0, v0, n):
    xs = np.zeros((n, 2))
    x, v = x0, v0
    for i in range(n):
        xs[i] = x
        v = v - 0.1 * x
        x = x + 0.1 * v
    return xs


def dynamic_programming(c):
    n, m = c.shape
    D = np.full((n + 1, m + 1), 1e3)
    D[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            D[i, j] = c[i - 1, j - 1] + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return D[n, m]


def soft_dtw(c, gamma):
    n, m = c.shape
    R = np.full((n + 1, m + 1), 50.0)
    R[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            a, b, d = R[i - 1, j] / gamma, R[i, j - 1] / gamma, R[i - 1, j - 1] / gamma
            mn = min(a, b, d)
            R[i, j] = c[i - 1, j - 1] - gamma * (
                np.log(np.exp(mn - a) + np.exp(mn - b) + np.exp(mn - d)) - mn
            )
    return R[-1, -1]


def toeplitz(c):
    n = len(c)
    T = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            T[i, j] = c[abs(i - j)]
    return T


def interp_linear(xq, y):
    i = np.floor(xq).astype(int)
    i = np.clip(i, 0, len(y) - 2)
    w = xq - i
    return (1 - w) * y[i] + w * y[i + 1]


def spectral(x):
    n = len(x)
    k = np.arange(n)
    ang = 2 * np.pi * np.outer(k, k) / n
    re = np.cos(ang) @ x
    im = -np.sin(ang) @ x
    return np.sum(re**2 + im**2)


BIG = (5, 1, 2, 3, 4, 6, 17)


def idx(n, r):
    return r.integers(0, n, 7)


def csr(n, r):
    counts = r.integers(0, 3, n)
    ptr = np.concatenate([[0], np.cumsum(counts)])
    nnz = int(ptr[-1])
    return r.normal(size=nnz), r.integers(0, 4, nnz), ptr, r.normal(size=4)


PROGRAMS = [
    UserProgram(heat, lambda n, r: (r.normal(size=n), 0.1)),
    UserProgram(heat_slices, lambda n, r: (r.normal(size=n), 0.1, n)),
    UserProgram(advection_upwind, lambda n, r: (r.normal(size=n), 0.1, n + 7), BIG),
    UserProgram(burgers_loop, lambda n, r: (r.normal(size=n), 0.1, 0.02)),
    UserProgram(
        laplace2d, lambda n, r: (r.normal(size=(n, n + 2)), r.normal(size=(n, n + 2))), (5, 2, 3, 4, 6, 9)
    ),
    UserProgram(gauss_seidel, lambda n, r: (r.normal(size=n), r.normal(size=n))),
    UserProgram(
        thomas, lambda n, r: (r.normal(size=n), 4 + r.random(n), r.normal(size=n), r.normal(size=n)), BIG
    ),
    UserProgram(rk4_pendulum, lambda n, r: (0.3, 0.1, 9.8, n)),
    UserProgram(leapfrog, lambda n, r: (r.normal(size=n), r.normal(size=n), 1 + r.random(n))),
    UserProgram(nbody, lambda n, r: (r.normal(size=(n, 3)), 1 + r.random(n))),
    UserProgram(nbody_vector, lambda n, r: (r.normal(size=(n, 3)), 1 + r.random(n))),
    UserProgram(logistic_map, lambda n, r: (0.4, 3.1, n)),
    UserProgram(cumsum_axis, lambda n, r: (r.normal(size=(3, n)),)),
    UserProgram(horner, lambda n, r: (r.normal(size=n), 0.7)),
    UserProgram(horner_index, lambda n, r: (r.normal(size=n), 0.7), BIG),
    UserProgram(stepped, lambda n, r: (r.normal(size=n + 3), 1, n)),
    UserProgram(newton_sqrt, lambda n, r: (2.0, n)),
    UserProgram(
        matmul_loops, lambda n, r: (r.normal(size=(n, n + 1)), r.normal(size=(n + 1, 2))), (5, 0, 1, 2, 6)
    ),
    UserProgram(
        matmul_ranks, lambda n, r: (r.normal(size=n), r.normal(size=(n, n)), r.normal(size=(2, n, n)))
    ),
    UserProgram(einsums, lambda n, r: (r.normal(size=(n, 3)), r.normal(size=(3, n)), r.normal(size=n))),
    UserProgram(solve_and_inverse, lambda n, r: (r.normal(size=(n, n)), r.normal(size=n)), BIG),
    UserProgram(markov, lambda n, r: (r.random((n, n)), r.random(n), 11), BIG),
    UserProgram(csr_matvec, csr),
    UserProgram(scatter, lambda n, r: (r.normal(size=7), idx(n, r), n), BIG),
    UserProgram(minmod, lambda n, r: (r.normal(size=n),), (5, 2, 3, 4, 6, 17)),
    UserProgram(trajectory, lambda n, r: (r.random(2), r.random(2), n)),
    UserProgram(dynamic_programming, lambda n, r: (r.random((n, n + 1)),), (5, 0, 1, 3, 6)),
    UserProgram(soft_dtw, lambda n, r: (r.random((n, n + 1)), 0.5), (5, 0, 1, 3, 6)),
    UserProgram(toeplitz, lambda n, r: (r.normal(size=n),)),
    UserProgram(interp_linear, lambda n, r: (r.random(6) * (n - 1), r.normal(size=n)), (5, 2, 3, 4, 6, 17)),
    UserProgram(spectral, lambda n, r: (r.normal(size=n),), BIG),
]
