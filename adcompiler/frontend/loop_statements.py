"""`for` and `while` statements: run as plain Python, rolled, or unrolled where rolling needs a plain value.

A `while` runs as plain Python as long as its test is known. Where it is not known from the first trip on, it
is rolled; where that shows only later (`err = 1.0`, then a traced `err`; a `break` that data decide), or the
loop makes too many trips, the trace begins anew and the loop is rolled from the start.

A loop that is `checkpointed` is always rolled, from its first trip on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from adcompiler.checkpointing.annotation import Annotation
from adcompiler.ir.errors import NeedsConcrete

from .assumptions import Place, Restart
from .extents import hint
from .frames import current
from .inverse_steps import Variables, step_back
from .iteration import UNROLLED, Indexed, plain, to_roll
from .loops import Loop, State, roll
from .protocol import Thunk
from .sizes import Size, SizePredicate

if TYPE_CHECKING:
    from .runtime import Tracer

_TRIPS = 10_000
"""The most trips of a `while` that is plain Python; `UNROLLED` if they write equations."""


class NotRolled(NeedsConcrete):
    """A loop that is `checkpointed` and cannot be rolled."""


@dataclass(frozen=True)
class Statement:
    """A loop of the user's function: where it stands, and the variables that it may assign."""

    tracer: Tracer
    state: State
    line: int

    # for ---------------------------------------------------------------------------------------------------

    def run_for(self, iterable: Any, body: Callable[[Any], None], stop: Thunk | None) -> None:
        """`stop` is asked after each trip whether a jump has left the loop."""
        annotation = self.tracer.annotated()
        if annotation is not None:
            return self._marked(lambda: self._roll_for(iterable, body, stop, annotation))
        found = to_roll(iterable)
        if found is None:
            return self._each(plain(iterable, UNROLLED), body, stop)
        try:
            self._roll_for(found, body, stop)
        except NeedsConcrete:
            trips = found.length.constant if found.length.constant is not None else hint(found.length)
            if trips is None or trips * self.tracer.copies > UNROLLED:
                raise
            with self._copied(max(trips, 1)):
                self._each(found.unrolled(UNROLLED), body, stop)

    def _roll_for(
        self,
        found: Indexed,
        body: Callable[[Any], None],
        stop: Thunk | None,
        annotation: Annotation | None = None,
    ) -> None:
        def trip(i: Any) -> None:
            item = found.item(i)
            body(item)
            if annotation is not None and annotation.inverse is not None:
                step_back(self.tracer, annotation, item, Variables(self.state, body))

        test = None if stop is None else lambda: self.tracer.not_(stop())
        self._roll(Loop(trip, lambda: annotation, found.length, test))

    def _each(self, items: Iterable[Any], body: Callable[[Any], None], stop: Thunk | None) -> None:
        """One trip after the other; those after a jump that data decide are branches."""
        stopped: bool | None = False
        for item in items:
            if stopped is None:
                self._unless(stop, partial(body, item))
            else:
                body(item)
            stopped = stop is not None and self.tracer.truth(stop())
            if stopped:
                break

    def _unless(self, stop: Thunk | None, trip: Callable[[], None]) -> None:
        assert stop is not None
        self.tracer.if_(
            self.tracer.not_(stop()),
            trip,
            lambda: None,
            self.state.get,
            self.state.set,
            assigned=self.state.assigned,
            live_out=self.state.carried,
            line=self.line,
        )

    # while -------------------------------------------------------------------------------------------------

    def run_while(self, test: Thunk, body: Callable[[], None]) -> None:
        """`test` is False once a jump has left the loop."""
        place = self._place()
        if place in current().assumptions.rolled:
            return self._roll_while(test, body)
        frame = current().frame
        start = len(frame.builder.eqns)
        for trip in range(_TRIPS):
            equations, sizes = len(frame.builder.eqns), dict(frame.sizes)
            if trip == UNROLLED and equations > start:
                break
            answer = self._asked(test)
            marked = self.tracer.annotated() is not None
            truth = self._known(answer)
            if marked and truth is not False:
                frame.forget(equations, sizes)
                return self._marked(lambda: self._roll_while(test, body))
            if truth is None and trip == 0:
                frame.forget(equations, sizes)
                return self._roll_sized(answer, test, body)
            if truth is None:
                break
            if not truth:
                return None
            body()
        raise Restart(places=frozenset({place}))

    def _place(self) -> Place:
        return (*self.tracer.path[::2], current().location())

    def _asked(self, test: Thunk) -> Any:
        """A `while` must not be unrolled by one guard a trip: what needs a guard counts as not known."""
        tracer = self.tracer
        before, tracer.guards_sizes = tracer.guards_sizes, False
        try:
            return test()
        except BaseException:
            tracer.annotated()
            raise
        finally:
            tracer.guards_sizes = before

    def _known(self, answer: Any) -> bool | None:
        known: bool | None = self._asked(lambda: self.tracer.truth(answer))
        return known

    def _roll_sized(self, answer: Any, test: Thunk, body: Callable[[], None]) -> None:
        """Roll; where that needs plain values, and sizes alone decide, their guards decide each trip."""
        try:
            self._roll_while(test, body)
        except NeedsConcrete:
            if type(answer) not in (Size, SizePredicate):
                raise
            for _ in range(UNROLLED // self.tracer.copies):
                truth = self.tracer.truth(test())
                if truth is None:
                    raise
                if not truth:
                    return
                body()
            raise

    def _roll_while(self, test: Thunk, body: Callable[[], None]) -> None:
        self._roll(Loop(lambda _: body(), self.tracer.annotated, test=lambda: self._asked(test)))

    # either ------------------------------------------------------------------------------------------------

    def _marked(self, roll: Callable[[], None]) -> None:
        """Roll a loop that is `checkpointed`: nothing else will do."""
        try:
            roll()
        except NotRolled:
            raise
        except NeedsConcrete as error:
            raise NotRolled(
                f"{error.message}; and a loop that is `checkpointed` is never unrolled",
                error.location,
                f"{error.hint}; or leave `checkpointed` out",
            ) from None

    def _roll(self, loop: Loop) -> None:
        tracer = self.tracer
        plan = tracer.plans.setdefault((*tracer.path, self.line), {})
        tracer.traces[self.line] += roll(loop, self.state, plan, self.line)

    @contextmanager
    def _copied(self, copies: int) -> Iterator[None]:
        """While the body is unrolled: loops inside it are unrolled as often again."""
        tracer = self.tracer
        before, tracer.copies = tracer.copies, tracer.copies * copies
        try:
            yield
        finally:
            tracer.copies = before
