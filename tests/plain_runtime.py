"""The runtime of plain Python: rewritten code under it must do exactly what the unrewritten code does."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from adcompiler.frontend.protocol import COMPARISON, IN_PLACE, Names, Thunk, Undefined
from adcompiler.frontend.rewriting import rewrite

_UNBOUND = "it is not associated with a value"


class PlainRuntime:
    """Everything is concrete; user functions whose file name begins with `prefix` are rewritten when called.

    It also holds the protocol to its word: names come sorted, `get` and `set` fit them, live names are
    assigned ones. A forgetful runtime takes their values from variables that are said to be dead.
    """

    UNDEFINED = Undefined()

    def __init__(self, prefix: str = "<program", forgetful: bool = True) -> None:
        self.prefix = prefix
        self.forgetful = forgetful
        self.outside_names: set[str] = set()
        self.live: dict[int, tuple[Names, ...]] = {}

    def local(self, value: Any, name: str) -> Any:
        if isinstance(value, Undefined):
            raise UnboundLocalError(
                f"cannot access local variable '{name}' where it is not associated with a value"
            )
        return value

    def enclosing(self, value: Any, name: str) -> Any:
        if isinstance(value, Undefined):
            raise NameError(f"cannot access free variable '{name}' where {_UNBOUND} in enclosing scope")
        return value

    def outside(self, value: Any, name: str, function: FunctionType) -> Any:
        scope = {**vars(builtins), **function.__globals__}
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        assert value is (cells[name].cell_contents if name in cells else scope[name])
        self.outside_names.add(name)
        return value

    def named(self, value: Any, target: str | tuple[Any, ...]) -> Any:
        return value

    def attribute(self, owner: Any, name: str) -> Any:
        return getattr(owner, name)

    def item(self, container: Any, index: Any) -> Any:
        return container[index]

    def slice(self, start: Any, stop: Any, step: Any) -> Any:
        return builtins.slice(start, stop, step)

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
            if function.__code__.co_filename.startswith(self.prefix) and "rewritten" not in vars(function):
                function = rewrite(function).bind(self)
        return function(*args, **kwargs)

    head = call

    def new(self, container: Any) -> Any:
        assert isinstance(container, list | set | dict)
        return container

    def function(self, function: Any) -> Any:
        function.rewritten = True
        return function

    def not_(self, operand: Any) -> Any:
        return not operand

    def tested(self, operand: Any) -> Any:
        return bool(operand)

    def and_(self, left: Any, right: Thunk) -> Any:
        return left and right()

    def or_(self, left: Any, right: Thunk) -> Any:
        return left or right()

    def if_else(self, test: Any, then: Thunk, otherwise: Thunk) -> Any:
        return then() if test else otherwise()

    def compare(self, left: Any, operators: Names, *operands: Thunk) -> Any:
        assert len(operators) == len(operands) > (operators[0] not in ("in", "not in"))
        held: Any = True
        for symbol, operand in zip(operators, operands, strict=True):
            right = operand()
            held = COMPARISON[symbol](left, right)
            if not held:
                break
            left = right
        return held

    def iterate(self, iterable: Any) -> Iterable[Any]:
        return iter(iterable)

    def condition(self, test: Any) -> Any:
        return test

    def set_item(self, value: Any, container: Any, index: Any) -> None:
        container[index] = value

    def set_attribute(self, value: Any, owner: Any, name: str) -> None:
        setattr(owner, name, value)

    def update(self, symbol: str, current: Any, value: Any) -> Any:
        return IN_PLACE[symbol](current, value)

    def update_item(self, symbol: str, container: Any, index: Any, value: Thunk) -> None:
        current = container[index]
        container[index] = IN_PLACE[symbol](current, value())

    def update_attribute(self, symbol: str, owner: Any, name: str, value: Thunk) -> None:
        current = getattr(owner, name)
        setattr(owner, name, IN_PLACE[symbol](current, value()))

    def assert_(self, test: Any, message: Thunk | None) -> None:
        if not test:
            raise AssertionError() if message is None else AssertionError(message())

    def returned(self, value: Any) -> Any:
        assert not isinstance(value, Undefined)
        return value

    def if_(
        self,
        test: Any,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        get: Callable[[], tuple[Any, ...]],
        set: Callable[[tuple[Any, ...]], None],
        *,
        assigned: Names,
        live_out: Names,
        line: int,
    ) -> None:
        taken = then if test else otherwise
        taken()
        self._check(get, set, assigned, (live_out,), line)
        self._forget(get, set, assigned, live_out)

    def for_(
        self,
        iterable: Any,
        body: Callable[[Any], None],
        stop: Thunk | None,
        get: Callable[[], tuple[Any, ...]],
        set: Callable[[tuple[Any, ...]], None],
        *,
        assigned: Names,
        live_head: Names,
        live_out: Names,
        line: int,
    ) -> None:
        for item in iterable:
            self._forget(get, set, assigned, live_head)
            body(item)
            if stop is not None and stop():
                break
        self._check(get, set, assigned, (live_head, live_out), line)
        self._forget(get, set, assigned, live_out)

    def while_(
        self,
        test: Thunk,
        body: Callable[[], None],
        get: Callable[[], tuple[Any, ...]],
        set: Callable[[tuple[Any, ...]], None],
        *,
        assigned: Names,
        live_head: Names,
        live_out: Names,
        line: int,
    ) -> None:
        while test():
            self._forget(get, set, assigned, live_head)
            body()
        self._check(get, set, assigned, (live_head, live_out), line)
        self._forget(get, set, assigned, live_out)

    def _forget(self, get: Any, set: Any, assigned: Names, live: Names) -> None:
        if self.forgetful:
            named = zip(assigned, get(), strict=True)
            set(tuple(value if name in live else self.UNDEFINED for name, value in named))

    def _check(self, get: Any, set: Any, assigned: Names, live: tuple[Names, ...], line: int) -> None:
        assert list(assigned) == sorted(assigned)
        assert all(builtins.set(names) <= builtins.set(assigned) for names in live)
        before = get()
        set(before)
        assert all(old is new for old, new in zip(before, get(), strict=True))
        self.live[line] = live
