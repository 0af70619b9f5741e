"""Loops that run back by the inverse that users give: their gradients, their memory, and when they refuse.

`reversible.txt` holds programs whose inverses say too little, each followed by what is said about it; FILE
stands for the user's file.
"""

import re

import numpy as np
import pytest
from captured_programs import load
from refusal_texts import entries

import adcompiler
from adcompiler import DerivativeError, checkpoint, grad, jvp, vjp
from adcompiler.ir.graph import walk
from adcompiler.ir.loops import split
from adcompiler.pipeline import watching

PUBLIC = ("checkpointed", "checkpoint", "Snapshots", "grad")
BACKENDS = ["numpy", "numba"]
X = np.array([0.5, 0.25, 0.75, 0.625, 0.125, 0.375])


def program(source, **more):
    """The function `f` of a source that sees the public names of annotations."""
    return load(source, **{name: getattr(adcompiler, name) for name in PUBLIC}, **more)["f"]


def unmarked(source, **more):
    """The same program without what marks its loops."""
    return program(re.sub(r"checkpointed\((.*?), inverse=.*\):", r"\1:", source), **more)


def stacks(function):
    """The arrays that loops keep, one element or row a trip."""
    loops = [eqn for eqn in walk(function.body) if eqn.op.loop]
    return [o for eqn in loops for o in split(eqn.attrs, eqn.outputs).slices]


def stage(name, call):
    """The Functions that a stage had while `call` ran."""
    seen = []
    with watching(lambda stage, function: seen.append(function) if stage == name else None):
        call()
    return seen


VERLET = """
    def force(u, k):
        return -k * np.sin(u)

    def f(x, n):
        old, new = x, x + 0.1 * x**2
        total = 0.0
        def back(i, old, new):
            return 2.0 * old - new + 0.01 * force(old, x[0]), old
        for i in checkpointed(range(n), inverse=back, tolerance=1e-8):
            old, new = new, 2.0 * new - old + 0.01 * force(new, x[0])
            total = total + np.sum(new**2)
        return total
"""

SYMPLECTIC = """
    def back(i, q, p):
        q = q - 0.1 * p
        return q, p + 0.1 * q**3 * (i + 1) / 50

    def f(x, n):
        q, p = x.copy(), 0.5 * x
        for i in checkpointed(range(n), inverse=back):
            p -= 0.1 * q**3 * (i + 1) / 50
            q += 0.1 * p
        return np.sum(q * p)
"""

WAVES = """
    def laplacian(u):
        result = np.zeros_like(u)
        result[1:-1, 1:-1] = (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        )
        return result

    def f(x, n):
        speed = 0.1 + 0.1 * np.outer(x, x)
        source = np.zeros((len(x), len(x)))
        source[2, 3] = 1e-9
        old, new = np.zeros_like(source), np.zeros_like(source)
        heard = 0.0

        def back(i, old, new):
            return 2.0 * old - new + speed * laplacian(old) + source * np.exp(-0.02 * (i - 10) ** 2), old

        for i in checkpointed(range(n), inverse=back):
            old, new = new, 2.0 * new - old + speed * laplacian(new) + source * np.exp(-0.02 * (i - 10) ** 2)
            heard = heard + 1e18 * np.sum(new[1] ** 2)
        return heard
"""

COUNTER = """
    def back(item, s, k):
        i, v = item
        k = 34 * k % 101
        return np.log(np.exp((s - 0.1 * v) / (1.0 + 0.1 * np.cos(k))) - 1.0), k

    def f(x, n):
        s, k = 1.0, 3
        for i, v in checkpointed(enumerate(np.sin(x[0] * np.arange(n))), inverse=back):
            s = np.log(1.0 + np.exp(s)) * (1.0 + 0.1 * np.cos(k)) + 0.1 * v
            k = 3 * k % 101
        return s * s
"""

