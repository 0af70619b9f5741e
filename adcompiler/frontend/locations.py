"""Where in the user's functions the trace is: the place that messages, checks and generated code name."""

from __future__ import annotations

import linecache
import sys
from types import CodeType, FrameType, TracebackType

from adcompiler.ir.errors import Location


class UserPlaces:
    """Places in the captured functions; `files` are the files that these were defined in.

    `outermost` is where the first of them begins: the place of what comes after it has returned.
    """

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.outermost: Location | None = None
        self._known: dict[tuple[int, int], tuple[CodeType, Location]] = {}

    def add(self, code: CodeType) -> None:
        """One more captured function."""
        self.files.add(code.co_filename)
        if self.outermost is None:
            self.outermost = Location(code.co_filename, code.co_firstlineno, code.co_name)

    def here(self) -> Location | None:
        """The place of the first call up the stack that lies in one of the files; None if there is none."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename not in self.files:
            frame = frame.f_back
        return None if frame is None else self._place(frame.f_code, frame.f_lasti)

    def raised(self, error: BaseException) -> Location | None:
        """The innermost place in one of the files that an error has come through."""
        found: TracebackType | None = None
        step = error.__traceback__
        while step is not None:
            found = step if step.tb_frame.f_code.co_filename in self.files else found
            step = step.tb_next
        return None if found is None else self._place(found.tb_frame.f_code, found.tb_lasti)

    def _place(self, code: CodeType, instruction: int) -> Location:
        key = (id(code), instruction)
        if key not in self._known:
            # the code object is kept, so that its id stays its own
            self._known[key] = code, _location(code, instruction)
        return self._known[key][1]


def _location(code: CodeType, instruction: int) -> Location:
    known, _, start, end = list(code.co_positions())[instruction // 2]
    line = known or code.co_firstlineno
    text = linecache.getline(code.co_filename, line)
    columns = (c if c is None or text.isascii() else len(text.encode()[:c].decode()) for c in (start, end))
    return Location(code.co_filename, line, code.co_name, *columns)
