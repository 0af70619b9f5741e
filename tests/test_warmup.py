"""`warmup="background"`: NumPy answers while Numba compiles, where that is quick; then Numba does."""

import math
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from backend_cases import program

from adcompiler import adjoint, compilations, grad, value_and_grad
from adcompiler.backends import cache
from adcompiler.ir.errors import ArgumentError
from adcompiler.ir.ops.trigonometric import sin
from adcompiler.warmup import ELEMENT, STATEMENT, numpy_seconds

ROOT = Path(__file__).parents[1]
X = np.linspace(0.1, 1.0, 7)


@pytest.fixture
def gate(monkeypatch, tmp_path):
    """Numba compiles nothing before this event is set; the cache is empty."""
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", str(tmp_path))
    opened, compiling = threading.Event(), cache.compile_kernel

    def waiting(*given):
        assert opened.wait(60)
        compiling(*given)

    monkeypatch.setattr(cache, "compile_kernel", waiting)
    yield opened
    opened.set()
    join()


def join():
    """Wait for what is compiled in the background."""
    for thread in threading.enumerate():
        if thread.name == "adcompiler-warmup":
            thread.join()


def finished(gradient, *args):
    """Wait until Numba has compiled a gradient."""
    gradient.programs(*args).compiled("gradient").compile()


def test_numpy_answers_first(gate):
    def loss(x):
        return np.sum(np.sin(x) * x)

    gradient, before = adjoint(loss, warmup="background"), compilations()
    expected = np.cos(X) * X + np.sin(X)
    for _ in range(3):
        np.testing.assert_allclose(gradient(X), expected, rtol=1e-14)
    program = gradient.programs(X).compiled("gradient")
    assert (compilations() - before, program.kernel) == (0, None)
    gate.set()
    finished(gradient, X)
    np.testing.assert_allclose(gradient(X), expected, rtol=1e-14)
    assert compilations() - before == 1 and program.kernel.signatures


def test_every_program_has_its_own(gate):
    def cube(x):
        return x * x * x

    both = value_and_grad(cube, warmup="background")
    assert both(2.0) == (8.0, 12.0)
    assert grad(cube, warmup="background")(2.0) == 12.0
    assert adjoint(cube, warmup="background").primal(2.0) == 8.0


def test_a_long_loop_waits(gate):
    def recurrence(x, n):
        y = x
        for _ in range(n):
            y = np.sin(y)
        return y

    gradient, before = adjoint(recurrence, warmup="background"), compilations()
    once = np.sin(0.5)
    assert gradient(0.5, 2) == pytest.approx(np.cos(0.5) * np.cos(once))
    assert compilations() == before
    threading.Timer(0.1, gate.set).start()
    gradient(0.5, 10**6)
    assert compilations() == before + 1


def test_what_compiling_raises_is_raised_by_the_next_call(monkeypatch, tmp_path):
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", str(tmp_path))
    answered = threading.Event()

    def failing(*given):
        assert answered.wait(60)
        raise RuntimeError("no machine code today")

    monkeypatch.setattr(cache, "compile_kernel", failing)

    def fourth(x):
        return x**4

    gradient = adjoint(fourth, warmup="background")
    assert gradient(1.0) == 4.0
    answered.set()
    join()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no machine code today"):
            gradient(1.0)
    monkeypatch.undo()
    assert gradient(1.0) == 4.0


def test_several_threads_compile_once(gate):
    def product(x):
        return np.prod(x)

    gradient, before = adjoint(product, warmup="background"), compilations()
    found = []
    threads = [threading.Thread(target=lambda: found.append(gradient(X))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert compilations() == before
    gate.set()
    finished(gradient, X)
    for slopes in [*found, gradient(X)]:
        np.testing.assert_allclose(slopes, np.prod(X) / X, rtol=1e-13)
    assert compilations() == before + 1


ENDING = """
import numpy as np
from adcompiler import adjoint, compilations
def loss(x):
    return np.sum(np.tanh(x @ x) * x)
def other(x):
    return np.sum(np.sin(x) * x)
x = np.ones((3, 3))
first, second = (adjoint(f, warmup="background")(x) for f in (loss, other))
print(first.shape, second.shape, compilations())
"""


def test_a_process_ends_while_numba_compiles(tmp_path):
    (tmp_path / "script.py").write_text(ENDING)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ADCOMPILER_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, tmp_path / "script.py"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(3, 3) (3, 3) 0\n", "")
    assert not list((tmp_path / "cache").rglob("*~")) + list((tmp_path / "cache").rglob("*.code"))


def test_other_words_are_refused():
    message = "there is no warmup 'later'\nhint: use one of call, background"
    for derived in (adjoint, grad):
        with pytest.raises(ArgumentError) as raised:
            derived(math.sin, warmup="later")
        assert str(raised.value) == message


# ---- what NumPy takes ----


def test_a_statement_and_its_elements():
    sine = program("sine", lambda x: [sin(x)], x=("f64", "n"))
    assert numpy_seconds(sine, {"n": 0}) == STATEMENT
    assert numpy_seconds(sine, {"n": 50}) == pytest.approx(STATEMENT + 50 * sin.cost * ELEMENT)


def seconds(f, *args):
    """What a function may take at the sizes of these arguments."""
    programs, operands = adjoint(f).specialised(args, {})
    return numpy_seconds(programs.function, dict(zip(programs.function.sizes, operands.sizes, strict=True)))


def test_loops_count_their_trips():
    def total(x):
        s = 0.0
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                s += x[i, j]
        return s

    one, four = seconds(total, np.ones((10, 10))), seconds(total, np.ones((20, 20)))
    assert 100 * STATEMENT < one < 1000 * STATEMENT
    assert 3.5 < four / one < 4.0


def test_triangles_and_limits_are_bounded():
    def triangle(x):
        s = 0.0
        for i in range(x.shape[0]):
            for j in range(i):
                s += x[i] * x[j]
        return s

    def searched(x):
        for i in range(x.shape[0]):
            if x[i] > 0.5:
                return x[i]
        return 0.0 * x[0]

    assert 45 * STATEMENT < seconds(triangle, np.ones(10)) < 2000 * STATEMENT
    assert 10 * STATEMENT < seconds(searched, np.ones(10)) < 1000 * STATEMENT


def test_nothing_is_known_of_a_while():
    def root(x):
        y = x
        while y * y - x > 1e-9:
            y = 0.5 * (y + x / y)
        return y

    assert seconds(root, 2.0) == math.inf


def test_products_count_multiplications():
    def product(x, y):
        return np.sum(x @ y)

    small, large = seconds(product, *np.ones((2, 100, 100))), seconds(product, *np.ones((2, 1000, 1000)))
    assert 100**3 * ELEMENT < small < 0.1
    assert large == pytest.approx(1000 * small, rel=0.1)
