"""The machine that figures were measured on: what it is, and what it does at best.

Copies are counted as STREAM counts them (McCalpin 1995): the bytes read plus the bytes written, of arrays
well beyond the caches; what a processor reads of a line before it overwrites it does not count. A product of
matrices of order n counts 2 n^3 operations. Ceilings are medians, as is what is held against them, so that
another load on the machine strikes both.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .clock import in_turn

PACKAGES = ("numpy", "numba", "llvmlite", "scipy")
SMALLEST, LARGEST = 2**26, 2**29  # bytes of an array that is copied
BEYOND = 4  # times the last cache that an array of STREAM has at least
CACHE = 2**25  # bytes of the last cache, where the system does not tell
ORDER = 1024  # of the matrices that are multiplied

Copy = Callable[[Any, Any], Any]


# ---- what it is ----


@dataclass(frozen=True)
class Machine:
    """Processor, the cores that this process may use, and versions; no name of the host."""

    cpu: str
    cores: int
    system: str
    versions: dict[str, str]


def describe(packages: tuple[str, ...] = PACKAGES) -> Machine:
    """This machine, with Python's version and those of the packages that are installed."""
    installed = {name: found for name in packages if (found := installed_version(name)) is not None}
    return Machine(
        cpu=_cpu(),
        cores=cores(),
        system=f"{platform.system()} {platform.machine()}",
        versions={"python": platform.python_version(), **installed},
    )


def installed_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu() -> str:
    """The processor as it names itself."""
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def available() -> int:
    """Bytes of memory that a process could take now."""
    free = [int(line.split()[1]) * 1024 for line in _lines("/proc/meminfo") if "MemAvailable" in line]
    if not free:
        free = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2]
    return min(*free, *_left_in_group(), 2**62)


def _left_in_group() -> Iterator[int]:
    """What the control group of a container leaves, where there is a limit."""
    group = "/sys/fs/cgroup/memory."
    limit, used = _lines(group + "max"), _lines(group + "current")
    if limit and used and limit[0].isdecimal():
        yield int(limit[0]) - int(used[0])


def _last_cache() -> int:
    """Bytes of the largest cache."""
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    folders = Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")
    sizes = [line for folder in folders for line in _lines(str(folder / "size"))]
    return max((int(size[:-1]) * units[size[-1]] for size in sizes if size[-1] in units), default=CACHE)


def _lines(path: str) -> list[str]:
    """The lines of a file of the system; none where there is no such file."""
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


# ---- what it does at best ----


@dataclass(frozen=True)
class Ceilings:
    """GB/s of a compiled copy loop and of np.copyto over arrays of `copied` bytes; GFLOP/s of a product."""

    threads: int
    copied: int
    copy: float
    copyto: float
    matmul: float

    @property
    def bandwidth(self) -> float:
        """GB/s of the better copy; np.copyto may write past the caches, which compiled loops do not."""
        return max(self.copy, self.copyto)


def measured(
    threads: int = 1,
    seconds: float = 2.0,
    now: Callable[[], float] = time.perf_counter,
    copied: int | None = None,
    order: int = ORDER,
) -> Ceilings:
    """The machine's ceilings, f64, measured for about `seconds` beyond nine rounds.

    The copy loop runs on `threads` threads, np.copyto on one, the product on as many as NumPy's BLAS was
    started with. The clock `time.thread_time` is for one thread only. `copied` is the bytes of an array, by
    default several times the last cache; smaller ones give the bandwidth of the caches.
    """
    size = copied if copied is not None else _beyond_caches()
    copies = copy_bandwidth(size, threads, seconds / 2, now)
    return Ceilings(threads, size, copies["copy"], copies["copyto"], matmul_rate(order, seconds / 2, now))


def _beyond_caches() -> int:
    """Bytes of an array to copy."""
    return min(max(SMALLEST, BEYOND * _last_cache()), LARGEST, max(2**20, available() // 8))


def copy_bandwidth(
    size: int, threads: int, seconds: float, now: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """GB/s of copies of `size` bytes, read and written: of a compiled loop, "copy", and of "copyto"."""
    source = np.ones(max(1, size // 8))
    target = np.zeros_like(source)
    loop = copy_loop(threads)
    calls = {"copy": partial(loop, target, source), "copyto": partial(np.copyto, target, source)}
    return {name: 2 * source.nbytes / t.median / 1e9 for name, t in in_turn(calls, seconds, now).items()}


def copy_loop(threads: int) -> Copy:
    """STREAM's copy, `target[i] = source[i]`, as Numba compiles it; on several threads in one chunk each."""
    import numba

    def copy(target: Any, source: Any) -> None:
        for i in numba.prange(len(source)):
            target[i] = source[i]

    compiled: Copy = numba.njit(copy, parallel=threads > 1, nogil=True)
    if threads == 1:
        return compiled

    def on_threads(target: Any, source: Any) -> None:
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        compiled(target, source)
        numba.set_num_threads(before)

    return on_threads


def matmul_rate(order: int, seconds: float, now: Callable[[], float] = time.perf_counter) -> float:
    """GFLOP/s of a product of square f64 matrices."""
    a, b = np.random.default_rng(0).random((2, order, order))
    out = np.empty_like(a)
    times = in_turn({"matmul": partial(np.matmul, a, b, out=out)}, seconds, now)
    return 2 * order**3 / times["matmul"].median / 1e9
