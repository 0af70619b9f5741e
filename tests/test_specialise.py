"""Which program serves a call: the traps in which one would be stale, and what must not make a new one."""

import functools
import warnings
from dataclasses import dataclass

import numba
import numpy as np
import pytest
from captured_programs import load

from adcompiler.frontend.arguments import ready
from adcompiler.frontend.specialise import LIMIT, Specialisations, SpecialisationWarning
from adcompiler.ir.errors import ArgumentError, CaptureError, DTypeError, ShapeError
from adcompiler.ir.evaluate import evaluate

RATE = 2.0
WEIGHTS = [1.0, 2.0, 3.0]
TABLE = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
POWER = 2
TWO_ON_A_LINE = (lambda x: x + 1.0, lambda x: x * 3.0)


class Compiled:
    """Captures, and evaluates with NumPy; `count` is the number of programs made for this one object."""

    def __init__(self, function, **options):
        self.count = 0
        self.specialisations = Specialisations(function, (("test", id(self)), *options.items()), self.build)

    def build(self, captured):
        self.count += 1
        return captured.function

    def __call__(self, *args, **kwargs):
        entry, operands = self.specialisations.find(args, kwargs)
        sizes = dict(zip(entry.program.sizes, operands.sizes, strict=True))
        return entry.captured.returned(evaluate(entry.program, operands.values, sizes))


# ---- the Python world changes ----


def helper(x):
    return x * 2.0


def calls_helper(x):
    return helper(x) + 1.0


def test_a_helper_that_is_redefined_is_seen(monkeypatch):
    f = Compiled(calls_helper)
    assert f(3.0) == 7.0
    monkeypatch.setitem(globals(), "helper", lambda x: x * 5.0)
    assert f(3.0) == 16.0
    monkeypatch.undo()
    assert (f(3.0), f.count) == (7.0, 2)


def uses_rate(x):
    return x * RATE


def test_a_float_global_is_read_at_each_call(monkeypatch):
    f = Compiled(uses_rate)
    assert f(3.0) == 6.0
    monkeypatch.setitem(globals(), "RATE", 10.0)
    assert (f(3.0), f.count) == (30.0, 1)
    monkeypatch.setitem(globals(), "RATE", np.float32(10.0))
    assert (f(3.0), f.count) == (30.0, 2)
    monkeypatch.setitem(globals(), "RATE", 3)
    assert (f(3.0), f.count) == (9.0, 3)


def uses_weights(x):
    total = 0.0
    for weight in WEIGHTS:
        total += weight * x
    return total


def test_a_list_that_changes_is_seen(monkeypatch):
    f = Compiled(uses_weights)
    monkeypatch.setitem(globals(), "WEIGHTS", [1.0, 2.0, 3.0])
    assert f(1.0) == 6.0
    WEIGHTS[0] = 5.0
    assert (f(1.0), f.count) == (10.0, 1)
    WEIGHTS.append(1.0)
    assert (f(1.0), f.count) == (11.0, 2)
    WEIGHTS[0] = 7
    assert (f(1.0), f.count) == (13.0, 3)


def uses_table(x):
    return np.sum(TABLE * x)


def test_an_array_that_changes_is_seen(monkeypatch):
    f = Compiled(uses_table)
    monkeypatch.setitem(globals(), "TABLE", np.arange(5.0))
    assert f(1.0) == 10.0
    TABLE[0] = 100.0
    assert f(1.0) == 110.0
    monkeypatch.setitem(globals(), "TABLE", np.arange(8.0)[::-1])
    assert (f(1.0), f.count) == (28.0, 1)
    monkeypatch.setitem(globals(), "TABLE", np.arange(8, dtype=np.float32))
    assert (f(1.0), f.count) == (28.0, 2)


def uses_power(x):
    return x**POWER


