"""What rewritten code calls: the meaning of each Python construct, left to a runtime.

A rewritten function (`rewriting.py`) does the user's plain arithmetic itself and hands everything else to an
object named `__c`. The tracer is one such runtime. It decides, construct by construct and while tracing,
whether plain Python values run as plain Python or traced ones become equations.

Arguments stand in Python's order of evaluation. What Python might not evaluate, or evaluates later, is a
function without parameters: a *thunk*. Control flow works on *named state*: its thunks assign the user's own
variables (through `nonlocal`), `get()` reads the variables listed in `assigned`, in that order, and
`set(values)` writes them back.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Protocol

Thunk = Callable[[], Any]
Get = Callable[[], tuple[Any, ...]]
Set = Callable[[tuple[Any, ...]], None]
Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Undefined:
    """What a name without a value holds; `why` says how it lost it, and is empty if it never had one.

    `way_out` is what to do about it; `unroll` says that it has a value where the loops around are unrolled.
    """

    why: str = ""
    way_out: str = ""
    unroll: bool = False

    def __bool__(self) -> bool:
        raise TypeError(f"a name without a value is tested: {self.why or 'it was never assigned'}")


RESULT = "__result"
"""What a function with several `return` statements will return; `Undefined` until one is met."""

RETURNED = "__returned"
"""The flag that is set once a `return` was met, where statements that it skips come after."""

IN_PLACE: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.iadd,
    "-": operator.isub,
    "*": operator.imul,
    "/": operator.itruediv,
    "//": operator.ifloordiv,
    "%": operator.imod,
    "**": operator.ipow,
    "@": operator.imatmul,
    "&": operator.iand,
    "|": operator.ior,
    "^": operator.ixor,
    "<<": operator.ilshift,
    ">>": operator.irshift,
}
"""The meaning of each operator that `update`, `update_item` and `update_attribute` may name."""

COMPARISON: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda member, container: member in container,
    "not in": lambda member, container: member not in container,
}
"""The meaning of each operator that `compare` may name."""


class Runtime(Protocol):
    """The object `__c` of rewritten code."""

    UNDEFINED: Undefined
    """The value of every local variable before its first assignment."""

    # Names, attributes, items ------------------------------------------------------------------------------

    def local(self, value: Any, name: str) -> Any:
        """Read the local variable `name`: `value`, or an UnboundLocalError if that is `Undefined`."""

    def enclosing(self, value: Any, name: str) -> Any:
        """Read a variable of a captured function around this one; as `local`, but a NameError."""

    def outside(self, value: Any, name: str, function: FunctionType) -> Any:
        """Read a global, a builtin or a closure variable of `function`, the user's function."""

    def named(self, value: Any, target: str | tuple[Any, ...]) -> Any:
        """The value about to be assigned to the variable `target`, or to a tuple of such; returns it."""

    def attribute(self, owner: Any, name: str) -> Any:
        """Read `owner.name`."""

    def item(self, container: Any, index: Any) -> Any:
        """Read `container[index]`."""

    def slice(self, start: Any, stop: Any, step: Any) -> Any:
        """The index `start:stop:step`; what is left out is None."""

    # Objects -----------------------------------------------------------------------------------------------

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call `function(*args, **kwargs)`."""

    def head(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """As `call`, of a call that is all that a `for` iterates over, or that a `while` tests."""

    def new(self, container: Any) -> Any:
        """A list, set or dict just made by a display, a comprehension or `[...] * n`; returns it."""

    def function(self, function: Any) -> Any:
        """A lambda or nested `def` just made, rewritten already; returns it."""

    # Expressions -------------------------------------------------------------------------------------------

    def not_(self, operand: Any) -> Any:
        """`not operand`."""

    def tested(self, operand: Any) -> Any:
        """The truth of an operand of `and` or `or`, where nothing else matters."""

    def and_(self, left: Any, right: Thunk) -> Any:
        """`left and right()`."""

    def or_(self, left: Any, right: Thunk) -> Any:
        """`left or right()`."""

    def if_else(self, test: Any, then: Thunk, otherwise: Thunk) -> Any:
        """`then() if test else otherwise()`."""

    def compare(self, left: Any, operators: Names, *operands: Thunk) -> Any:
        """A comparison `left in operands[0]()`, or a chain of them, `left < operands[0]() < ...`.

        `operators` are keys of `COMPARISON`. Each operand is evaluated once, and only if every
        comparison before it held.
        """

    def iterate(self, iterable: Any) -> Iterable[Any]:
        """What a comprehension or generator expression iterates over."""

    def condition(self, test: Any) -> Any:
        """The test of an `if` inside a comprehension or generator expression."""

    # Statements --------------------------------------------------------------------------------------------

    def set_item(self, value: Any, container: Any, index: Any) -> None:
        """`container[index] = value`."""

    def set_attribute(self, value: Any, owner: Any, name: str) -> None:
        """`owner.name = value`."""

    def update(self, symbol: str, current: Any, value: Any) -> Any:
        """The new value of a variable: `current += value` for the symbol `+` (a key of `IN_PLACE`)."""

    def update_item(self, symbol: str, container: Any, index: Any, value: Thunk) -> None:
        """`container[index] += value()` for the symbol `+`; the item is read before the value."""

    def update_attribute(self, symbol: str, owner: Any, name: str, value: Thunk) -> None:
        """`owner.name += value()` for the symbol `+`; the attribute is read before the value."""

    def assert_(self, test: Any, message: Thunk | None) -> None:
        """`assert test, message()`."""

    def returned(self, value: Any) -> Any:
        """What the function returns, where several `return` statements have set `RESULT`."""

    def if_(
        self,
        test: Any,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        get: Get,
        set: Set,
        *,
        assigned: Names,
        live_out: Names,
        line: int,
    ) -> None:
        """An `if` statement.

        Parameters
        ----------
        test
            The value tested.
        then, otherwise
            The branches.
        get, set
            Read and write the variables in `assigned`.
        assigned
            Every variable that a branch may assign, sorted.
        live_out
            Those of `assigned` that may be read after the statement.
        line
            The line of the `if`.
        """

    def for_(
        self,
        iterable: Any,
        body: Callable[[Any], None],
        stop: Thunk | None,
        get: Get,
        set: Set,
        *,
        assigned: Names,
        live_head: Names,
        live_out: Names,
        line: int,
    ) -> None:
        """A `for` loop.

        Parameters
        ----------
        iterable
            What is iterated over, before `iter`.
        body
            One trip, called with the item; it assigns the loop's own variables first.
        stop
            Whether a `break` or `return` was met: to be asked after each trip, before the next item is taken.
            None where no jump leaves the loop.
        get, set
            Read and write the variables in `assigned`.
        assigned
            Every variable that the loop may assign, its own and the flags of jumps included, sorted.
        live_head
            Those of `assigned` whose value from before a trip that trip, or `stop`, may read.
        live_out
            Those of `assigned` that may be read after the loop. A variable in neither is local to a trip.
        line
            The line of the `for`.
        """

    def while_(
        self,
        test: Thunk,
        body: Callable[[], None],
        get: Get,
        set: Set,
        *,
        assigned: Names,
        live_head: Names,
        live_out: Names,
        line: int,
    ) -> None:
        """A `while` loop; `test` is False once a `break` or `return` was met. The rest is as in `for_`."""
