"""Generated modules on disk, as readable Python that Numba's own cache of machine code works with.

A module's file name holds a hash of all that its machine code depends on: its code, every file of this
folder (Numba does not see that a function it inlined was edited), the versions of what compiles it, and the
CPU. So a file is never stale, and another process finds the machine code beside it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..ir.errors import ArgumentError
from .source import Line, render

BACKENDS = Path(__file__).parent

PASTED = 16
"""Elements up to which a constant array is written into the source."""

_counts = {"compilations": 0}
_LOCK = threading.RLock()
"""Held while a module is loaded or compiled: of threads that want one at once the first makes it."""


def compilations() -> int:
    """How often Numba compiled a generated function in this process; what it found on disk does not count."""
    return _counts["compilations"]


def folder() -> Path:
    """The user's cache folder, or ADCOMPILER_CACHE_DIR; made where it is not there, for this user alone."""
    from platformdirs import user_cache_path

    named = os.environ.get("ADCOMPILER_CACHE_DIR")
    path = Path(named) if named else user_cache_path("adcompiler")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(
            f"the cache folder {path} cannot be made: {error.strerror}",
            hint="set ADCOMPILER_CACHE_DIR to a folder that can be written",
        ) from None
    return path.resolve()


def backend_files() -> dict[str, bytes]:
    """The source of every file of this folder, and of those inside it."""
    return {str(path.relative_to(BACKENDS)): path.read_bytes() for path in sorted(BACKENDS.rglob("*.py"))}


@cache
def surroundings() -> str:
    """What code is compiled by and for: versions, Python, and the CPU with its features."""
    import llvmlite.binding as llvm

    packages = [f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy", "scipy")]
    features = llvm.get_host_cpu_features().flatten()
    return "\n".join([sys.version, *packages, llvm.get_host_cpu_name(), features])


@dataclass(frozen=True)
class Generated:
    """A module as source.

    `arrays` are constants that become its globals. One that holds no machine code (`compiled` False) does not
    depend on what compiles it.
    """

    name: str
    lines: Sequence[Line]
    arrays: Mapping[str, Any]
    compiled: bool = True

    @cached_property
    def source(self) -> str:
        """The whole text."""
        return render([*self.lines, *_definitions(self.arrays)])

    @cached_property
    def _code(self) -> str:
        """The text without comments: lines of the user's that move compile nothing anew."""
        return render([*self.lines, *_definitions(self.arrays)], comments=False)

    def key(self) -> str:
        """The hash of all that it depends on."""
        digest = hashlib.sha256(surroundings().encode() if self.compiled else b"")
        for name, content in backend_files().items():
            digest.update(f"\n{name}\n".encode() + content)
        digest.update(self._code.encode())
        for data in _large(self.arrays).values():
            digest.update(np.ascontiguousarray(data).tobytes())
        return digest.hexdigest()[:24]

    def load(self) -> ModuleType:
        """Write the module, where it is not there yet, and import it."""
        with _LOCK:
            return self._loaded()

    def _loaded(self) -> ModuleType:
        stem = f"{self.name[:60]}_{self.key()}"
        qualified = f"adcompiler_generated_{stem}"
        if qualified in sys.modules:
            return sys.modules[qualified]
        path = folder() / f"{stem}.py"
        for name, data in _large(self.arrays).items():
            _write(path.with_name(f"{stem}_{name}.npy"), partial(np.save, arr=data, allow_pickle=False))
        if not path.exists():
            _write(path, lambda out: out.write(self.source.encode()))
        return _imported(qualified, path)


def _large(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays that lie in files of their own beside the module."""
    return {name: data for name, data in arrays.items() if data.size > PASTED}


def _definitions(arrays: Mapping[str, Any]) -> list[Line]:
    """Constant arrays at the end of a module."""
    lines = [Line(""), Line("")] if arrays else []
    for name, data in arrays.items():
        kind = f"{data.dtype.name}{list(data.shape)}"
        if data.size > PASTED:
            text = f'np.load(__file__.removesuffix(".py") + "_{name}.npy")  # {kind}'
        else:
            values = ", ".join(_exact(x) for x in data.ravel())
            text = f"np.array([{values}], np.{data.dtype.name}).reshape({data.shape})"
        lines.append(Line(f"{name} = {text}"))
    return lines


def _exact(x: Any) -> str:
    if x.dtype.kind != "f":
        return str(x.item())
    return repr(float(x)) if np.isfinite(x) else f'float("{float(x)}")'


def _write(path: Path, fill: Callable[[Any], object]) -> None:
    """Write a file at once: nobody sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as out:
        fill(out)
    os.replace(temporary, path)


def _imported(qualified: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(qualified, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[qualified]
        raise
    return module


def compile_kernel(kernel: Any, signature: tuple[Any, ...]) -> None:
    """Compile a Numba function for one signature, or find it on disk; it will take nothing else."""
    with _LOCK:
        if kernel.signatures:
            return
        kernel.compile(signature)
        kernel.disable_compile()
        _counts["compilations"] += sum(kernel.stats.cache_misses.values())
