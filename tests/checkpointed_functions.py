"""Functions of one array that call functions of their own, each made with a decorator for those."""

import functools
from dataclasses import dataclass

import numpy as np

W = np.linspace(-0.4, 0.5, 36).reshape(6, 6)


@dataclass
class Pair:
    array: np.ndarray
    number: float


def in_a_loop(dec):
    f = dec(lambda x, w: np.tanh(w @ x) * np.cos(x))

    def loss(x, w, n=12):
        for _ in range(n):
            x = f(x, w)
        return np.sum(x * x)

    return lambda x: loss(x, W) + loss(x, np.outer(x, x), 3)


def of_a_closure(dec):
    def loss(x):
        w = np.outer(x, x) + W

        @dec
        def f(y):
            return np.tanh(w @ y)

        return np.sum(f(f(x)) ** 2)

    return loss


def loop_inside(dec):
    @dec
    def f(x, n):
        s = 0.0
        for i in range(n):
            x = np.sin(x) * 1.1
            s = s + x[i] * x[0]
        return x, s

    def loss(x):
        y, s = f(x, len(x))
        z, t = f(y, len(x))
        return np.sum(z) * s + t

    return loss


def while_inside(dec):
    @dec
    def f(x):
        while np.sum(x * x) > 0.1:
            x = np.sin(x) * 0.7
        return x

    return lambda x: np.sum(f(f(x) + 1.0) ** 3)


def in_a_while(dec):
    f = dec(lambda x: np.sin(x) * 0.7)

    def loss(x):
        while np.sum(x * x) > 0.1:
            x = f(x)
        return np.sum(x**3)

    return loss


def branch_inside(dec):
    @dec
    def f(x, bound):
        if x[0] > bound:
            return np.sin(x)
        y = np.cos(x)
        return y * y

    def loss(x):
        for _ in range(9):
            x = f(x, 0.1)
        return np.sum(x)

    return loss


def in_a_branch(dec):
    f = dec(lambda x: np.sin(x) * np.exp(x))

    def loss(x):
        for _ in range(4):
            x = f(x) if x[0] > 0.1 else f(x * 0.5) * 0.25
        return np.sum(x)

    return loss


def nested(dec):
    inner = dec(lambda x: np.sin(np.cos(x)))
    outer = dec(lambda x: inner(inner(x) * x))
    return lambda x: np.sum(outer(outer(x)))


def dicts_and_keywords(dec):
    @dec
    def f(p, *, scale=2.0):
        y = np.tanh(p["w"] @ p["x"]) * scale
        return {"y": y, "rest": [p["x"], (p["x"][0], 3, None, "s")]}

    def loss(x):
        q = f({"w": W, "x": x}, scale=3.0)
        r = f({"w": W, "x": q["y"] + q["rest"][0]})
        assert q["rest"][1][2:] == (None, "s")
        return np.sum(r["y"]) * r["rest"][1][0] + q["rest"][1][1]

    return loss


def dataclasses(dec):
    f = dec(lambda p: Pair(np.sin(p.array) * p.number, p.number * 2.0))

    def loss(x):
        p = f(f(Pair(x, x[1])))
        p.number = p.number + 1.0
        return np.sum(p.array) * p.number

    return loss


def writes_in_a_loop(dec):
    @dec
    def f(a, i):
        a[i] = np.sin(a[i - 1]) * a[i]

    def loss(x):
        a = x.copy()
        for i in range(1, len(a)):
            f(a, i)
        return np.sum(a * a)

    return loss


def views_of_arguments(dec):
    @dec
    def f(a, i):
        a[i] = np.sin(a[i - 1]) * a[i]
        part = a[1:3]
        part *= 2.0
        return part

    def loss(x):
        a = x.copy()
        for i in range(1, 4):
            part = f(a, i)
        part[0] = 3.0 * x[0]
        return np.sum(a * a) + part[1]

    return loss


def returns_its_argument(dec):
    f = dec(lambda a: a)

    def loss(x):
        a = x.copy()
        b = f(a)
        b[0] = 3.0
        return np.sum(a * a * a)

    return loss


def returns_one_array_twice(dec):
    @dec
    def f(x):
        h = np.sin(x)
        return h, h

    def loss(x):
        one, other = f(x)
        one[0] = 5.0 * x[1]
        return np.sum(other * x)

    return loss


def methods(dec):
    class Net:
        def __init__(self, w):
            self.w = w

        @dec
        def layer(self, x):
            return np.tanh(self.w @ x)

    outside = Net(W)

    def loss(x):
        net = Net(np.outer(x, x))
        return np.sum(net.layer(outside.layer(x)))

    return loss


def partials_and_maps(dec):
    f = functools.partial(dec(lambda k, x: np.sin(x) * k), 3.0)
    g = dec(functools.partial(lambda k, x: np.exp(x) * k, 2.0))
    return lambda x: sum(map(np.sum, map(g, [f(x), x[:3]])))


def sizes_of_its_own(dec):
    @dec
    def f(x):
        m = np.sum(x > 0.0)
        y = np.zeros(m)
        for i in range(m):
            y[i] = np.sin(x[i]) * x[0]
        return x * np.cos(np.sum(y * y))

    def loss(x):
        for _ in range(2):
            x = f(f(x))
        return np.sum(x)

    return loss


def sizes_and_integers(dec):
    f = dec(lambda x: (x.shape[0] * 2, np.argmax(x), x > 0.0))

    def loss(x):
        n, k, positive = f(x)
        z = np.zeros(n)
        z[: len(x)] = x * positive
        return np.sum(z * z) * x[k]

    return loss


def lists(dec):
    @dec
    def f(xs):
        out = []
        for v in xs:
            out.append(np.sin(v))
        return out, out

    def loss(x):
        one, other = f([x, x * 2.0])
        one.append(x)
        return np.sum(other[0] * other[1] * other[2]) * len(other)

    return loss


def what_is_not_taken(dec):
    f = dec(lambda x: np.sqrt(x) * np.log(x))
    return lambda x: np.sum(np.where(x > 0.0, f(np.sqrt(x)), 0.0))


def triangles(dec):
    f = dec(lambda v: np.sum(np.sin(v) * np.exp(v)))

    def loss(x):
        s = 0.5
        for i in range(1, len(x)):
            for j in range(i):
                s = s * 0.5 + f(x[:i] * s) * x[j]
        return s

    return loss


def systems(dec):
    f = dec(lambda a, b: np.linalg.solve(a @ a.T + np.eye(6), b))

    def loss(x):
        a = np.outer(x, x) + W
        return np.sum(f(a, f(a, x)))

    return loss


FUNCTIONS = [
    in_a_loop, of_a_closure, loop_inside, while_inside, in_a_while, branch_inside, in_a_branch, nested,
    dicts_and_keywords, dataclasses, writes_in_a_loop, views_of_arguments, returns_its_argument,
    returns_one_array_twice, methods, partials_and_maps, sizes_of_its_own, sizes_and_integers, lists,
    what_is_not_taken, triangles, systems,
]  # fmt: skip
