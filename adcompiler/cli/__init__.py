"""The command line: `adcompiler`, or `adc`.

stdout has the data, stderr the talk. Exit codes: 0 all is well; 1 a check failed; 2 the command line cannot
be understood; 3 the function cannot be compiled or differentiated.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from adcompiler import __version__
from adcompiler.ir.errors import AdcompilerError, ArgumentError, CheckError, PlanError

from . import bench, cache, demo, doctor, grad, plan, show, verify

__all__ = ["CHECK_FAILED", "UNSUPPORTED", "USAGE", "commands", "main"]

CHECK_FAILED, USAGE, UNSUPPORTED = 1, 2, 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
def adcompiler() -> None:
    """Compiles the gradient of a NumPy function as it stands, and proves it right.

    A function is named FILE.py:FUNCTION. Data goes to stdout, messages to stderr. Exit codes: 0 all is well;
    1 a check failed; 2 the command line cannot be understood; 3 the function cannot be compiled or
    differentiated.
    """


commands = adcompiler.commands
for command in (
    *(show.show, grad.grad, verify.verify, plan.plan, bench.bench),
    *(demo.demo, cache.cache, doctor.doctor),
):
    adcompiler.add_command(command)


def main(args: Sequence[str] | None = None) -> None:
    """Run a command line, by default the process's own; ends with SystemExit."""
    try:
        adcompiler.main(args=args, prog_name="adcompiler")
    except AdcompilerError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(_exit_code(error))


def _exit_code(error: AdcompilerError) -> int:
    if isinstance(error, ArgumentError):
        return USAGE
    return CHECK_FAILED if isinstance(error, CheckError | PlanError) else UNSUPPORTED
