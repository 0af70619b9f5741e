"""What random programs are made of: templates of statements, expressions, conditions and ranges.

A placeholder stands for something that is drawn, the same thing wherever it occurs in one template:

    {u} {v} {w}     vectors of n            {e} {e1}    numbers
    {i} {i1}        places of the axis n    {c} {c1}    conditions
    {j}             places of the axis p    {vec}       vectors of n, computed
    {d}             a small integer         {row}       vectors of p, computed
    {own}           the index of a loop, where there is one

The names of a program: vectors u, v, w, x, y of n; matrices h, a of (n, p); vectors g, b of p; integers r of
n; numbers s, t, c; integers k, m; a bool `flag`; z, where arrays have several names.
"""

from __future__ import annotations

from collections.abc import Mapping

HELPERS = """
import math
import numpy as np

RATE = 0.25
TABLE = np.linspace(0.1, 0.9, 5)
PICKED = np.array([1, 0, 1, 2])
WIDE = np.linspace(0.1, 0.9, 200)
CONFIG = {"scale": 0.75, "weights": [0.5, 0.25]}


def damp(z, q):
    z[0] = 0.5 * z[-1] + 0.1 * q
    return z


def smooth(z, q):
    for e in range(1, z.shape[0]):
        z[e] = 0.5 * z[e - 1] + RATE * q
    return q * 0.1


def step(z, q):
    return z + 0.1 * (q - z)


def pair(z, d):
    return d * CONFIG["scale"], np.sin(z) + TABLE[2]


def fill(z, d):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] = 0.5 * z[i - 1, j] + 0.2 * d[j]


def clipped(q, low=0.2, *, high=0.9):
    if q < low:
        return low
    elif q > high:
        return high
    return q


def first_above(z, bound):
    for k, e in enumerate(z):
        if e > bound:
            return k
    return -1


def chilled(z, q):
    if q > 0.5:
        z *= 0.5
    else:
        z += 0.1 * q


def power(q, k):
    return 1.0 if k == 0 else q * power(q, k - 1)


def halvings(q):
    count = 0
    while abs(q) > 0.1:
        q = 0.5 * q
        count += 1
    return count


def chosen(z, d, q):
    if q > 0.5:
        return z
    return d


"""

