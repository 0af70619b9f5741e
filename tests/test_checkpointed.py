"""Loops that users mark: the annotation on its way through the compiler, plain runs, and refusals.

`checkpointed.txt` holds programs, each followed by what is said about it; FILE stands for the user's file.
"""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from captured_programs import load
from refusal_texts import entries
from roundtrip import assert_round_trip

import adcompiler
from adcompiler import (
    ArgumentError,
    Budget,
    CaptureError,
    MaxExtra,
    Online,
    Snapshots,
    Sqrt,
    StoreAll,
    adjoint,
    checkpointed,
    grad,
    jvp,
)
from adcompiler.checkpointing.inverse import without_inverse_steps
from adcompiler.checkpointing.plans import POLICY, decoded
from adcompiler.frontend.capture import capture
from adcompiler.ir.check import verify
from adcompiler.ir.equality import difference
from adcompiler.ir.errors import PlanError, TextError, VerifierError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import reads, walk
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.pipeline import watching

X = np.array([0.5, 0.25, 0.75, 0.625, 0.125, 0.375])
POLICIES = [Snapshots(10), Sqrt(), StoreAll(), Online(3), Budget("3 MiB"), Budget(4096, Path("folder"))]
PUBLIC = ("checkpointed", "Snapshots", "Sqrt", "StoreAll", "Online", "Budget", "MaxExtra")


def program(source, **more):
    """The function `f` of a source that sees the public names of annotations."""
    namespace = load(source, **{name: getattr(adcompiler, name) for name in PUBLIC}, **more)
    return namespace["f"]


def policies(function):
    """The policies of a Function's loops, in order."""
    return [decoded(eqn.attrs[POLICY]) for eqn in walk(function.body) if POLICY in eqn.attrs]


def traced(f, *args):
    """What `f` is traced into."""
    return capture(f, args).function


def stages(call):
    """The last Function of each stage of what `call` compiles."""
    seen = {}
    with watching(seen.__setitem__):
        call()
    return seen


def recurrence(policy):
    """The recurrence s = sin(s) + x[i], marked, as written by users."""
    return program("""
        def f(x):
            s = 0.0
            for i in checkpointed(range(12), POLICY):
                s = np.sin(s) + x[i % 6]
            return s
    """, POLICY=policy)  # fmt: skip


def unmarked(x):
    s = 0.0
    for i in range(12):
        s = np.sin(s) + x[i % 6]
    return s


# ---- the attribute ----


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_the_policy_is_an_attribute_of_the_loop_and_of_the_forward_loop_of_the_gradient(policy):
    expected = Budget(4096, "folder") if policy == Budget(4096, Path("folder")) else policy
    f = recurrence(policy)
    loops = [eqn for eqn in walk(traced(f, X).body) if eqn.op.name == "for"]
    assert [decoded(eqn.attrs[POLICY]) for eqn in loops] == [expected]

    seen = stages(lambda: grad(f, backend="numpy")(X))
    assert policies(seen["gradient"]) == [expected]
    (forward,) = (eqn for eqn in walk(seen["gradient"].body) if POLICY in eqn.attrs)
    assert not forward.attrs.get("reverse") and len(forward.outputs) > 1
    assert_round_trip(seen["gradient"])


def test_forward_mode_hands_it_on():
    f = recurrence(Snapshots(2))
    text = grad(f, backend="numpy").ir(X)
    assert text.count('checkpoint=("Snapshots", 2)') == 1
    seen = stages(lambda: jvp(grad(f, backend="numpy"), (X,), (X,), backend="numpy"))
    assert policies(seen["tangent"]) == [Snapshots(2)]
    assert_round_trip(seen["tangent"])


def test_forward_mode_hands_that_of_a_while_on():
    f = program("""
        def f(x):
            s = x[0]
            while checkpointed(s < 10.0, Online(3)):
                s = s + np.exp(x[1] * s)
            return s
    """)
    seen = stages(lambda: jvp(f, (X,), (X,), backend="numpy"))
    assert policies(seen["tangent"]) == [Online(3)]
    assert_round_trip(seen["tangent"], evaluated=False)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_numbers_stay_the_same_to_the_last_bit(backend):
    marked, plain = grad(recurrence(Snapshots(1)), backend=backend), grad(unmarked, backend=backend)
    value, gradient = marked.value_and_grad(X)
    expected, its = plain.value_and_grad(X)
    assert value == expected
    assert gradient.tobytes() == its.tobytes()


