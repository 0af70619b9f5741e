"""Answers while Numba compiles: those of NumPy, where they are quick.

With `warmup="background"` the first call starts a thread that compiles, and calls are answered by the NumPy
backend until it has finished. They are if that should take less than `SOON`, by a count of the program's
statements and elements at the sizes of the call: a loop is a loop in Python there, and one of unknown length
is not tried. Every other call waits. The two agree as two orders of the same sums do.

Numba's front end is Python, and one function is compiled at a time: calls are slower meanwhile, and a second
function waits for the first. What compiling raises, the next call raises. A process that ends gives up before
Numba's next pass, within a second, and keeps nothing. One that is forked meanwhile cannot compile, as Numba's
lock is held for ever, and goes on with NumPy where that is quick.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

from .backends import Compiled
from .ir.graph import Block, Eqn, Function, Value
from .ir.loops import most_trips
from .ir.op import Reduction, Scan, Whole
from .ir.types import Sizes

SOON = 0.1
"""Seconds that an answer of NumPy may take."""

STATEMENT, ELEMENT = 1e-6, 1e-9
"""Seconds that NumPy takes for a statement, and for each element and unit of `Op.cost`."""

_one_at_a_time = threading.Lock()


def in_background(function: Function, numba: Compiled, numpy: Compiled) -> Compiled:
    """What `numba` computes, by `numpy` as long as `numba` is not compiled; both are of `function`."""
    return _Warmup(function, numba, numpy).compiled


class _Warmup:
    def __init__(self, function: Function, numba: Compiled, numpy: Compiled) -> None:
        self.numba, self.numpy = numba, numpy
        self.compiled = replace(numba, call=self._call, compile=self._compile)
        params = len(function.body.params)
        self._sizes = slice(params, params + len(function.sizes))
        self._seconds = lru_cache(maxsize=64)(
            lambda sizes: numpy_seconds(function, dict(zip(function.sizes, sizes, strict=True)))
        )
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._tried = False

    def _call(self, *args: Any) -> tuple[Any, ...]:
        self._started()
        if not self._tried and self._seconds(args[self._sizes]) < SOON:
            return self.numpy.call(*args)
        self._compile()
        return self.compiled.call(*args)

    def _compile(self) -> None:
        """Wait for the thread; what failed there fails here."""
        self._started().join()
        self.numba.compile()
        self.compiled.kernel, self.compiled.call = self.numba.kernel, self.numba.call

    def _started(self) -> threading.Thread:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="adcompiler-warmup")
                self._thread.start()
            return self._thread

    def _run(self) -> None:
        with _one_at_a_time, suppress(Exception, _Ending), _given_up_at_the_end():
            self.numba.compile()
        self._tried = True


class _Ending(BaseException):
    """The process ends. No Exception, which Numba would take for a function that does not fit."""


@contextmanager
def _given_up_at_the_end() -> Iterator[None]:
    """Let no pass of Numba's begin once the main thread has ended."""
    from numba.core import event

    def begin(self: Any, found: Any) -> None:
        if not threading.main_thread().is_alive():
            raise _Ending

    listener = type("Ending", (event.Listener,), {"on_start": begin, "on_end": lambda self, found: None})
    with event.install_listener("numba:run_pass", listener()):
        yield


# ---- what NumPy takes ----


def numpy_seconds(function: Function, sizes: Sizes) -> float:
    """What a call of the NumPy program may take, in seconds; infinite where that is not known."""
    try:
        return _of_block(function.body, dict(sizes))
    except KeyError:  # a size that the program binds
        return math.inf


def _of_block(block: Block, sizes: dict[str, int]) -> float:
    return sum(_of_loop(eqn, sizes) if eqn.op.loop else _of_equation(eqn, sizes) for eqn in block.eqns)


def _of_loop(eqn: Eqn, sizes: dict[str, int]) -> float:
    """Every trip costs as much as the dearest may."""
    most = most_trips(eqn.attrs)
    if most is None:
        return math.inf
    trips = max(most.value(sizes), 0)
    if eqn.op.binds:
        sizes[str(eqn.attrs[eqn.op.binds])] = trips
    inner = {**sizes, str(eqn.attrs.get("index")): max(trips - 1, 0)}
    each = sum(_of_block(block, inner) for block in eqn.blocks)
    return STATEMENT + trips * (STATEMENT + each) + ELEMENT * _elements(eqn.outputs, sizes)


def _of_equation(eqn: Eqn, sizes: dict[str, int]) -> float:
    inside = sum(_of_block(block, sizes) for block in eqn.blocks)
    return STATEMENT + inside + ELEMENT * max(eqn.op.cost, 1.0) * _work(eqn, sizes)


def _work(eqn: Eqn, sizes: Sizes) -> float:
    """Elements that are touched; of a product or factorisation, multiplications."""
    if eqn.op.updates:
        return _elements(eqn.inputs[1:], sizes)
    values = [*eqn.inputs, *eqn.outputs]
    touched = _elements(values, sizes)
    if isinstance(eqn.op.lowering, Reduction | Scan | Whole):
        return touched
    if not eqn.op.dear or eqn.blocks:
        return _elements(eqn.outputs, sizes)
    sides = [min(d.value(sizes) for d in v.type.shape[-2:]) for v in values if v.type.rank > 1]
    return touched * max(sides, default=1)


def _elements(values: Iterable[Value], sizes: Sizes) -> int:
    return sum(math.prod(d.value(sizes) for d in v.type.shape) for v in values)
