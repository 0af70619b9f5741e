"""No stale machine code: all that generated code depends on is in its key, also what Numba does not see."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.special import digamma

from adcompiler.backends.cache import backend_files

ROOT = Path(__file__).parents[1]
SCRIPT = """
from scipy.special import gammaln
from adcompiler import compilations, grad

def log_gamma(x):
    return gammaln(x)

print(repr(float(grad(log_gamma)(30.0))), compilations())
"""


def run(folder: Path) -> tuple[float, int]:
    """The script in a process of its own, with the copy of the package that lies in this folder."""
    env = {**os.environ, "PYTHONPATH": str(folder), "ADCOMPILER_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    value, compiled = done.stdout.split()
    return float(value), int(compiled)


def test_an_edit_of_one_constant_in_a_backend_is_seen(tmp_path):
    shutil.copytree(ROOT / "adcompiler", tmp_path / "adcompiler", symlinks=False)
    (tmp_path / "script.py").write_text(SCRIPT)
    first, compiled = run(tmp_path)
    assert compiled == 1 and first == pytest.approx(digamma(30.0), rel=1e-14)
    assert run(tmp_path) == (first, 0)
    special = tmp_path / "adcompiler" / "backends" / "special.py"
    text = special.read_text()
    assert text.count("- 0.5 / x - series") == 1
    special.write_text(text.replace("- 0.5 / x - series", "- 0.25 / x - series"))
    changed, compiled = run(tmp_path)
    assert compiled == 1 and abs(changed - first - 0.25 / 30) < 1e-12


def test_files_in_folders_of_the_backends_are_seen():
    files = {path.relative_to(ROOT / "backends").as_posix() for path in (ROOT / "backends").rglob("*.py")}
    assert files == {Path(name).as_posix() for name in backend_files()}
    assert "vecmath/exponentials.py" in files
