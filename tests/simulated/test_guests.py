"""Arrays on the device as arguments and results: of numba-cuda, PyTorch, CuPy and others, beside NumPy's."""

import sys

import guests
import numpy as np
import pytest
from guests import Array, Guest, Tensor, numbers

import adcompiler
from adcompiler import ArgumentError, adjoint, jvp, value_and_grad, vjp
from adcompiler.backends.cuda.device import arrays, driver_memory, foreign

pytestmark = pytest.mark.simulator


def dot(x, y):
    return np.sum(np.sin(x) * y)


BOTH = adjoint(dot, argnums=(0, 1), backend="cuda")
X, Y = numbers(6), numbers(6) / 3
DX, DY = np.cos(X) * Y, np.sin(X)


def on_device(array):
    return type(array) is type(arrays.empty((1,), np.float64))


def contents(array):
    return array if isinstance(array, np.ndarray | np.generic) else arrays.to_host(foreign.view_of(array)[0])


def assert_gradients(found, kind):
    for gradient, expected in zip(found, (DX, DY), strict=True):
        assert kind(gradient)
        np.testing.assert_allclose(contents(gradient), expected)


def test_numpy_in_numpy_out():
    assert_gradients(BOTH(X, Y), lambda a: type(a) is np.ndarray)


def test_device_arrays_stay():
    assert_gradients(BOTH(arrays.to_device(X), arrays.to_device(Y)), on_device)


def test_numpy_arrays_beside_a_device_array_are_taken_along():
    assert_gradients(BOTH(X, arrays.to_device(Y)), on_device)
    assert_gradients(BOTH(arrays.to_device(X), Y), on_device)


def test_an_array_of_any_library():
    assert_gradients(BOTH(Guest(X), Guest(Y)), on_device)


def test_one_program_serves_all(monkeypatch):
    for name, module in (("torch", guests.torch()), ("cupy", guests.cupy())):
        monkeypatch.setitem(sys.modules, name, module)
    before = BOTH.specialisations
    for kind in (lambda a: a, arrays.to_device, Guest, Tensor, Array):
        BOTH(kind(X), kind(Y))
    assert BOTH.specialisations == max(before, 1)


@pytest.mark.parametrize(("kind", "name"), [(Tensor, "torch"), (Array, "cupy")])
@pytest.mark.parametrize("stream", [0, 7])
def test_results_are_of_the_kind_of_the_first_argument_there(kind, name, stream, monkeypatch):
    module = getattr(guests, name)(stream)
    monkeypatch.setitem(sys.modules, name, module)
    assert_gradients(BOTH(X, kind(Y)), lambda a: type(a) is kind)
    assert module.waited == ([] if stream == 0 else [stream, stream])
    value, gradients = value_and_grad(dot, argnums=(0, 1), backend="cuda")(kind(X), arrays.to_device(Y))
    assert_gradients(gradients, lambda a: type(a) is kind)
    assert type(value) is np.float64 and value == pytest.approx(dot(X, Y))


