"""Programs for the tests of threads, with arguments of `n` rows, and what is asked of them in a process of
their own: `python threaded_programs.py QUESTION` prints the name of the layer where all is well."""

import os
import sys
import threading
import time

import numba
import numpy as np

from adcompiler import compilations, value_and_grad
from adcompiler.backends import cuts
from adcompiler.backends.threads import Team, layer

COLUMNS = 11
COUNTS = (1, 2, 3, 5)


def squares(x, y):
    return np.mean((x - y) ** 2)


def dear(x, y):
    return np.sum(np.exp(-x * x) * np.sin(y) + np.log1p(y * y))


def largest(x, y):
    return np.max(x * y) + np.min(x) + np.prod(1.0 + 0.01 * x)


def columns(x, w):
    return np.sum(np.sqrt((x * x).sum(axis=0) + 1.0) * w[0])


def rows(x, w):
    return np.sum(np.log(1.0 + (x * x).sum(axis=1)) + x.max(axis=1))


def cross_entropy(z, y):
    z = z - z.max(axis=1, keepdims=True)
    return np.mean(np.log(np.exp(z).sum(axis=1)) - (z * y).sum(axis=1))


def normalised(x, y):
    centred = x - x.mean(axis=1, keepdims=True)
    return np.mean((centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-3) - y) ** 2)


def standardised(x, y):
    return np.mean(((x - x.mean(axis=0)) / (x.std(axis=0) + 0.1) - y) ** 2)


def contracted(x, y):
    return np.einsum("ij,ij->", x, y) + np.sum(np.einsum("ij,j->i", x, y[0]) ** 2)


def multiplied(x, y):
    return np.sum(np.tanh(x @ y.T) ** 2)


def differences(x, y):
    d = x[1:] - x[:-1]
    return np.sum(d * d * d) + np.sum(x[2:] * y[:-2])


def written(x, y):
    z = np.zeros_like(x)
    z[1:-1] = x[2:] * x[:-2]
    z[0] += y[1]
    return np.sum(z * z)


def running(x, y):
    return np.sum(np.cumsum(x * y, axis=1) ** 2) + np.sum(np.cumsum(x, axis=0))


def gathered(x, y):
    return np.sum(x[np.arange(x.shape[0]) // 2] * y)


def relaxed(x, y):
    for _ in range(7):
        x = 0.5 * x + 0.1 * np.sin(y)
    return np.sum(x * x)


ONE_AXIS = (squares, dear, largest, differences, written, relaxed)
TWO_AXES = (
    *(columns, rows, cross_entropy, normalised, standardised),
    *(contracted, multiplied, running, gathered, squares),
)


def cases():
    """Each program with a function that makes its arguments."""

    def arrays(n, rank, dtype):
        random = np.random.default_rng(n)
        shape = (n, COLUMNS)[:rank]
        return [(random.standard_normal(shape)).astype(dtype) for _ in range(2)]

    for function in ONE_AXIS:
        for dtype in (np.float64, np.float32) if function in (squares, dear) else (np.float64,):
            yield function, lambda n, dtype=dtype: arrays(n, 1, dtype)
    for function in TWO_AXES:
        yield function, lambda n: arrays(n, 2, np.float64)


def bits(results) -> bytes:
    value, gradients = results
    return np.asarray(value).tobytes() + b"".join(g.tobytes() for g in gradients)


def same_bits() -> None:
    """Every program with every number of threads, at sizes up to several chunks."""
    for function, arguments in cases():
        way = value_and_grad(function, (0, 1))
        plain = value_and_grad(function, (0, 1), backend="numpy")
        for n in (*range(5, 40), 200):
            args = arguments(n)
            results = [with_threads(count, way, args) for count in COUNTS]
            assert len({bits(r) for r in results}) == 1, (function.__name__, n)
            (value, gradients), (true_value, true_gradients) = results[0], plain(*args)
            tolerance = 1e-4 if args[0].dtype == np.float32 else 1e-11
            for got, expected in zip((value, *gradients), (true_value, *true_gradients), strict=True):
                np.testing.assert_allclose(got, expected, tolerance, tolerance, err_msg=f"{function} {n}")
    print(layer().name)


def with_threads(count, way, args):
    """A call in as many threads as Numba is told to use."""
    numba.set_num_threads(count)
    return way(*args)


def options() -> None:
    """`threads` and `parallel` are honoured, and change no bit."""
    entered = []
    enter = Team.enter
    Team.enter = lambda team: entered.append(enter(team)) or entered[-1]
    args = next(make for f, make in cases() if f is cross_entropy)(100)
    chosen = [{}, {"threads": 1}, {"threads": 3}, {"threads": 1000}, {"parallel": False}]
    results = {bits(value_and_grad(cross_entropy, (0, 1), **way)(*args)) for way in chosen}
    assert len(results) == 1
    assert [threads for _, threads in entered] == [5, 1, 3, 5, 1]
    assert [entry != 0 for entry, _ in entered] == [True, False, True, True, False]
    print(layer().name)


def at_once() -> None:
    """Eight threads that call different gradients and the same ones, each of them first at the same time."""
    chosen = [squares, dear, cross_entropy, columns]
    ways = [value_and_grad(f, (0, 1)) for f in chosen]
    arguments = {f: make for f, make in cases() if f in chosen}
    sizes = (11, 50, 200)
    barrier, failures, found = threading.Barrier(8), [], [{} for _ in range(8)]

    def work(mine: dict) -> None:
        try:
            barrier.wait()
            for k in range(200):
                which, n = k % len(ways), sizes[k // len(ways) % len(sizes)]
                result = bits(ways[which](*arguments[chosen[which]](n)))
                assert mine.setdefault((which, n), result) == result
        except BaseException as error:
            failures.append(error)
            raise

    workers = [threading.Thread(target=work, args=(mine,)) for mine in found]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures and all(mine == found[0] for mine in found)
    assert compilations() == len(chosen), compilations()
    print(layer().name)


def forked() -> None:
    """A child of a process that has used threads, and a child of that one."""
    way, args = value_and_grad(cross_entropy, (0, 1)), [np.ones((50, COLUMNS)), np.eye(50, COLUMNS)]
    expected = bits(way(*args))
    name = layer().name

    def child() -> None:
        assert layer() is None and bits(way(*args)) == expected

    for depth in range(2):
        pid = os.fork()
        if pid:
            _, status = os.waitpid(pid, 0)
            assert status == 0, status
            if depth:
                os._exit(0)
            break
        child()
    else:
        os._exit(0)
    assert bits(way(*args)) == expected and layer().name == name
    print(name)


def released() -> None:
    """Another thread runs while a kernel does. Threads take turns only where one lets go by itself."""
    way = value_and_grad(dear, (0, 1), threads=1)
    args = [np.ones(3_000_000), np.ones(3_000_000)]
    way(*args)
    started, state = threading.Event(), {"done": False, "turns": 0}

    def work() -> None:
        started.set()
        way(*args)
        state["done"] = True

    sys.setswitchinterval(1000.0)
    worker = threading.Thread(target=work)
    worker.start()
    started.wait()
    while not state["done"]:
        state["turns"] += 1
        time.sleep(0)
    worker.join()
    assert state["turns"] > 10, state
    print(layer().name)


if __name__ == "__main__":
    cuts.CHUNK, cuts.WORTH = 128, 1  # a few rows are a chunk already, and every call is a large one
    {f.__name__: f for f in (same_bits, options, at_once, forked, released)}[sys.argv[1]]()
