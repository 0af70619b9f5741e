"""A machine that runs kernels one thread after another, in a random order, and sees what they touch.

Threads that meet at barriers are Python threads of which one runs at a time. The grid may be smaller than a
launch asks for: what blocks do, they do in turn. Two threads race if they touch one element, one of them
writes it, and no barrier of their block is between; atomic additions do not race with each other.
"""

import random
import re
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from itertools import combinations

import numpy as np
import pytest
from numba.cuda.cudadrv.devicearray import FakeCUDAArray
from numba.cuda.simulator import kernel as kernels
from numba.cuda.simulator.kernelapi import Dim3, FakeCUDAModule

from adcompiler.backends.cuda.device import toolkit


class Fault(Exception):
    """A race, an element that is not there, or threads that wait at different barriers."""


@contextmanager
def machine(seed):
    """Kernels that are launched in this context run so; an order a seed."""
    chosen = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toolkit, "configured", lambda *given: lambda *args: Launch(chosen, *given).run(*args))
        yield


class Launch(FakeCUDAModule):
    """What kernels see as `cuda` in one launch."""

    def __init__(self, chosen, kernel, grid, block):
        grid, block = ((*shape, 1, 1, 1)[:3] for shape in (grid, block))
        grid = tuple(chosen.choice([n, n, min(n, 2), 1]) for n in grid)
        super().__init__(grid, block, 0)
        self.chosen, self.kernel, self.blocks, self.threads = chosen, kernel, grid, block
        self.touched = defaultdict(set)
        """By address: threads, their phases between barriers, how they touch it, and the line."""
        self.mine = {}
        """Arrays that are local to a thread, by the line that makes them: each has one place."""
        self._local, self._atomic = Local(self), Atomic()
        self.phase = 0

    def run(self, *args):
        function = self.kernel.fn
        names = function.__code__.co_varnames
        given = [
            Watched(arg._ary, self, bool(re.fullmatch(r"status(_\d+)?", name)))
            if isinstance(arg, FakeCUDAArray)
            else arg
            for name, arg in zip(names, args, strict=False)
        ]
        turns = Turns(self) if _meets(function) else InOrder(self)
        with kernels._push_kernel_context(self), kernels.swapped_cuda_module(function, self):
            blocks = list(np.ndindex(self.blocks))
            self.chosen.shuffle(blocks)
            for block in blocks:
                self.phase += 1
                threads = list(np.ndindex(self.threads))
                self.chosen.shuffle(threads)
                turns.run(function, given, block, threads)
        self._races()

    # ---- who runs ----

    threadIdx = blockIdx = None  # of the thread that runs

    def begin(self, block, thread):
        """This thread runs from here on."""
        self.blockIdx, self.threadIdx = Dim3(*block), Dim3(*thread)
        self.running = block, thread

    def touch(self, address, how):
        self.touched[address].add((self.running, self.phase, how, _line_of(self.kernel.fn)))

    def fault(self, what):
        raise Fault(f"{self.kernel.fn.__name__}: {what}")

    def _races(self):
        for touches in self.touched.values():
            if len({running for running, *_ in touches}) == 1 or {how for *_, how, _ in touches} == {"read"}:
                continue
            for a, b in combinations(touches, 2):
                apart = a[0] != b[0] and (a[0][0] != b[0][0] or a[1] == b[1])
                if apart and {a[2], b[2]} not in ({"read"}, {"atomic"}):
                    self.fault(f"threads {a[0]}, {b[0]} {a[2]}, {b[2]} one element, in lines {a[3]}, {b[3]}")


def _line_of(function):
    frame = sys._getframe(2)
    while frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame.f_lineno


def _meets(function):
    """Whether threads of a kernel meet at barriers: in it, or in a function that it calls."""
    code = function.__code__
    called = [function.__globals__.get(name) for name in code.co_names]
    called += [cell.cell_contents for cell in function.__closure__ or ()]
    inside = (getattr(f, "fn", None) for f in called)
    return "syncthreads" in code.co_names or any(f is not None and _meets(f) for f in inside)


