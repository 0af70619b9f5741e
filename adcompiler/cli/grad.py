"""`adcompiler grad`: a gradient, and how it comes about."""

from __future__ import annotations

from typing import Any

import click

from adcompiler.api import adjoint

from .derivation import Derivation, derivation
from .options import as_json, on_function, with_respect_to
from .output import print_json, shown, table
from .target import read


@click.command()
@on_function
@with_respect_to
@as_json
def grad(target: str, args: tuple[str, ...], wrt: tuple[str, ...], json: bool) -> None:
    """Print value, intermediate values and gradients of a function.

    Each line of the table is one step of the program: the value of an intermediate under your name for it,
    your line, its local derivatives with respect to what it is computed from, and the derivative of the whole
    with respect to it. A loop is one step: its results, and their derivatives.

    \b
    adcompiler grad examples/expression.py:loss --arg a=2.0 --arg b=-3.0 --arg c=10.0
    """
    request = read(target, args)
    values, named = request.call
    gradient = adjoint(request.function, argnames=wrt or request.floats)
    programs, operands = gradient.specialised(tuple(values), named)
    found = derivation(programs, operands)
    if json:
        steps = [vars(step) for step in found.steps]
        fields = {"function": target, "name": found.name, "value": found.value}
        print_json(fields | {"steps": steps, "gradients": found.gradients})
        return
    lines = [_equation(found.name, name, bar) for name, bar in found.gradients.items()]
    click.echo("\n".join([f"{target}: {found.name} = {shown(found.value)}", "", *_steps(found), *lines]))


def _steps(found: Derivation) -> list[str]:
    """The table of steps."""
    if not found.steps:
        return []
    rows = [["value", "line", "local derivatives", "derivative"]]
    for step in found.steps:
        local = [_equation(step.name, operand, slope) for operand, slope in step.local.items()]
        whole = "" if step.cotangent is None else _equation(found.name, step.name, step.cotangent)
        rows.append([f"{step.name} = {shown(step.value)}", step.line, ", ".join(local), whole])
    return [*table(rows), ""]


def _equation(of: str, by: str, slope: Any) -> str:
    """`dL/da = -24`; a derivative of too many elements has only its name."""
    return f"d{of}/d{by}" if slope is None else f"d{of}/d{by} = {shown(slope)}"
