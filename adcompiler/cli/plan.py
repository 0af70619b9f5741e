"""`adcompiler plan`: what a plan of memory comes to."""

from __future__ import annotations

import importlib.util

import click

from adcompiler.api import adjoint
from adcompiler.backends import BACKENDS
from adcompiler.checkpointing.plans import NAMED, Budget, MaxExtra, Plan

from .options import as_json, on_function, with_respect_to
from .output import print_json
from .sizes import read_named
from .target import Request, load, requested
from .values import Examples

STAGES = ("gradient", "value_and_grad")
SUFFIXES = (".png", ".svg", ".pdf")


@click.command()
@on_function
@with_respect_to
@click.option(
    "--size-of", "sizes", multiple=True, metavar="NAME=N", help="A size of an argument that is a type."
)
@click.option("--budget", metavar="BYTES", help="At most so much memory, 64MiB or 2GB, and the least work.")
@click.option("--max-extra", type=float, metavar="FRACTION", help="The least memory with so much more work.")
@click.option("--plan", "named", type=click.Choice(NAMED), help="One of these plans.  [default: auto]")
@click.option(
    "--stage", type=click.Choice(STAGES), default=STAGES[0], show_default=True, help="Which program."
)
@click.option("--backend", type=click.Choice(list(BACKENDS)), help="What compiles it.  [default: numba]")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True),
    metavar="PATH",
    help="Where to draw memory over time and the steps of loops: a PNG, SVG or PDF.",
)
@as_json
def plan(
    target: str,
    args: tuple[str, ...],
    wrt: tuple[str, ...],
    sizes: tuple[str, ...],
    budget: str | None,
    max_extra: float | None,
    named: str | None,
    stage: str,
    backend: str | None,
    picture: str | None,
    json: bool,
) -> None:
    """Tell what a gradient takes of memory and time under a plan, before it runs.

    The report has the peak of memory and the line where it is, what loops keep for their adjoints and why,
    what is computed again, by which schedules loops run, and the budgets that are feasible. An argument may
    be a type, f64, f32[n, 3] or i64: no value of it is used, its sizes are those of --size-of.

    The exit code is 1 if the plan cannot be carried out.

    \b
    adcompiler plan examples/power.py:power --arg x=f64 --arg n=i64 --size-of n=1000 --budget 4kB
    """
    chosen = _plan(budget, max_extra, named)
    if picture is not None:
        _check_picture(picture)
    request = _request(target, args, read_named(sizes))
    values, keywords = request.call
    gradient = adjoint(request.function, argnames=wrt or request.floats, plan=chosen, backend=backend)
    explanation = gradient.explain(*values, stage=stage, **keywords)
    if json:
        print_json({"target": target} | explanation.fields())
    else:
        click.echo(str(explanation))
    if picture is not None:
        explanation.picture(picture)


def _plan(budget: str | None, max_extra: float | None, named: str | None) -> Plan:
    if [budget, max_extra, named].count(None) < 2:
        raise click.UsageError("--budget, --max-extra and --plan exclude each other")
    if budget is not None:
        return Budget(budget)
    return MaxExtra(max_extra) if max_extra is not None else named or "auto"


def _request(target: str, args: tuple[str, ...], sizes: dict[str, int]) -> Request:
    """The function and its arguments, zeros where these are types."""
    found = Examples({}, random=None)
    function = load(target)
    requested(target, function, args, found)
    unknown = [name for name in sizes if name not in found.sizes]
    if unknown:
        there = ", ".join(found.sizes) or "none"
        raise click.UsageError(f"--size-of: no --arg has a size `{unknown[0]}`; the named ones are {there}")
    return requested(target, function, args, Examples(sizes, random=None))


def _check_picture(path: str) -> None:
    if not path.endswith(SUFFIXES):
        raise click.UsageError(f"--picture {path}: a name that ends with " + ", ".join(SUFFIXES))
    if importlib.util.find_spec("matplotlib") is None:
        raise click.UsageError("--picture needs matplotlib: pip install 'adcompiler[plot]'")