SIMPLE: Mapping[str, tuple[str, ...]] = {
    "number": ("s = {e}", "t = {e}", "t = 0.9 * t + 0.1 * {e}", "s = -{e}", "t = s = {e}"),
    "augmented number": ("s += 0.25 * {e}", "t -= 0.1 * {e}", "s *= 0.5", "t /= 1.0 + abs({e})"),
    "unpacking": (
        "s, t = t, {e}", "s, t = 0.5 * t, s", "q = (s, {e}); s = q[1] + 0.1 * q[0]",
        "s, *q = t, {e}, 0.5; s += q[0]", "(s, t), k = ({e}, s), k + 1", "[s, t] = [{e}, s]",
    ),
    "integer": (
        "k += 1", "k += 1", "k = {d}", "k = (k + {d}) % 5", "k -= {d}", "k = k // 2", "k = abs(k) % 7",
        "k = 2 * k % 5", "k = max(k, {d})", "k = m - {d}", "k = n % 3",
    ),
    "mixed types": (
        "s = {d}", "t = k", "s = s + k / 2", "t = k * 0.25", "s = float(k)", "s = ({c}) + 0.5", "t = 1",
        "r[{i}] = k", "r[{i}] += 1", "s = r[{i}] / 2", "{u}[{i}] = k", "{u}[{i}] = {d}", "r[{i}] = {d}.7",
        "r[:] = k", "{u}[:] = r % 3", "s = r.sum() * 0.1", "s = 0.1 * round(3 * {e})", "r += 1",
    ),
    "flag": (
        "flag = not ({c})", "flag = not flag", "flag = flag and not ({c})", "flag = flag or not ({c})",
        "flag = True",
        "flag = bool(k)", "flag = flag != ({c})",
    ),
    "element": ("{u}[{i}] = {e}", "{u}[{i}] = {e}", "{u}[{i}] = {v}[{i1}]"),
    "augmented element": ("{u}[{i}] += 0.2 * {e}", "{u}[{i}] *= 0.5", "{u}[{i}] -= {e}"),
    "matrix element": ("h[{i}, {j}] = {e}", "h[{i}, {j}] += 0.2 * {e}", "h[{i}][{j}] = {e}", "g[{j}] = {e}"),
    "row or column": (
        "h[{i}] = {row}", "h[{i}, :] += 0.1 * {row}", "h[:, {j}] = {vec}", "h[:, {j}] *= 0.5",
        "h[{i}] *= 0.8",
        "g = h[{i}].copy()", "g[:] = {row}", "h[{i}, 1:] = h[{i}, :-1]", "h[{i}][1:] += 0.1 * {e}",
        "h[{i}] = h[{i1}]",
    ),
    "slice": (
        "{u}[1:] = {v}[:-1]", "{u}[1:] += 0.1 * {v}[:-1]", "{u}[:-1] = np.sin({u}[1:])", "{u}[2:] = {e}",
        "{u}[1:-1] = 0.5 * ({u}[2:] + {v}[:-2])", "h[1:] = 0.5 * h[:-1]", "h[1:, :-1] += 0.1",
        "{u}[-2:] *= 0.5",
    ),
    "slice at an index": (
        "{u}[:{own}] += 0.1 * {e}", "{u}[{own}:] = 0.5 * {v}[{own}:]", "{u}[{own} + 1:] *= 0.9",
        "h[{own}, : min({own}, p)] = 0.5", "s = 0.2 * np.sum({u}[:{own}])", "{u}[{own}:{own} + 1] = {e}",
    ),
    "slice from a place that data decide": (
        "{u} = {v} + 0.1 * WIDE[k % 50 : k % 50 + n]", "k = k % 50; {u} += 0.1 * WIDE[k : k + n]; k += n",
        "k = k % 50; {u}[1:] = 0.5 * WIDE[k + 1 : k + {u}.size]",
        "k = k % 50 + n; {u} *= WIDE[k - n : k]",
        "k = k % 20; {u} = {v} - 0.5 * WIDE[2 * k : 2 * k + n]",
        "k = k % 20; {u} = {v} - 0.5 * WIDE[k * n : (k + 1) * n]",
        "k = k % 50; q = k + n; {u} = WIDE[k:q] * np.ones(q - k)",
        "k = k % 50; h[:, {j}] += 0.1 * WIDE[k + 2 : k + n + 2]",
        "k = k % 50; {u}[{own}:] += 0.1 * WIDE[k : k + n - {own}]; k += n - {own}",
        "k = k % 50; {u}[:{own}] = WIDE[k + n - {own} : k + n]",
        "s = 0.1 * np.sum(WIDE[r[{i}] % 50 : r[{i}] % 50 + n] * {u})",
        "q = np.zeros(99); q[k % 50 : k % 50 + n] = {u}; q[k % 50 : k % 50 + n] *= 0.5; s = 0.1 * q.sum()",
        "k = k % 50\nfor q in range(k, k + n): s = 0.9 * s + 0.1 * WIDE[q]",
        "k = 0\nfor q in range(n): {u}[q + 1:] += 0.1 * WIDE[k : k + n - 1 - q]; k += n - 1 - q",
    ),
    "strided": (
        "{u}[::2] *= 0.5", "{u}[1::2] = {e}", "{u}[::-1] = {v}", "{u}[::2] += 0.1 * {v}[::2]",
        "{u}[::-1] += 0.1 * {u}", "{u}[::3] = {v}[::3]", "h[::-1] *= 0.5", "h[:, ::2] = {e}",
        "{u}[n - 1:0:-1] = 0.4",
    ),
    "mask": (
        "{u}[{v} > 0.4] = {e}", "{u}[{u} > 0.41] *= 0.7", "{u}[({u} > 0.3) & ({v} < 0.6)] += 0.1",
        "h[h > 0.5] = 0.25", "{u} = np.where({v} > 0.4, {u}, {vec})", "{u}[~({v} > 0.4)] = 0.5",
    ),
    "whole array": (
        "{u} += 0.1 * {v}", "{u} *= 0.5", "{u}[:] = {v}", "{u}[...] = {vec}", "{u} -= 0.1 * {vec}",
        "h *= 0.8",
        "h += 0.1 * a", "{u}.fill({e})", "h[:] = h[::-1]", "{u}[:] = {u}[::-1]",
    ),
    "fresh array": (
        "{u} = 1.0 * ({vec})", "{u} = {u} + 0.1 * {vec}", "{u} = {v}.copy()", "{u} = np.zeros_like({v})",
        "{u} = 0.9 * {v}",
        "{u} = np.array({v})", "h = 0.5 * h", "h = a.copy()", "g = 0.5 * g", "{u} = np.ones(n)",
    ),
    "integer array": (
        "{u}[r % max(n, 1)] = {e}", "{u} = {v}[r % max(n, 1)]", "{u}[PICKED] = {e}",
        "s = 0.1 * np.sum({u}[PICKED])",
        "{u}[np.arange(n)[::-1]] = {v}", "{u}[PICKED] += 0.1",
    ),
    "add.at": (
        "np.add.at({u}, PICKED, {e})", "np.add.at({u}, r % max(n, 1), 0.1 * {v})",
        "np.subtract.at({u}, [0, 0], {e})",
    ),
    "out=": (
        "np.multiply({u}, 0.5, out={v})", "np.sin({u}, out={v})", "np.add({u}[1:], {v}[:-1], out={u}[1:])",
        "np.add({u}, 0.1, {u})", "np.cos({u}[::-1], out={u})",
    ),
    "transpose": (
        "h.T[{j}] = {vec}", "h.T[{j}, {i}] += {e}", "h.T[:] *= 0.5", "s = h.T[{j}, {i}]",
        "g = 0.2 * (h.T @ {u})",
        "h.T[1:] = 0.5 * h.T[:-1]", "h.T[{j}][{i}] = {e}",
    ),
    "exchange of elements": (
        "{u}[{i}], {v}[{i1}] = {v}[{i1}], {u}[{i}]", "{u}[{i}], {u}[{i1}] = {u}[{i1}], {u}[{i}]",
        "h[{i}], h[{i1}] = h[{i1}], h[{i}]", "h[{i}], h[{i1}] = h[{i1}].copy(), h[{i}].copy()",
        "q = {u}[{i}]; {u}[{i}] = {u}[{i1}]; {u}[{i1}] = q", "k, {u}[k % n] = k + 1, {e}",
    ),
    "view, used at once": (
        "z = {u}[1:]; z[0] = {e}; z *= 0.9", "z = {u}[::-1]; z[{i}] += 0.1 * s", "z = {u}; z[{i}] = {e}",
        "z = h[{i}]; z[{j}] = {e}; z *= 0.9", "z = h[:, {j}]; z[{i}] = s; z += 0.1 * {v}",
        "z = h[1:]; z[0, 0] = {e}",
        "z = {u}[::2]; z += 0.1", "z = h.T; z[{j}, {i}] = {e}", "z = {u}[1:][1:]; z[:] = {e}",
        "z = h.T[{j}]; z += 0.1",
        "z = {u}[:]; z[{i}] = {e}; s = {u}[{i}]",
    ),
    "mutating helper": (
        "smooth({u}, {e})", "s = smooth({u}, t)", "damp({u}, {e})", "fill(h, {row})", "smooth(h[{i}], t)",
        "smooth({u}[1:], t)", "damp(h[:, {j}], {e})", "chilled({u}, {e})", "smooth({u}[::-1], t)",
    ),
    "pure helper": (
        "{u} = step({v}, s)", "{u}, {v} = pair({v}, {w})", "s = clipped({e})",
        "s = clipped({e}, 0.3, high=0.7)",
        "s = power(t, {d})", "s = clipped(high=0.6, q={e})",
    ),
    "helper with a loop that ends on data": (
        "k = first_above({u}, 0.6)", "k = halvings({e})", "{u}[first_above({u}, 0.4)] = {e}",
    ),
    "closure": ("s = bump({e})", "poke(0)", "s = 0.5 * poke({i})", "t = bump(s) + bump(t)"),
    "comprehension": (
        "s = 0.2 * sum([{u}[q] for q in range(3)])", "{u}[:2] = [{e} * q for q in range(2)]",
        "s = max([{u}[q] for q in (0, 1)])", "s = sum(q * {e} for q in CONFIG['weights'])",
        "s = 0.1 * sum([{u}[q] * q for q in range({d}) if q != 1])",
    ),
    "assert": ("assert s > -1e9", "assert n >= 0 and m >= 0, 'sizes'", "assert s == s, s"),
    "pass": ("pass", "'a string'"),
}  # fmt: skip

