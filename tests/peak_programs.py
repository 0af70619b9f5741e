"""Programs of many kinds whose peak is predicted, at several sizes, and a process that measures them.

The argument of the process is the backend; it prints, for each program, stage and size, the predicted and the
measured bytes, cold and warm, and what is said not to be counted.
"""

import json
import sys

import numpy as np
from peak_memory import measured_peak, numba_reports

import adcompiler
from adcompiler.backends import workspace

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape)


def chain(x):
    y = np.sin(x) * x + np.exp(-x * x)
    z = np.tanh(y) / (1.0 + y * y)
    return np.sum(z * np.cos(y))


def broadcasting(a, row, column):
    t = (a - row) * column[:, None]
    return np.sum(np.exp(-t * t) + row * a)


def perceptron(x, w1, b1, w2, b2):
    hidden = np.tanh(x @ w1 + b1)
    out = hidden @ w2 + b2
    return np.mean(out * out)


def reductions(a):
    mean = np.mean(a, axis=0)
    spread = np.sqrt(np.mean((a - mean) ** 2, axis=0))
    normed = (a - mean) / (spread + 1.0)
    return np.sum(np.max(normed, axis=1)) + np.sum(np.prod(normed[:, :3], axis=1))


def recurrence(x, a):
    out = np.zeros_like(x)
    out[0] = x[0]
    for i in range(1, x.shape[0]):
        out[i] = np.sin(a * out[i - 1]) + x[i]
    return np.sum(out * out)


