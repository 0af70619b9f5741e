"""Where the time before the first gradient goes: in a second process, and where machine code is made.

A second process finds machine code on disk. What it takes to its first gradient is held against a script that
imports Numba and calls one cached kernel: both are run in turn, and seconds of processor time are compared,
since those do not depend on what else the machine does. Compilation is taken apart stage by stage, each
function in a process of its own with an empty cache: capture, our passes, writing source, and Numba, of which
type inference, and LLVM. For the array programs there is JAX beside it, which gets its own form of arrays.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import kernels
from measuring import fresh, stages

ROUNDS = 5
BEYOND = 0.35
"""Seconds that the first gradient of a second process may take beyond the script with one cached kernel."""
OVER_JAX, LONGEST = 2.0, 5.0
"""What compiling may take in times of JAX, in the median, and in seconds, each."""

FIRST_GRADIENT = """
from measuring import stages
from adcompiler import adjoint, compilations
function, argnums, arguments = stages.program({name!r})
adjoint(function, argnums=argnums)(*arguments)
print(compilations())
"""
CACHED_KERNEL = """
import numpy as np
from measuring.cached import squares
squares(np.ones(3))
print(0)
"""


def processor_seconds(script: str, cache: str) -> tuple[float, int]:
    """What a process takes that runs a script, user and system, and the number that it prints."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env |= {"ADCOMPILER_CACHE_DIR": cache, "NUMBA_CACHE_DIR": cache}
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=Path(__file__).parent, env=env, stdout=subprocess.PIPE, text=True
    )
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"a script failed:\n{script}")
    return used.ru_utime + used.ru_stime, int(printed)


def second_process(name: str) -> tuple[float, float, int]:
    """Seconds of the two scripts, medians over processes that find everything on disk; and compilations."""
    scripts = FIRST_GRADIENT.format(name=name), CACHED_KERNEL
    with tempfile.TemporaryDirectory() as cache:
        for script in scripts:
            processor_seconds(script, cache)
        found = [[processor_seconds(script, cache) for script in scripts] for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(seconds for seconds, _ in runs) for runs in zip(*found, strict=True))
    return ours, theirs, sum(compiled for (_, compiled), _ in found)


def print_second_process() -> None:
    print(f"{'second process, s':20}{'gradient':>10}{'kernel':>9}{'beyond':>9}{'bar':>7}{'compiled':>10}")
    for name in (*stages.ARRAYS, "lstm", "thomas"):
        ours, theirs, compiled = second_process(name)
        beyond = ours - theirs
        missed = "" if beyond <= BEYOND and not compiled else "  missed"
        print(f"{name:20}{ours:>10.3f}{theirs:>9.3f}{beyond:>9.3f}{BEYOND:>7.2f}{compiled:>10}{missed}")


def print_compilation() -> None:
    columns = ("capture", "passes", "source", "inference", "LLVM", "numba", "all")
    print(f"\n{'compiling, s':20}{'lines':>6}{''.join(f'{c:>10}' for c in columns)}{'JAX':>8}{'times':>7}")
    over = []
    for name in (*stages.ARRAYS, *kernels.NAMES):
        found = fresh.run("measuring.stages.of", name)
        row = f"{name:20}{found['lines']:>6}{''.join(f'{found[c]:>10.3f}' for c in columns)}"
        if name in stages.ARRAYS:
            theirs = fresh.run("measuring.stages.of_jax", name)
            over.append(found["all"] / theirs)
            row += f"{theirs:>8.3f}{over[-1]:>7.1f}"
        print(row + ("  missed" if found["all"] > LONGEST else ""))
    missed = "" if statistics.median(over) <= OVER_JAX else "  missed"
    print(f"{'median, bar':20}{statistics.median(over):>8.2f}{OVER_JAX:>6.1f}{missed}")


if __name__ == "__main__":
    print_second_process()
    print_compilation()