def test_a_result_for_another_stream_is_not_in_our_memory(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", guests.torch(7))
    adcompiler.clear_buffers()
    gradient = BOTH(Tensor(X), Y)
    assert arrays.SHARED.idle_bytes > 0
    kept = arrays.SHARED.idle_bytes
    del gradient
    assert arrays.SHARED.idle_bytes == kept


@pytest.mark.parametrize("array", [numbers(12)[::2], numbers(6)[::-1], np.asfortranarray(numbers(3, 4))])
def test_strided_device_arrays_are_copied(array):
    expected = adjoint(dot, backend="numpy")(array, array)
    there = Guest(array)
    np.testing.assert_allclose(contents(adjoint(dot, backend="cuda")(there, there)), expected)


def test_nothing_that_is_contiguous_is_copied():
    there = Guest(X)
    view, number = foreign.view_of(there)
    X[0] += 1
    assert (view[0], number) == (X[0], 0)
    X[0] -= 1


def test_the_view_keeps_the_array_alive():
    view, _ = foreign.view_of(Guest(numbers(1000)))
    np.empty(1000).fill(0.0)
    np.testing.assert_array_equal(arrays.to_host(view), numbers(1000))


def test_read_only_arrays_are_read():
    assert_gradients(BOTH(Guest(X, read_only=True), Guest(Y, read_only=True)), on_device)


# ---- other ways to call ----


def test_out_on_the_device():
    g = adjoint(dot, backend="cuda")
    there, memory = arrays.to_device(np.zeros(6)), np.zeros(6)
    assert g(arrays.to_device(X), Y, out=there) is there
    np.testing.assert_allclose(arrays.to_host(there), DX)
    out = Guest(memory)
    assert g(X, Y, out=out) is out
    np.testing.assert_allclose(memory, DX)
    strided = np.zeros(12)[::2]
    assert g(arrays.to_device(X), Y, out=strided) is strided
    np.testing.assert_allclose(strided, DX)


def test_another_library_may_go_on_at_once_with_what_it_brought(monkeypatch):
    waited = []
    monkeypatch.setattr(driver_memory, "synchronize", lambda: waited.append(1))
    g = adjoint(dot, backend="cuda")
    g(X, Y, out=arrays.to_device(np.zeros(6)))
    assert waited == []
    g(X, Y, out=Guest(np.zeros(6)))
    assert waited == [1]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (Guest(np.zeros(5)), "out for `x` has shape (5,), where the result has (6,)"),
        (Guest(np.zeros(6, np.float32)), "out for `x` is of dtype float32, where the result is float64"),
        (Guest(np.zeros(6), read_only=True), "out for `x` is read-only"),
        ([0.0] * 6, "out for `x` is a list, where an array of float64 is expected"),
    ],
)
def test_out_that_does_not_fit(out, message):
    with pytest.raises(ArgumentError, match=message.replace("(", r"\(").replace(")", r"\)")):
        adjoint(dot, backend="cuda")(X, Y, out=out)


def test_out_that_an_argument_shares():
    memory = numbers(12)
    with pytest.raises(ArgumentError, match="out for `x` shares memory with `x`"):
        adjoint(dot, backend="cuda")(Guest(memory[:6]), Y, out=Guest(memory[3:9]))


def test_out_on_the_device_of_a_program_of_the_cpu():
    with pytest.raises(ArgumentError, match="out for `x` is a Guest, where an array of float64 is expected"):
        adjoint(dot, backend="numpy")(X, Y, out=Guest(np.zeros(6)))


def test_vjp():
    def scaled(x):
        return np.sin(x) * x

    expected = (np.cos(X) * X + np.sin(X)) * Y
    for kind, is_kind in ((arrays.to_device, on_device), (np.array, lambda a: type(a) is np.ndarray)):
        value, pull = vjp(scaled, kind(X), backend="cuda")
        np.testing.assert_allclose(contents(value), np.sin(X) * X)
        for bar in (kind(Y), Y):
            (gradient,) = pull(bar)
            assert is_kind(value) and is_kind(gradient)
            np.testing.assert_allclose(contents(gradient), expected)


def test_what_a_pullback_reads_stays_on_the_device(monkeypatch):
    def scaled(x):
        return np.sum(np.sin(x) * x)

    moved = []
    to_host = arrays.to_host
    monkeypatch.setattr(arrays, "to_host", lambda array: moved.append(tuple(array.shape)) or to_host(array))
    value, pull = vjp(scaled, X, backend="cuda")
    assert (6,) not in moved
    np.testing.assert_allclose(pull(1.0)[0], np.cos(X) * X + np.sin(X))
    assert moved.count((6,)) == 1
    assert value == pytest.approx(np.sum(np.sin(X) * X))


def test_a_pullback_without_residuals_gives_the_kind_of_its_primal():
    _, pull = vjp(lambda x: np.sum(x), arrays.to_device(X), backend="cuda")
    (gradient,) = pull(2.0)
    assert on_device(gradient)
    np.testing.assert_array_equal(arrays.to_host(gradient), np.full(6, 2.0))


def test_jvp():
    value, tangent = jvp(np.sin, (arrays.to_device(X),), (Guest(Y),), backend="cuda")
    assert on_device(value) and on_device(tangent)
    np.testing.assert_allclose(arrays.to_host(tangent), np.cos(X) * Y)


@pytest.mark.parametrize(
    ("tangent", "message"),
    [
        (Guest(np.zeros(5)), r"the tangent of `x` has shape \(5,\), where its primal has \(6,\)"),
        (Guest(np.zeros(6, np.float32)), "the tangent of `x` is float32, where float64 is expected"),
    ],
)
def test_a_tangent_that_does_not_fit(tangent, message):
    with pytest.raises(ArgumentError, match=message):
        jvp(lambda x: np.sin(x), (arrays.to_device(X),), (tangent,), backend="cuda")