def heat(u, steps):
    for _ in range(steps):
        new = u.copy()
        new[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.1 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
        u = new * (1.0 - 0.01 * new)
    return np.sum(u * u)


def wave(u, speed, steps):
    """Two fields, which change places."""
    before, now = u, u.copy()
    for _ in range(steps.shape[0]):
        after = np.zeros_like(u)
        after[1:-1] = 2.0 * now[1:-1] - before[1:-1] + speed[1:-1] * (now[2:] - 2.0 * now[1:-1] + now[:-2])
        before, now = now, after
    return np.sum(now**2)


def lstm(xs, w, u, b):
    size = b.shape[0] // 4
    h, c = np.zeros((xs.shape[1], size)), np.zeros((xs.shape[1], size))
    for t in range(xs.shape[0]):
        gates = xs[t] @ w + h @ u + b
        i, f = 1.0 / (1.0 + np.exp(-gates[:, :size])), 1.0 / (1.0 + np.exp(-gates[:, size : 2 * size]))
        o, g = 1.0 / (1.0 + np.exp(-gates[:, 2 * size : 3 * size])), np.tanh(gates[:, 3 * size :])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum(h * h)


def branch_in_loop(x, n):
    y = x
    for _ in range(n.shape[0]):
        y = np.sin(y) * x if y[0] > 0.5 else y * y * x + y
    return np.sum(y)


def loop_in_loop(a):
    total = 0.0
    y = a[0]
    for i in range(a.shape[0]):
        for _ in range(3):
            y = np.tanh(y * a[i])
        total += np.sum(y * y)
    return total


def cross_entropy(logits, labels):
    shifted = logits - np.max(logits, axis=1)[:, None]
    log_sums = np.log(np.sum(np.exp(shifted), axis=1))
    picked = shifted[np.arange(logits.shape[0]), labels]
    return np.mean(log_sums - picked)


def gather_scatter(x, source, target):
    edges = np.sin(x[source]) * x[target]
    sums = np.zeros_like(x)
    np.add.at(sums, target, edges)
    return np.sum(sums * sums)


def masked(x, y):
    return np.sum(np.where(x > 0.0, np.log1p(x * x) * y, x - y)) + np.sum(np.abs(x) * y)


def running(x):
    return np.sum(np.cumsum(x * x) * x)


def triangle(a):
    n = a.shape[0]
    total = 0.0
    for i in range(n):
        total += np.sum(np.sin(a[i, : i + 1])) * a[i, i]
    return total


def attention(q, k, v):
    scores = q @ k.T / 8.0
    weights = np.exp(scores - np.max(scores, axis=1)[:, None])
    weights = weights / np.sum(weights, axis=1)[:, None]
    return np.sum((weights @ v) ** 2)


def picture(x, kernel):
    """A convolution by slices, in plain loops over the kernel."""
    out = np.zeros((x.shape[0] - 2, x.shape[1] - 2))
    for i in range(3):
        for j in range(3):
            out += kernel[i, j] * x[i : i + out.shape[0], j : j + out.shape[1]]
    return np.sum(np.maximum(out, 0.0))


def pairs(x, s):
    distance = x[:, None] - x[None, :]
    return np.sum(np.exp(-(distance**2) / s))


def best(x):
    return np.sum(x[np.argmax(x, axis=0), np.arange(x.shape[1])] ** 2)


def nearest(points, centres):
    return np.sum(np.min(np.sum((points[:, None, :] - centres[None, :, :]) ** 2, axis=2), axis=1))


def padded(x):
    wide = np.pad(x, ((1, 2), (3, 1)))
    return np.sum(wide[1:, 1:] * wide[:-1, :-1])


def integers(n, high):
    return RANDOM.integers(0, high, n)


def calls(make, *sizes):
    """The arguments of calls at several sizes."""
    return [make(*size) for size in sizes]


def lstm_arguments(t, b, d, h):
    return normal(t, b, d), normal(d, 4 * h), normal(h, 4 * h), normal(4 * h)


PROGRAMS = {
    "chain": (chain, calls(lambda n: (normal(n),), (150_000,), (400_000,))),
    "chain of f32": (chain, calls(lambda n: (normal(n).astype(np.float32),), (300_000,))),
    "broadcasting": (
        broadcasting,
        calls(lambda n, m: (normal(n, m), normal(m), normal(n)), (900, 500), (90, 9000)),
    ),
    "perceptron": (
        perceptron,
        calls(
            lambda n, d, h: (normal(n, d), normal(d, h), normal(h), normal(h, 10), normal(10)),
            (600, 300, 400),
            (200, 700, 900),
        ),
    ),
    "reductions": (reductions, calls(lambda n, m: (normal(n, m),), (1000, 300), (400, 1500))),
    "recurrence": (recurrence, calls(lambda n: (normal(n), 0.5), (10_000,), (20_000,))),
    "heat": (heat, calls(lambda n, steps: (normal(n, n), steps), (400, 4), (200, 30))),
    "wave": (wave, calls(lambda n, k: (normal(n), normal(n) ** 2, np.zeros(k)), (50_000, 4), (10_000, 40))),
    "lstm": (lstm, calls(lstm_arguments, (20, 60, 40, 64), (6, 200, 100, 128))),
    "branch in loop": (
        branch_in_loop,
        calls(lambda n, k: (np.abs(normal(n)), np.zeros(k)), (60_000, 5), (20_000, 30)),
    ),
    "loop in loop": (loop_in_loop, calls(lambda n, m: (normal(n, m),), (10, 20_000), (60, 5_000))),
    "cross entropy": (
        cross_entropy,
        calls(lambda n, m: (normal(n, m), integers(n, m)), (2000, 150), (300, 3000)),
    ),
    "gather scatter": (
        gather_scatter,
        calls(
            lambda n, e: (normal(n), integers(e, n), integers(e, n)), (50_000, 200_000), (300_000, 100_000)
        ),
    ),
    "masked": (masked, calls(lambda n: (normal(n), normal(n)), (200_000,))),
    "running": (running, calls(lambda n: (normal(n),), (200_000,))),
    "triangle": (triangle, calls(lambda n: (normal(n, n),), (300,))),
    "attention": (attention, calls(lambda n, m: (normal(n, 64), normal(m, 64), normal(m, 64)), (500, 600))),
    "picture": (picture, calls(lambda n: (normal(n, n), normal(3, 3)), (500,), (800,))),
    "best": (best, calls(lambda n, m: (normal(n, m),), (400, 500))),
    "nearest": (nearest, calls(lambda n, k, d: (normal(n, d), normal(k, d)), (500, 40, 8), (50, 3000, 2))),
    "padded": (padded, calls(lambda n, m: (normal(n, m),), (400, 500))),
    "pairs": (pairs, calls(lambda n: (normal(n), 2.0), (900,), (1100,))),
}

COMPILED = (
    "broadcasting",
    "perceptron",
    "reductions",
    "heat",
    "wave",
    "lstm",
    "branch in loop",
    "loop in loop",
    "cross entropy",
    "gather scatter",
    "triangle",
    "best",
    "padded",
    "pairs",
)
"""Those that Numba compiles here; `memory_programs` has more of the others' kinds."""


def main(backend):
    if backend == "numba":
        numba_reports()
    found = {}
    for name in COMPILED if backend == "numba" else PROGRAMS:
        function, arguments = PROGRAMS[name]
        gradient = adcompiler.adjoint(function, backend=backend)
        for args in arguments:
            stages = {"gradient": gradient, "value_and_grad": gradient.value_and_grad}
            for stage, call in stages.items():
                memory = gradient.memory(*args, stage=stage)
                call(*args)
                call(*args)
                adcompiler.clear_buffers()
                cold, warm = (measured_peak(lambda call=call, args=args: call(*args)) for _ in range(2))
                kept = memory.workspace if memory.workspace >= 8 * workspace.WORTH else 0
                one = {"peak": memory.peak, "kept": kept, "cold": cold, "warm": warm}
                found.setdefault(f"{name} {stage}", []).append(one | {"unknown": memory.unknown})
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
