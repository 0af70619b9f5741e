"""Arrays on a GPU as leaves of arguments, by their protocols: no device is needed to say what they are."""

import numpy as np
import pytest
from guests import Array, DType, Guest, Tensor, numbers

from adcompiler import ArgumentError, DTypeError, adjoint, vjp
from adcompiler.frontend.arguments import flatten, leaf_key
from adcompiler.frontend.device_arrays import dtype_of, is_device_array
from adcompiler.frontend.plain_calls import plain_check
from adcompiler.frontend.sharing import overlaps, same_elements, shared_memory
from adcompiler.frontend.specialise import Specialisations

KINDS = [Guest, Tensor, Array]


class Buffer:
    """Bytes on a device: no array."""

    __cuda_array_interface__ = {"data": (0, False)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(), (3,), (7, 2)])
def test_the_key_is_that_of_a_numpy_array(kind, dtype, shape):
    array = numbers(*shape).astype(dtype)
    assert leaf_key(kind(array), "x", on_device=True) == leaf_key(array, "x")
    assert dtype_of(kind(array)) == dtype


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_of_the_cpu_refuses_it(kind):
    with pytest.raises(ArgumentError) as caught:
        leaf_key(kind(numbers(3)), "x")
    assert str(caught.value) == (
        f"argument `x` is a {kind.__name__} on a GPU, and this program runs on the CPU\n"
        'hint: choose backend="cuda", or pass a NumPy array'
    )


@pytest.mark.parametrize("x", [numbers(3), np.float64(1.0), 1.0, "text", Guest, Buffer(), None, [1.0], len])
def test_what_is_none(x):
    assert not is_device_array(x)


def test_where_a_tensor_lies_is_asked():
    tensor = Tensor(numbers(3))
    for number, there in ((1, False), (2, True), (13, True), (10, False)):
        tensor.number = number
        assert is_device_array(tensor) is there


def test_dtypes_that_there_are_not():
    class Half(Tensor):
        name = "quint4x2"

        @property
        def dtype(self):
            return DType(self.name)

    with pytest.raises(DTypeError) as caught:
        leaf_key(Half(numbers(3)), "x", on_device=True)
    assert str(caught.value) == (
        "argument `x` has the dtype torch.quint4x2, which NumPy does not have\n"
        "hint: cast it to float32 or float64"
    )
    Half.name = "complex64"
    with pytest.raises(DTypeError, match="argument `x`: "):
        leaf_key(Half(numbers(3)), "x", on_device=True)


def test_a_tensor_is_a_leaf():
    tensor = Tensor(numbers(3))
    leaves, _ = flatten(({"a": tensor}, [tensor]))
    assert leaves == [tensor, tensor]


def test_memory_is_compared_by_addresses():
    memory = numbers(10)
    left, right, middle = Guest(memory[:5]), Guest(memory[5:]), Tensor(memory[3:7])
    assert not overlaps(left, right) and overlaps(left, middle) and overlaps(middle, right)
    assert overlaps(left, left) and not overlaps(Guest(memory[:0]), left)
    assert not overlaps(Guest(memory[::2]), Guest(memory[1::2]))
    assert same_elements(left, Array(memory[:5])) and not same_elements(left, Array(memory[:4]))
    assert [(s.first, s.second, s.same) for s in shared_memory([left, 1.0, middle, Array(memory[:5])])] == [
        (0, 2, False),
        (0, 3, True),
        (2, 3, False),
    ]


def test_what_tells_no_address_may_overlap():
    class Opaque:
        shape, dtype = (3,), np.dtype(float)

        def __dlpack_device__(self):
            return 2, 0

    assert is_device_array(Opaque())
    assert overlaps(Opaque(), Guest(numbers(3))) and not same_elements(Opaque(), Opaque())


# ---- the quick way ----


def total(x, y):
    return np.sum(x * y)


@pytest.fixture
def check():
    found = Specialisations(total, (("test", "device arrays"),), lambda captured: captured, on_device=True)
    entry, _ = found.find((numbers(6), numbers(6)), {})
    return plain_check(entry.captured, total, on_device=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_check_takes_them(kind, check):
    x, y = kind(numbers(9)), numbers(18)[::2]
    values = check(total, x, y)
    assert values[0] is x and values[2:] == (9,)
    np.testing.assert_array_equal(values[1], y)
    assert values[1].flags.c_contiguous and values[1] is not y


@pytest.mark.parametrize(
    "x",
    [Guest(numbers(3)), Guest(numbers(9, 1)), Guest(numbers(9).astype(np.float32)), Guest(numbers(8)), 1.0],
)
def test_the_quick_check_is_as_strict_as_the_key(x, check):
    assert check(total, x, numbers(9)) is None


def test_the_quick_check_leaves_what_is_refused_to_others(check):
    tensor = Tensor(numbers(9))
    tensor.requires_grad = True
    assert check(total, tensor, numbers(9)) is None


def test_the_quick_check_of_the_cpu_knows_none():
    found = Specialisations(total, (("test", "the CPU"),), lambda captured: captured)
    entry, _ = found.find((numbers(6), numbers(6)), {})
    check = plain_check(entry.captured, total)
    assert check(total, Guest(numbers(6)), numbers(6)) is None
    assert check(total, numbers(6), numbers(6)) is not None


# ---- users ----


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_users_are_told(backend):
    with pytest.raises(ArgumentError, match="argument `y` is a Tensor on a GPU, and this program runs on"):
        adjoint(total, backend=backend)(numbers(6), Tensor(numbers(6)))
    _, pull = vjp(lambda x: x * 2.0, numbers(6), backend="numpy")
    with pytest.raises(ArgumentError, match="the cotangent is on a GPU, and this program runs on the CPU"):
        pull(Tensor(numbers(6)))
