"""Programs that leave `for` loops by `break` and `return`, or count in them, and calls of each."""

import numpy as np
from while_programs import A97, X9, vector


def search(x, level):
    for i in range(x.shape[0]):
        if x[i] > level:
            return x[i] * 2.0
    return -1.0


def search_index(x, level):
    for i in range(x.shape[0]):
        if x[i] > level:
            return i, x[i]
    return -1, 0.0


def for_else(x, level):
    k = -1
    for i in range(x.shape[0]):
        if x[i] > level:
            k = i
            break
    else:
        k = -2
    return k


def nested_break(a, level):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > level:
                break
            s += a[i, j] * (i + 2 * j)
    return s


def nested_return(a, level):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if a[i, j] > level:
                return a[i, j], i, j
    return 0.0, -1, -1


def breaks_by_the_index(x, k):
    s = 0.0
    for i in range(x.shape[0]):
        if i == k:
            break
        s += x[i]
    return s


def over_arrays(x, y, level):
    s = 0.0
    for k, (a, b) in enumerate(zip(x, y)):  # noqa: B905
        if a * b > level:
            break
        s += k * a * b
    for a in reversed(x):
        if a > level:
            break
        s = 0.5 * s + a
    for row in x[:, None] * y:
        if row[0] > level:
            break
        s += np.sum(row)
    return s


def in_a_short_range(x, level):
    s = 0.0
    for k in range(4):
        s += x[k]
        if s > level:
            break
    else:
        s = -s
    return s, k


def in_a_list(x, y, level):
    for v in [x, y, x * y, x + y]:
        if v > level:
            return v
    return level


def written_until_a_jump(x, level):
    out = np.zeros_like(x)
    for i in range(x.shape[0]):
        out[i] = x[i]
        if x[i] > level:
            break
        out[i] += 1.0
    return out, i


def downward(x, n, m):
    s = 0.0
    for i in range(n, m, -2):
        s = 0.5 * s + x[i]
    return s


def counts_in_a_for(x):
    k = 3
    s = 0.0
    for i in range(x.shape[0] - 3):
        s += x[k] * i
        k += 1
    return s, k


def packs(x, level):
    out = np.zeros_like(x)
    k = 0
    for i in range(x.shape[0]):
        if x[i] > level:
            out[k] = x[i]
            k += 1
    return out, k


def counter_in_copies_of_a_loop(x):
    k = 0
    for i in range(3):
        for _ in range(12):
            k = k + 2
        if x[i] > 0.5:
            k = 1
    return k


def last_of_two(x):
    for i in range(x.shape[0]):
        for j in range(i):
            if x[i] + x[j] > 1.0:
                if x[j] > 0.3:
                    return i * 10 + j
                break
        else:
            continue
    return -1


PROGRAMS = {
    search: [(X9, 0.8), (X9, 2.0), (X9, 0.0), (vector(0), 0.5)],
    search_index: [(X9, 0.8), (X9, 2.0), (X9, 0.0), (vector(0), 0.5)],
    for_else: [(X9, 0.8), (X9, 2.0), (X9, 0.0), (vector(0), 0.5)],
    nested_break: [(A97, 0.7), (A97, 2.0), (A97[:0], 0.5)],
    nested_return: [(A97, 0.95), (A97, 2.0), (A97[:0], 0.5)],
    breaks_by_the_index: [(X9, np.int64(5)), (X9, np.int64(0)), (X9, np.int64(99))],
    over_arrays: [(X9, vector(9, 1), 0.5), (X9, vector(9, 1), 5.0), (vector(3), vector(3), 0.0)],
    in_a_short_range: [(X9, 1.0), (X9, 10.0), (X9, 0.0)],
    in_a_list: [(0.5, 0.75, 0.6), (0.5, 0.75, 3.0), (0.5, 0.75, 1.0)],
    written_until_a_jump: [(X9, 0.8), (X9, 2.0), (X9, 0.0)],
    downward: [(X9, 8, 1), (X9, 1, 8), (X9, 5, 0)],
    counts_in_a_for: [(np.arange(12.0),), (np.arange(7.0),)],
    counter_in_copies_of_a_loop: [(X9,), (vector(5, 1),)],
    last_of_two: [(X9,), (0.1 * X9,), (vector(0),)],
    packs: [(X9, 0.5), (X9, 5.0), (vector(20), 0.0)],
}