def test_a_global_integer_is_a_guard(monkeypatch):
    f = Compiled(uses_power)
    assert f(3.0) == 9.0
    monkeypatch.setitem(globals(), "POWER", 3)
    assert (f(3.0), f.count) == (27.0, 2)
    monkeypatch.setitem(globals(), "POWER", 2)
    assert (f(3.0), f.count) == (9.0, 2)


def test_a_nested_container_and_an_attribute_are_read_again():
    namespace = load("""
        class Model:
            scale = 2.0
            def __init__(self): self.bias = {"b": [1.0, 2.0]}
            @property
            def doubled(self): return 2.0 * self.scale
        model = Model()
        def f(x): return x * model.scale + model.bias["b"][1] + model.doubled
    """)
    f, model = Compiled(namespace["f"]), namespace["model"]
    assert f(1.0) == 2.0 + 2.0 + 4.0
    model.bias["b"][1] = 5.0
    model.scale = 3.0
    assert (f(1.0), f.count) == (3.0 + 5.0 + 6.0, 1)
    model.bias = {"b": [1.0, 2.0], "c": 1.0}
    assert (f(1.0), f.count) == (3.0 + 2.0 + 6.0, 2)


def test_defaults_of_a_helper_are_read_again():
    namespace = load("""
        def scaled(x, by=2.0): return x * by
        def f(x): return scaled(x)
    """)
    f = Compiled(namespace["f"])
    assert f(1.0) == 2.0
    namespace["scaled"].__defaults__ = (7.0,)
    assert (f(1.0), f.count) == (7.0, 1)


# ---- values that compare equal ----


def test_true_and_one_and_one_point_zero_differ():
    f = Compiled(lambda x, flag: x + 1.0 if flag is True else x * 4.0 + flag)
    assert (f(1.0, True), f(1.0, 1), f(1.0, 1.0)) == (2.0, 5.0, 5.0)
    assert (f(2.0, True), f(2.0, 1), f(2.0, 1.0), f.count) == (3.0, 9.0, 9.0, 3)


def test_python_floats_are_weak_beside_float32():
    f = Compiled(lambda x, a: x * a)
    x = np.arange(6, dtype=np.float32)
    assert f(x, 0.1).dtype == np.float32
    assert f(x, np.float64(0.1)).dtype == np.float64
    assert f(x, np.float32(0.1)).dtype == np.float32
    assert (f(x, 0.1).dtype, f.count) == (np.float32, 3)


def test_strings_and_signs_of_integers():
    f = Compiled(lambda x, n, how: x * n if how == "mul" else x + n)
    calls = [(2.0, 3, "mul"), (2.0, 5, "mul"), (2.0, -3, "mul"), (2.0, 3, "add")]
    assert [f(*args) for args in calls] == [6.0, 10.0, -6.0, 5.0]
    assert f.count == 3


# ---- functions ----


def test_a_lambda_made_in_a_loop_is_compiled_once():
    made = []

    def build(captured):
        made.append(captured)
        return captured.function

    for k in range(5):
        scale = float(k)
        specialisations = Specialisations(lambda x: x * scale, (("test", "lambda"),), build)  # noqa: B023
        entry, operands = specialisations.find((3.0,), {})
        assert evaluate(entry.program, operands.values) == (3.0 * k,)
    assert len(made) == 1


def test_two_lambdas_on_one_line():
    first, second = map(Compiled, TWO_ON_A_LINE)
    assert (first(2.0), second(2.0)) == (3.0, 6.0)


def test_partial_methods_callable_objects_and_closures():
    namespace = load("""
        class Line:
            def __init__(self, slope): self.slope = slope
            def at(self, x): return self.slope * x
            def __call__(self, x): return self.slope * x + 1.0
        def shifted(by, x): return x + by
        def make(by):
            def inner(x): return x * by
            return inner
    """)
    line = namespace["Line"](2.0)
    at, called = Compiled(line.at), Compiled(line)
    assert (at(3.0), called(3.0)) == (6.0, 7.0)
    line.slope = 5.0
    assert (at(3.0), called(3.0), at.count, called.count) == (15.0, 16.0, 1, 1)
    assert Compiled(functools.partial(namespace["shifted"], 10.0))(1.0) == 11.0
    assert Compiled(functools.partial(namespace["shifted"], x=10.0))(1.0) == 11.0
    assert [Compiled(namespace["make"](by))(3.0) for by in (1.0, 2.0)] == [3.0, 6.0]