ALIASING: Mapping[str, tuple[str, ...]] = {
    "alias": ("{u} = {v}", "{u} = {v}", "{u} = {v}; {u}[{i}] = {e}", "z = {v}", "{u} = z", "{u} = {v} = {w}"),
    "swap": (
        "{u}, {v} = {v}, {u}", "{u}, {v} = {v}, {u}", "u, v, w = v, w, u", "u, z = z, u", "z, {u} = {u}, z",
    ),
    "swap and step": ("{u}, {v} = {v}, {u} + 0.1 * {v}", "z = {u}; {u} = {u} + 0.1 * {v}; {v} = z"),
    "view that is kept": (
        "{u} = {v}[:]", "{u} = {v}[::-1]", "z = {v}[::-1]", "{u} = h[:, {j}]", "g = h[{i}]", "h = h[::-1]",
        "z = {v}[:]", "z = h[:, {j}]", "z = {u}.reshape(n)", "z = {u}.ravel()", "g = a[{i}]",
        "h = h[:, ::-1]",
    ),
    "use of another name": (
        "z[{i}] = {e}", "s = z[{i}]", "z += 0.1", "z *= 0.9", "{u} = z + 0.1", "z[:] = {u}", "{u}[:] = z",
        "z = z + 0.1",
        "g[{j}] = {e}", "g *= 0.5",
    ),
    "helper that returns its argument": (
        "{u} = damp({v}, {e})", "z = damp({v}, t)", "{u} = chosen({v}, {w}, {e})",
    ),
    "array by a ternary": (
        "{u} = {v} if {c} else {w}", "z = {v} if {c} else {vec}", "({u} if {c} else {v})[{i}] = {e}",
    ),
    "arrays in a container": (
        "q = ({u}, {v}); q[0][{i}] = {e}; {u} = q[1]", "q = [{u}, {v}]; q[{d} % 2] *= 0.5",
        "for q in ({u}, {v}): q *= 0.9",
        "q = {{'z': {u}}}; q['z'][{i}] = {e}; {u} = q['z']",
        "q = [{u}, {v}]; q[0], q[1] = q[1], q[0]; {u}, {v} = q",
    ),
}  # fmt: skip
"""Constructs after which an array may have several names."""

