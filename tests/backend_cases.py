"""What tests of backends share: samples as Functions, ways to run them, loops that people write."""

from contextlib import contextmanager

import numba
import numpy as np
import pytest
from mixed_functions import mixed_function

from adcompiler.backends import cache, numba_backend, numpy_backend
from adcompiler.backends.compiled import Options
from adcompiler.ir.build import emit, function
from adcompiler.ir.errors import AdcompilerError
from adcompiler.ir.evaluate import evaluate
from adcompiler.ir.graph import Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import ArrayType, Dim, DType, array_type

N, M = Dim.of("n"), Dim.of("m")


def op(name, *operands, **attrs):
    """Emit an op by its name; integers are i64, whatever stands beside them."""
    outputs = emit(OPS[name], [constant(x) if isinstance(x, int) else x for x in operands], attrs)
    return outputs[0] if outputs else None


def program(name, body, sizes=("n",), **params):
    """A Function of parameters given by their types: `x="f64[n, 3]"` is `x=("f64", "n", 3)`."""
    values = [Value(array_type(*kind), param) for param, kind in params.items()]
    return function(name, values, body, ops=OPS, sizes=sizes)


# ---- samples of ops ----


def sample_function(op, sample, name="sample"):
    """The Function of one op on operands like a sample's; with named sizes where the attributes allow it."""
    try:
        return _applied(op, sample, name, symbolic=True)
    except AdcompilerError:
        return _applied(op, sample, name, symbolic=False)


def _applied(op, sample, name, symbolic):
    shapes = [np.shape(x) for x in sample.inputs]
    # equal lengths get one name, so that operands still fit together
    names = {n: f"n{n}" for shape in shapes for n in shape if symbolic and n != 1}
    params = [
        Value(
            ArrayType(DType.of(np.asarray(x).dtype), tuple(Dim.of(names.get(n, n)) for n in shape)), f"x{k}"
        )
        for k, (x, shape) in enumerate(zip(sample.inputs, shapes, strict=True))
    ]
    sizes = tuple(names.values())
    return function(name, params, lambda *p: emit(op, p, sample.attrs), ops=OPS, sizes=sizes)


def size_values(program, args):
    """The values of the sizes of a Function, in its order, read off the shapes of arguments."""
    known = {}
    for param, arg in zip(program.body.params, args, strict=True):
        known.update({d.name: n for d, n in zip(param.type.shape, np.shape(arg), strict=True) if d.name})
    return [known[size] for size in program.sizes]


# ---- running ----


@contextmanager
def plain_python():
    """Generated code for Numba runs as the Python that it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", 1)
        patch.setattr(cache, "compile_kernel", lambda *given: None)
        patch.setattr(cache, "surroundings", lambda: "plain")
        yield


def call_numpy(program, args, sizes):
    return numpy_backend.compile_function(program, Options()).call(*args, *sizes)


def call_plain(program, args, sizes):
    with plain_python(), np.errstate(all="ignore"):
        return numba_backend.compile_function(program, Options()).call(*args, *sizes)


def call_numba(program, args, sizes):
    return numba_backend.compile_function(program, Options()).call(*args, *sizes)


def evaluated(program, args, sizes=None):
    """The results by definition."""
    with np.errstate(all="ignore"):
        return tuple(np.asarray(x)[()] for x in evaluate(program, args, sizes))


def assert_same(found, expected, rtol=1e-11):
    """Values, shapes, dtypes, and the kind of scalar."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert type(a) is type(b)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=2e-6 if a.dtype == np.float32 else rtol, atol=1e-13)


def assert_fresh(results, args):
    """No result shares memory with an argument or another result."""
    arrays = [x for x in (*args, *results) if isinstance(x, np.ndarray) and x.size]
    for k, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:k])


def read_only(*args):
    for x in args:
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    return args


# ---- random programs ----


def mixed_case(seed, dtype="f64", longest=5):
    """A random Function of whole arrays, loops and branches; its arguments, sizes and results."""
    f = mixed_function(seed, dtype)
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, longest + 1)), int(rng.integers(1, longest))
    shapes = [(), (n,), (m,), (n, m), (n, n)]
    args = read_only(
        *(np.asarray(rng.normal(size=s), np.dtype(f"f{4 if dtype == 'f32' else 8}"))[()] for s in shapes)
    )
    return f, args, [n, m], evaluated(f, args, {"n": n, "m": m})