def test_a_closure_variable_that_is_assigned_again():
    by = 2.0

    def inner(x):
        return x * by

    f = Compiled(inner)
    assert f(3.0) == 6.0
    by = 4.0
    assert (f(3.0), f.count) == (12.0, 1)


def test_a_function_as_an_argument():
    f = Compiled(lambda g, x: g(x))
    assert [f(g, 2.0) for g in TWO_ON_A_LINE] == [3.0, 6.0]
    assert [f(g, 3.0) for g in TWO_ON_A_LINE] == [4.0, 9.0]
    assert f.count == 2


def test_numpy_functions_and_numba_dispatchers():
    assert Compiled(np.linalg.norm)(np.array([3.0, 4.0])) == 5.0
    assert Compiled(np.sin)(0.5) == np.sin(0.5)

    @numba.njit
    def cube(x):
        return x * x * x

    assert Compiled(cube)(2.0) == 8.0
    assert Compiled(lambda x: cube(x) + 1.0)(2.0) == 9.0


# ---- sizes ----


def test_one_program_serves_all_sizes_but_the_small_ones():
    f = Compiled(lambda x, y: np.sum(x) * y)
    for n in (0, *range(5, 55)):
        x = np.arange(float(n))
        assert f(x, 2.0) == 2.0 * x.sum()
    assert f.count == 1
    for n in (1, 2, 3, 4):
        assert f(np.ones(n), 1.0) == n
    assert f.count == 5


def power(x, n):
    p = 1.0
    for _ in range(n):
        p = p * x
    return p


def test_an_integer_argument_compiles_once():
    f = Compiled(power)
    assert [f(1.5, k) for k in range(0, 200, 7)] == pytest.approx([1.5**k for k in range(0, 200, 7)])
    assert f.count == 1


def test_equal_sizes_are_assumed_only_where_they_must_be():
    f = Compiled(lambda x, y: x + y)
    assert f(np.ones(6), np.ones(6)).shape == (6,)
    assert f(np.ones(8), np.ones(8)).shape == (8,)
    assert f.count == 1
    with pytest.raises(ShapeError, match=r"could not be broadcast together with shapes \(6,\) \(7,\)"):
        f(np.ones(6), np.ones(7))
    g = Compiled(lambda x, y: (np.sum(x), np.sum(y)))
    assert g(np.ones(6), np.ones(6)) == (6.0, 6.0)
    assert (g(np.ones(6), np.ones(7)), g.count) == ((6.0, 7.0), 1)


def branch(x):
    return x[0] if x.shape[0] > 7 else x[1]


def test_a_failed_guard_is_one_more_specialisation():
    f = Compiled(branch)
    assert [f(np.arange(float(n))) for n in (6, 9, 7, 8, 20)] == [1.0, 0.0, 1.0, 0.0, 0.0]
    assert f.count == 2


# ---- arguments ----


@pytest.mark.parametrize(
    "variant",
    [
        lambda x: x[::2],
        lambda x: np.asfortranarray(x.reshape(4, 6))[0],
        lambda x: x.astype(">f8")[:12],
        lambda x: np.frombuffer(b"\0" + x.tobytes(), "f8", 12, 1),
    ],
    ids=["strided", "fortran", "byteswapped", "unaligned"],
)
def test_layout_is_not_part_of_the_key(variant):
    f = Compiled(lambda x: np.sum(x * x))
    plain = np.arange(24.0)
    f(plain)
    x = variant(plain)
    before = x.copy()
    x.flags.writeable = False
    assert (f(x), f.count) == (np.sum(before * before), 1)
    assert np.array_equal(x, before)


