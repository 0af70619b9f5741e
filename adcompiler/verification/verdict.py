"""The records in which a verification answers."""

from __future__ import annotations

from dataclasses import dataclass

from adcompiler.ir.errors import AdcompilerError, Location


@dataclass(frozen=True)
class Fault:
    """The op to blame, its place in the user's source, and what is known of the cause."""

    op: str
    location: Location | None
    cause: str


@dataclass(frozen=True)
class Counterexample:
    """A gradient that is wrong, and the equation that is to blame, if it was found."""

    argument: str
    index: tuple[int, ...]
    found: float
    expected: float
    fault: Fault | None = None

    def __str__(self) -> str:
        place = f"{self.argument}[{', '.join(map(str, self.index))}]" if self.index else self.argument
        said = f"the gradient with respect to {place} is {self.found:.10g}, not {self.expected:.10g}"
        if self.fault is None:
            return f"wrong derivative: {said}"
        error = AdcompilerError(f"wrong derivative of {self.fault.op}: {said}", self.fault.location)
        return f"{error}\ncause: {self.fault.cause}"


@dataclass(frozen=True)
class Verdict:
    """What was proven or observed, a line each; or a counterexample.

    `ok` is False only where the derivative is wrong; what could not be proven is said in `lines`.
    """

    lines: tuple[str, ...]
    counterexample: Counterexample | None = None

    @property
    def ok(self) -> bool:
        return self.counterexample is None

    def __str__(self) -> str:
        return str(self.counterexample) if self.counterexample else " | ".join(self.lines)
