"""The tracer behind rewritten code: plain values run as plain Python, traced ones become equations.

Branches and `while` loops on traced values are refused; each message names what to write instead.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from adcompiler.ir.errors import CaptureError, NeedsConcrete
from adcompiler.ir.graph import Constant
from adcompiler.ir.ops.arrays import checked
from adcompiler.ir.ops.comparison import logical_not

from . import calls
from .extents import hint
from .frames import current, refuse
from .handles import Traced
from .iteration import LISTED, UNROLLED, plain, to_roll
from .loops import State, roll
from .outside import Outside, is_user_function, user_method
from .protocol import COMPARISON, IN_PLACE, Get, Names, Set, Thunk, Undefined
from .scalars import TracedScalar
from .sizes import Size, SizePredicate
from .syntax import is_invented
from .values import TracedArray

UFUNCS: dict[str, np.ufunc] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "//": np.floor_divide,
    "%": np.remainder,
    "**": np.power,
    "@": np.matmul,
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
    "<<": np.left_shift,
    ">>": np.right_shift,
}
_WHILE_TRIPS = 10_000
_WHERE = "compute both and choose: `{0} = np.where(condition, a, b)`, or np.maximum, np.minimum, np.clip"


class Tracer:
    """One trace of a user's function: a `protocol.Runtime`.

    `traces` counts how often the body of the loop at each line was traced.
    """

    UNDEFINED = Undefined()

    def __init__(self, world: Outside) -> None:
        self.world = world
        self.traces: Counter[int] = Counter()
        self.path: tuple[Any, ...] = ()
        self.guards_sizes = True
        self._plans: dict[tuple[Any, ...], Any] = {}
        self._copies = 1  # of the body that is traced, in the loops around it that are unrolled
        self._bound: dict[int, tuple[Any, FunctionType]] = {}

    # Names, attributes, items ------------------------------------------------------------------------------

    def local(self, value: Any, name: str) -> Any:
        if isinstance(value, Undefined):
            self._refuse_undefined(value, name)
            raise UnboundLocalError(
                f"cannot access local variable '{name}' where it is not associated with a value"
            )
        return value

    def enclosing(self, value: Any, name: str) -> Any:
        if isinstance(value, Undefined):
            self._refuse_undefined(value, name)
            raise NameError(
                f"cannot access free variable '{name}' where it is not associated with a value in enclosing "
                "scope"
            )
        return value

    def _refuse_undefined(self, value: Undefined, name: str) -> None:
        if value.why:
            refuse(f"`{name}` has no value here: {value.why}", f"give `{name}` a value before the loop")

    def outside(self, value: Any, name: str, function: FunctionType) -> Any:
        return self.world.variable(value, name, function)

    def named(self, value: Any, target: str | tuple[Any, ...]) -> Any:
        if isinstance(target, str):
            if not is_invented(target):
                _give_name(value, target)
            return value
        if isinstance(value, tuple | list) and len(value) == len(target):
            for item, inner in zip(value, target, strict=True):
                self.named(item, inner)
        return value

    def attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, Traced):
            return getattr(owner, name)
        if isinstance(owner, ModuleType):
            return self._of_module(owner, name)
        found = getattr(type(owner), name, None)
        if isinstance(found, property) and is_user_function(found.fget):
            return self._property(owner, name, found.fget)
        return self.world.attribute(getattr(owner, name), owner, name)

    def _of_module(self, owner: ModuleType, name: str) -> Any:
        value = getattr(owner, name)
        return self.world.attribute(value, owner, name) if calls.is_user_module(owner) else value

    def _property(self, owner: Any, name: str, getter: FunctionType) -> Any:
        place = self.world.place(owner)
        if place is not None:
            getter = self.world.take(getter, place.attribute("__class__", name, "fget"))
        return self.call(getter, owner)

    def item(self, container: Any, index: Any) -> Any:
        if isinstance(container, np.ndarray) and not isinstance(container, Traced):
            container = calls.lifted(container)
        method = user_method(container, "__getitem__")
        return container[index] if method is None else self.call(method, container, index)

    def slice(self, start: Any, stop: Any, step: Any) -> Any:
        return builtins.slice(start, stop, step)

    # Objects -----------------------------------------------------------------------------------------------

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return calls.call(self, function, args, kwargs)

    def new(self, container: Any) -> Any:
        current().frame.fresh[id(container)] = container
        return container

    def function(self, function: Any) -> Any:
        self._bound[id(function)] = function, function
        return function

    def rewritten(self, function: FunctionType) -> FunctionType:
        """A user's function as it runs under this tracer; itself if it was made here."""
        known = self._bound.get(id(function))
        if known is None:
            known = self._bound[id(function)] = function, calls.bind(self, function)
            self.function(known[1])
        return known[1]

    @contextmanager
    def inside(self, function: FunctionType) -> Iterator[None]:
        """While a user's function runs: loops remember where they were called from."""
        path, guards = self.path, self.guards_sizes
        place = current().location()
        self.path = (*path, place.line if place else 0, id(function.__code__))
        self.guards_sizes = True
        try:
            yield
        finally:
            self.path, self.guards_sizes = path, guards

    # Expressions -------------------------------------------------------------------------------------------

    def truth(self, test: Any) -> bool | None:
        """The truth of a value, None if it is known only when the program runs."""
        if not isinstance(test, Traced):
            return bool(test)
        if type(test) is Size:
            return None if not self.guards_sizes else self.truth(test != 0)
        if type(test) is SizePredicate:
            return test.decide() if self.guards_sizes else None
        if type(test) is TracedArray and test.ndim:
            refuse(
                "the truth of an array is ambiguous",
                "write np.all(...) or np.any(...), or np.where(...) for a choice element by element",
            )
        return None

    def not_(self, operand: Any) -> Any:
        truth = self.truth(operand)
        if truth is not None:
            return not truth
        if type(operand) in (Size, SizePredicate):
            return operand.negated()
        return TracedScalar(logical_not((operand != 0).read() if operand.dtype != bool else operand.read()))

    def _decided(self, test: Any, what: str, way_out: str) -> bool:
        """The truth of a test; refused where only the program knows it."""
        truth = self.truth(test)
        if truth is None:
            # unrolling helps where the index of a loop decides, not where data do
            kind = NeedsConcrete if type(test) in (Size, SizePredicate) else CaptureError
            refuse(f"{what} decides on a value that is known only when the program runs", way_out, kind)
        return truth

    def and_(self, left: Any, right: Thunk) -> Any:
        way_out = "compute both and join them: np.logical_and(a, b)"
        return right() if self._decided(left, "`and`", way_out) else left

    def or_(self, left: Any, right: Thunk) -> Any:
        way_out = "compute both and join them: np.logical_or(a, b)"
        return left if self._decided(left, "`or`", way_out) else right()

    def if_else(self, test: Any, then: Thunk, otherwise: Thunk) -> Any:
        way_out = "compute both and choose: np.where(condition, a, b)"
        return then() if self._decided(test, "`a if condition else b`", way_out) else otherwise()

    def compare(self, left: Any, operators: Names, *operands: Thunk) -> Any:
        way_out = "compare twice and join: np.logical_and(a < b, b < c)"
        *first, (last, operand) = zip(operators, operands, strict=True)
        for symbol, middle in first:
            right = middle()
            held = COMPARISON[symbol](left, right)
            if not self._decided(held, "a chained comparison", way_out):
                return held
            left = right
        return COMPARISON[last](left, operand())

    def iterate(self, iterable: Any) -> Iterable[Any]:
        return plain(iterable, LISTED)

    def condition(self, test: Any) -> Any:
        way_out = "compute all and weigh: np.where(condition, a, 0.0)"
        return self._decided(test, "the `if` of a comprehension", way_out)

    # Statements --------------------------------------------------------------------------------------------

    def set_item(self, value: Any, container: Any, index: Any) -> None:
        self.may_change(container, "item assignment")
        method = user_method(container, "__setitem__")
        if method is None:
            container[index] = value
        else:
            self.call(method, container, index, value)

    def set_attribute(self, value: Any, owner: Any, name: str) -> None:
        self.may_change(owner, f"assignment to `.{name}`")
        setattr(owner, name, value)

    def may_change(self, owner: Any, what: str) -> None:
        """Refuse what would happen once, while tracing, and not each time."""
        if isinstance(owner, Traced):
            return
        if isinstance(owner, np.ndarray):
            refuse("an array that is a constant of the program is written", "write to a copy: x.copy()")
        if id(owner) not in current().frame.fresh:
            in_loop = current().frame is not current().top and self.world.place(owner) is None
            where = "outside this loop" if in_loop else "outside the function"
            refuse(
                f"{what} changes a {type(owner).__name__} made {where}: it would happen once, while tracing",
                "use an array made by np.zeros, and write out[i] = ...",
                NeedsConcrete,
            )

    def update(self, symbol: str, current: Any, value: Any) -> Any:
        if isinstance(current, list | set | dict | np.ndarray) and not isinstance(current, Traced):
            self.may_change(current, f"`{symbol}=`")
        return IN_PLACE[symbol](current, value)

    def update_item(self, symbol: str, container: Any, index: Any, value: Thunk) -> None:
        if type(container) is TracedArray:
            return container.update(index, UFUNCS[symbol], value())
        now = self.item(container, index)
        self.set_item(self.update(symbol, now, value()), container, index)

    def update_attribute(self, symbol: str, owner: Any, name: str, value: Thunk) -> None:
        now = self.attribute(owner, name)
        self.set_attribute(self.update(symbol, now, value()), owner, name)

    def assert_(self, test: Any, message: Thunk | None) -> None:
        truth = self.truth(test)
        if truth is None:
            checked(test.read(), kind="AssertionError", message=_assertion(message))
        elif not truth:
            raise AssertionError(*(() if message is None else (message(),)))

    def returned(self, value: Any) -> Any:
        return self.local(value, "the returned value")

    # Control flow ------------------------------------------------------------------------------------------

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
        names = [name for name in live_out if not is_invented(name)]
        what = f"this `if`, on which `{names[0]}` depends," if names else "this `if`"
        run = then if self._decided(test, what, _WHERE.format(names[0] if names else "y")) else otherwise
        run()

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
        found = to_roll(iterable)
        if found is None:
            return self._plain(plain(iterable, UNROLLED), body, stop)
        site = (*self.path, line)
        state = State(assigned, live_head, live_out, get, set)
        try:
            self.traces[line] += roll(found, body, state, self._plans.setdefault(site, {}), line)
        except NeedsConcrete:
            trips = found.length.constant if found.length.constant is not None else hint(found.length)
            copies = self._copies
            if trips is None or trips * copies > UNROLLED:
                raise
            self._copies = copies * max(trips, 1)
            try:
                self._plain(found.unrolled(UNROLLED), body, stop)
            finally:
                self._copies = copies

    def _plain(self, iterable: Iterable[Any], body: Callable[[Any], None], stop: Thunk | None) -> None:
        for item in iterable:
            body(item)
            if stop is not None and stop():
                break

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
        for _ in range(_WHILE_TRIPS):
            truth = self._while_test(test)
            if truth is None:
                refuse(
                    "this `while` tests a value that is known only when the program runs",
                    "write `for k in range(n)` with the number of trips",
                    NeedsConcrete,
                )
            if not truth:
                return
            body()
        refuse(
            f"this `while` makes more than {_WHILE_TRIPS} trips while tracing", "write `for k in range(n)`"
        )

    def _while_test(self, test: Thunk) -> bool | None:
        """A `while` must not be unrolled by one guard a trip: what needs a guard counts as not known."""
        before, self.guards_sizes = self.guards_sizes, False
        try:
            return self.truth(test())
        finally:
            self.guards_sizes = before


def _give_name(x: Any, name: str) -> None:
    """Call the value that is assigned to a variable by its name: a hint for the printer, given once."""
    value = x.value if type(x) is TracedScalar else x.cell.value if type(x) is TracedArray else None
    if value is not None and value.name is None and not isinstance(value, Constant):
        # only a hint, and the Function is not finished yet
        object.__setattr__(value, "name", name)


def _assertion(message: Thunk | None) -> str:
    if message is None:
        return "assertion failed"
    try:
        return str(message())
    except NeedsConcrete:
        return "assertion failed (its message has values that are known only when the program runs)"
