"""Ops without a kernel, in ops that have one: the same results to the last bit, for all sizes."""

import numpy as np
import pytest
from backend_cases import N, op, program, sample_function, size_values
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from op_cases import applied, type_of

from adcompiler.backends.cuda.passes.expansion import expand
from adcompiler.ir.build import emit, function, origin
from adcompiler.ir.check import verify
from adcompiler.ir.errors import Location
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Value, walk
from adcompiler.ir.op import Whole
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.text import to_text
from adcompiler.ir.types import ArrayType, Dim, DType

WHOLE = [o for o in OPS.values() if isinstance(o.lowering, Whole)]
EXPANDED = [o for o in WHOLE if o.lowering.expanded is not None]
SAMPLES = [pytest.param(o, s, id=f"{o.name}-{k}") for o in EXPANDED for k, s in enumerate(o.samples)]


def ops_of(f):
    return {eqn.op.name for eqn in walk(f.body)}


def assert_same(f, args, sizes=None):
    """The expansion is a sound Function of the same types, and gives the same, signs of zeros included."""
    found = expand(f)
    verify(found)
    assert not ops_of(found) & {o.name for o in EXPANDED}
    assert [p.type for p in found.body.params] == [p.type for p in f.body.params]
    assert [r.type for r in found.body.results] == [r.type for r in f.body.results]
    with np.errstate(all="ignore"):
        pairs = zip(evaluate(found, args, sizes), evaluate(f, args, sizes), strict=True)
        for result, expected in pairs:
            result, expected = np.asarray(result), np.asarray(expected)
            assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
            assert result.tobytes() == expected.tobytes()
    return found


def test_only_moves_of_schedules_stay_on_the_host():
    assert [o.name for o in WHOLE if o not in EXPANDED] == ["next_move"]


@pytest.mark.parametrize(("record", "sample"), SAMPLES)
def test_samples_expand_to_the_same_numbers(record, sample):
    f = sample_function(record, sample)
    assert_same(f, sample.inputs, dict(zip(f.sizes, size_values(f, sample.inputs), strict=True)))


# ---- random shapes and numbers ----

FLOATS = st.sampled_from([0.0, -0.0, 1.0, -2.5, np.nan, np.inf, -np.inf])
DTYPES = st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_])


def arrays(shape, dtype):
    dtype = np.dtype(dtype)
    return npst.arrays(dtype, shape, elements=FLOATS if dtype.kind == "f" else npst.from_dtype(dtype))