NAMED_NUMBERS = ("new = {e}", "new = {e}", "new = k", "new = {d}", "new = (s, {e})[1]", "new = {own} + 1")
USED_NUMBERS = ("s = new * 0.5", "t = 0.5 * new + s", "s += 0.1 * new")
NAMED_ARRAYS = (
    "new = {u}",
    "new = {u}[:]",
    "new = {u}[::-1]",
    "new = {vec}",
    "new = h[:, {j}]",
    "new = {u}; {u} = {v}",
    "new = z",
)
USED_ARRAYS = (
    "new[{i}] = {e}",
    "s = 0.1 * new.sum()",
    "{u} = new",
    "{u} = 0.5 * new",
    "new *= 0.5",
    "new += 0.1; {u} = new + {v}",
)

NUMBERS = (
    "(0.5 * {e} + 0.3 * {e1})", "(0.5 * {e} + 0.3 * {e1})", "(0.6 * {e} - 0.2 * {e1})", "np.sin({e})",
    "math.cos({e})",
    "0.5 * {e} * np.tanh({e1})", "{e} / (2.0 + np.cos({e1}))", "max({e}, {e1})", "min(s, {e})", "abs({e})",
    "np.exp(-abs({e}))",
)  # fmt: skip
CHOSEN = (
    "({e} if {c} else {e1})", "1.0 * np.where({c}, {e}, {e1})", "({e} if {c} else 0.5)", "(({c}) * {e})",
    "(k and {e})",
    "(k or {e})", "({e} if flag else {e1})", "(0 if {c} else {e})", "({e} if {c} else {e1} if {c1} else t)",
)  # fmt: skip
REDUCED = (
    "0.2 * np.sum({u})", "np.mean({u})", "{u}[np.argmax({v})]", "np.max({u})", "0.2 * np.dot({u}, {v})",
    "0.1 * (h @ g)[{i}]",
    "0.1 * h.sum()", "0.2 * {u} @ {v}", "np.sum({u}[:{i}]) * 0.1", "0.2 * h[{i}] @ g",
)  # fmt: skip
VECTORS = (
    "{u}", "0.5 * {u}", "np.sin({u})", "{u}[::-1]", "0.5 * ({u} + {v})", "{u} * np.cos({v})",
    "np.full(n, {e})", "h[:, {j}]",
    "0.3 * (h @ g)", "np.linspace(0.0, 1.0, n)", "np.maximum({u}, {v})", "{e} * {u}", "0.1 * np.arange(n)",
    "0.2 * np.cumsum({u})",
    "np.where({u} > {v}, {u}, 0.3)", "step({u}, {e})", "np.array([{e}]) + {u}", "h.mean(axis=1)",
    "np.roll({u}, 1)",
)  # fmt: skip
ROWS = ("b", "g", "h[{i}]", "0.5 * g", "np.sin(g)", "h.mean(axis=0)", "g[::-1]", "a[{i}]", "{e} * b")
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "data": (
        "{e} > 0.4", "{e} < {e1}", "{u}[{i}] > t", "s <= {e}", "{e} >= 0.6", "s > 0.0", "s != {e}",
        "np.any({u} > 0.9)",
        "np.all({u} > 0.1)", "{u}.max() > 0.8",
    ),
    "chained comparison": (
        "0.1 < {e} < 0.6", "{e} <= s < {e1}", "0 <= k < n", "0.2 < s < t < 0.9", "s < {e} > t",
    ),
    "and, or, not": (
        "{c} and {c1}", "{c} or {c1}", "not ({c})", "not ({c} or {c1})", "{c} and not ({c1})", "flag and {c}",
        "{own} > 0 and {u}[{own} - 1] > 0.4", "{own} + 1 < n and {u}[{own} + 1] > 0.4",
        "k < n and {u}[k] < 0.7",
    ),
    "flag": ("flag", "not flag", "flag and k > 1", "k > 2 or flag"),
    "integer": ("k == 2", "k % 2", "k", "not k", "k > {d}", "k in (1, 3)", "k < m"),
    "index": (
        "{own} % 2 == 0", "{own} == 0", "{own} > 2", "{own} < n - 2", "not {own}", "{own} in (1, 3)",
        "{own} != k",
        "1 <= {own} < n - 1", "{own} == m",
    ),
    "size": (
        "m > 3", "n > 5", "m % 2 == 0", "not m", "n == 7", "n", "n > m", "n % 2", "len({u}) > 2",
        "h.shape[1] > 5",
    ),
}  # fmt: skip
ROW_RANGES = (
    "range(n)", "range(n)", "range(n)", "range(1, n)", "range(n - 1)", "range(1, n - 1)",
    "range(n - 1, -1, -1)",
    "range(n - 2, 0, -1)", "range(0, n, 2)", "range(n - 1, 0, -2)", "range(min(m, n))", "range(len(u))",
    "reversed(range(n))",
    "range(x.shape[0])",
)  # fmt: skip
TRIANGLES = (
    "range({own})", "range({own} + 1)", "range({own}, n)", "range({own} + 1, n)", "range({own}, -1, -1)",
    "range(n - 1, {own}, -1)",
)  # fmt: skip
COLUMN_RANGES = ("range(p)", "range(p)", "range(1, p)", "range(p - 1, -1, -1)", "range(h.shape[1])")
TRIP_RANGES = (
    "range(m)", "range(m)", "range(m - 4)", "range(3)", "range(9)", "range(m, 0, -1)", "range(0, m, 3)",
    "range(k % 4)", "(2, 0, 1)", "range(0)",
)  # fmt: skip
ITEMS = (
    "e in {u}", "{own}, e in enumerate({u})", "e, d in zip({u}, {v})",
    "{own}, (e, d) in enumerate(zip({u}, {v}))",
    "e in reversed({u})", "e in {u}[::-1]", "e in {u}[1:]", "e in h[:, 0]", "{own}, e in zip(range(n), {u})",
    "row in h",
    "{own}, row in enumerate(h)", "e in ({e}, s, 0.5)", "{own}, e in enumerate({u}, 0)", "e in np.sin({u})",
)  # fmt: skip
