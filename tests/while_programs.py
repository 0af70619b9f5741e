"""Programs with `while` loops, and calls of each: with no trip, one trip, and several."""

import math

import numpy as np


def vector(n, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 1.0, n)


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


def newton_by_error(a):
    x = a
    error = 1.0
    trips = 0
    while error > 1e-12:
        new = 0.5 * (x + a / x)
        error = abs(new - x)
        x = new
        trips += 1
    return x, trips


def bisection(target, tolerance):
    low, high = 0.0, 10.0
    while high - low > tolerance:
        middle = 0.5 * (low + high)
        if math.exp(middle) - middle > target:
            high = middle
        else:
            low = middle
    return low, high


def guarded_index(x, level):
    i = 0
    while i < x.shape[0] and x[i] < level:
        i += 1
    return i


def guarded_from_the_end(x):
    i = x.shape[0] - 1
    while i >= 0 and x[i] > 0.5:
        x[i] = 0.5
        i -= 1
    return i


def greatest_divisor(a, b):
    while b != 0:
        a, b = b, a % b
    return a


def collatz(k):
    steps = 0
    while k != 1:
        if k % 2 == 0:
            k = k // 2
        else:
            k = 3 * k + 1
        steps += 1
    return steps


def forever(x, level):
    trips = 0
    while True:
        if x > level:
            break
        x = x * 1.5
        trips += 1
    return x, trips


def break_in_the_middle(x, level):
    s = 0.0
    while True:
        x = x * 1.5
        if x > level:
            break
        s += x
    return x, s


def continued(x, n):
    s = 0.0
    k = 0
    while k < n:
        k += 1
        if x[k % x.shape[0]] < 0.5:
            continue
        s += x[k % x.shape[0]] * k
    return s


def converged(u, tolerance):
    v = np.zeros_like(u)
    while np.max(np.abs(u - v)) > tolerance:
        u, v = 0.5 * u + 0.1, u
    return u, v


def gauss_seidel(b, tolerance):
    x = np.zeros_like(b)
    change = 1.0
    sweeps = 0
    while change > tolerance:
        change = 0.0
        for i in range(1, b.shape[0] - 1):
            new = 0.5 * (b[i] + 0.9 * (x[i - 1] + x[i + 1]))
            change = max(change, abs(new - x[i]))
            x[i] = new
        sweeps += 1
    return x, sweeps


def adaptive(y, rate, end):
    t, dt = 0.0, 0.1
    steps = 0
    while t < end:
        if t + dt > end:
            dt = end - t
        k1 = -rate * y
        k2 = -rate * (y + dt * k1)
        if abs(k2 - k1) * dt > 1e-2:
            dt = 0.5 * dt
            continue
        y = y + 0.5 * dt * (k1 + k2)
        t = t + dt
        dt = 1.2 * dt
        steps += 1
    return y, t, steps


def search_in_while(x, level):
    k = 0
    while k < x.shape[0]:
        if x[k] > level:
            return x[k]
        k += 1
    return level


def while_else(x, level):
    k = 0
    while k < x.shape[0]:
        if x[k] > level:
            break
        k += 1
    else:
        return -1.0
    return x[k]


def while_in_for(x):
    out = np.zeros_like(x)
    for i in range(x.shape[0]):
        y = x[i]
        while y * y > 1e-2:
            y = 0.5 * y
        out[i] = y
    return out


def for_in_while(x, level):
    s = np.sum(x)
    while s > level:
        for i in range(x.shape[0]):
            x[i] = 0.5 * x[i]
        s = np.sum(x)
    return s


def on_a_size(x):
    i = 0
    s = 0.0
    while i < x.shape[0]:
        s += x[i] * i
        i += 2
    return s, i


def insertion_sort(x):
    x = x.copy()
    for i in range(1, x.shape[0]):
        key = x[i]
        j = i - 1
        while j >= 0 and x[j] > key:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = key
    return x


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


def recursion_inside(x, level):
    while x < level:
        x = power(x, 3) + 0.5
    return x


def inner_function(x, level):
    def grown(y):
        while y < level:
            y = y * 2.0
        return y

    return grown(x) + grown(2.0 * x)


def swapped_until(u, level):
    v = np.zeros_like(u)
    while u[0] > level:
        for i in range(u.shape[0]):
            v[i] = 0.5 * u[i]
        u, v = v, u
    return u.copy()


def carried_tree(x, level):
    state = (x, {"t": 0, "u": x * np.ones(3)})
    while state[0] < level:
        y, rest = state
        state = (y * 2.0, {"t": rest["t"] + y, "u": rest["u"] + y})
    return state


def named_in_the_loop(x, level):
    while x < level:
        y = x * 2.0
        x = y + 1.0
    return y


def two_counters(x):
    i, j, s = 0, x.shape[0] - 1, 0.0
    while i < j:
        s += x[i] * x[j]
        i += 1
        j -= 1
    return s, i, j


