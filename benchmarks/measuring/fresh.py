"""Functions run in a Python process of their own, with an empty cache folder."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent


class Failed(Exception):
    """The last lines that a process wrote before it failed."""


def run(
    function: str, *args: Any, limit: float | None = None, environment: Mapping[str, str] | None = None
) -> Any:
    """Call `module.function`, below benchmarks/; arguments and result are what JSON can hold.

    It is stopped after `limit` seconds; `environment` is what its environment has besides ours.
    """
    with tempfile.TemporaryDirectory() as cache:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "measuring.fresh", function, json.dumps(args)],
                cwd=FOLDER,
                env={**os.environ, **(environment or {}), "ADCOMPILER_CACHE_DIR": cache},
                capture_output=True,
                text=True,
                timeout=limit,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"stopped after {limit:.0f} s") from None
    if done.returncode:
        raise Failed("\n".join(done.stderr.splitlines()[-4:]))
    return json.loads(done.stdout.splitlines()[-1])


def main(function: str, args: str) -> None:
    """What `run` starts."""
    module, name = function.rsplit(".", 1)
    print(json.dumps(getattr(import_module(module), name)(*json.loads(args))))


if __name__ == "__main__":
    main(*sys.argv[1:])
