"""One workload at one size: all contestants are compared, then timed in turn; run in a fresh process.

On one thread the clock is the time that the process has the processor, whatever else the machine does; on
all, that on the wall.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import hand
import numpy as np
import peers
import workloads
from peers import ourselves

from . import clock

PEERS = {"jax": "with_jax", "torch": "with_torch", "autograd": "with_autograd"}
FEWEST = 21  # samples
SLOW, FEW = 0.3, 3
"""A call of this many seconds, and ten times that by hand, is sampled only so often."""
TOLERANCE = 1e-9  # relative, and of the largest element


def held(name: str, size: str, who: list[str], threads: str, seconds: float) -> dict[str, Any]:
    """What became of a workload, as JSON."""
    now = time.process_time if threads == "one" else time.perf_counter
    workload = workloads.load(name)
    args = workload.arguments(workload.sizes[size])
    expected = peers.as_tuple(hand.load(name)(*args))
    calls: dict[str, Callable[[], Any]] = dict(ourselves.primals(workload, args))
    stages, failed, left_out = {}, {}, reasons(name, who)
    here = [peer for peer in who if peer not in left_out]
    for contestant, get_ready in entered(workload, args, here, now).items():
        try:
            ready = get_ready()
            agree(ready.gradients(ready.call()), expected)
        except Exception as error:  # whoever fails is left out, and the table says why
            failed[contestant] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
            continue
        calls[contestant] = ready.call
        stages[contestant] = dict(ready.stages)
    if workload.products:
        calls["BLAS"] = products(workload, args)
    times = timed(calls, seconds, now)
    return {
        "workload": name,
        "size": size,
        "times": {k: asdict(found) for k, found in times.items()},
        "stages": stages,
        "failed": failed,
        "left_out": left_out,
    }


def entered(
    workload: workloads.Workload, args: tuple[Any, ...], who: list[str], now: Callable[[], float]
) -> Mapping[str, Callable[[], peers.Ready]]:
    """All contestants by name; ours first."""
    found = ourselves.contestants(workload, args, now)
    for peer in who:
        found |= import_module(f"peers.{PEERS[peer]}").contestants(workload, args, now)
    return found


def agree(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    """Gradients that differ are not timed."""
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=TOLERANCE, atol=TOLERANCE * np.max(np.abs(theirs)))


def products(workload: workloads.Workload, args: tuple[Any, ...]) -> Callable[[], Any]:
    """What BLAS does in the function, into arrays that are there already."""
    pairs = workload.products(*args)
    results = [a @ b for a, b in pairs]
    return lambda: [np.matmul(a, b, out=c) for (a, b), c in zip(pairs, results, strict=True)]


def timed(
    calls: Mapping[str, Callable[[], Any]], seconds: float, now: Callable[[], float]
) -> dict[str, clock.Timing]:
    """All in turn, at least `FEWEST` samples; the slow ones after them, `FEW`."""
    for call in calls.values():
        warm_up(call)
    once = {who: clock.seconds_a_call(call, 1, now) for who, call in calls.items()}
    slow = {who for who, found in once.items() if found > max(SLOW, 10.0 * once["hand"])}
    swift = {who: call for who, call in calls.items() if who not in slow}
    least = FEWEST * sum(max(once[who], clock.SAMPLE) for who in swift)
    found = clock.in_turn(swift, max(seconds, least), now)
    for who in slow:
        found[who] = clock.timing([clock.seconds_a_call(calls[who], 1, now) for _ in range(FEW)])
    return {who: found[who] for who in calls}


def warm_up(call: Callable[[], Any]) -> None:
    """Call until nothing is new about it: 20 times, or for 50 ms."""
    end = time.perf_counter() + 0.05
    for _ in range(20):
        call()
        if time.perf_counter() > end:
            break


def reasons(name: str, who: list[str]) -> dict[str, str]:
    """Who is left out beforehand, and why."""
    missing = {peer: "not installed" for peer in PEERS if peer in who and find_spec(peer) is None}
    if "jax" in who and "jax" not in missing:
        from peers import jax_in_place

        if name in jax_in_place.LEFT_OUT:
            missing["JAX, user's code"] = jax_in_place.LEFT_OUT[name]
    return missing
