"""Loops beside JAX, and at their limits: trips nobody knows, memory, functions that Numba has compiled."""

import json
import sys
import time
from functools import partial
from pathlib import Path

import click
import hand
import kernels
import numpy as np
from measuring import fresh
from measuring import with_jax as jax
from measuring.gradients import as_tuple
from numba import njit

from adcompiler import AdcompilerError, adjoint
from adcompiler.benchmarking import clock

AT_SET = 16_000
"""The size up to which `.at[].set` is waited for: its gradient is quadratic."""
TRIPS = (1, 64, 65, 1_000_000)
ARRAYS = 4.0  # of n, beyond argument and result
EARLY = 2**20  # bytes, for a loop that breaks early


def recurrence_beside_jax(quick):
    """Milliseconds of the gradient of the recurrence, ours and JAX's."""
    print("\nthe gradient of the recurrence, ms")
    kernel, figures = kernels.load("recurrence"), {}
    ours = adjoint(kernel.function)
    for n in (1_000, AT_SET) if quick else (1_000, 4_000, AT_SET, 100_000, 1_000_000):
        (x,) = kernel.arguments(n)
        peers = jax.gradients(n, in_place=n <= AT_SET)
        functions = {"ours": ours, "by hand": hand.load("recurrence"), **peers}
        for function in functions.values():
            np.testing.assert_allclose(function(x), ours(x), rtol=1e-9, atol=1e-9)
        calls = {name: partial(function, x) for name, function in functions.items()}
        found = clock.in_turn(calls, 2.0, time.perf_counter)
        times = {name: timing.median for name, timing in found.items()}
        figures[n] = times
        print(f"  n = {n:,}")
        for name, seconds in times.items():
            print(f"    {name:24}{seconds * 1e3:>12.3f}{seconds / times['ours']:>10.1f} x ours")
    best = {n: min(t for name, t in found.items() if name.startswith("scan")) for n, found in figures.items()}
    bar(
        "not slower than the best scan",
        all(figures[n]["ours"] <= best[n] for n in figures),
        ", ".join(f"{best[n] / figures[n]['ours']:.1f} x ours at {n:,}" for n in figures),
    )
    return figures


def compiling_the_lstm(quick):
    """Seconds to compile the gradient of 50 steps: our plain loop, and JAX's steps written out."""
    print("\ncompiling the gradient of an LSTM cell over 50 steps, s")
    found = {
        "ours, a plain loop": fresh.run("measuring.gradients.compiled_in", "lstm", 50)["wall"],
        "JAX, steps written out": fresh.run("measuring.with_jax.compile_lstm", 50),
    }
    for name, seconds in found.items():
        print(f"    {name:24}{seconds:>8.2f}")
    return found


def memory_of_the_recurrence(quick):
    """Arrays of n that its gradient takes beside argument and result."""
    arrays = fresh.run("measuring.memory.of_recurrence", 4_000_000)
    print(f"\nmemory of the gradient of the recurrence, in arrays of n: {arrays:.2f}")
    bar(f"at most {ARRAYS:.0f} arrays", arrays <= ARRAYS)
    return arrays


def stepped(x, last):
    """As many trips as `last` says, which the compiler does not know."""
    y, k = x, 0.0
    while k < last:
        y = y - 0.001 * np.sin(y)
        k += 1.0
    return y


@hand.as_generated
def stepped_by_hand(x, last):
    kept = np.empty(int(last))
    for k in range(len(kept)):
        kept[k] = x
        x = x - 0.001 * np.sin(x)
    x_bar = 1.0
    for k in range(len(kept) - 1, -1, -1):
        x_bar -= 0.001 * np.cos(kept[k]) * x_bar
    return x_bar


def trips_nobody_knows(quick):
    """Microseconds of the gradient of a `while`, by its number of trips."""
    print("\nthe gradient of a `while`, us (by hand, its trips known)")
    ours, figures = adjoint(stepped), {}
    for trips in TRIPS:
        args = (1.5, float(trips))
        np.testing.assert_allclose(ours(*args), stepped_by_hand(*args), rtol=1e-9)
        calls = {"ours": partial(ours, *args), "by hand": partial(stepped_by_hand, *args)}
        times = {name: found.median for name, found in clock.in_turn(calls, 0.5).items()}
        figures[trips] = times
        print(f"    {trips:>9,} trips{times['ours'] * 1e6:>12.1f} ({times['by hand'] * 1e6:.1f})")
    return figures


def breaking_early(quick):
    """Bytes for a `for` of 10**9 trips that breaks in its third."""
    found = fresh.run("measuring.memory.of_early_break", 10**9)
    print(f"\na `for` of 10**9 trips that breaks in its third: {found['bytes']:,} bytes")
    bar("1 MiB", found["bytes"] < EARLY)
    return found


def compiled_by_numba(quick):
    """Gradients of functions that Numba has compiled, as they are."""
    print("\nfunctions compiled by Numba: the gradient beside that by hand, the largest relative difference")
    figures = {}
    for name in ("recurrence", "thomas", "lennard_jones"):
        kernel = kernels.load(name)
        compiled = njit(kernel.function)
        args = kernel.arguments(kernel.sizes[0])
        compiled(*args)
        ours = adjoint(compiled, argnums=kernel.argnums)(*args)
        by_hand = hand.load(name)(*args)
        figures[name] = max(map(difference, as_tuple(ours), as_tuple(by_hand)))
        print(f"    {name:24}{figures[name]:>10.1e}")
        assert figures[name] < 1e-9
    return figures


def difference(mine, theirs):
    return float(np.max(np.abs(mine - theirs)) / np.max(np.abs(theirs)))


def bar(what, met, beside=""):
    print(f"the bar of {what} is {'met' if met else 'missed'}{': ' + beside if beside else ''}")


SECTIONS = {
    "recurrence": recurrence_beside_jax,
    "lstm": compiling_the_lstm,
    "memory": memory_of_the_recurrence,
    "while": trips_nobody_knows,
    "break": breaking_early,
    "numba": compiled_by_numba,
}


@click.command(help=__doc__)
@click.option("--section", "names", multiple=True, type=click.Choice(list(SECTIONS)), help="Only this one.")
@click.option("--quick", is_flag=True, help="Fewer sizes.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write figures here.")
def main(names, quick, file):
    figures, failed = {}, {}
    for name in names or SECTIONS:
        try:
            figures[name] = SECTIONS[name](quick)
        except (AdcompilerError, fresh.Failed) as error:
            failed[name] = str(error)
            print(f"failed: {error}")
    if file is not None:
        file.write_text(json.dumps({**figures, "failed": failed}, indent=1) + "\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
