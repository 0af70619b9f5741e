"""Where in the user's functions the trace is: the place that messages, checks and generated code name."""

from __future__ import annotations

import linecache
import sys
from types import CodeType, FrameType

from adcompiler.ir.errors import Location


class UserPlaces:
    """Places in the captured functions; `files` are the files that these were defined in."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self._known: dict[tuple[int, int], tuple[CodeType, Location]] = {}

    def here(self) -> Location | None:
        """The place of the first call up the stack that lies in one of the files; None if there is none."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename not in self.files:
            frame = frame.f_back
        if frame is None:
            return None
        key = (id(frame.f_code), frame.f_lasti)
        if key not in self._known:
            # the code object is kept, so that its id stays its own
            self._known[key] = frame.f_code, _location(frame)
        return self._known[key][1]


def _location(frame: FrameType) -> Location:
    code = frame.f_code
    line, _, start, end = list(code.co_positions())[frame.f_lasti // 2]
    text = linecache.getline(code.co_filename, line or frame.f_lineno)
    columns = (c if c is None or text.isascii() else len(text.encode()[:c].decode()) for c in (start, end))
    return Location(code.co_filename, line or frame.f_lineno, code.co_name, *columns)
