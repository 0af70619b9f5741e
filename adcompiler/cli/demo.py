"""`adcompiler demo`: the Lotka-Volterra equations, calibrated to pelts of hare and lynx."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import click

from .options import as_json
from .output import print_json
from .target import imported

NAME = "lotka_volterra"
PACKAGE = Path(__file__).parent.parent
FOLDERS = (PACKAGE / "examples", PACKAGE.parent / "examples")
"""Where the example lies in an installation, and in a checkout."""


@click.command()
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True),
    metavar="PATH",
    help=f"Where to draw data and fit, as a PNG.  [default: {NAME}.png, if matplotlib is installed]",
)
@as_json
def demo(plot: str | None, json: bool) -> None:
    """Calibrate predator-prey equations to pelts of hare and lynx, 1900-1920.

    A plain Python Runge-Kutta loop of 500 steps is fitted with its compiled gradient. The report has the fit
    beside published estimates, what was proven of the gradient, its price, and that of finite differences.

    The exit code is 1 if the fit does not reach the known optimum.
    """
    example = _example()
    drawing = importlib.util.find_spec("matplotlib") is not None
    if plot is not None and not drawing:
        raise click.UsageError("--plot needs matplotlib: pip install 'adcompiler[plot]'")
    report = example.run(plot or (f"{NAME}.png" if drawing else None))
    if json:
        print_json(asdict(report) | {"reached": report.reached})
    else:
        click.echo(str(report))
    if not drawing:
        click.echo("no figure, as matplotlib is not installed: pip install 'adcompiler[plot]'", err=True)
    if not report.reached:
        click.echo("the fit did not reach the known optimum", err=True)
        raise SystemExit(1)


def _example() -> ModuleType:
    path = next(file for folder in FOLDERS if (file := folder / f"{NAME}.py").is_file())
    return imported(f"adcompiler_example_{NAME}", path)
