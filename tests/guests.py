"""Libraries of arrays on the simulated device, small: memory of the host, spoken for by the protocols."""

from types import ModuleType, SimpleNamespace

import numpy as np


class Guest:
    """An array that speaks `__cuda_array_interface__` and is of no library in particular."""

    def __init__(self, array, read_only=False):
        self.memory = array
        self.read_only = read_only

    @property
    def shape(self):
        return self.memory.shape

    @property
    def dtype(self):
        return self.memory.dtype

    @property
    def __cuda_array_interface__(self):
        found = dict(self.memory.__array_interface__, version=3, stream=1)
        return {**found, "data": (found["data"][0], self.read_only)}


class DType:
    """A dtype as PyTorch has them: only its name is NumPy's."""

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return f"torch.{self.name}"

    __repr__ = __str__


class Tensor(Guest):
    """What PyTorch's tensors have of arrays."""

    requires_grad = False
    number = 2

    @property
    def dtype(self):
        return DType(self.memory.dtype.name)

    def __dlpack_device__(self):
        return self.number, 0

    def clone(self):
        return Tensor(self.memory.copy())


Tensor.__module__ = "torch"


def torch(stream=0):
    """A module that makes tensors; `waited` counts how often its stream was waited for."""
    module = ModuleType("torch")
    module.waited = []
    current = SimpleNamespace(cuda_stream=stream, synchronize=lambda: module.waited.append(stream))
    module.cuda = SimpleNamespace(current_stream=lambda: current)
    module.as_tensor = lambda array, device: Tensor(array._ary)
    return module


class Array(Guest):
    """What CuPy's arrays have."""

    def copy(self):
        return Array(self.memory.copy())


Array.__module__ = "cupy"


def cupy(stream=0):
    """A module that makes such arrays."""
    module = ModuleType("cupy")
    module.waited = []
    current = SimpleNamespace(ptr=stream, synchronize=lambda: module.waited.append(stream))
    module.cuda = SimpleNamespace(get_current_stream=lambda: current)
    module.asarray = lambda array: Array(array._ary)
    return module


def numbers(*shape):
    return np.arange(1.0, 1.0 + np.prod(shape, dtype=int)).reshape(shape)
