"""Where something stands in the user's source, and the one family of errors that points there."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Location:
    """A place in the user's source.

    `column` and `end_column` count characters from 0, as Python's `ast` does; None where unknown.
    """

    file: str
    line: int
    function: str = ""
    column: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def short(self) -> str:
        """The place without its folder, as the printed IR shows it."""
        return f"{Path(self.file).name}:{self.line}"

    @property
    def source(self) -> str:
        """The user's line, stripped; empty if it can no longer be read."""
        return linecache.getline(self.file, self.line).strip()


class AdcompilerError(Exception):
    """Base of every error that a user can meet.

    It prints like a compiler's message: the place, what happened, the user's line with a caret where the
    column is known, and what to do.
    """

    def __init__(self, message: str, location: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message, location, hint)
        self.message = message
        self.location = location
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.location}: {self.message}" if self.location else self.message
        lines = [head, *(_excerpt(self.location) if self.location else ())]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


def _excerpt(location: Location) -> list[str]:
    raw = linecache.getline(location.file, location.line).rstrip("\n")
    if not raw.strip():
        return []
    indent = len(raw) - len(raw.lstrip())
    shown = ["    " + raw.strip()]
    if location.column is not None and location.column >= indent:
        end = location.end_column or location.column + 1
        shown.append(" " * (4 + location.column - indent) + "^" * max(1, end - location.column))
    return shown


class CaptureError(AdcompilerError):
    """A construct of the user's function that cannot be captured."""


class NeedsConcrete(CaptureError):
    """A traced value is used where Python needs a plain one; unrolling the loop around it may help."""


class ShapeError(AdcompilerError, ValueError):
    """Shapes that do not fit together."""


class DTypeError(AdcompilerError, TypeError):
    """A dtype that an operation does not take."""


class DerivativeError(AdcompilerError, TypeError):
    """A derivative that does not exist or was asked for in the wrong way."""


class ArgumentError(AdcompilerError, TypeError):
    """A call of a public function with arguments that it does not take."""


class PlanError(AdcompilerError, MemoryError):
    """A plan that cannot be carried out: a budget that is too small, say. Nothing has been allocated yet."""


class DeviceError(AdcompilerError, RuntimeError):
    """What a GPU needs is not there, or cannot do what is asked."""


class DeviceMemoryError(AdcompilerError, MemoryError):
    """The memory of a GPU has no room for an array.

    Attributes
    ----------
    asked
        Its bytes.
    free
        The bytes that are left, None where that is not known.
    """

    def __init__(self, asked: int, free: int | None = None, hint: str | None = None) -> None:
        left = "" if free is None else f", and {free:,} are free"
        super().__init__(f"the GPU has no room for an array of {asked:,} bytes{left}", hint=hint)
        self.asked = asked
        self.free = free


class CheckError(AdcompilerError):
    """A `check` of the program failed at run time and has no built-in exception of its own."""


class TextError(AdcompilerError):
    """Malformed IR text: the message names line and column."""


class VerifierError(AdcompilerError):
    """A Function that breaks a rule of the IR: a bug of the compiler, not of the user."""
