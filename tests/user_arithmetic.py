"""Numbers, dtypes and reductions, as users write them."""

# ruff: noqa: B007, B008, B023, E731, E741, F841

from collections import namedtuple
import numpy as np
from user_program import UserProgram

Point = namedtuple("Point", "x y")


def namedtuple_arg(p):
    return p.x * p.y + p._replace(x=2.0).x * p.y


def tuple_result(x):
    return x.sum(), {"a": x * 2, "b": [x.mean(), 3, None]}


def nested_dict(p):
    return p["layer"]["w"] @ p["layer"]["b"] + p["scale"]


def dict_loop(p):
    total = 0.0
    for name, v in p.items():
        total = total + (len(name)) * np.sum(v**2)
    return total


def list_append(x):
    ys = []
    for i in range(3):
        ys.append(x * i)
    return np.stack(ys, axis=1)


def comprehension(x):
    return np.array([v**2 for v in x]) if len(x) < 5 else x**2


def zipped_reversed(x, y):
    s = 0.0
    for a, b in zip(x, y[::-1]):
        s = s * 0.9 + a * b
    return s


def enumerated(x):
    s = 0.0
    for i, row in enumerate(x):
        s += i * row.sum() + row[0]
    return s


def augmented_int(x):
    k = 0
    s = 0.0
    for v in x:
        k += 2
        s += v * k
    return s / max(k, 1)


def mean_by_counting(x):
    count = 0
    total = 0.0
    for i in range(len(x)):
        count += 1
        total += x[i]
    return total / count


def index_arith(x):
    n = len(x)
    s = 0.0
    for i in range(n):
        s += x[(i + 1) % n] * x[i] + x[n - 1 - i] + x[i // 2]
    return s


def index_float(x):
    out = np.zeros(len(x))
    for i in range(len(x)):
        t = i / 10
        out[i] = x[i] * t + i**2 + 0.5**i
    return out


def float32_mean(x, y):
    return (x - x.mean()) / np.float32(2.0) * y


def float32_int(x, i):
    return x * i


def float32_loop(x):
    s = np.float32(0)
    for v in x:
        s = s + v * v
    return s


def float32_weak_loop(x):
    s = 0.0
    for v in x:
        s += v
    return s


def float64_into_float32(x, y):
    out = np.zeros(len(x), np.float32)
    out[:] = x * y
    return out


def int_array_times(x, k):
    return (x * k).sum() + (k**2).sum() + np.sum(k / 2) * x[0]


def int_division(x, k):
    return x * (k // 2) + k % 3


def bool_arith(x):
    return (x > 0) * x + ~(x > 1) * 2.0 + (x < 0).sum()


def int_power(x):
    return x**3 + x**-1 + x**0 + x**2.0 + 2**x + x**0.5


def power_arrays(x, y):
    return x**y


def minmax(x, y):
    return np.maximum(x, y) - np.minimum(x, 0.3) + np.fmax(x, y)


def clip(x):
    return np.clip(x, -0.5, 0.5) + x.clip(0, None) + np.clip(x, None, 0.2)


def where_broadcast(c, x, y):
    return np.where(c[:, None], x, y)


def reductions(x):
    return x.sum() + x.mean(axis=0).sum() + x.prod(axis=1).sum() + x.max() - x.min(axis=1).sum()


def reduction_tuple(x):
    return np.sum(x, axis=(0, 2)) + np.mean(x, axis=(-1, 0))


def reduction_keepdims(x):
    return x - x.mean(axis=(1, 2), keepdims=True) + x.sum(axis=-1, keepdims=True)


def variance(x):
    return np.var(x) + np.std(x, axis=0, ddof=1).sum() + x.var(1).sum()


def argmax_gather(x):
    return x[np.argmax(x)] + x[x.argmin()]


def prod_zero(x):
    return np.prod(x)


def cumprod(x):
    return np.cumprod(x)


def norms(x):
    return np.linalg.norm(x) + np.linalg.norm(x, axis=0).sum() + np.linalg.norm(x, ord=1, axis=1).sum()


def split_concat(x):
    a, b = np.split(x, 2)
    return np.concatenate([b, a * 2, x[:1]])


def hstack_vstack(x, y):
    return np.vstack([x, y]).sum(axis=1) @ np.array([1.0, 2.0]) + np.hstack((x, y)).sum()


def v1(n, r):
    return (r.normal(size=n),)


def v2(n, r):
    return r.normal(size=n), r.normal(size=n)


def m3(n, r):
    return (r.normal(size=(n, 3)),)


def pos(n, r):
    return (r.uniform(0.5, 1.5, n),)


def f4(n, r):
    return (r.normal(size=n).astype(np.float32),)


N1 = (5, 1, 2, 3, 4, 6, 17)
N2 = (5, 2, 3, 4, 6, 17)


PROGRAMS = [
    UserProgram(namedtuple_arg, lambda n, r: (Point(r.normal(), r.normal(size=n)),)),
    UserProgram(tuple_result, v1, N1),
    UserProgram(
        nested_dict,
        lambda n, r: ({"layer": {"w": r.normal(size=(2, n)), "b": r.normal(size=n)}, "scale": 0.3},),
    ),
    UserProgram(dict_loop, lambda n, r: ({"ab": r.normal(size=n), "xyz": r.normal(size=(n, 2)), "q": 0.3},)),
    UserProgram(list_append, v1),
    UserProgram(comprehension, v1),
    UserProgram(zipped_reversed, v2),
    UserProgram(enumerated, m3),
    UserProgram(augmented_int, v1),
    UserProgram(mean_by_counting, v1, N1),
    UserProgram(index_arith, v1),
    UserProgram(index_float, v1),
    UserProgram(float32_mean, lambda n, r: (f4(n, r)[0], f4(n, r)[0]), N1),
    UserProgram(float32_int, lambda n, r: (f4(n, r)[0], r.integers(0, 4, n))),
    UserProgram(float32_loop, f4),
    UserProgram(float32_weak_loop, f4),
    UserProgram(float64_into_float32, lambda n, r: (f4(n, r)[0], r.normal(size=n))),
    UserProgram(int_array_times, lambda n, r: (r.normal(size=n), r.integers(-3, 4, n)), N1),
    UserProgram(int_division, lambda n, r: (r.normal(size=n), r.integers(-9, 9, n))),
    UserProgram(bool_arith, v1),
    UserProgram(int_power, pos),
    UserProgram(power_arrays, lambda n, r: (pos(n, r)[0], r.normal(size=n))),
    UserProgram(minmax, v2),
    UserProgram(clip, v1),
    UserProgram(where_broadcast, lambda n, r: (r.random(n) < 0.5, r.normal(size=(n, 3)), r.normal(size=3))),
    UserProgram(reductions, m3, N1),
    UserProgram(reduction_tuple, lambda n, r: (r.normal(size=(2, n, n)),), (5, 1, 2, 3, 6)),
    UserProgram(reduction_keepdims, lambda n, r: (r.normal(size=(n, 2, n)),), (5, 1, 2, 3, 6)),
    UserProgram(variance, m3, N2),
    UserProgram(argmax_gather, v1, N1),
    UserProgram(prod_zero, v1),
    UserProgram(cumprod, v1),
    UserProgram(norms, lambda n, r: (r.normal(size=(n, 3)),), N1),
    UserProgram(split_concat, lambda n, r: (r.normal(size=2 * n),)),
    UserProgram(hstack_vstack, v2),
]