def test_ready_keeps_what_is_ready():
    x = np.arange(6.0)
    assert ready(x) is x
    swapped = ready(x.astype(">f8"))
    assert swapped.dtype == np.dtype("f8") and swapped.dtype.isnative


@dataclass(frozen=True)
class Rates:
    birth: float
    death: np.ndarray


def test_trees_of_arguments():
    f = Compiled(lambda p, q: p["a"] * q.birth + np.sum(q.death) + p["b"][1])
    rates = Rates(3.0, np.ones(5))
    assert f({"a": 2.0, "b": (1.0, 4.0)}, rates) == 6.0 + 5.0 + 4.0
    assert f({"b": (1.0, 5.0), "a": 2.0}, rates) == 6.0 + 5.0 + 5.0
    assert f.count == 1


def test_keywords_and_defaults():
    f = Compiled(lambda x, *rest, k=3, **more: x * k + sum(rest) + more.get("z", 0.0))
    assert f(2.0) == 6.0
    assert f(2.0, 1.0, 5.0, k=3, z=7.0) == 19.0
    with pytest.raises(ArgumentError, match="missing a required argument: 'x'"):
        f()


@pytest.mark.parametrize(
    ("leaf", "kind", "message"),
    [
        (np.zeros(3, complex), DTypeError, "argument `x`: dtype complex128 is not supported"),
        (np.zeros(3, "M8[s]"), DTypeError, "argument `x`: dtype datetime64[s] is not supported"),
        (np.array(["a"]), DTypeError, "argument `x`: dtype <U1 is not supported"),
        (object(), ArgumentError, "argument `x` is a object"),
        (1j, ArgumentError, "argument `x` is a complex"),
    ],
)
def test_bad_arguments_are_named(leaf, kind, message):
    with pytest.raises(kind) as error:
        Compiled(lambda x: x)(leaf)
    assert error.value.message == message


# ---- arguments that share memory ----


def read_both(a, b):
    return np.sum(a) * np.sum(b)


def write_one(a, b):
    b[0] = 5.0
    return a[0]


def test_arrays_that_share_memory():
    x = np.arange(6.0)
    f = Compiled(read_both)
    assert [f(x, x), f(x, x[1:]), f(x, x.copy())] == [225.0, 225.0, 225.0]
    g = Compiled(write_one)
    assert g(x.copy(), x.copy()) == 0.0
    assert g(x, x) == 5.0
    with pytest.raises(ArgumentError, match="`a` and `b` overlap in memory, and the function writes one"):
        g(x, x[1:])


def test_an_argument_that_is_also_a_global(monkeypatch):
    namespace = load("""
        G = np.arange(6.0)
        def f(a):
            a[0] = 5.0
            return G[0]
    """)
    f = Compiled(namespace["f"])
    assert f(np.ones(6)) == 0.0
    message = "the function changes its argument `a`, which shares memory with `G`, which it reads"
    with pytest.raises(ArgumentError) as error:
        f(namespace["G"])
    assert error.value.message == message


# ---- too many ----


def test_many_specialisations_warn_and_then_fail():
    f = Compiled(lambda x, how: x + len(how))
    with pytest.warns(SpecialisationWarning) as caught:
        for k in range(LIMIT):
            assert f(1.0, "a" * k) == 1.0 + k
    (warning,) = caught
    assert str(warning.message) == (
        "`<lambda>` is compiled for the 8th time, as `how` is str 'aaaaaaa', and was str 'aaaaaa'"
    )
    with pytest.raises(CaptureError, match="`<lambda>` has 64 specialisations already; one more is needed"):
        f(1.0, "b")
    assert f(1.0, "aaa") == 4.0


def test_the_failing_guard_is_named(monkeypatch):
    f = Compiled(uses_power)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(2, 10):
            monkeypatch.setitem(globals(), "POWER", k)
            assert f(2.0) == 2.0**k
    (warning,) = caught
    assert str(warning.message) == (
        "`uses_power` is compiled for the 8th time, as the guard that `POWER` is 8 failed"
    )