def test_the_gradient_of_a_gradient_keeps_it():
    f = program("""
        def inner(x):
            s = 0.0
            for i in checkpointed(range(12), Snapshots(2)):
                s = np.sin(s) + x[i % 6]
            return s

        def f(x):
            g = grad(inner)(x)
            return np.sum(g * g)
    """, grad=grad)  # fmt: skip
    seen = stages(lambda: grad(f, backend="numpy")(X))
    assert policies(seen["simplified"]) == [Snapshots(2)]
    assert policies(seen["gradient"]) == [Snapshots(2)]
    step = 1e-6 * np.eye(6)[1]
    plain = lambda x: np.sum(grad(unmarked, backend="numpy")(x) ** 2)  # noqa: E731
    difference = (plain(X + step) - plain(X - step)) / 2e-6
    assert np.isclose(grad(f, backend="numpy")(X)[1], difference, rtol=1e-8)


def test_two_policies_in_a_nest_and_a_helper_that_is_called_twice():
    f = program("""
        def helper(x, s):
            for i in checkpointed(range(2), Sqrt()):
                s = s + np.sin(x[i] * s)
            return s

        def f(x):
            s = x[0]
            for k in checkpointed(range(len(x)), Snapshots(3)):
                s = helper(x, s)
            return helper(x, s)
    """)
    expected = [Snapshots(3), Sqrt(), Sqrt()]
    assert policies(traced(f, X)) == expected
    # the loop inside runs again where the adjoint walks back
    again = [Snapshots(3), Sqrt(), Sqrt(), Sqrt()]
    assert policies(stages(lambda: grad(f, backend="numpy")(X))["gradient"]) == again


def test_a_loop_that_runs_again_in_the_adjoint_keeps_it():
    """It is the forward half of the pair that the adjoint's body has."""
    f = program("""
        def f(x, n):
            s = x[0]
            for k in range(n):
                for j in checkpointed(range(k), Sqrt()):
                    s = s + 0.1 * np.sin(s)
            return s
    """)
    found = {}
    with pytest.raises(PlanError, match="cannot follow its policy"), watching(found.__setitem__):
        grad(f, backend="numpy")(X, 9)
    assert policies(found["gradient"]) == [Sqrt(), Sqrt()]


# ---- what is marked ----

ITERABLES = {
    "range(3)": 3,
    "reversed(range(3))": 3,
    "enumerate(range(3))": 3,
    "enumerate(x, 1)": None,
    "zip(range(3), range(1, 9))": 3,
    "zip(x, x[1:])": None,
    "enumerate(zip(range(3), reversed(range(4))))": 3,
    "reversed(x)": None,
    "x": None,
    "range(len(x))": None,
    "range(0)": 0,
}


@pytest.mark.parametrize("iterable", ITERABLES)
def test_whatever_has_an_index_is_rolled_however_short(iterable):
    source = """
        def f(x):
            s = x[0]
            for item in checkpointed(ITERABLE, Snapshots(2)):
                s = 0.9 * s + 0.1 * np.sin(s + np.sum(np.array(flat(item))))
            return s

        def flat(item):
            return [part for piece in item for part in flat(piece)] if isinstance(item, tuple) else [item]
    """.replace("ITERABLE", iterable)
    f = program(source)
    (loop,) = (eqn for eqn in walk(traced(f, X).body) if POLICY in eqn.attrs)
    assert loop.op.name == "for"
    assert ITERABLES[iterable] in (None, loop.attrs["length"].constant)
    value, gradient = adjoint(f, backend="numpy").value_and_grad(X)
    assert np.isclose(value, f(X), rtol=1e-14)
    step = 1e-6 * np.eye(6)[0]
    assert np.isclose(gradient[0], (f(X + step) - f(X - step)) / 2e-6, rtol=1e-7)


