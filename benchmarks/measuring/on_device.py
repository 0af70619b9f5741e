"""Gradients on a device beside what it does at best; each function is run in a fresh process.

Arguments are on the device and results stay there. A sample is several calls and one wait for the last.
"""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import workloads

from adcompiler import adjoint
from adcompiler.backends.cuda.device import arrays, toolkit
from adcompiler.benchmarking import clock, device

ELEMENTS = 100_000_000
MOVED = {"copy": 16, "mse": 24, "affine_fit": 24, "logsumexp": 24}
"""Bytes an element that any program moves, of arrays beyond the caches: logsumexp has to read twice."""

SMALL = {"mse": 1_000, "logsumexp": 2_500, "layer_norm": (64, 64)}
"""Sizes of gradients that take less time than their launches: arrays alone, so that no call has to wait."""

WIDTH = 4096


def gradient(name: str, **options: Any) -> Any:
    """The gradient of a workload on the device."""
    workload = workloads.load(name)
    return adjoint(workload.function, workload.argnums, backend="cuda", **options)


def there(args: tuple[Any, ...]) -> list[Any]:
    """Arguments with arrays on the device."""
    return [arrays.to_device(a) if isinstance(a, np.ndarray) else a for a in args]


def timed(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """Median seconds of calls that take turns."""
    waits = dict.fromkeys(calls, device.wait)
    found = clock.in_turn(calls, seconds, time.perf_counter, waits)
    return {who: timing.median for who, timing in found.items()}


def bandwidth(seconds: float, elements: int = ELEMENTS) -> dict[str, float]:
    """Bytes a second of a copy on the device, and of gradients."""
    source, target = (arrays.zeros((elements,), np.float64) for _ in range(2))
    calls = {"copy": partial(arrays.overwrite, target, source)}
    for name in MOVED.keys() - {"copy"}:
        calls[name] = partial(gradient(name), *there(workloads.load(name).arguments(elements)))
    return {who: MOVED[who] * elements / found for who, found in timed(calls, seconds).items()}


def overhead(seconds: float) -> dict[str, dict[str, float]]:
    """Of small gradients: the launches of a call, its seconds, and its seconds as a graph."""
    found = {}
    for name, size in SMALL.items():
        args = there(workloads.load(name).arguments(size))
        calls = {"call": partial(gradient(name), *args), "graph": partial(gradient(name, graphs=True), *args)}
        for _ in range(3):  # compiled at the first, recorded at the second
            calls["graph"]()
        found[name] = {"launches": launches(calls["call"]), **timed(calls, seconds / len(SMALL))}
    return found


def launches(call: Callable[[], Any]) -> int:
    """How many kernels a call launches."""
    call()
    with patch.object(toolkit, "configured", wraps=toolkit.configured) as configured:
        call()
    return configured.call_count


def products(seconds: float, width: int = WIDTH) -> dict[str, float]:
    """Seconds of a perceptron's gradient, all of its matrices square, and of its five products alone."""
    from adcompiler.backends.cuda.libraries.linear_algebra import product

    rng = np.random.default_rng(0)
    w1, w2, x = rng.normal(size=(3, width, width)) / width**0.5
    b1, b2 = rng.normal(size=(2, width))
    args = there((w1, b1, w2, b2, x, rng.integers(0, width, width)))
    hidden, change, out = (arrays.to_device(rng.normal(size=(width, width))) for _ in range(3))
    w1, _, w2, _, x, _ = args
    pairs = [
        (x, w1, "ij,jk->ik"),
        (hidden, w2, "ij,jk->ik"),
        (hidden, change, "ji,jk->ik"),
        (change, w2, "ij,kj->ik"),
        (x, change, "ji,jk->ik"),
    ]

    def alone() -> None:
        for left, right, labels in pairs:
            product(left, right, out, labels, "i", "j", "k")

    return timed({"gradient": partial(gradient("mlp"), *args), "products": alone}, seconds)