def return_from_copies_of_a_loop(x, level):
    c = 0
    s = x[0]
    while True:
        if c >= 5 or s > 9.0:
            break
        c += 1
        for _ in range(3):
            d = 0
            while d < 6:
                d += 1
                s += x[1]
                if s > level:
                    return s, d, x * s
    return -s, c, x * 1.0


def merged(x):
    n = x.shape[0] // 2
    i, j, k = 0, n, 0
    out = np.zeros_like(x)
    while i < n and j < x.shape[0]:
        if x[i] <= x[j]:
            out[k] = x[i]
            i += 1
        else:
            out[k] = x[j]
            j += 1
        k += 1
    while i < n:
        out[k] = x[i]
        i += 1
        k += 1
    while j < x.shape[0]:
        out[k] = x[j]
        j += 1
        k += 1
    return out


def counted(x, level):
    k = 0
    while k < x.shape[0] and x[k] < level:
        k += 1
    s = 0.0
    for i in range(k):
        s += x[i]
    return s + x[:k].sum() + np.zeros(k).sum()


def bubble_sort(x):
    x = x.copy()
    swapped = True
    while swapped:
        swapped = False
        for i in range(x.shape[0] - 1):
            if x[i] > x[i + 1]:
                x[i], x[i + 1] = x[i + 1], x[i]
                swapped = True
    return x


def conjugate_gradients(a, b, tolerance):
    u = np.zeros_like(b)
    r = b - a @ u
    p = r.copy()
    rr = r @ r
    while rr > tolerance:
        ap = a @ p
        alpha = rr / (p @ ap)
        u += alpha * p
        r -= alpha * ap
        new = r @ r
        p = r + (new / rr) * p
        rr = new
    return u


X9 = vector(9)
A97 = vector(63).reshape(9, 7)
SPD = A97 @ A97.T + np.eye(9)

PROGRAMS = {
    newton: [(2.0,), (9.0,), (1.0,)],
    newton_by_error: [(2.0,), (9.0,)],
    bisection: [(5.0, 1e-9), (5.0, 20.0), (50.0, 1e-3)],
    guarded_index: [(np.arange(9.0), 4.5), (np.arange(5.0), 10.0), (np.arange(5.0), -1.0), (vector(0), 1.0)],
    guarded_from_the_end: [(np.arange(5.0),), (1.0 + np.arange(7.0),), (vector(0),)],
    greatest_divisor: [(np.int64(12), np.int64(18)), (np.int64(7), np.int64(0))],
    collatz: [(np.int64(7),), (np.int64(1),), (np.int64(27),)],
    forever: [(1.0, 5.0), (7.0, 5.0)],
    break_in_the_middle: [(1.0, 5.0), (7.0, 5.0), (0.1, 5.0)],
    continued: [(X9, 20), (X9, 0), (vector(5), 3)],
    converged: [(X9, 1e-6), (X9, 10.0), (vector(4), 1e-3)],
    gauss_seidel: [(X9, 1e-8), (X9, 2.0), (vector(20), 1e-3)],
    adaptive: [(1.0, 0.5, 2.0), (1.0, 0.5, 0.0), (1.0, 9.0, 3.0)],
    search_in_while: [(X9, 0.8), (X9, 2.0), (X9, 0.0), (vector(0), 0.5)],
    while_else: [(X9, 0.8), (X9, 2.0), (X9, 0.0), (vector(0), 0.5)],
    while_in_for: [(X9,), (vector(20),), (vector(0),)],
    for_in_while: [(X9, 0.01), (X9, 100.0)],
    on_a_size: [(X9,), (vector(6),), (vector(0),)],
    insertion_sort: [(X9,), (vector(20),), (vector(0),)],
    recursion_inside: [(0.9, 5.0), (9.0, 5.0)],
    inner_function: [(0.9, 5.0), (9.0, 5.0), (3.0, 5.0)],
    swapped_until: [(X9, 0.01), (vector(5), 0.02)],
    carried_tree: [(0.5, 30.0), (0.5, 0.0)],
    named_in_the_loop: [(0.5, 30.0), (0.5, 0.7)],
    two_counters: [(X9,), (vector(6),), (vector(0),)],
    return_from_copies_of_a_loop: [(X9, 3.0), (X9, 99.0), (-X9, 3.0)],
    merged: [(np.append(np.sort(vector(4)), np.sort(vector(5, 1))),), (np.arange(6.0),), (-np.arange(7.0),)],
    counted: [(np.sort(X9), 0.5), (X9, 2.0), (X9, 0.0)],
    bubble_sort: [(X9,), (vector(20),), (vector(0),)],
    conjugate_gradients: [(SPD, X9, 1e-16), (SPD, X9, 1e9), (SPD[:5, :5], vector(5), 1e-16)],
}
