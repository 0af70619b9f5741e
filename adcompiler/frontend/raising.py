"""What Python raises in a branch or loop that is traced, but may never run.

An error that Python would raise there too is raised by the program, at the same line, if it gets there.
"""

from __future__ import annotations

from adcompiler.ir.build import origin
from adcompiler.ir.graph import constant
from adcompiler.ir.ops.arrays import checked

from .frames import current

RAISED = (
    IndexError,
    KeyError,
    ValueError,
    ZeroDivisionError,
    OverflowError,
    AssertionError,
    TypeError,
    AttributeError,
    NameError,
)
"""What a user's line may raise."""

_BUGS = KeyError | AssertionError | TypeError | AttributeError
"""What a fault of the compiler would look like."""


def is_pythons(error: Exception) -> bool:
    """Whether Python would raise an error too: it is no refusal, and no fault of the compiler."""
    if isinstance(error, NameError):
        return str(error).startswith("cannot access")
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    inside = place.startswith("adcompiler.") and place != "adcompiler.frontend.runtime"
    return type(error) in RAISED and not (inside and isinstance(error, _BUGS))


def raise_here(error: Exception) -> None:
    """The program that gets here raises the error; a name that had no value is noted in the blocks around."""
    message = str(error.args[0]) if len(error.args) == 1 else str(error)
    with origin(current().places.raised(error)):
        checked(constant(False), type(error).__name__, message)
    if isinstance(error, NameError):
        for frame in current().frame.outwards():
            frame.missed.add(str(error.name))
