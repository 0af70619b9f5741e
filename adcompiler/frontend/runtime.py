"""The tracer behind rewritten code: plain values run as plain Python, traced ones become equations."""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from adcompiler.checkpointing.annotation import Annotation, checkpointed
from adcompiler.ir.errors import CaptureError, NeedsConcrete
from adcompiler.ir.graph import Constant
from adcompiler.ir.ops.arrays import checked

from . import branches, calls, marks
from .conditions import Test, asked, facts_of, negated
from .facts import NOTHING, suppose
from .frames import current, refuse
from .handles import Traced
from .iteration import LISTED, plain
from .loop_statements import Statement
from .loops import State
from .maybe import Maybe
from .outside import Outside, is_user_function, user_method
from .plans import Plan
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


_INSTEAD = {
    "shape": "use the result of x.reshape(...)",
    "dtype": "use the result of x.astype(...)",
    "flat": "write x[...] = ...",
    "T": "write x.T[...] = ...",
}
"""What to do instead of assigning an attribute of an array."""

_BLOCKS = {
    "loop": "this loop",
    "branch": "this branch of an `if`",
    "call": "this checkpointed function",
}
"""What messages call the block that is traced."""


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
        self.plans: dict[tuple[Any, ...], Plan] = {}
        self.copies = 1  # of the body that is traced, in the loops around it that are unrolled
        self.annotation: Annotation | None = None
        self._bound: dict[int, tuple[Any, FunctionType]] = {}

    # Names, attributes, items ------------------------------------------------------------------------------

    def local(self, value: Any, name: str) -> Any:
        unset = f"cannot access local variable '{name}' where it is not associated with a value"
        return self._of_name(value, name, UnboundLocalError(unset, name=name))

    def enclosing(self, value: Any, name: str) -> Any:
        unset = f"cannot access free variable '{name}' where it is not associated with a value in enclosing"
        return self._of_name(value, name, NameError(f"{unset} scope", name=name))

    def _of_name(self, value: Any, name: str, error: NameError) -> Any:
        """The value of a name; `error` where it has none."""
        if type(value) is Maybe:
            truth = self.truth(value.defined)
            if truth is None:
                self._check(value.defined, type(error).__name__, str(error))
            value = value.value if truth is not False else self.UNDEFINED
        if isinstance(value, Undefined):
            self._refuse_undefined(value, name)
            raise error
        return value

    def _refuse_undefined(self, value: Undefined, name: str) -> None:
        if value.why:
            kind = NeedsConcrete if value.unroll else CaptureError
            way_out = value.way_out or f"give `{name}` a value before the loop"
            refuse(f"`{name}` has no value here: {value.why}", way_out, kind)

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

    def head(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if function is not checkpointed:
            return self.call(function, *args, **kwargs)
        marked = marks.checkpointed(*args, **kwargs)
        self.annotation = marked.annotation
        return marked.subject

    def annotated(self) -> Annotation | None:
        """What is said of the loop whose head was evaluated last; its own, and told once."""
        found, self.annotation = self.annotation, None
        return found

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
        branches.check_recursion(function, path)
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
        if type(test) is TracedScalar and isinstance(test.value, Constant):
            return bool(test.value.data)
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
        return negated(asked(operand))

    def tested(self, operand: Any) -> Any:
        truth = self.truth(operand)
        return asked(operand) if truth is None else truth

    def and_(self, left: Any, right: Thunk) -> Any:
        truth = self.truth(left)
        if truth is None:
            return branches.short_circuit(left, right, conjunction=True)
        return right() if truth else left

    def or_(self, left: Any, right: Thunk) -> Any:
        truth = self.truth(left)
        if truth is None:
            return branches.short_circuit(left, right, conjunction=False)
        return left if truth else right()

    def if_else(self, test: Any, then: Thunk, otherwise: Thunk) -> Any:
        truth = self.truth(test)
        if truth is None:
            return branches.expression(asked(test), then, otherwise, "a if condition else b")
        return then() if truth else otherwise()

    def compare(self, left: Any, operators: Names, *operands: Thunk) -> Any:
        right = operands[0]()
        held = self._compared(operators[0], left, right)
        if len(operators) == 1:
            return held
        return self.and_(held, lambda: self.compare(right, operators[1:], *operands[1:]))

    def _compared(self, symbol: str, left: Any, right: Any) -> Any:
        if symbol not in ("in", "not in") or type(right) not in (list, tuple):
            return COMPARISON[symbol](left, right)
        found = self.call(any, (left is x or left == x for x in right))
        return found if symbol == "in" else self.not_(found)

    def iterate(self, iterable: Any) -> Iterable[Any]:
        return plain(iterable, LISTED)

    def condition(self, test: Any) -> Any:
        truth = self.truth(test)
        if truth is None:
            # unrolling helps where the index of a loop decides, not where data do
            refuse(
                "the `if` of a comprehension decides on a value that is known only when the program runs, so "
                "the number of elements would be too",
                "compute all and weigh: np.where(condition, a, 0.0); or write a `for` loop with an `if`",
                CaptureError if facts_of(test) == NOTHING else NeedsConcrete,
            )
        return truth

    # Statements --------------------------------------------------------------------------------------------

    def set_item(self, value: Any, container: Any, index: Any) -> None:
        self.may_change(container, "item assignment")
        method = user_method(container, "__setitem__")
        if method is None:
            container[index] = value
        else:
            self.call(method, container, index, value)

    def set_attribute(self, value: Any, owner: Any, name: str) -> None:
        if isinstance(owner, Traced):
            refuse(f"`.{name}` of a traced value is assigned", _INSTEAD.get(name, "make a new array"))
        self.may_change(owner, f"assignment to `.{name}`")
        setattr(owner, name, value)

    def may_change(self, owner: Any, what: str) -> None:
        """Refuse what would happen once, while tracing, and not each time."""
        if isinstance(owner, Traced):
            return
        if isinstance(owner, np.ndarray):
            refuse("an array that is a constant of the program is written", "write to a copy: x.copy()")
        if id(owner) not in current().frame.fresh:
            refuse(
                f"{what} changes a {type(owner).__name__} {self._why_kept(owner)}",
                "use an array made by np.zeros, and write out[i] = ...",
                NeedsConcrete,
            )

    def _why_kept(self, owner: Any) -> str:
        if id(owner) in current().merged:
            return "that may be one of two, which of them depends on data"
        frame = "function" if self.world.place(owner) is not None else current().frame.kind
        where = _BLOCKS.get(frame, "the function")
        return f"made outside {where}: it would happen once, while tracing"

    def update(self, symbol: str, current: Any, value: Any) -> Any:
        if isinstance(current, list | set | dict | np.ndarray) and not isinstance(current, Traced):
            self.may_change(current, f"`{symbol}=`")
        if type(current) is TracedScalar and current.boxed:
            refuse(
                f"`{symbol}=` changes an array of rank 0, as np.where makes one of numbers, under every name",
                f"write `s = s {symbol} ...`",
            )
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
            self._check(asked(test), "AssertionError", _assertion(message))
        elif not truth:
            raise AssertionError(*(() if message is None else (message(),)))

    def _check(self, condition: Test, kind: str, message: str) -> None:
        """From here on the condition holds, or the program stops."""
        checked(condition.read(), kind=kind, message=message)
        suppose(facts_of(condition).when_true)

    def returned(self, value: Any) -> Any:
        if isinstance(value, Undefined) and value.why:
            kind = NeedsConcrete if value.unroll else CaptureError
            refuse(f"what the function returns has no value here: {value.why}", value.way_out, kind)
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
        truth = self.truth(test)
        if truth is not None:
            return then() if truth else otherwise()
        branches.statement(
            asked(test), then, otherwise, get, set, assigned=assigned, live_out=live_out, line=line
        )

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
        state = State(assigned, live_head, live_out, get, set)
        Statement(self, state, line).run_for(iterable, body, stop)

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
        state = State(assigned, live_head, live_out, get, set)
        Statement(self, state, line).run_while(test, body)


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