@st.composite
def parts(draw):
    """Arrays that fit together along an axis."""
    shape = draw(npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    axis, dtype = draw(st.integers(0, len(shape) - 1)), draw(DTYPES)
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    return [draw(arrays((*shape[:axis], n, *shape[axis + 1 :]), dtype)) for n in lengths], axis


@given(parts())
def test_concatenations_of_any_parts(given):
    found, axis = given
    assert_same(applied("concatenate", found, axis=axis), found)


@given(
    st.data(),
    npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    DTYPES,
)
def test_zeros_around_any_array(data, shape, dtype):
    x = data.draw(arrays(shape, dtype))
    widths = tuple(tuple(data.draw(st.integers(0, 2)) for _ in range(2)) for _ in shape)
    assert_same(applied("pad", [x], widths=widths), [x])


@given(st.data(), st.integers(0, 4), st.integers(0, 4), st.integers(-5, 5), DTYPES)
def test_any_diagonal(data, n, m, k, dtype):
    x = data.draw(arrays((n, m), dtype))
    assert_same(applied("diagonal", [x], k=k), [x])
    line = data.draw(arrays((n,), dtype))
    assert_same(applied("diag", [line], k=k), [line])


@given(
    st.data(),
    st.sampled_from(["argmax", "argmin"]),
    npst.array_shapes(min_dims=0, max_dims=3, max_side=4),
    DTYPES,
)
def test_the_first_extremum_of_any_array(data, name, shape, dtype):
    x = data.draw(arrays(shape, dtype))
    axis = data.draw(st.sampled_from([None, *range(len(shape))]))
    assert_same(applied(name, [x], axis=axis), [x])


def test_the_first_nan_wins():
    x = np.array([[0.0, np.nan, -np.inf, np.nan], [np.inf, 0.0, -0.0, 0.0], [np.nan, np.inf, 0.0, -1.0]])
    for name in ("argmax", "argmin"):
        for axis in (None, 0, 1):
            assert_same(applied(name, [x], axis=axis), [x])


@given(npst.arrays(np.float64, st.integers(0, 5).map(lambda n: (n, n)), elements=st.integers(-3, 3)))
def test_determinants_of_any_matrix_singular_ones_too(a):
    for name in ("detsign", "logabsdet"):
        f = applied(name, [a])
        with np.errstate(all="ignore"):
            (found,), (expected,) = evaluate(expand(f), [a]), evaluate(f, [a])
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_the_logarithm_of_a_determinant_with_nan_is_nan():
    a = np.array([[1.0, np.nan], [2.0, 3.0]])
    (found,) = evaluate(expand(applied("logabsdet", [a])), [a])
    assert np.isnan(found)


# ---- the pass ----


def test_sizes_may_be_symbols():
    """Lengths of parts, widths and sides are polynomials."""
    x, y = (Value(ArrayType(DType.F64, (Dim.of(s),)), name) for s, name in (("n", "x"), ("m", "y")))

    def body(x, y):
        joined = OPS["concatenate"](x, y, axis=0)
        padded = OPS["pad"](joined, widths=((N, 1),))
        return [padded, OPS["diag"](joined, k=-2), OPS["argmax"](joined, axis=None)]

    f = function("f", [x, y], body, ops=OPS, sizes=("n", "m"))
    for n, m in ((3, 2), (0, 1), (1, 0)):
        assert_same(f, [np.arange(1.0, n + 1), -np.arange(1.0, m + 1)])


def test_inside_loops_and_branches():
    def body(x):
        def trip(i, y):
            doubled = op("concatenate", y, x, axis=0)
            return [op("mul", op("index", doubled, op("argmin", doubled, axis=0)), x)]

        return loop(N, trip, [x], [], [])

    assert_same(program("f", body, x=("f64", "n")), [np.array([3.0, -1.0, 2.0])])


def test_the_factors_of_a_determinant_are_made_once():
    def body(a):
        return [op("detsign", a), op("logabsdet", a), op("logabsdet", op("sin", a))]

    f = program("f", body, a=("f64", "n", "n"))
    a = np.array([[0.0, 2.0, 1.0], [1.0, -1.0, 0.5], [0.3, 1.0, 1.0]])
    text = to_text(assert_same(f, [a]))
    assert (text.count("= lu "), text.count("= any ")) == (2, 2)


def test_what_is_written_in_place_is_never_shared():
    def body(x):
        return [op("pad", x, widths=((1, 0),)), op("pad", x, widths=((1, 0),))]

    found = assert_same(program("f", body, x=("f64", "n")), [np.array([1.0, 2.0])])
    assert to_text(found).count("= zeros") == 2


def test_places_notes_names_and_what_is_written_stay():
    where = Location("model.py", 7, "y = np.diag(x)")

    def body(x):
        with origin(where, "adjoint of x"):
            return [*_named("diag", x, "y", k=1), op("put", x, 1.0, 0)]

    x = Value(type_of(np.zeros(3)), "x")
    f = function("f", [x], body, ops=OPS, written=[(1, 0)])
    found = expand(f)
    assert all((e.location, e.note) == (where, "adjoint of x") for e in found.body.eqns)
    assert (found.body.results[0].name, found.written, found.name) == ("y", ((1, 0),), "f")


def _named(name, x, hint, **attrs):
    return emit(OPS[name], [x], attrs, (), [hint])


def test_a_function_without_them_is_the_same():
    f = program("f", lambda x: [op("sin", x)], x=("f64", "n"))
    assert expand(f) is f