def test_a_tangent_on_the_device_of_a_program_of_the_cpu():
    with pytest.raises(ArgumentError, match="the tangent of `x` is on a GPU, and this program runs on"):
        jvp(lambda x: np.sin(x), (X,), (Guest(Y),), backend="numpy")


def doubled(x):
    x *= 2.0
    return np.sum(x)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_function_writes_an_array_on_the_device(stride):
    memory = numbers(6 * stride)
    expected = 2 * memory[::stride]
    there = Guest(memory[::stride])
    assert adjoint(doubled, backend="cuda").primal(there) == np.sum(expected)
    np.testing.assert_array_equal(memory[::stride], expected)


def test_a_function_writes_an_array_that_may_not_be_written():
    with pytest.raises(ArgumentError, match="an array that the function writes is read-only"):
        adjoint(doubled, backend="cuda").primal(Guest(numbers(4), read_only=True))


def test_arrays_that_overlap_where_one_is_written():
    def shifted(x, y):
        x += y
        return np.sum(x)

    memory = numbers(8)
    with pytest.raises(ArgumentError, match="`x` and `y` overlap in memory"):
        adjoint(shifted, backend="cuda").primal(Guest(memory[:6]), Guest(memory[2:]))


def test_points_and_numbers():
    def product(x, scale, k):
        return x * scale * k

    there = arrays.to_device(np.array(3.0))
    assert adjoint(product, argnums=(0, 1), backend="cuda")(there, 2.0, 5) == (10.0, 15.0)


def test_a_failed_check_is_raised_before_results_are_moved():
    def checked(x):
        assert np.sum(x) > 0, "positive"
        return np.sum(np.sqrt(x))

    g = adjoint(checked, backend="cuda")
    np.testing.assert_allclose(g(X), 0.5 / np.sqrt(X))
    with pytest.raises(AssertionError, match="positive"):
        g(-X)


def test_verify_and_check_grads_look_at_numbers_of_the_device():
    assert adcompiler.verify(dot, arrays.to_device(X), arrays.to_device(Y), backend="cuda").ok
    adcompiler.check_grads(dot, (arrays.to_device(X), Y), backend="cuda", modes=("rev",))


# ---- refused ----


def test_an_array_on_the_device_of_a_program_of_the_cpu():
    with pytest.raises(ArgumentError) as caught:
        adjoint(dot, backend="numba")(X, Guest(Y))
    assert str(caught.value) == (
        "argument `y` is a Guest on a GPU, and this program runs on the CPU\n"
        'hint: choose backend="cuda", or pass a NumPy array'
    )


def test_a_tensor_that_is_part_of_a_graph():
    tensor = Tensor(X)
    tensor.requires_grad = True
    with pytest.raises(ArgumentError, match="pass x.detach()"):
        BOTH(tensor, Y)


def test_a_tensor_of_the_cpu_is_no_array():
    tensor = Tensor(X)
    tensor.number = 1
    with pytest.raises(ArgumentError, match="argument `x` is a Tensor\n"):
        BOTH(tensor, Y)


def test_an_array_on_the_device_that_is_no_argument():
    weights = Guest(Y)

    def weighted(x):
        return np.sum(x * weights)

    with pytest.raises(adcompiler.CaptureError, match="`weights` is an array on a GPU, and no argument"):
        adjoint(weighted, backend="cuda")(X)


# ---- no room ----


def waves(x):
    u = x
    for _ in range(12):
        u = u - 0.1 * np.exp(u) * u
    return np.sum(u * u)


def test_what_a_call_takes_is_said_where_there_is_no_room(monkeypatch):
    def allocate(size):
        raise driver_memory.NoRoom

    g, x = adjoint(waves, backend="cuda"), np.ones(1000)
    found = g.explain(x)
    assert found.least < found.peak
    adcompiler.clear_buffers()
    monkeypatch.setattr(driver_memory, "allocate", allocate)
    monkeypatch.setattr(driver_memory, "free_bytes", lambda: 100)
    with pytest.raises(adcompiler.DeviceMemoryError) as caught:
        g(x, out=np.zeros(1000))
    assert str(caught.value) == (
        "the GPU has no room for an array of 8,192 bytes, and 100 are free\n"
        f"hint: the call takes {found.peak:,} bytes beside arguments on the GPU; "
        f"plan=Budget({found.least}) is feasible"
    )
    with pytest.raises(adcompiler.DeviceMemoryError, match="hint: the call takes"):
        g.value_and_grad(x)
