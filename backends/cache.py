"""Generated modules, and the machine code that Numba makes of them, kept for other processes.

The name of a module holds a hash of all that its machine code depends on: its code, the types that it is
compiled for, every file of this folder and of `schedules` (Numba does not see that a function it inlined was
edited), the versions of what compiles it, what Numba is set to, and the CPU. So nothing on disk is ever
stale. What runs is the source that was generated here; the file in the cache folder is for people and
debuggers. Numba's own cache is not used, as it runs what was damaged: `MachineCode` stands where Numba
expects it.
"""

from __future__ import annotations

import hashlib
import linecache
import pickle
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .. import schedules
from . import storage
from .source import Line, render

FOLDERS = {"": Path(__file__).parent, "schedules": Path(schedules.__file__).parent}
"""Where the functions are that kernels are made of or call."""

PASTED = 16
"""Elements up to which a constant array is written into the source."""

SETTINGS = (
    *("OPT", "CPU_NAME", "CPU_FEATURES", "ENABLE_AVX", "LOOP_VECTORIZE", "SLP_VECTORIZE", "USING_SVML"),
    *("BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LLVM_REFPRUNE_PASS", "LLVM_REFPRUNE_FLAGS"),
)
"""What may be set in Numba that changes its machine code."""

_counts = {"compilations": 0}
_loading = threading.Lock()
_compiling = threading.Lock()
"""Held while Numba compiles, which it does one function at a time anyway."""


def compilations() -> int:
    """How often Numba compiled a generated function in this process; what it found on disk does not count."""
    return _counts["compilations"]


# ---- what machine code depends on ----


@cache
def backend_files() -> dict[str, bytes]:
    """The source of every file of this folder, of those inside it, and of `schedules`."""
    return {
        str(Path(name, path.relative_to(folder))): path.read_bytes()
        for name, folder in FOLDERS.items()
        for path in sorted(folder.rglob("*.py"))
    }


@cache
def surroundings() -> str:
    """What code is compiled by and for: versions, settings, Python, and the CPU with its features."""
    import llvmlite
    import llvmlite.binding as llvm
    import numba
    from numba.core import config

    versions = [numba.__version__, llvmlite.__version__, np.__version__, version("scipy")]
    settings = [f"{name}={getattr(config, name, None)}" for name in SETTINGS]
    features = llvm.get_host_cpu_features().flatten()
    return "\n".join([sys.version, *versions, *settings, llvm.get_host_cpu_name(), features])


def environment(compiled: bool) -> str:
    """The subfolder of modules that are compiled here and now, or of those that hold no machine code."""
    digest = hashlib.sha256(surroundings().encode() if compiled else b"")
    for name, content in backend_files().items():
        digest.update(f"\n{name}\n".encode() + content)
    return f"{'numba' if compiled else 'numpy'}-{digest.hexdigest()[:16]}"


# ---- modules ----


@dataclass(frozen=True)
class Generated:
    """A module as source.

    `types` says what it is compiled for. `arrays` are constants that become its globals. One that holds no
    machine code (`compiled` False) does not depend on what compiles it.
    """

    name: str
    lines: Sequence[Line]
    arrays: Mapping[str, Any]
    types: str = ""
    compiled: bool = True

    @cached_property
    def source(self) -> str:
        """The whole text."""
        return render([*self.lines, *_definitions(self.arrays)])

    @cached_property
    def place(self) -> Path:
        """Where its source lies in the cache folder; the name holds the hash of all that it depends on."""
        where = environment(self.compiled)
        code = render([*self.lines, *_definitions(self.arrays)], comments=False)
        digest = hashlib.sha256(f"{where}\n{self.types}\n{code}".encode())
        for data in self._large.values():
            digest.update(np.ascontiguousarray(data).tobytes())
        return Path(where, f"{self.name[:60]}_{digest.hexdigest()[:24]}.py")

    @property
    def _large(self) -> dict[str, Any]:
        return {name: data for name, data in self.arrays.items() if data.size > PASTED}

    def load(self) -> ModuleType:
        """The module, run once in a process; its source is put into the cache folder."""
        name = f"adcompiler_generated_{self.place.stem}"
        with _loading:
            if name not in sys.modules:
                self._run(ModuleType(name))
            return sys.modules[name]

    def _run(self, module: ModuleType) -> None:
        """Run the source as this module; errors and debuggers show its lines, also where there is no file."""
        path = str(storage.folder_name() / self.place)
        code = self.source.encode()
        if storage.read(self.place) != code and not storage.keep(self.place, code):
            linecache.cache[path] = (len(code), None, self.source.splitlines(keepends=True), path)
        module.__dict__.update(self._large, __file__=path)
        sys.modules[module.__name__] = module
        try:
            exec(compile(code, path, "exec"), module.__dict__)
        except BaseException:
            del sys.modules[module.__name__]
            raise

    def kernel(self, name: str, signature: tuple[Any, ...]) -> Any:
        """One of its Numba functions, compiled for one signature or found on disk."""
        kernel = getattr(self.load(), name)
        compile_kernel(kernel, signature, self.place.with_suffix(f".{name}.code"))
        return kernel


def _definitions(arrays: Mapping[str, Any]) -> list[Line]:
    """Constant arrays at the end of a module: large ones are there before it runs."""
    lines = [Line(""), Line("")] if arrays else []
    for name, data in arrays.items():
        kind = f"{data.dtype.name}{list(data.shape)}"
        if data.size > PASTED:
            lines.append(Line(f"{name}: np.ndarray", comment=f"{kind}, set by who runs this"))
        else:
            values = ", ".join(_exact(x) for x in data.ravel())
            text = f"np.array([{values}], np.{data.dtype.name}).reshape({data.shape})"
            lines.append(Line(f"{name} = {text}"))
    return lines


def _exact(x: Any) -> str:
    if x.dtype.kind != "f":
        return str(x.item())
    return repr(float(x)) if np.isfinite(x) else f'float("{float(x)}")'


# ---- machine code ----


class MachineCode:
    """What a Numba function asks for compiled code before it compiles, and hands it to after that.

    It has the methods of Numba's `_Cache`, for one function and one signature.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.cache_path = str(place.parent)

    def load_overload(self, signature: Any, target: Any) -> Any:
        """What another process compiled; None where there is nothing, or a damaged file."""
        from numba.core.compiler import CompileResult

        target.refresh()
        content = storage.read_sealed(self.place)
        return None if content is None else CompileResult._rebuild(target, *pickle.loads(content))

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what was compiled, unless it holds addresses of this process."""
        from numba.core.serialize import dumps

        if not result.library.has_dynamic_globals:
            storage.keep_sealed(self.place, dumps(result._reduce()))


def compile_kernel(kernel: Any, signature: tuple[Any, ...], place: Path) -> None:
    """Compile a Numba function for one signature, or find it on disk; it will take nothing else."""
    from .compiler import take_over

    with _compiling:
        if kernel.signatures:
            return
        kernel._cache = MachineCode(place)
        take_over(kernel)
        kernel.compile(signature)
        kernel.disable_compile()
        _counts["compilations"] += sum(kernel.stats.cache_misses.values())