WHILES = {
    "a test": "while checkpointed(s < 10.0, Online(3)):\n    s = s + np.exp(s)",
    "a test of sizes": "while checkpointed(k < len(x), Online(3)):\n    s, k = s + np.exp(-s), k + 1",
    "a test that is known": "while checkpointed(k < 4, Online(3)):\n    s, k = s + np.exp(-s), k + 1",
    "a test and a break": (
        "while checkpointed(s < 10.0, Online(3)):\n    s = s + np.exp(s)\n    if s > 4.0:\n        break"
    ),
    "a break": "while checkpointed(True, Online(3)):\n    s = s + np.exp(s)\n    if s > 4.0:\n        break",
    "a break of a for": (
        "for i in checkpointed(range(50), Online(3)):\n    s = s + np.exp(s)\n    if s > 4.0:\n        break"
    ),
}


@pytest.mark.parametrize("loop", WHILES)
def test_loops_whose_trips_only_show_as_they_run_take_online(loop):
    lines = WHILES[loop].replace("\n", "\n    ")
    f = program(f"def f(x):\n    s, k = x[0], 0\n    {lines}\n    return s")
    (marked,) = (eqn for eqn in walk(traced(f, X).body) if POLICY in eqn.attrs)
    assert marked.op.name == "while"
    seen = stages(lambda: adjoint(f, backend="numpy")(X))
    assert policies(seen["gradient"]) == [Online(3)]
    step = 1e-6 * np.eye(6)[0]
    value, gradient = adjoint(f, backend="numpy").value_and_grad(X)
    assert np.isclose(value, f(X), rtol=1e-14)
    assert np.isclose(gradient[0], (f(X + step) - f(X - step)) / 2e-6, rtol=1e-7)


def test_a_test_that_is_known_to_fail_makes_no_loop():
    f = program("""
        def f(x):
            s = x[0]
            while checkpointed(False, Online(3)):
                s = s / 0
            return s
    """)
    assert [eqn.op.name for eqn in walk(traced(f, X).body)] == ["index"]


def test_the_loop_after_a_marked_one_is_not_marked():
    f = program("""
        def f(x):
            s = x[0]
            for i in checkpointed(range(3), Sqrt()):
                s = np.sin(s)
            while s < 10.0:
                s = s + 1.0
            for i in range(20):
                s = np.sin(s)
            return s
    """)
    loops = [eqn for eqn in walk(traced(f, X).body) if eqn.op.loop]
    assert [POLICY in eqn.attrs for eqn in loops] == [True, False, False]


def test_an_iterator_of_plain_ranges_stays_one():
    f = program("""
        def f(x):
            pairs = enumerate(range(5))
            first = next(pairs)
            rest = list(pairs)
            return x[0] * (first[1] + len(rest) + sum([k for _, k in rest]))
    """)
    assert adjoint(f, backend="numpy").primal(X) == f(X) == X[0] * (0 + 4 + 10)


def test_one_that_has_begun_is_not_marked():
    f = program("""
        def f(x):
            pairs = enumerate(range(5))
            next(pairs)
            for i, k in checkpointed(pairs, Sqrt()):
                x = x * k
            return x[0]
    """)
    with pytest.raises(CaptureError, match="and is given an iterator of which items were taken"):
        grad(f, backend="numpy")(X)


# ---- where the policy comes from ----


def test_a_policy_may_be_an_argument_and_each_one_is_a_specialisation():
    f = program("""
        def f(x, policy=Sqrt()):
            s = 0.0
            for i in checkpointed(range(12), policy):
                s = np.sin(s) + x[i % 6]
            return s
    """)
    g = grad(f, backend="numpy")
    for policy in (Snapshots(3), Snapshots(4), Snapshots(3), Budget("1 MiB"), Snapshots(4)):
        assert np.array_equal(g(X, policy), grad(unmarked, backend="numpy")(X))
    assert g.specialisations == 3
    assert 'checkpoint=("Snapshots", 4)' in g.ir(X, Snapshots(4))
    assert 'checkpoint=("Sqrt",)' in g.ir(X)


def test_another_global_policy_is_another_program():
    source = """
        def f(x):
            s = 0.0
            for i in checkpointed(range(3), POLICY):
                s = np.sin(s) + x[i]
            return s
    """
    f = program(source, POLICY=Snapshots(3))
    g = grad(f, backend="numpy")
    assert "Snapshots" in g.ir(X)
    f.__globals__["POLICY"] = Snapshots(3)
    assert "Snapshots" in g.ir(X) and g.specialisations == 1
    f.__globals__["POLICY"] = Sqrt()
    assert "Snapshots" not in g.ir(X) and "Sqrt" in g.ir(X)


