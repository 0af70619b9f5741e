"""Where snapshots lie that a program's own memory has no room for, for the time of one call.

A store gives arrays that the program writes and reads as it likes. Their contents end with the call, however
it ends.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from adcompiler.ir.errors import PlanError
from adcompiler.ir.types import DType

Array = NDArray[Any]


class Store(Protocol):
    """What gives arrays to a call.

    `price` is how many floating-point operations a byte counts as that is written there, or read.
    """

    price: ClassVar[int]

    def array(self, dtype: DType, elements: int) -> AbstractContextManager[Array]:
        """An array of so many elements, C-contiguous and filled with anything, until the context ends.

        PlanError where there is no room for it.
        """


@dataclass(frozen=True)
class Request:
    """An array of so many elements of a store."""

    store: Store
    dtype: DType
    elements: int


@contextmanager
def lent(requests: Iterable[Request]) -> Iterator[list[Array]]:
    """All arrays that a call needs, or none."""
    with ExitStack() as stack:
        yield [stack.enter_context(r.store.array(r.dtype, r.elements)) for r in requests]


@dataclass(frozen=True)
class Disk:
    """Files in a folder, mapped into memory: the system writes them out as it needs their pages.

    A file has no name, so it is gone even where the process is killed. Its space is reserved before it is
    used: a write into a mapping for which a full disk has no room would end the process.
    """

    price: ClassVar[int] = 1
    folder: str | Path

    @contextmanager
    def array(self, dtype: DType, elements: int) -> Iterator[Array]:
        """See `Store`."""
        if not elements:
            yield np.empty(0, dtype.numpy)
            return
        mapping = self._mapping(elements * dtype.itemsize)
        try:
            yield np.frombuffer(mapping, dtype.numpy)
        finally:
            # a traceback may keep the array: then it holds no space
            with suppress(OSError):
                mapping.madvise(mmap.MADV_REMOVE)

    def _mapping(self, nbytes: int) -> mmap.mmap:
        try:
            with tempfile.TemporaryFile(dir=self.folder) as file:
                os.posix_fallocate(file.fileno(), 0, nbytes)
                return mmap.mmap(file.fileno(), nbytes)
        except OSError as error:
            raise self._refused(error, nbytes) from error

    def _refused(self, error: OSError, nbytes: int) -> PlanError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return PlanError(
                f"snapshots take {nbytes:,} bytes on disk, and {self.folder} has no room for them",
                hint="make room, name a folder on another disk, or allow more memory",
            )
        return PlanError(
            f"snapshots of {nbytes:,} bytes cannot be kept in {self.folder}: {error.strerror}",
            hint="disk= names a folder that exists and that this process may write to",
        )
