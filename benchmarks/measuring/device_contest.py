"""One workload on a device: ours, JAX and PyTorch compared, then timed in turn; run in a fresh process.

All arguments are on the device beforehand. JAX is `jit(grad)` of its idiomatic form and of the user's code,
PyTorch the gradient of its idiomatic form, eager and by `torch.compile`; of each the fastest counts.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import hand
import peers
import workloads

from adcompiler.benchmarking import clock, device

from .contest import agree
from .on_device import arrays, gradient, there
from .peers_on_device import jax_there, torch_there

LARGE = {
    "logsumexp": 30_000_000,
    "mse": 30_000_000,
    "affine_fit": 30_000_000,
    "layer_norm": (32_768, 1_024),
    "softmax_cross_entropy": (32_768, 1_000),
    "black_scholes": 10_000_000,
    "kmeans": (100, 200_000, 8),
    "gmm": (64, 100),
    "mlp": 65_536,
    "softmax_regression": 500_000,
    "logistic_regression": 1_000_000,
}
"""The vectorised workloads: those without a loop over steps."""

Contestant = tuple[Callable[[], Any], clock.Wait, Callable[[Any], tuple[Any, ...]]]
"""A call, what waits for its result, and what makes NumPy arrays of it."""


def held(name: str, size: Any, seconds: float) -> dict[str, Any]:
    """Median seconds by contestant, and why some are missing."""
    workload = workloads.load(name)
    args = workload.arguments(tuple(size) if isinstance(size, list) else size)
    expected = peers.as_tuple(hand.load(name)(*args))
    calls, waits, failed = {}, {}, {}
    for who, get_ready in contestants(workload, args):
        try:
            call, wait, to_numpy = get_ready()
            agree(to_numpy(call()), expected)
        except Exception as error:  # whoever fails is left out, and the page says why
            failed[who] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            continue
        calls[who], waits[who] = call, wait
    times = clock.in_turn(calls, seconds, time.perf_counter, waits) if calls else {}
    return {"workload": name, "times": {who: t.median for who, t in times.items()}, "failed": failed}


def contestants(workload: Any, args: tuple[Any, ...]) -> Iterator[tuple[str, Callable[[], Contestant]]]:
    """By name, what gets one ready."""
    yield "ours", partial(ours, workload, args)
    for form, function in jax_forms(workload).items():
        yield form, partial(with_jax, workload, args, function)
    for form in ("PyTorch eager", "torch.compile"):
        yield form, partial(with_torch, workload, args, form == "torch.compile")


def ours(workload: Any, args: tuple[Any, ...]) -> Contestant:
    def to_numpy(result: Any) -> tuple[Any, ...]:
        return tuple(arrays.to_host(g) if hasattr(g, "copy_to_host") else g for g in peers.as_tuple(result))

    return partial(gradient(workload.name), *there(args)), device.wait, to_numpy


def jax_forms(workload: Any) -> dict[str, Any]:
    """JAX's form and the user's, where there are both; None where JAX is not installed."""
    try:
        found: dict[str, Any] = import_module("peers.with_jax").forms(workload)
    except ImportError:
        return {"JAX": None}
    return found


def with_jax(workload: Any, args: tuple[Any, ...], function: Any) -> Contestant:
    jax = jax_there()
    peer = import_module("peers.with_jax")
    static = tuple(k for k, a in enumerate(args) if isinstance(a, int))
    compiled = jax.jit(jax.grad(function, workload.argnums), static_argnums=static)
    return partial(compiled, *peer.to_device(args)), jax.block_until_ready, peer.to_numpy


def with_torch(workload: Any, args: tuple[Any, ...], compiled: bool) -> Contestant:
    torch = torch_there()
    peer = import_module("peers.with_torch")
    function = getattr(peer.torch_forms, workload.name)
    if compiled:
        function = torch.compile(function)
    given = [
        a if isinstance(a, int) else torch.as_tensor(a, dtype=peer.kind(a), device="cuda") for a in args
    ]
    leaves = [given[k].requires_grad_() for k in peers.as_tuple(workload.argnums)]

    def call() -> Any:
        return torch.autograd.grad(function(*given), leaves)

    def to_numpy(found: Any) -> tuple[Any, ...]:
        return tuple(g.cpu().numpy() for g in found)

    return call, lambda result: torch.cuda.synchronize(), to_numpy