def test_a_function_of_numba_may_mention_it_where_it_is_captured():
    numba = pytest.importorskip("numba")
    f = numba.njit(recurrence(Snapshots(2)))
    assert np.array_equal(grad(f, backend="numpy")(X), grad(unmarked, backend="numpy")(X))


# ---- plain runs ----

WIDE = reversed(range(2**70))


@pytest.mark.parametrize(
    "iterable",
    [range(3), range(0), X, zip([], X, strict=False), enumerate(X), reversed(X), reversed(range(3)), WIDE],
    ids=lambda x: type(x).__name__,
)
def test_outside_of_a_capture_the_iterable_comes_back(iterable):
    assert checkpointed(iterable, Snapshots(3)) is iterable
    assert checkpointed(iterable, inverse=lambda i, u: u) is iterable


@pytest.mark.parametrize("test", [True, False, np.True_, np.float64(1.0) < 0.5])
def test_outside_of_a_capture_a_test_comes_back(test):
    assert checkpointed(test, Online(3)) is test


REFUSED_PLAIN = {
    "a list": (
        lambda: checkpointed([1, 2], Sqrt()),
        "checkpointed() marks a loop over a range, an array, or zip, enumerate or reversed of them, or the "
        "test of a `while`, and is given a list\n"
        "hint: loop over a range, or over an array: np.array(...); a test of a `while` is a bool: `x != 0`",
    ),
    "rank 0": (
        lambda: checkpointed(np.array(3.0), Sqrt()),
        "checkpointed() marks a loop over a range, an array, or zip, enumerate or reversed of them, or the "
        "test of a `while`, and is given a ndarray\n"
        "hint: loop over a range, or over an array: np.array(...); a test of a `while` is a bool: `x != 0`",
    ),
    "nothing": (
        lambda: checkpointed(range(3)),
        "None is no policy for a loop\n"
        'hint: the policies are Snapshots(10), Sqrt(), StoreAll(), Online(10) and Budget("512 MiB"); or pass '
        "inverse=",
    ),
    "a plan": (
        lambda: checkpointed(range(3), MaxExtra(0.5)),
        "MaxExtra(fraction=0.5) is no policy for a loop\n"
        'hint: the policies are Snapshots(10), Sqrt(), StoreAll(), Online(10) and Budget("512 MiB"); or pass '
        "inverse=",
    ),
    "both": (
        lambda: checkpointed(range(3), Sqrt(), inverse=abs),
        "checkpointed() is told both a policy and an inverse\n"
        "hint: leave one of them out: a loop that is run backwards keeps no states",
    ),
    "a test": (
        lambda: checkpointed(True, Sqrt()),
        "Sqrt() is not for a loop whose number of trips only shows as it runs, a `while` or one that a jump "
        "may leave\nhint: use Online(slots)",
    ),
    "a tolerance": (
        lambda: checkpointed(range(3), inverse=abs, tolerance=float("nan")),
        "tolerance=nan is no positive number\nhint: the default is 1e-06",
    ),
}


@pytest.mark.parametrize("name", REFUSED_PLAIN)
def test_outside_of_a_capture_arguments_are_checked(name):
    call, message = REFUSED_PLAIN[name]
    with pytest.raises(ArgumentError) as error:
        call()
    assert str(error.value) == message


# ---- refusals ----


MESSAGES = entries("checkpointed.txt")


@pytest.mark.parametrize("name", MESSAGES)
def test_message(name):
    source, message = MESSAGES[name]
    f = program(source)
    with pytest.raises(CaptureError) as error:
        grad(f, backend="numpy")(X)
    assert str(error.value).replace(error.value.location.file, "FILE") == message


# ---- inverses ----