# ---- loops that people write ----


def zeros(*shape):
    return op("zeros", shape=shape, dtype=DType.F64)


def recurrence():
    """out[i+1] = sin(out[i]) * x[i+1] + out[i]."""

    def body(x):
        out = op("put", zeros(N), op("index", x, 0), 0)

        def trip(i, out):
            old = op("index", out, i)
            return [op("put", out, op("sin", old) * op("index", x, i + 1) + old, i + 1)]

        return loop(N - 1, trip, [out])

    return program("recurrence", body, x=("f64", "n"))


def cumprod():
    """out[i+1] = out[i] * x[i+1]."""

    def body(x):
        out = op("put", zeros(N), op("index", x, 0), 0)
        return loop(
            N - 1, lambda i, o: [op("put", o, op("index", o, i) * op("index", x, i + 1), i + 1)], [out]
        )

    return program("cumprod", body, x=("f64", "n"))


def heat():
    """Three explicit steps of the heat equation, two buffers swapped."""

    def body(u, c):
        def step(t, u, v):
            def row(i, v):
                def cell(j, v):
                    here = [
                        op("index", u, i + 1 + a, j + 1 + b)
                        for a, b in ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))
                    ]
                    around = here[0] + here[1] + here[2] + here[3]
                    return [op("put", v, here[4] + c * (around - 4.0 * here[4]), i + 1, j + 1)]

                return loop(N - 2, cell, [v])

            (v,) = loop(N - 2, row, [v])
            return [v, u]

        return loop(3, step, [u, u])

    return program("heat", body, u=("f64", "n", "n"), c=("f64",))


def thomas():
    """A tridiagonal system: elimination forwards, substitution backwards."""

    def body(low, diagonal, high, right):
        def eliminate(i, d, r):
            w = op("index", low, i + 1) / op("index", d, i)
            d = op("put", d, op("index", d, i + 1) - w * op("index", high, i), i + 1)
            return [d, op("put", r, op("index", r, i + 1) - w * op("index", r, i), i + 1)]

        d, r = loop(N - 1, eliminate, [diagonal, right])
        last = op("dim", size=N - 1)
        x = op("put", zeros(N), op("index", r, last) / op("index", d, last), last)

        def substitute(i, x):
            rest = op("index", r, i) - op("index", high, i) * op("index", x, i + 1)
            return [op("put", x, rest / op("index", d, i), i)]

        return loop(N - 1, substitute, [x], reverse=True)

    vector = ("f64", "n")
    return program("thomas", body, low=vector, diagonal=vector, high=vector, right=vector)


def histogram():
    """counts[k[i]] += w[i]: a sum."""

    def body(k, w):
        def trip(i, counts, place, weight):
            return [op("add_at", counts, weight, place)]

        return loop(N, trip, [], [zeros(M)], [k, w])

    return program("histogram", body, sizes=("n", "m"), k=("i64", "n"), w=("f64", "n"))


def swap():
    """Two arrays that change places in each trip."""

    def body(u, v):
        return loop(5, lambda t, a, b: [op("add_at", b, 1.0, 0), a], [u, v])

    return program("swap", body, u=("f64", "n"), v=("f64", "n"))


def stacks():
    """A stack of stacks, a stack of rows made from zeros, the stack of a carry that is overwritten."""

    def body(x):
        def outer(i, u, xi):
            row = zeros(M)

            def inner(j, row, carry):
                carry = op("sin", carry + xi)
                return [op("put", row, carry * xi, j), carry, carry]

            row, last, items = loop(M, inner, [row, xi])
            return [op("put", u, last, i), items, row, u]

        return loop(N, outer, [x], [], [x])

    return program("stacks", body, sizes=("n", "m"), x=("f64", "n"))


def reversed_sums():
    """Reversed loops with a scalar carry, a scalar sum and slices."""

    def body(x, y):
        def trip(i, carry, total, a, b):
            new = op("tanh", carry * a + b)
            return [new, total + new * a, new]

        return loop(N, trip, [constant(0.5)], [constant(0.0)], [x, y], reverse=True)

    return program("reversed_sums", body, x=("f64", "n"), y=("f64", "n"))
