"""The README tells the truth: its code runs, and prints what stands beside it."""

import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_code_prints_the_adjoint_beside_it(tmp_path):
    code, printed = re.findall(r"```(?:python)?\n(.*?)```", README, re.DOTALL)[:2]
    (tmp_path / "loss.py").write_text(code)
    run = subprocess.run(
        [sys.executable, "loss.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    numbers, text = run.stdout.split("\n", 1)
    assert numbers == re.search(r"# (-24.*)", code)[1]
    assert text == printed


def test_it_fits_on_a_screen():
    assert len(README.splitlines()) <= 70