REVERSIBLE = {
    "numbers": """
        def f(x):
            s = x[0]
            for i in checkpointed(range(14), inverse=lambda i, s: (s - i * x[1]) / 1.5):
                s = s * 1.5 + i * x[1]
            return s * s
    """,
    "arrays that change places": """
        def f(x):
            old, new = 0.5 * x, x
            total = 0.0
            def back(i, old, new):
                return 2.0 * old - new + 0.1 * np.sin(old), old
            for i in checkpointed(range(10), inverse=back, tolerance=1e-4):
                old, new = new, 2.0 * new - old + 0.1 * np.sin(new)
                total = total + np.sum(new)
            return total
    """,
    "arrays that are written in place": """
        def back(i, u, v):
            v[1:] += 0.1 * np.sin(u[1:])
            return u - 0.1 * v, v

        def f(x):
            u, v = x.copy(), 0.5 * x
            for i in checkpointed(range(len(x) + 4), inverse=back):
                u[:] = u + 0.1 * v
                v[1:] = v[1:] - 0.1 * np.sin(u[1:])
            return np.sum(u * v)
    """,
    "an element": """
        def back(i, v):
            v[0] = (v[0] - 0.5) / 1.25
            return v

        def f(x):
            v = x.copy()
            for i in checkpointed(range(10), inverse=back):
                v[0] = v[0] * 1.25 + 0.5
            return np.sum(v * v)
    """,
    "a tuple": """
        def f(x):
            p = x, 0.5 * x
            for i in checkpointed(range(9), inverse=lambda i, p: (p[1], p[0] - np.sin(p[1]))):
                p = p[1] + np.sin(p[0]), p[0]
            return np.sum(p[0] * p[1])
    """,
    "items and defaults": """
        def back(item, s, c=2):
            i, v = item
            return (s - c * v * i) / 1.5

        def f(x):
            s = x[0]
            for i, v in checkpointed(enumerate(x), inverse=back):
                s = s * 1.5 + 2.0 * v * i
            return s * s
    """,
}


def inverse_steps(function):
    return [eqn for eqn in walk(function.body) if eqn.op.name == "inverse_step"]


def undone(source):
    """The same program without what marks its loop."""
    return program(re.sub(r"checkpointed\((.*?), inverse=.*\):", r"\1:", source))