PROGRAMS = {"verlet": VERLET, "symplectic": SYMPLECTIC, "waves": WAVES, "a counter": COUNTER}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_are_those_of_kept_tapes(name, backend):
    marked = grad(program(PROGRAMS[name]), backend=backend)
    plain = grad(unmarked(PROGRAMS[name]), backend=backend, plan="store_all")
    for n in (0, 1, 2, 40):
        value, gradient = marked.value_and_grad(X, n)
        expected, its = plain.value_and_grad(X, n)
        assert value == expected
        assert np.allclose(gradient, its, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("plan", ["auto", "store_all", "sqrt", "recompute_all", adcompiler.Budget("1 MiB")])
def test_no_plan_keeps_anything_of_the_trips(plan):
    f = program(SYMPLECTIC)
    (function, *others) = stage("reversible", lambda: grad(f, backend="numpy", plan=plan)(X, 12))
    assert stacks(function) == [] and not any(map(stacks, others))
    assert [e for e in walk(function.body) if e.op.name == "inverse_step"] == []


@pytest.mark.parametrize("name", ["verlet", "waves"])
def test_memory_does_not_grow_with_the_trips(name):
    g = grad(program(PROGRAMS[name]))
    few, many = g.memory(X, 100), g.memory(X, 10_000)
    assert few.peak == many.peak and not many.unknown
    plain = grad(unmarked(PROGRAMS[name])).memory(X, 10_000).peak
    assert few.peak < plain / 50


@pytest.mark.parametrize("backend", BACKENDS)
def test_single_precision_takes_a_looser_tolerance(backend):
    loose = DAMPED.replace("inverse=back", "inverse=back, tolerance=1e-2")
    x = X.astype(np.float32)
    found = grad(program(loose), backend=backend)(x, 10)
    assert found.dtype == np.float32
    assert np.allclose(found, grad(unmarked(loose), backend=backend)(x, 10), rtol=1e-2)
    with pytest.raises(ArithmeticError, match="drifts: .* tolerance=1e-06"):
        grad(program(DAMPED), backend=backend)(x, 10)


# ---- around the loop ----

INSIDE = """
    def back(i, q, p):
        q = q - 0.1 * p
        return q, p + 0.1 * np.sin(q) * scale(i)

    def scale(i):
        return 1.0 / (1 + i)

    def f(x, n):
        q, p = x.copy(), 0.5 * x
        total = 0.0
        for k in range(n):
            for i in checkpointed(range(LENGTH), inverse=back):
                p = p - 0.1 * np.sin(q) * scale(i)
                q = q + 0.1 * p
            q = np.tanh(q) + k * x
            total = total + np.sum(p * q)
        return total
"""


@pytest.mark.parametrize(("length", "backend"), [("n + 9", "numba"), ("n + 9", "numpy"), ("2 * k", "numpy")])
def test_a_loop_in_a_loop(length, backend):
    source = INSIDE.replace("LENGTH", length)
    expected, marked = grad(unmarked(source), backend=backend), grad(program(source), backend=backend)
    for n in (0, 1, 7):
        assert np.allclose(marked(X, n), expected(X, n), rtol=1e-10)


def test_a_loop_in_a_loop_keeps_one_state_a_trip_of_the_outer_one():
    source = INSIDE.replace("LENGTH", "n * n")
    (function,) = stage("reversible", lambda: grad(program(source), backend="numpy")(X, 3))
    assert {str(v.type) for v in stacks(function)} == {"f64[m, n]"}


def test_a_loop_in_a_loop_that_runs_by_a_schedule():
    source = INSIDE.replace("LENGTH", "n").replace("in range(n)", "in checkpointed(range(n), Snapshots(2))")
    plain = INSIDE.replace("LENGTH", "n")
    found = grad(program(source), backend="numpy")(X, 9)
    assert np.allclose(found, grad(unmarked(plain), backend="numpy")(X, 9), rtol=1e-10)


def test_a_loop_in_a_branch():
    source = """
        def f(x, n):
            s = x
            if x[0] > 0.0:
                for i in checkpointed(range(n), inverse=lambda i, s: np.log(s - 1.0)):
                    s = 1.0 + np.exp(s)
                    s = s
            return np.sum(s)
    """
    marked, plain = grad(program(source), backend="numpy"), grad(unmarked(source), backend="numpy")
    for x in (0.1 * X, -X):
        assert np.allclose(marked(x, 3), plain(x, 3), rtol=1e-10)


def test_a_loop_that_runs_backwards():
    source = """
        def f(x, n):
            s = x[0]
            for i in checkpointed(reversed(range(n)), inverse=lambda i, s: s - np.sin(i * x[1])):
                s = s + np.sin(i * x[1])
            for i in checkpointed(range(n, 0, -2), inverse=lambda i, s: np.log(s) / (1 + i)):
                s = np.exp((1 + i) * s)
            return np.sin(s)
    """
    f = program(source)
    assert np.allclose(grad(f, backend="numpy")(0.1 * X - 0.5, 2), grad(unmarked(source))(0.1 * X - 0.5, 2))


def test_a_function_that_runs_again_may_have_one():
    inner, whole = checkpoint(program(SYMPLECTIC)), unmarked(SYMPLECTIC)

    def f(x, n):
        return np.sin(inner(x, n)) + inner(2.0 * x, n)

    def plain(x, n):
        return np.sin(whole(x, n)) + whole(2.0 * x, n)

    call = lambda: grad(f, backend="numpy")(X, 20)  # noqa: E731
    (function,) = stage("reversible", call)
    assert stacks(function) == []
    assert np.allclose(call(), grad(plain, backend="numpy")(X, 20), rtol=1e-10)


# ---- pullbacks and other derivatives ----


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_pullback_runs_back_and_may_do_so_again(backend):
    f = program(VERLET)
    _, pull = vjp(lambda x: f(x, 30), X, backend=backend)
    expected = grad(unmarked(VERLET), backend=backend)(X, 30)
    for weight in (1.0, -2.0):
        assert np.allclose(pull(weight)[0], weight * expected, rtol=1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
def test_it_is_the_pullback_that_finds_out_that_an_inverse_drifts(backend):
    f = program(DAMPED)
    value, pull = vjp(lambda x: f(x, 60), X, backend=backend)
    assert np.isclose(value, f(X, 60), rtol=1e-14)
    with pytest.raises(ArithmeticError, match="`inverse` drifts"):
        pull(1.0)


def test_derivatives_of_derivatives_are_right():
    f, plain = program(SYMPLECTIC), unmarked(SYMPLECTIC)

    def hessian_product(function):
        return jvp(lambda x: grad(function)(x, 9), (X,), (X,), backend="numpy")[1]

    def twice(function):
        return grad(lambda x: np.sum(grad(function)(x, 9) ** 2), backend="numpy")(X)

    def along(function):
        return grad(lambda x: np.sum(jvp(lambda y: function(y, 9), (x,), (x,))[1]), backend="numpy")(X)

    assert np.allclose(hessian_product(f), hessian_product(plain), rtol=1e-11)
    assert np.allclose(twice(f), twice(plain), rtol=1e-10)
    assert np.allclose(along(f), along(plain), rtol=1e-10)


# ---- inverses that do not hold ----

DAMPED = """
    def back(i, q, p):
        q = q - 0.1 * p
        return q, (p + 0.1 * np.sin(q)) / 0.4

    def f(x, n):
        q, p = x.copy(), 0.5 * x
        for i in checkpointed(range(n), inverse=back):
            p = 0.4 * p - 0.1 * np.sin(q)
            q = q + 0.1 * p
        return np.sum(q * p)
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_errors_that_grow_on_the_way_back_are_an_error(backend):
    g = grad(program(DAMPED), backend=backend)
    assert np.allclose(g(X, 10), grad(unmarked(DAMPED), backend=backend)(X, 10), rtol=1e-8)
    with pytest.raises(ArithmeticError) as error:
        g(X, 60)
    assert str(error.value) == (
        "`inverse` drifts: where it has run this loop back to, `p` is another than the loop began with, by "
        "more than tolerance=1e-06 of its largest element on the way. Raise the tolerance; or keep states in "
        "place of an inverse: checkpointed(..., Snapshots(10))"
    )
    (note,) = error.value.__notes__
    assert note.endswith("for i in checkpointed(range(n), inverse=back):")


EXPANDING = """
    def back(i, s, t):
        t = t / 3.0
        return s / (2.0 + t / (1.0 + t)) BESIDE, t

    def f(x, n):
        s, t = x.copy(), x[0]
        for i in checkpointed(range(n), inverse=back):
            s = s * (2.0 + t / (1.0 + t))
            t = 3.0 * t
        return np.sum(s * s) / 9.0**n
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_inverse_that_makes_errors_smaller(backend):
    source = EXPANDING.replace("BESIDE", "")
    found, expected = (grad(f, backend=backend)(X, 40) for f in (program(source), unmarked(source)))
    assert np.allclose(found, expected, rtol=1e-10)


WRONG = ["* 1.0001", "* (1.0 + 1e-4 * (i == 39))", "* (1.0 + 1e-4 * (i == 0))", "* np.nan"]


@pytest.mark.parametrize("beside", WRONG)
def test_a_wrong_inverse_is_an_error(beside):
    """Also where it is wrong in one trip, and the way back makes errors smaller."""
    wrong = program(EXPANDING.replace("BESIDE", beside))
    with pytest.raises(ArithmeticError, match="does not undo a trip of this loop: .* another `s` than it"):
        grad(wrong, backend="numpy")(X, 40)


def test_integers_come_back_exactly():
    wrong = COUNTER.replace("k = 34 * k % 101", "k = 34 * k % 101 + (i == 2)")
    with pytest.raises(ArithmeticError) as error:
        grad(program(wrong), backend="numpy")(X, 6)
    assert str(error.value) == (
        "`inverse` does not undo a trip of this loop: from what it gives, the trip leads to another `k` than "
        "it was given, and is no float. Correct it; or keep states in place of an inverse: "
        "checkpointed(..., Snapshots(10))"
    )


def test_a_state_that_is_not_a_number_raises():
    with pytest.raises(ArithmeticError):
        grad(program(SYMPLECTIC), backend="numpy")(np.where(X == 0.125, np.nan, X), 5)


def test_an_array_without_elements_is_as_it_was():
    g = grad(program("""
        def f(x, n):
            s = x[1:]
            t = x[0]
            for i in checkpointed(range(n), inverse=lambda i, s, t: (np.log(s) / np.log(t), np.log(t))):
                s = np.exp(t * s)
                t = np.exp(t)
            return np.sum(s) + t
    """), backend="numpy")  # fmt: skip
    assert np.allclose(g(X[:1], 2), np.exp(X[0]) * np.exp(np.exp(X[0])))
    assert np.isfinite(g(X[:2], 2)).all()


def test_an_index_that_depends_on_the_state_is_checked_again():
    """A state that is not that of the loop may lead out of an array."""
    source = """
        def back(i, s, k):
            k = k - 1 - SHIFT
            return (np.log(s) - 0.1 * k) / 0.1, k

        def f(x, n):
            s, k = 0.1, 0
            for i in checkpointed(range(n), inverse=back):
                s = np.exp(s * x[k] + 0.1 * k)
                k = k + 1 + int(s > 1e9)
            return s
    """
    x = np.full(6, 0.1)
    assert np.isfinite(grad(program(source.replace("SHIFT", "0")), backend="numba")(x, 4)).all()
    with pytest.raises(IndexError) as error:
        grad(program(source.replace("SHIFT", "10**9 * (i == 2)")), backend="numba")(x, 4)
    assert error.value.__notes__[0].endswith("s = np.exp(s * x[k] + 0.1 * k)")


# ---- inverses that say too little ----


MESSAGES = entries("reversible.txt")


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    source, message = MESSAGES[name]
    with pytest.raises(DerivativeError) as error:
        grad(program(source), backend="numpy")(X)
    assert str(error.value).replace(error.value.location.file, "FILE") == message


def test_what_the_tape_does_not_depend_on_needs_no_inverse():
    source = """
        def f(x):
            s, total, last = x, 0.0, 0.0
            for i in checkpointed(range(9), inverse=lambda i, s: np.log(np.exp(s) - 1.0)):
                s = np.log(1.0 + np.exp(s))
                total, last = total + 0.1 * np.sum(np.sin(s)) + last, 2.0 * total
            return total + last
    """
    marked, plain = grad(program(source), backend="numpy"), grad(unmarked(source), backend="numpy")
    assert np.allclose(marked(X), plain(X), rtol=1e-12)
    (function,) = stage("reversible", lambda: grad(program(source), backend="numpy")(X))
    assert stacks(function) == []
