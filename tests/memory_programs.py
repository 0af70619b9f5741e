"""Programs whose memory is predicted, and a process that measures what they take."""

import json

import numpy as np
from peak_memory import measured_peak, numba_reports

import adcompiler

N = 60_000
X = np.linspace(0.5, 1.5, N)
SQUARE = np.random.default_rng(0).normal(size=(200, 200)) / 20.0


def mean_square(x, y):
    return np.mean((x - y) ** 2)


def running(x):
    return np.sum(np.cumprod(x))


def recurrence(x):
    s = 0.0
    for i in range(x.shape[0]):
        s = np.sin(s * x[i])
    return s


def renewed(u):
    """Each trip makes an array that goes to the next one."""
    for _ in range(8):
        new = np.zeros(u.shape[0])
        for i in range(1, u.shape[0] - 1):
            new[i] = u[i] + 0.1 * (u[i - 1] - 2 * u[i] + u[i + 1])
        u = new
    return np.sum(u * u)


def taped(u):
    """A tape of arrays."""
    for _ in range(8):
        u = u * 0.5 + np.sin(u)
    return np.sum(u * u)


def exchanged(x):
    a, b = np.sin(x), np.cos(x)
    for _ in range(5):
        a, b = b * x, a
    return np.sum(a + b)


def branched(x):
    if x[0] > 1.0:
        z = np.sin(x)
    else:
        z = np.cos(x) * x
    return np.sum(z * z)


def log_sum_exp(a):
    return np.sum(np.log(np.sum(np.exp(a - np.max(a, axis=1)[:, None]), axis=1)))


def table(x):
    n = x.shape[0] // 100
    t = np.zeros((n, 100))
    for i in range(n):
        for j in range(100):
            t[i, j] = np.exp(-x[i * 100 + j]) * (t[i - 1, j] if i > 0 else 1.0)
    return np.sum(t[n - 1])


def products(a):
    return np.sum(np.tanh(a @ a) @ a)


def limited(x):
    """A loop that may be left, but has a tape for all its trips."""
    y = 1.0
    for i in range(x.shape[0]):
        y = y * x[i]
        if y < 1e-300:
            break
    return y


PROGRAMS = {
    "mean square": (mean_square, X, np.cos(X)),
    "arguments that are copied": (mean_square, X[::2], X[1::2]),
    "running products": (running, X),
    "recurrence": (recurrence, X),
    "renewed": (renewed, X),
    "taped": (taped, X),
    "exchanged": (exchanged, X),
    "branched": (branched, X),
    "log sum exp": (log_sum_exp, X.reshape(300, 200)),
    "table": (table, X),
    "products": (products, SQUARE),
    "single precision": (running, X.astype(np.float32)),
}


def main():
    numba_reports()
    found = {}
    for name, (function, *args) in PROGRAMS.items():
        gradient = adcompiler.adjoint(function)
        calls = {"gradient": gradient, "value_and_grad": gradient.value_and_grad, "primal": gradient.primal}
        for stage, call in calls.items():
            memory = gradient.memory(*args, stage=stage)
            call(*args)
            call(*args)
            adcompiler.clear_buffers()
            measured = measured_peak(lambda call=call, args=args: call(*args))
            found[f"{name} {stage}"] = memory.peak, measured, memory.unknown
    print(json.dumps(found))


if __name__ == "__main__":
    main()