@pytest.mark.parametrize("name", REVERSIBLE)
def test_an_inverse_gives_the_state_before_each_trip(name):
    """What it makes of the state after a trip is the state after the trip before."""
    function = traced(program(REVERSIBLE[name]), X)
    (step,) = inverse_steps(function)
    half = len(step.inputs) // 2
    seen = []

    def rule(op):
        def watched(*operands, tolerance):
            seen.append(operands)
            return ()

        return watched if op is step.op else op.numpy

    evaluate(function, [X], rule=rule)
    assert len(seen) >= 3
    for before, after in pairwise(seen):
        for known, found in zip(before[:half], after[half:], strict=True):
            assert np.allclose(known, found, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", REVERSIBLE)
def test_the_way_back_by_an_inverse_gives_the_same_gradient(name, backend):
    marked, plain = (grad(f, backend=backend) for f in (program(REVERSIBLE[name]), undone(REVERSIBLE[name])))
    value, gradient = marked.value_and_grad(X)
    expected, its = plain.value_and_grad(X)
    assert value == expected
    assert np.allclose(gradient, its, rtol=1e-11, atol=0.0)


@pytest.mark.parametrize("name", REVERSIBLE)
def test_one_equation_says_so_in_the_gradient_and_none_in_what_is_compiled(name):
    f = program(REVERSIBLE[name])
    seen = stages(lambda: grad(f, backend="numpy")(X))
    (step,) = inverse_steps(seen["gradient"])
    loops = [eqn for eqn in walk(seen["gradient"].body) if eqn.op.loop]
    (home,) = (loop for loop in loops if step in loop.blocks[-1].eqns)
    assert not home.attrs.get("reverse")
    assert inverse_steps(seen["inverses"]) == []
    assert_round_trip(seen["gradient"], evaluated=False)
    verify(seen["gradient"])

    twice = stages(lambda: jvp(grad(f, backend="numpy"), (X,), (X,), backend="numpy"))
    assert inverse_steps(twice["tangent"]) == []
    assert np.isfinite(jvp(grad(f, backend="numpy"), (X,), (X,), backend="numpy")[1]).all()


@pytest.mark.parametrize("name", REVERSIBLE)
def test_no_pass_writes_an_inverse_in_terms_of_what_was_before_the_trip(name):
    """It needs nothing of the body but the ends of the trip and the index."""
    function = stages(lambda: grad(program(REVERSIBLE[name]), backend="numpy")(X))["gradient"]
    (step,) = inverse_steps(function)
    body = next(e.blocks[-1] for e in walk(function.body) if e.op.loop and step in e.blocks[-1].eqns)
    makers = {o: eqn for eqn in body.eqns for o in eqn.outputs}
    half = len(step.inputs) // 2
    assert all(makers[v].op.name == "end_of_trip" for v in step.inputs[:half])
    wanted, seen = list(step.inputs[half:]), set()
    while wanted:
        value = wanted.pop()
        if value not in seen and value not in step.inputs[:half]:
            seen.add(value)
            wanted += reads(makers[value]) if value in makers else []
    assert seen.isdisjoint(body.params[1:])


def test_a_program_without_inverse_steps_is_that_of_the_unmarked_loop():
    name = "arrays that change places"
    marked = without_inverse_steps(traced(program(REVERSIBLE[name]), X))
    assert difference(marked, traced(undone(REVERSIBLE[name]), X)) is None


def test_the_parameter_of_an_inverse_is_a_number_of_the_loops_type():
    f = program("""
        def f(x):
            s = x[0]
            for i in checkpointed(range(4), inverse=lambda i, s: 0):
                s = s * 0.0
            return s
    """)
    (step,) = inverse_steps(traced(f, X))
    assert [v.type.dtype.name for v in step.inputs] == ["F64", "F64"]


def test_the_loop_that_runs_again_in_an_adjoint_says_how_it_is_undone():
    f = program("""
        def back(i, u, v):
            u = u - 0.1 * np.sin(v)
            return u, v + 0.1 * np.sin(u)

        def f(x, n):
            u, v = x, 0.5 * x
            for k in range(n):
                for i in checkpointed(range(k), inverse=back):
                    v = v - 0.1 * np.sin(u)
                    u = u + 0.1 * np.sin(v)
            return np.sum(u * v)
    """)
    seen = stages(lambda: grad(f, backend="numpy")(X, 5))
    notes = [eqn.note for eqn in walk(seen["gradient"].body) if eqn.op.loop]
    assert notes.count("replayed") == 1
    assert len(inverse_steps(seen["gradient"])) == 2
    plain = program("""
        def f(x, n):
            u, v = x, 0.5 * x
            for k in range(n):
                for i in range(k):
                    v = v - 0.1 * np.sin(u)
                    u = u + 0.1 * np.sin(v)
            return np.sum(u * v)
    """)
    assert np.allclose(grad(f, backend="numpy")(X, 5), grad(plain, backend="numpy")(X, 5), rtol=1e-12)


def test_an_inverse_that_fails_raises_at_its_own_line():
    f = program("""
        def f(x, k):
            s = x[0]
            for i in checkpointed(range(4), inverse=lambda i, s: s - x[k[i]]):
                s = s + x[i % 3]
            return s
    """)
    g = grad(f, backend="numpy")
    assert np.array_equal(g(X, np.array([0, 1, 2, 0])), [3.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    with pytest.raises(IndexError):
        g(X, np.array([0, 1, 7, 0]))


# ---- the equation ----

STEP = "func f(x: f64, y: f64[2]) -> (f64) {{\n  inverse_step {0}\n  return x\n}}\n"


@pytest.mark.parametrize(
    ("operands", "message"),
    [
        ("x, y, x, x {tolerance=1e-06}", "values after a trip, and those before it, of the same types"),
        ("x, y, x {tolerance=1e-06}", "values after a trip, and those before it, of the same types"),
        ("{tolerance=1e-06}", "values after a trip, and those before it, of the same types"),
        ("x, x {tolerance=0.0}", "the tolerance of an inverse_step is a positive float, not 0.0"),
        ("x, x", "inverse_step needs the attribute tolerance"),
    ],
)
def test_the_verifier_holds_an_inverse_step_to_its_types(operands, message):
    with pytest.raises((VerifierError, TextError), match=re.escape(message)):
        verify(parse(STEP.format(operands), OPS))
