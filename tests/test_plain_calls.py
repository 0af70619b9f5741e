"""Calls of arrays and numbers: the check that finds their program, and never one that does not fit."""

import itertools
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from captured_programs import load

from adcompiler import adjoint, value_and_grad
from adcompiler.frontend import specialise
from adcompiler.frontend.capture import capture, request
from adcompiler.frontend.plain_calls import plain_check
from adcompiler.frontend.specialise import Specialisations

RATE = 3.0
TABLE = np.arange(1.0, 7.0)
CURVE = {"slope": 2.0, "powers": [1, 2]}


@pytest.fixture
def long_ways(monkeypatch):
    """The calls that took arguments apart, by the values of their arguments."""
    taken = []

    def counted(function, binding, values, *rest):
        taken.append(values)
        return request(function, binding, values, *rest)

    monkeypatch.setattr(specialise, "request", counted)
    return taken


def served(function, family=None):
    """A function that is looked up only; it returns what its program would be called with."""
    options = (("test", family or id(function)),)
    found = Specialisations(function, options, lambda captured: captured)
    return lambda *args, **kwargs: found.serving(args, kwargs)[1]


# ---- which calls are served at once ----


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Rates:
    birth: float


def helper(x):
    return x * RATE


def outer():
    slope, order = 2.0, 3

    def closure(x):
        return slope * x**order

    return closure


def by_global(x):
    return np.sum(x * TABLE) * RATE * CURVE["slope"] ** CURVE["powers"][1]


def by_helper(x):
    return helper(x) + np.linalg.norm(x)


PLAIN = [
    (lambda a, b, c: a * b + c, (1.0, np.float32(2.0), np.float64(3.0))),
    (lambda x, n, how, flag: x[n] if how == "at" and flag else x[0], (np.ones(9), 5, "at", True)),
    (lambda x, n: x * n, (2.0, -3)),
    (lambda x: np.sum(x * x), (np.arange(24.0)[::2],)),
    (lambda x: np.sum(x * x), (np.frombuffer(b"\0" * 81, "f8", 10, 1),)),
    (lambda x, y: x * y, (np.array(2.0), np.ones(6, np.float32))),
    (lambda x: np.sum(x[0] * x[1]), (np.ones((2, 7)),)),
    (by_global, (np.ones(6),)),
    (by_helper, (np.ones(6),)),
    (outer(), (2.0,)),
    (lambda x, mask=None: np.sum(x), (np.ones(6),)),
    (lambda *xs: xs[0] * xs[1], (2.0, 3.0)),
    (
        lambda p, q: np.sum(p["w"][0]) * p["w"][1] * q.x,
        ({"b": None, "w": [np.ones(9), 2.0]}, Point(1.0, 2.0)),
    ),
]


@pytest.mark.parametrize(("function", "args"), PLAIN)
def test_a_second_call_takes_nothing_apart(function, args, long_ways):
    inputs = served(function)
    first = inputs(*args)
    again = inputs(*args)
    assert len(long_ways) == 1
    for one, other in zip(first, again, strict=True):
        assert type(one) is type(other)
        np.testing.assert_array_equal(one, other)


def test_other_calls_go_the_long_way(long_ways):
    inputs = served(lambda p, x: p["a"] * np.sum(x))
    for _ in range(2):
        inputs(OrderedDict(a=2.0), np.ones(6))
    assert len(long_ways) == 2


def test_dataclasses_keywords_and_defaults_are_plain(long_ways):
    inputs = served(lambda p, x, k=2.0: p.birth * np.sum(x) * k)
    x = np.ones(6)
    assert inputs(Rates(2.0), x)[:3:2] == (2.0, 2.0)
    assert inputs(p=Rates(3.0), x=x)[:3:2] == (3.0, 2.0)
    assert inputs(Rates(2.0), k=4.0, x=x)[:3:2] == (2.0, 4.0)
    assert len(long_ways) == 1


def test_arrays_are_prepared():
    check = plain_check(capture(by_helper, (np.ones(6),)), by_helper)
    x = np.arange(12.0)[::2]
    prepared, _, n = check(by_helper, x)
    assert prepared.flags.c_contiguous and n == 6
    np.testing.assert_array_equal(prepared, x)
    x.flags.writeable = False
    plain = np.arange(6.0)
    assert check(by_helper, plain)[0] is plain


