"""`adcompiler verify`: what can be proven of a gradient."""

from __future__ import annotations

import click

from adcompiler.api import adjoint

from .options import as_json, on_function, with_respect_to
from .output import print_json
from .target import read


@click.command()
@on_function
@with_respect_to
@as_json
def verify(target: str, args: tuple[str, ...], wrt: tuple[str, ...], json: bool) -> None:
    """Prove the gradient of a function, or find where it is wrong.

    SymPy proves the partials of every operation and the adjoint of every block; the whole program is compared
    with a derivative of 50 digits at random points near the arguments. An argument may be a type, f64,
    f32[n, 3] or i64: then a value is made up.

    The exit code is 1 if the derivative is wrong.

    \b
    adcompiler verify examples/power.py:power --arg x=1.5 --arg n=10
    """
    request = read(target, args, made_up=True)
    values, named = request.call
    verdict = adjoint(request.function, argnames=wrt or request.floats).verify(*values, **named)
    if json:
        fields = {"function": target, "ok": verdict.ok, "verdict": list(verdict.lines)}
        print_json(fields if verdict.ok else fields | {"counterexample": str(verdict)})
    elif verdict.ok:
        click.echo("\n".join(verdict.lines))
    if not verdict.ok:
        click.echo(str(verdict), err=True)
        raise SystemExit(1)
