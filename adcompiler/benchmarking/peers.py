"""Other systems on the same function: their NumPy takes the place of NumPy in its globals.

JAX: `jit(grad(f))` in double precision, called with NumPy arrays and with arrays on its device. PyTorch:
eager, through `torch._numpy`, its own NumPy, whose arrays hold tensors. HIPS autograd: as it is.

None is told more than the function's text says: a Python loop over elements is unrolled by JAX, and recorded
step by step by the others. What they make of code rewritten for them is another measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import optree

from .backends import timed
from .transplant import Transplant
from .workload import Ready, Runner, Workload, leaves


class Autograd:
    """HIPS autograd."""

    name = "autograd"

    def __init__(self) -> None:
        self._grad = import_module("autograd").grad
        modules = {"numpy": import_module("autograd.numpy"), "scipy": _or_none("autograd.scipy")}
        for name in ("numpy.linalg", "numpy.fft", "scipy.special", "scipy.linalg"):
            _or_none(f"autograd.{name}")
        self._transplant = Transplant({k: m for k, m in modules.items() if m is not None})

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        function = workload.of(self._transplant(workload.function))
        if program == "gradient":
            function = self._grad(function, tuple(range(len(workload.wrt))))
        args = workload.chosen(workload.dynamic)
        return [Ready(lambda: function(*args))]


class Jax:
    """JAX on its default device; it compiles anew for each size."""

    name = "jax"

    def __init__(self) -> None:
        self._jax: Any = import_module("jax")
        self._jax.config.update("jax_enable_x64", True)
        jnp = import_module("jax.numpy")
        import_module("jax.scipy.special")
        import_module("jax.scipy.linalg")
        self._transplant = Transplant({"numpy": jnp, "scipy": self._jax.scipy}, jnp.asarray)
        self._jax.block_until_ready(self._jax.jit(jnp.sum)(np.ones(3)))  # the first one loads the compiler

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        jax = self._jax
        function = workload.of(self._transplant(workload.function))
        if program == "gradient":
            function = jax.grad(function, tuple(range(len(workload.wrt))))
        args: Any = workload.chosen(workload.dynamic)
        host: Any = optree.tree_map(np.asarray, args)
        lowered, trace = timed(lambda: jax.jit(function).lower(*host))
        compiled, compile = timed(lowered.compile)
        device = jax.block_until_ready(jax.device_put(host))
        return [
            Ready(lambda: jax.block_until_ready(compiled(*host)), "(NumPy)", trace, compile),
            Ready(lambda: jax.block_until_ready(compiled(*device)), "(device)", trace, compile),
        ]


class Torch:
    """PyTorch, eager."""

    name = "torch"

    def __init__(self) -> None:
        self._torch: Any = import_module("torch")
        self._numpy: Any = import_module("torch._numpy")
        self._transplant = Transplant({"numpy": self._numpy}, self._numpy.asarray)
        x = self._numpy.ndarray(self._torch.ones(3, requires_grad=True)) * self._numpy.asarray(2.0)
        self._numpy.sum(x).tensor.backward()  # the first one loads half of PyTorch

    def prepare(self, workload: Workload, program: str) -> Sequence[Ready]:
        torch, numpy = self._torch, self._numpy
        function = workload.of(self._transplant(workload.function))
        args: Any = workload.chosen(workload.dynamic)
        tensors: Any = optree.tree_map(torch.as_tensor, args)
        if program == "primal":
            arrays = optree.tree_map(numpy.ndarray, tensors)
            return [Ready(lambda: function(*arrays), arrays=self._arrays)]
        chosen = optree.tree_leaves(tensors[: len(workload.wrt)])
        chosen = [t.requires_grad_() for t in chosen if t.is_floating_point()]

        def gradient() -> Any:
            loss = function(*optree.tree_map(numpy.ndarray, tensors))
            return torch.autograd.grad(loss.tensor, chosen, materialize_grads=True)

        return [Ready(gradient, arrays=self._arrays)]

    def _arrays(self, result: Any) -> list[Any]:
        found: list[Any] = optree.tree_leaves(result)
        return leaves(
            [leaf.tensor.numpy() if isinstance(leaf, self._numpy.ndarray) else leaf for leaf in found]
        )


PEERS: dict[str, Callable[[], Runner]] = {"jax": Jax, "torch": Torch, "autograd": Autograd}
"""Raise ImportError where the peer is not installed."""


def _or_none(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None
