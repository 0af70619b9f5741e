"""Arrays of CuPy and PyTorch on the device: taken as they lie, and given back as their own kind."""

import numpy as np
import pytest

from adcompiler import adjoint

X, Y = np.linspace(0.1, 1.0, 1000), np.linspace(-1.0, 1.0, 1000)


def dot(x, y):
    return np.sum(np.sin(x) * y)


BOTH = adjoint(dot, argnums=(0, 1), backend="cuda")


def assert_gradients(found):
    for gradient, expected in zip(found, (np.cos(X) * Y, np.sin(X)), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-13)


def test_arrays_of_cupy():
    cupy = pytest.importorskip("cupy")
    x, y = cupy.asarray(X), cupy.asarray(Y)
    for stream in (cupy.cuda.Stream.null, cupy.cuda.Stream(non_blocking=True)):
        with stream:
            found = BOTH(x, y)
            assert all(type(g) is cupy.ndarray for g in found)
            assert_gradients([cupy.asnumpy(2.0 * g / 2.0) for g in found])


def test_tensors_of_pytorch():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("PyTorch is built without CUDA")
    x, y = torch.as_tensor(X, device="cuda"), torch.as_tensor(Y, device="cuda")
    for stream in (torch.cuda.default_stream(), torch.cuda.Stream()):
        stream.wait_stream(torch.cuda.default_stream())
        with torch.cuda.stream(stream):
            found = BOTH(x, y)
            assert all(type(g) is torch.Tensor and g.is_cuda for g in found)
            assert_gradients([(2.0 * g / 2.0).cpu().numpy() for g in found])
