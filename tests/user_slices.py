"""Slices that begin where data say, or a counter of the loop, and are as long as a size: packed storage."""

# The style is theirs.
# ruff: noqa: B007, B023, B905, E731, E741

import numpy as np
from user_program import UserProgram

SIZES = (12, 0, 1, 2, 3, 5, 17)
N1 = (12, 1, 2, 3, 5, 17)


def triangular_factors(q, lower):
    k, d = q.shape
    factors = np.zeros((k, d, d))
    at = 0
    for j in range(d):
        factors[:, j, j] = np.exp(q[:, j])
        factors[:, j + 1 :, j] = lower[:, at : at + d - 1 - j]
        at += d - 1 - j
    return factors @ np.sin(factors)


def packed_rows(x, v):
    s, at = 0.0, 0
    for j in range(v.size):
        s += v[: j + 1] @ x[at : at + j + 1] * v[j]
        at = at + j + 1
    return s


def from_the_end(x, v):
    out = np.zeros(v.size)
    end = x.size
    for j in range(v.size):
        out[j:] += np.sin(x[end - (v.size - j) : end]) * v[j:]
        end -= v.size - j
    return out


def pairs(x, v):
    s = 0.0
    i = 1
    for k in range(v.size):
        i = (5 * i + k) % v.size
        s = s * 0.5 + x[2 * i : 2 * i + 2] @ x[2 * i : 2 * (i + 1)] * v[i]
    return s


def windows(x, v, ptr):
    out = np.zeros(v.size)
    for i in range(len(ptr)):
        out += v * x[ptr[i] : ptr[i] + v.size] ** 2
        out[1:] *= x[ptr[i] + 1 : v.size + ptr[i]]
    return out


def blocks(x, v, order):
    s = 0.0
    for b in order:
        s += np.dot(x[b * v.size : (b + 1) * v.size], v) ** 2
    return s


def buffer_of_a_difference(x, v):
    out = 0.0 * v
    at = int(np.argmax(x[: v.size + 1]))
    for j in range(9):
        end = at + v.size
        part = np.zeros(end - at)
        part[:] = x[at:end]
        out += part * v
        at = end - v.size + j % 2
    return out


def index_from_a_place(x, v, at):
    out = np.copy(v)
    at = at[0]
    for k in range(at, at + v.size):
        out[k - at] *= x[k]
    return out


def segments_in_buffers(x, ptr):
    s = 0.0
    for i in range(len(ptr) - 1):
        row = x[ptr[i] : ptr[i + 1]]
        work = np.ones(ptr[i + 1] - ptr[i])
        work += row * row
        s += np.sum(np.sin(work))
        for k in range(ptr[i], ptr[i + 1]):
            s += x[k] * work[k - ptr[i]]
    return s


def buffers_before_segments(x, ptr):
    s = 0.0
    for i in range(len(ptr) - 1):
        start, stop = ptr[i], ptr[i + 1]
        work = np.zeros(stop - start)
        work[:] = x[start:stop]
        s += np.sum(np.sin(work)) ** 2
    return s


def parameters(theta, x):
    at, n = 0, x.size
    for layer in range(10):
        w = theta[at : at + n * n].reshape(n, n)
        b = theta[at + n * n : at + n * n + n]
        x = np.tanh(w @ x + b)
        at += n * n + n
    return x


def written_window(x, v):
    out = np.zeros(3 * v.size + 9)
    at = 0
    for k in range(9):
        if x[k] > 0:
            out[at : at + v.size] += v * x[k]
            at += 1
        out[at + 1 : at + 1 + v.size] *= x[k : k + v.size]
    return out


def while_there_is_room(x, v):
    s, at = 0.0, 0
    while at + v.size <= x.size and s < 5.0:
        s += np.sum(x[at : at + v.size] ** 2 * v)
        at += 1 if s < 1.0 else 2
    return s


def places(n, r):
    """Where segments of any length begin and end."""
    return np.concatenate([[0], np.cumsum(r.integers(0, 4, n))])


PROGRAMS = [
    UserProgram(
        triangular_factors, lambda n, r: (r.normal(size=(3, n)), r.normal(size=(3, n * (n - 1) // 2))), SIZES
    ),
    UserProgram(packed_rows, lambda n, r: (r.normal(size=n * (n + 1) // 2), r.normal(size=n)), SIZES),
    UserProgram(from_the_end, lambda n, r: (r.normal(size=n * (n + 1) // 2), r.normal(size=n)), SIZES),
    UserProgram(pairs, lambda n, r: (r.normal(size=2 * n), r.normal(size=n)), SIZES),
    UserProgram(
        windows, lambda n, r: (r.normal(size=2 * n), r.normal(size=n), r.integers(0, n + 1, 11)), SIZES
    ),
    UserProgram(blocks, lambda n, r: (r.normal(size=4 * n), r.normal(size=n), r.integers(0, 4, 10)), SIZES),
    UserProgram(buffer_of_a_difference, lambda n, r: (r.normal(size=2 * n + 9), r.normal(size=n)), SIZES),
    UserProgram(
        index_from_a_place, lambda n, r: (r.normal(size=n + 5), r.normal(size=n), r.integers(0, 5, 1)), SIZES
    ),
    UserProgram(segments_in_buffers, lambda n, r: (r.normal(size=3 * n), places(n, r)), SIZES),
    UserProgram(buffers_before_segments, lambda n, r: (r.normal(size=3 * n), places(n, r)), SIZES),
    UserProgram(parameters, lambda n, r: (r.normal(size=10 * (n * n + n)), r.normal(size=n)), N1),
    UserProgram(written_window, lambda n, r: (r.normal(size=n + 9), r.normal(size=n)), SIZES),
    UserProgram(while_there_is_room, lambda n, r: (r.normal(size=3 * n), r.random(size=n)), N1),
]
