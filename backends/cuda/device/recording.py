"""What a host program launches, recorded by the driver as a CUDA graph instead of being run.

See "Stream Capture" in NVIDIA's CUDA C++ Programming Guide. The stream that records is one that the default
stream waits for, so while it records the driver refuses whatever goes to the default stream: what reads
memory, or a library that does not know of the stream. Nothing is left out of a graph unnoticed. Such calls of
other threads are refused as well.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from . import driver_memory, streams, toolkit


class NotRecorded(Exception):
    """A program does what a graph cannot."""


class Graph:
    """A graph that can be started; freed with the last reference to it, when it is not running."""

    def __init__(self, executable: Any, held: Sequence[Any]) -> None:
        self._executable = executable
        self._held = held
        """Memory of the host that it reads."""
        weakref.finalize(self, _driver().cuGraphExecDestroy, executable).atexit = False

    def start(self) -> None:
        """Start it on the default stream."""
        _driver().cuGraphLaunch(self._executable, streams.DEFAULT)


_recording = threading.Lock()


def recorded(program: Callable[..., Sequence[Any]], arguments: Sequence[Any]) -> tuple[Graph, Sequence[Any]]:
    """The graph of a call, and the results that it will compute each time it is started.

    Raises
    ------
    NotRecorded
        The program reads what the device computes, or fails.
    """
    if toolkit.simulated():
        raise NotRecorded
    with _recording:
        return _recorded(_driver(), _stream(driver_memory.device()), program, arguments)


def _recorded(driver: Any, stream: Any, program: Callable[..., Any], arguments: Any) -> tuple[Graph, Any]:
    from cuda.bindings.driver import CUstreamCaptureMode

    results, problem = None, None
    held: list[Any] = []
    driver.cuStreamBeginCapture(stream.handle, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED)
    try:
        with streams.on(stream, held):
            results = program(*arguments)
    except Exception as error:  # if it is one of the program, the program itself will raise it
        problem = error
    try:
        graph = driver.cuStreamEndCapture(stream.handle)
    except driver_memory.api_error() as error:
        raise NotRecorded from error
    try:
        if problem is not None:
            raise NotRecorded from problem
        return Graph(driver.cuGraphInstantiate(graph, 0), held), results
    finally:
        driver.cuGraphDestroy(graph)


@cache
def _stream(device: int) -> Any:
    """The stream that records on a device."""
    return toolkit.cuda().stream()


def _driver() -> Any:
    from numba.cuda.cudadrv.driver import driver

    return driver