class InOrder:
    """Threads that run one after another."""

    def __init__(self, launch):
        self.launch = launch

    def run(self, function, given, block, threads):
        for thread in threads:
            self.launch.begin(block, thread)
            function(*given)


class Turns:
    """Threads that take turns at barriers."""

    def __init__(self, launch):
        self.launch = launch
        launch.syncthreads = self.wait

    def run(self, function, given, block, threads):
        self.function, self.block = function, block
        self.others = threading.Semaphore(0)
        self.turn = {thread: threading.Semaphore(0) for thread in threads}
        self.at, self.failed = {}, None
        for thread in threads:
            threading.Thread(target=self._whole, args=(thread, given), daemon=True).start()
        alive = set(threads)
        while alive:
            self.at.clear()
            order = sorted(alive)
            self.launch.chosen.shuffle(order)
            for thread in order:
                self.launch.begin(block, thread)
                self.turn[thread].release()
                self.others.acquire()
            if self.failed is None and len(set(self.at.values())) > 1:
                self.failed = Fault(f"{function.__name__}: barriers in lines {set(self.at.values())}")
            if self.failed is None and self.at and len(self.at) < len(alive):
                self.failed = Fault(f"{function.__name__}: some threads end, others wait at a barrier")
            alive = set(self.at)
            self.launch.phase += 1
        if self.failed is not None:
            raise self.failed

    def _whole(self, thread, given):
        self.turn[thread].acquire()
        try:
            self.function(*given)
        except BaseException as error:
            self.failed = self.failed or error
        self.others.release()

    def wait(self):
        if self.failed is not None:
            raise self.failed
        thread = self.launch.running[1]
        self.at[thread] = _line_of(self.function)
        self.others.release()
        self.turn[thread].acquire()
        if self.failed is not None:
            raise self.failed


class Local:
    """Arrays that are local to a thread: nothing is known of what is in one that is made again."""

    def __init__(self, launch):
        self.launch = launch

    def array(self, shape, dtype):
        key = self.launch.running, sys._getframe(1).f_lineno
        if key not in self.launch.mine:
            self.launch.mine[key] = np.empty(shape, dtype)
        found = self.launch.mine[key]
        found.view(np.uint8).fill(0xFF)
        return found


class Atomic:
    def add(self, array, index, value):
        array.atomic(index, lambda before: before + value)

    def max(self, array, index, value):
        array.atomic(index, lambda before: max(before, value))


class Watched:
    """An array of the device that says which of its elements are touched."""

    def __init__(self, array, launch, free):
        self.array, self.launch, self.free = array, launch, free
        self.start = array.__array_interface__["data"][0]
        self.shape, self.ndim = array.shape, array.ndim

    def __getitem__(self, index):
        found = self.array[self._at(index, "read")]
        return Watched(found, self.launch, self.free) if isinstance(found, np.ndarray) else found

    def __setitem__(self, index, value):
        self.array[self._at(index, "write")] = value

    def atomic(self, index, change):
        at = self._at(index, "atomic")
        self.array[at] = change(self.array[at])

    def _at(self, index, how):
        index = index if isinstance(index, tuple) else (index,)
        if any(isinstance(i, slice) for i in index):
            self.launch.fault(f"{how} {index}")
        index = tuple(map(int, index))
        if any(not 0 <= i < n for i, n in zip(index, self.shape, strict=False)):
            line = _line_of(self.launch.kernel.fn)
            self.launch.fault(f"{how} {index} of an array of {self.shape}, in line {line}")
        if len(index) == self.ndim and not self.free:
            address = self.start + sum(i * s for i, s in zip(index, self.array.strides, strict=True))
            self.launch.touch(address, how)
        elif len(index) < self.ndim and how != "read":
            self.launch.fault(f"{how} of a row")
        return index
