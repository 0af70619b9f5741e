"""`adcompiler plan`: what it prints, with which exit code, and what it refuses."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from adcompiler import adjoint
from adcompiler.checkpointing.plans import Budget, MaxExtra
from adcompiler.cli import CHECK_FAILED, USAGE, main

ROOT = Path(__file__).parent.parent
POWER = ("examples/power.py:power", "--arg", "x=f64", "--arg", "n=i64", "--size-of", "n=1000")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run `plan` in the repository; its exit code, stdout and stderr."""
    monkeypatch.chdir(ROOT)

    def command(*args):
        with pytest.raises(SystemExit) as end:
            main(["plan", *args])
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return command


def test_text(run, golden):
    code, out, err = run(*POWER, "--budget", "6kB")
    assert (code, err) == (0, "")
    golden("plan_power", out.rstrip("\n"))


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        ((), "auto"),
        (("--budget", "6 kB"), Budget("6 kB")),
        (("--max-extra", "0.6"), MaxExtra(0.6)),
        (("--plan", "sqrt"), "sqrt"),
    ],
)
def test_json_is_that_of_explain(run, options, plan, monkeypatch):
    code, out, err = run(*POWER, *options, "--json", "--backend", "numpy", "--stage", "value_and_grad")
    assert (code, err) == (0, "")
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    from power import power

    expected = adjoint(power, plan=plan, backend="numpy").explain(0.5, 1000, stage="value_and_grad")
    assert json.loads(out) == {"target": POWER[0]} | expected.fields()


def test_sizes_are_the_ones_that_are_asked_for(run):
    found = json.loads(run(*POWER[:-1], "n=50", "--json")[1])
    assert [loop["trips"] for loop in found["loops"]] == [50]


def test_large_arguments_are_made_up(run, tmp_path):
    (tmp_path / "large.py").write_text("import numpy as np\n\n\ndef f(x):\n    return np.sum(x * x)\n")
    target = (f"{tmp_path}/large.py:f", "--arg", "x=f64[n]", "--size-of", "n=100000000")
    assert json.loads(run(*target, "--json")[1])["peak"] == 800_000_000


def test_a_picture_beside_the_text(run, tmp_path):
    path = tmp_path / "plan.svg"
    code, out, err = run(*POWER, "--plan", "sqrt", "--picture", str(path))
    assert (code, err) == (0, "") and out.startswith('power_grad, gradient, plan="sqrt"\n')
    assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_a_budget_that_is_not_feasible(run):
    least = json.loads(run(*POWER, "--json")[1])["least"]
    code, out, err = run(*POWER, "--budget", str(least - 1))
    assert (code, out) == (CHECK_FAILED, "")
    assert err.startswith(
        f"Error: a budget of {least - 1:,} bytes is too small: the least that a call takes is {least:,}, "
    )
    assert err.endswith(f"power.py:11  for _ in range(n):\nhint: Budget({least}) is feasible\n")
    assert run(*POWER, "--budget", str(least), "--json")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--budget", "4kB", "--plan", "sqrt"), "--budget, --max-extra and --plan exclude each other"),
        (("--budget", "much"), "'much' is no number of bytes\nhint: pass an int, or a number and a unit,"),
        (("--max-extra", "-1"), "MaxExtra(-1.0): the fraction is a number, at least 0\n"),
        (("--plan", "least"), "'least' is not one of 'auto', 'store_all', 'recompute_all', 'sqrt'."),
        (("--size-of", "m=3"), "--size-of: no --arg has a size `m`; the named ones are n\n"),
        (("--size-of", "3"), "--size-of 3: write NAME=N\n"),
        (("--picture", "plan.gif"), "--picture plan.gif: a name that ends with .png, .svg, .pdf\n"),
    ],
)
def test_what_cannot_be_understood(run, options, message):
    code, out, err = run(*POWER, *options)
    assert (code, out) == (USAGE, "")
    assert message in err


def test_a_picture_needs_matplotlib(run, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, out, err = run(*POWER, "--picture", "plan.png")
    assert (code, out) == (USAGE, "")
    assert "--picture needs matplotlib: pip install 'adcompiler[plot]'\n" in err
