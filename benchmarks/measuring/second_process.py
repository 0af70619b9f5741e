"""What the first gradient costs in a process whose gradient another one has compiled.

Beside it a script that imports Numba and calls one kernel, which Numba has cached. Both are started in turn;
what is taken is the time that each had the processor, from its start to its end.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent
STARTS = 9

KERNEL = """
import numpy as np
from numba import njit

@njit(cache=True)
def kernel(x):
    total = 0.0
    for i in range(len(x)):
        total += np.exp(x[i])
    return total
"""
SCRIPTS = {
    "numba": "import numpy as np, kernel; kernel.kernel(np.ones(9)); print(0)",
    "ours": (
        "import numpy as np, adcompiler, workloads; "
        "workload = workloads.load({name!r}); "
        "args = workload.arguments(workload.sizes['small']); "
        "adcompiler.adjoint(workload.function, workload.argnums)(*args); "
        "print(adcompiler.compilations())"
    ),
}


def measured(name: str) -> dict[str, float]:
    """Seconds of both scripts, and how often ours compiled."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kernel.py").write_text(KERNEL)
        scripts = {who: script.format(name=name) for who, script in SCRIPTS.items()}
        for script in scripts.values():
            started(script, folder)
        found = {who: [] for who in scripts}
        for _ in range(STARTS):
            for who, script in scripts.items():
                found[who].append(started(script, folder))
    return {
        "numba": statistics.median(seconds for seconds, _ in found["numba"]),
        "ours": statistics.median(seconds for seconds, _ in found["ours"]),
        "compilations": max(count for _, count in found["ours"]),
    }


def started(script: str, folder: str) -> tuple[float, int]:
    """Seconds of a process, and the number that it printed."""
    before = spent()
    path = os.pathsep.join([folder, str(FOLDER), os.environ.get("PYTHONPATH", "")])
    caches = {"ADCOMPILER_CACHE_DIR": folder, "NUMBA_CACHE_DIR": folder}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **caches, "PYTHONPATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    return spent() - before, int(done.stdout)


def spent() -> float:
    """Seconds that all children had the processor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
