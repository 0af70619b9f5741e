"""Calls that launch the same again, as CUDA graphs.

Launching a kernel takes the host some microseconds, which is most of a program on small arrays; starting a
graph of all its launches takes about as much as one launch. What a graph launches is fixed, with all
numbers and addresses. So a graph has arrays of its own: arguments are copied there, results from there. It
serves calls with the same sizes and numbers, and is recorded at the second of them: by then all kernels are
compiled. Temporaries keep their memory as long as the graph lives.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import arrays, recording
from .interchange import is_foreign
from .pool import Pool

HostProgram = Callable[..., Sequence[Any]]

LARGE = 2**26
"""Bytes that a graph may hold: above that, copies cost more than launches, and memory is worth more."""

KEPT = 4
"""Graphs of one program."""

PATIENCE = 16
"""Calls one after the other that no graph serves, after which there are no more graphs."""


class Arena(Pool):
    """The memory of one graph, which never lets go of any."""

    def make_room(self) -> None:
        """Others may."""
        arrays.SHARED.make_room()

    def most(self) -> float:
        """All."""
        return float("inf")


@dataclass(frozen=True, eq=False)
class Recorded:
    """A graph, the arrays that it reads and computes, and their memory."""

    graph: recording.Graph
    arguments: Sequence[Any]
    results: Sequence[Any]
    arena: Arena
    lock: threading.Lock

    def run(self, given: Sequence[Any]) -> Sequence[Any]:
        """Results for these arguments."""
        with self.lock:
            for mine, x in zip(self.arguments, given, strict=True):
                if is_foreign(mine):
                    arrays.overwrite(mine, x)
            self.graph.start()
            return [arrays.copy(r) if is_foreign(r) else r for r in self.results]


class Graphs:
    """A host program, by graphs where that is possible."""

    def __init__(self, program: HostProgram) -> None:
        self.program = program
        self._ran: set[Any] = set()
        """What calls of late differed in."""
        self._graphs: OrderedDict[Any, Recorded] = OrderedDict()
        """Graphs by that, the one least recently used first."""
        self._lock = threading.Lock()
        self._unserved = 0
        """Calls since a graph served one."""

    def __call__(self, *given: Any) -> Sequence[Any]:
        """The results of the program, as it is called."""
        if self._unserved >= PATIENCE:
            return self.program(*given)
        key = tuple(map(_fixed, given))
        with self._lock:
            graph = self._graph(key, given)
        return self.program(*given) if graph is None else graph.run(given)

    def _graph(self, key: Any, given: Sequence[Any]) -> Recorded | None:
        """The graph that serves a call, recorded if need be."""
        self._unserved += 1
        if key not in self._graphs:
            if key not in self._ran:
                if len(self._ran) >= PATIENCE:
                    self._ran.clear()
                self._ran.add(key)
                return None
            found = _recorded(self.program, given)
            if found is None:
                self._unserved = PATIENCE
                return None
            self._graphs[key] = found
            if len(self._graphs) > KEPT:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        self._unserved = 0
        return self._graphs[key]


def _fixed(x: Any) -> Any:
    """What of an argument a graph depends on: of an array on the device dtype and shape, of others all."""
    if is_foreign(x):
        return x.dtype.str, tuple(x.shape)
    return type(x), x.tobytes() if isinstance(x, np.ndarray | np.generic) else x


def _recorded(program: HostProgram, given: Sequence[Any]) -> Recorded | None:
    """A call as a graph; None where it cannot be one, or would hold too much."""
    arena = Arena()
    with arrays.memory_from(arena):
        mine = [arrays.copy(x) if is_foreign(x) else x for x in given]
        try:
            graph, results = recording.recorded(program, mine)
        except recording.NotRecorded:
            return None
    if arena.made_bytes > LARGE:
        return None
    return Recorded(graph, mine, results, arena, threading.Lock())
