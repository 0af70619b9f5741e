"""A command on a given number of cores.

BLAS, OpenMP, Numba and the peers decide how many threads they have when they are loaded, each by a variable
of its own, or by the cores that the process may use: the command is run anew in a process that has both.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import click

from adcompiler.benchmarking.machine import cores

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Remembering(click.Command):
    """A command that can be run anew: it remembers what it was called with."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["args"] = list(args)
        return super().parse_args(ctx, args)


def pinned(threads: int) -> bool:
    """Whether this process has this number of threads, and no more cores.

    Raises click.UsageError where there are not so many cores.
    """
    set_so = all(os.environ.get(name) == str(threads) for name in VARIABLES)
    if not set_so and threads > cores():
        raise click.UsageError(f"--threads {threads}: this process may use {cores()} cores")
    return set_so


def run_pinned(context: click.Context, threads: int) -> int:
    """Run the command of a context anew on so many cores; its exit code, as a shell has it."""
    command = [sys.executable, "-m", "adcompiler", str(context.info_name), *context.meta["args"]]
    environment = {**os.environ, **dict.fromkeys(VARIABLES, str(threads))}
    with _cores(threads), subprocess.Popen(command, env=environment) as process:
        while True:
            try:
                code = process.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                continue  # the process has it too, and ends by itself


class _cores:
    """Within it, this process and those that it starts use so many cores, where the system lets them."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._before: Any = None

    def __enter__(self) -> None:
        if hasattr(os, "sched_setaffinity"):
            self._before = os.sched_getaffinity(0)
            os.sched_setaffinity(0, sorted(self._before)[: self._number])

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            os.sched_setaffinity(0, self._before)
