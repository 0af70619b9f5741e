"""The time that calls take: functions take turns, so that what else the machine does strikes all alike."""

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SAMPLE = 1e-3  # seconds that a sample lasts at least: several calls, where one is shorter
FEWEST, MOST = 9, 201  # samples


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
) -> dict[str, Timing]:
    """Time functions in turn, for about `seconds` together; the first calls compile and do not count.

    The clock `now` is that of this thread alone: what other processes take of the machine does not count. For
    functions with threads of their own it is `time.perf_counter`. Each round has another order, and a short
    call is made once before each sample, so that none is always measured in what the same other left behind.
    """
    for function in functions.values():
        function()
    once = {name: seconds_a_call(function, 1, now) for name, function in functions.items()}
    calls = {name: max(1, round(SAMPLE / once[name])) for name in functions}
    a_round = sum(calls[name] * once[name] for name in functions)
    rounds = min(MOST, max(FEWEST, round(seconds / a_round)))
    samples: dict[str, list[float]] = {name: [] for name in functions}
    order, shuffled = list(functions), random.Random(0)
    for _ in range(rounds):
        shuffled.shuffle(order)
        for name in order:
            if calls[name] > 1:
                functions[name]()
            samples[name].append(seconds_a_call(functions[name], calls[name], now))
    return {name: timing(found) for name, found in samples.items()}


def seconds_a_call(function: Callable[[], Any], calls: int, now: Callable[[], float]) -> float:
    begin = now()
    for _ in range(calls):
        function()
    return (now() - begin) / calls


def timing(samples: list[float]) -> Timing:
    lower, median, upper = statistics.quantiles(samples, n=4)
    return Timing(median, lower, upper)