def test_names_of_the_user_are_no_names_of_the_check(long_ways):
    namespace = load("""
        def f(type, _scope, inputs, n, abs, float, _c0):
            return np.sum(type * _scope) + inputs + n * abs + float + _c0
    """)
    inputs = served(namespace["f"])
    args = (np.ones(6), np.ones(6), 1.0, 7, 2.0, 3.0, 4.0)
    assert inputs(*args)[:2] == inputs(*args)[:2] == args[:2]
    assert inputs(*args)[2:] == (1.0, 2.0, 3.0, 4.0, 6, 7)
    assert len(long_ways) == 1


# ---- none is served that does not fit ----

VALUES = [
    *(1.0, 1, 0, -1, 10**30, True, False, "a", "b", None, (1.0,), 1j, len),
    *(kind(1) for kind in (np.float64, np.float32, np.int64, np.int32, np.bool_)),
    *(np.ones(shape) for shape in ((), 0, 1, 3, 4, 5, 9, (5, 5), (5, 9), (3, 5), (5, 3), (3, 3), (2, 5, 5))),
    *(np.ones(5, dtype) for dtype in ("f4", "i8", "i4", "?", ">f8")),
    np.ones(5).view(np.matrix),
    np.ma.ones(5),
    *((1.0, 2.0), (1.0, 2), [1.0], [1.0, [2.0]], [1.0, (2.0,)], [1.0, None], (), [], {}, Point(1.0, 2.0)),
    *({"a": 1.0}, {"b": 1.0}, {"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}, {1: 2.0}, {"a": {"b": np.ones(5)}}),
    *(OrderedDict(a=1.0), defaultdict(float, a=1.0), Rates(1.0)),
]


def key_of(function, args):
    try:
        asked = request(function, specialise.binder(function), args)
    except Exception:
        return None
    return asked.structure, asked.keys


@pytest.mark.parametrize("arity", [1, 2])
def test_a_check_says_what_the_key_says(arity):
    function = [lambda x: 2.0, lambda x, y: 2.0][arity - 1]
    pool = VALUES if arity == 1 else [VALUES[k] for k in (0, 2, 3, 5, 7, 13, 18, 20, 21, 24, 25, 27, 30)]
    keys = [(args, key_of(function, args)) for args in itertools.product(pool, repeat=arity)]
    served = 0
    for args, key in keys:
        check = key and plain_check(capture(function, args), function)
        if not check:
            continue
        for others, other_key in keys:
            inputs = check(function, *others)
            assert (inputs is not None) == (other_key == key and is_native(others)), (args, others)
            served += inputs is not None
    assert served > len(pool)


def is_native(args):
    """Whether all arrays are in the byte order of the machine; a check leaves others to the long way."""
    return all(getattr(x, "dtype", np.dtype("f8")).isnative for x in args)


def first_or_last(x, y):
    return x[0] * y[0] if x.shape[0] > 2 * y.shape[0] - 3 else x[-1]


def added(x, y):
    return np.sum(x + y)


@pytest.mark.parametrize("function", [first_or_last, added])
def test_a_check_says_what_the_guards_say(function):
    for m, n in itertools.product((5, 6, 8, 20), repeat=2):
        try:
            captured = capture(function, (np.ones(m), np.ones(n)))
        except Exception:
            continue
        check = plain_check(captured, function)
        for others in itertools.product((5, 7, 8, 11, 20), repeat=2):
            args = tuple(map(np.ones, others))
            operands = captured.operands(function, args)
            assert (check(function, *args) is None) == (operands is None), others
            if operands is not None:
                assert check(function, *args)[2:] == tuple(operands.sizes)


@pytest.mark.parametrize(
    "change",
    [
        ("RATE", 5.0, True),
        ("RATE", 5, False),
        ("RATE", np.float32(5.0), False),
        ("TABLE", np.arange(9.0), True),
        ("TABLE", np.arange(6), False),
        ("TABLE", np.ones((3, 6)), False),
        ("TABLE", 2.0, False),
        ("CURVE", {"slope": 7.0, "powers": [1, 2]}, True),
        ("CURVE", {"slope": 7.0, "powers": [1, 3]}, False),
        ("CURVE", {"slope": 7.0, "powers": [1, 2.0]}, False),
        ("CURVE", {"slope": 7.0, "powers": [1, 2, 3]}, False),
        ("CURVE", {"slope": 7.0}, False),
        ("CURVE", None, False),
        ("helper", lambda x: x, False),
        ("np", None, False),
    ],
    ids=lambda change: f"{change[0]}-{type(change[1]).__name__}",
)
def test_a_check_sees_that_the_world_changes(monkeypatch, change):
    def function(x):
        return helper(np.sum(x) * np.sum(TABLE)) * CURVE["slope"] ** CURVE["powers"][1]

    name, value, fits = change
    captured, args = capture(function, (np.ones(6),)), (np.ones(6),)
    check = plain_check(captured, function)
    assert check(function, *args) is not None
    monkeypatch.setitem(globals(), name, value)
    operands = captured.operands(function, args)
    assert (check(function, *args) is not None) == (operands is not None) == fits
    if fits:
        for one, other in zip(check(function, *args), operands.inputs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_global_that_hides_a_builtin_is_seen(monkeypatch):
    def function(x):
        return x * len((1, 2, 3))

    check = plain_check(capture(function, (1.0,)), function)
    assert check(function, 1.0) == (1.0,)
    monkeypatch.setitem(globals(), "len", lambda x: 7)
    assert check(function, 1.0) is None


def test_a_name_that_is_gone_is_seen(monkeypatch):
    check = plain_check(capture(by_helper, (np.ones(6),)), by_helper)
    monkeypatch.delitem(globals(), "helper")
    assert check(by_helper, np.ones(6)) is None


# ---- arrays that share memory ----


def test_what_nobody_writes_may_share_memory(long_ways):
    inputs = served(lambda a, b: np.sum(a) * np.sum(b))
    x = np.arange(6.0)
    assert [len(inputs(*args)) for args in ((x, x.copy()), (x, x), (x, x[1:]))] == [4, 4, 4]
    assert len(long_ways) == 1


def test_what_is_written_shares_no_memory():
    def function(a, b, c):
        b[0] = 5.0
        return a[0] * c[0]

    x, y = np.arange(8.0), np.arange(6.0)
    check = plain_check(capture(function, (x, x.copy(), y)), function)
    assert check(function, x, x.copy(), y) is not None
    assert check(function, x, x.copy(), x) is not None
    assert check(function, x[:5], x[5:].repeat(2), y) is not None
    assert check(function, x, x, y) is None
    assert check(function, x, x[1:], y) is None
    same = capture(function, (x, x, y))
    assert plain_check(same, function) is None


# ---- several programs ----


def test_the_program_that_served_last_is_asked_first(monkeypatch):
    found = Specialisations(lambda x: x * 2.0, (("test", "last"),), lambda captured: captured)
    asked = []

    def counting(captured, function, *rest):
        check = plain_check(captured, function, *rest)
        return lambda *args: asked.append(captured.arguments[0].key.kind) or check(*args)

    monkeypatch.setattr(specialise, "plain_check", counting)
    number, array = 1.0, np.ones(6)
    for value in (number, array, number):
        found.find((value,), {})
    asked.clear()
    for value in (number, number, array, array, array):
        found.find((value,), {})
    assert [kind.value for kind in asked] == ["Python float"] * 3 + ["array"] * 3
    assert len(found.entries) == 2


def test_functions_of_one_code_share_a_check_that_reads_their_own_variables(long_ways):
    def made(scale):
        return lambda x: x * scale

    one, other = served(made(2.0), "made"), served(made(3.0), "made")
    for _ in range(2):
        assert (one(1.0), other(1.0)) == ((1.0, 2.0), (1.0, 3.0))
    assert len(long_ways) == 1


class Scaled:
    def __init__(self, scale):
        self.scale = scale

    def of(self, x):
        return self.scale * np.sum(x)


def test_methods_of_any_instance_share_a_check(long_ways):
    for scale in (2.0, 3.0):
        assert served(Scaled(scale).of, "scaled")(1.0) == (1.0, scale)
    assert len(long_ways) == 1
    assert len(long_ways[0]) == 1


def test_a_partial_with_more_arguments_is_another_function():
    def product(x, y, z):
        return x * y * z

    for _ in range(2):
        assert served(partial(product, 2.0), "partial")(1.0, 3.0) == (1.0, 3.0, 2.0)
        assert served(partial(product, 2.0, 3.0), "partial")(1.0) == (1.0, 2.0, 3.0)


# ---- what is made of results ----


def test_gradients_of_leaves_are_results_as_they_are():
    x, y = np.arange(6.0), np.ones(6)

    def dot(x, y):
        return np.sum(x * y)

    assert type(adjoint(dot)(x, y)) is np.ndarray
    assert type(adjoint(dot, argnums=(0,))(x, y)) is tuple
    several = adjoint(dot, argnums=(1, 0))(x, y)
    assert type(several) is tuple
    np.testing.assert_array_equal(several, (x, y))
    named = adjoint(dot, argnames=("y", "x"))(x, y)
    np.testing.assert_array_equal((named["y"], named["x"]), (x, y))
    value, gradient = value_and_grad(dot, argnums=(0, 1))(x, y)
    assert (type(value), type(gradient), value) == (np.float64, tuple, 15.0)
