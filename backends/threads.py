"""Threads that share the chunks of a loop, as many as a call may have.

The threads are those of Numba's threading layer (TBB, OpenMP or its own work queue: the first that is there,
in the order of NUMBA_THREADING_LAYER_PRIORITY), so that a process has one set of them. Compiled code gets the
address of the layer's entry, `parallel_for`, as a number; with 0 instead it runs the chunks by itself, one
after the other, with the same results to the last bit.

The work queue aborts the process where two threads enter it at once: a lock lets one in, and a call that does
not get the lock runs its chunks by itself. Nor may a layer be used in a child that was forked from a process
that had it: OpenMP ends the child. So forked children run everything by themselves.

Limits: a work queue that the user's own parallel Numba functions enter in other threads is not guarded, and
BLAS has threads of its own.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from importlib import import_module

MODULES = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}
"""The module of Numba's in which each layer has its entry."""

ALONE = (0, 1)
"""What compiled code is handed that runs its chunks by itself: no entry, one thread."""


@dataclass(frozen=True)
class Layer:
    """A threading layer that is running: its name, the address of its entry, and who may use it."""

    name: str
    entry: int
    lock: threading.Lock | None = None
    """Held by the one call that is in the layer, where no more than one may be."""


@dataclass
class _State:
    """What this process knows of its layer; `asked` is True once there is nothing more to find out."""

    asked: bool = False
    layer: Layer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_state = _State()


def layer() -> Layer | None:
    """The layer of this process, started where it is not running yet; None where there may be none."""
    if not _state.asked:
        with _state.lock:
            if not _state.asked:
                _state.layer = _started()
                _state.asked = True
    return _state.layer


def _started() -> Layer | None:
    numba = import_module("numba")
    try:
        numba.get_num_threads()  # starts it
    except ValueError:  # a layer is asked for by name that is not installed
        return None
    name = numba.threading_layer()
    entry = import_module(f"numba.np.ufunc.{MODULES[name]}").parallel_for
    return Layer(name, entry, threading.Lock() if name == "workqueue" else None)


def _forked() -> None:
    """In a child: what its parent had started does not run here."""
    global _state
    _state = _State(asked=_running())


def _running() -> bool:
    if _state.layer is not None:
        return True
    try:
        return "numba" in sys.modules and bool(sys.modules["numba"].threading_layer())
    except ValueError:  # not started
        return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


@dataclass(frozen=True)
class Team:
    """The threads that a program may use: at most `limit`, or all that Numba allows the calling thread."""

    limit: int | None = None

    def enter(self) -> tuple[int, int]:
        """The entry that compiled code may call, and how many threads it may ask for; until `leave`."""
        count = self.size()
        there = layer() if count > 1 else None
        if there is None or (there.lock is not None and not there.lock.acquire(blocking=False)):
            return ALONE
        return there.entry, count

    def size(self) -> int:
        """How many threads a call of the calling thread may ask for."""
        if self.limit == 1 or layer() is None:
            return 1
        numba = import_module("numba")
        allowed: int = numba.get_num_threads()
        return allowed if self.limit is None else min(self.limit, int(numba.config.NUMBA_NUM_THREADS))

    def leave(self, entered: tuple[int, int]) -> None:
        """What was entered is not used any more."""
        there = _state.layer
        if entered != ALONE and there is not None and there.lock is not None:
            there.lock.release()
