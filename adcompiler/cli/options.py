"""What several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def on_function(command: Command) -> Command:
    """The function, and its arguments."""
    arg = click.option(
        "--arg",
        "args",
        multiple=True,
        metavar="NAME=VALUE",
        help="An argument: 2.0, 3, true, '\"text\"', '[[.1, .2], [.3, .4]]', '[1, 2]:f32'.",
    )
    return click.argument("target", metavar="FILE.py:FUNCTION")(arg(command))


def with_respect_to(command: Command) -> Command:
    """The arguments that are differentiated."""
    text = "Differentiate with respect to this argument; may be repeated.  [default: all that hold floats]"
    return click.option("--wrt", multiple=True, metavar="NAME", help=text)(command)


def as_json(command: Command) -> Command:
    """JSON in place of text."""
    return click.option("--json", is_flag=True, help="Print one JSON object instead.")(command)
