"""The time that calls take: functions take turns, so that what else the machine does strikes all alike."""

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SAMPLE = 1e-3  # seconds that a sample lasts at least: several calls, where one is shorter
FEWEST, MOST = 9, 201  # samples

Wait = Callable[[Any], object]
"""What returns when a result is there, of calls that only start what they compute."""


def nothing(result: Any) -> None:
    """Of calls that compute before they return."""



@dataclass(frozen=True)
class Timing:
    """Seconds a call: the median, and the quartiles around it."""

    median: float
    lower: float
    upper: float


def in_turn(
    functions: Mapping[str, Callable[[], Any]],
    seconds: float,
    now: Callable[[], float] = time.thread_time,
    waits: Mapping[str, Wait] | None = None,
) -> dict[str, Timing]:
    """Time functions in turn, for about `seconds` together; the first calls compile and do not count.

    The clock `now` is that of this thread alone: what other processes take of the machine does not count. For
    functions with threads of their own it is `time.perf_counter`. Each round has another order, and a short
    call is made once before each sample, so that none is always measured in what the same other left behind.
    Where `waits` has a function, a sample is several calls and one wait for the last of them.
    """
    wait = {name: (waits or {}).get(name, nothing) for name in functions}
    for name, function in functions.items():
        wait[name](function())
    once = {name: seconds_a_call(f, 1, now, wait[name]) for name, f in functions.items()}
    calls = {name: max(1, round(SAMPLE / once[name])) for name in functions}
    a_round = sum(calls[name] * once[name] for name in functions)
    rounds = min(MOST, max(FEWEST, round(seconds / a_round)))
    samples: dict[str, list[float]] = {name: [] for name in functions}
    order, shuffled = list(functions), random.Random(0)
    for _ in range(rounds):
        shuffled.shuffle(order)
        for name in order:
            if calls[name] > 1:
                wait[name](functions[name]())
            samples[name].append(seconds_a_call(functions[name], calls[name], now, wait[name]))
    return {name: timing(found) for name, found in samples.items()}


def seconds_a_call(
    function: Callable[[], Any], calls: int, now: Callable[[], float], wait: Wait = nothing
) -> float:
    begin, result = now(), None
    for _ in range(calls):
        result = function()
    wait(result)
    return (now() - begin) / calls


def timing(samples: list[float]) -> Timing:
    lower, median, upper = statistics.quantiles(samples, n=4)
    return Timing(median, lower, upper)
