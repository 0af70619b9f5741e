"""Generated modules on disk, as readable Python that Numba's own cache of machine code works with.

A module's file name holds a hash of all that its machine code depends on: its code, every file of this folder (Numba
does not see that a function it inlined was edited), the versions of what compiles it, and the CPU. So a file is never
stale, and another process finds the machine code beside it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

BACKENDS = Path(__file__).parent

PASTED = 16
"""Elements up to which a constant array is written into the source."""

_counts = {"compilations": 0}


def compilations() -> int:
    """How often Numba compiled a generated function in this process; what it found on disk does not count."""
    return _counts["compilations"]


def folder() -> Path:
    """The user's cache folder, or ADCOMPILER_CACHE_DIR; made where it is not there, for this user alone."""
    from platformdirs import user_cache_path

    named = os.environ.get("ADCOMPILER_CACHE_DIR")
    path = Path(named) if named else user_cache_path("adcompiler")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.resolve()


def backend_files() -> dict[str, bytes]:
    """The source of every file of this folder."""
    return {path.name: path.read_bytes() for path in sorted(BACKENDS.glob("*.py"))}


@cache
def surroundings() -> str:
    """What code is compiled by and for: versions, Python, and the CPU with its features."""
    import llvmlite.binding as llvm

    packages = [f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy", "scipy")]
    features = llvm.get_host_cpu_features().flatten()
    return "\n".join([sys.version, *packages, llvm.get_host_cpu_name(), features])


def key(code: str, arrays: Mapping[str, Any], machine: bool = True) -> str:
    """The hash of all that a generated module depends on; without `machine`, it is Python alone."""
    digest = hashlib.sha256(surroundings().encode() if machine else b"")
    for name, content in backend_files().items():
        digest.update(f"\n{name}\n".encode() + content)
    digest.update(code.encode())
    for name, data in arrays.items():
        digest.update(f"\n{name} {data.dtype.str} {data.shape}\n".encode() + np.ascontiguousarray(data).tobytes())
    return digest.hexdigest()[:24]


def load(name: str, text: str, code: str, arrays: Mapping[str, Any], *, machine: bool = True) -> ModuleType:
    """Write a module, where it is not there yet, and import it.

    `code` is the text without comments: lines of the user's that move do not compile anything anew. `arrays` become
    globals of the module; large ones lie beside it as `.npy` files.
    """
    stem = f"{name}_{key(code, arrays, machine)}"
    qualified = f"adcompiler_generated_{stem}"
    if qualified in sys.modules:
        return sys.modules[qualified]
    path = folder() / f"{stem}.py"
    files = _array_files(stem, arrays)
    for file, data in files.items():
        if not (path.parent / file).exists():
            _write(path.parent / file, lambda out, data=data: np.save(out, data, allow_pickle=False))  # type: ignore[misc]
    if not path.exists():
        content = text + _array_source(stem, arrays)
        _write(path, lambda out: out.write(content.encode()))
    return _imported(qualified, path)


def _array_files(stem: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{stem}_{name}.npy": data for name, data in arrays.items() if data.size > PASTED}


def _array_source(stem: str, arrays: Mapping[str, Any]) -> str:
    """The definitions of constant arrays at the end of a module."""
    lines = []
    for name, data in arrays.items():
        if data.size > PASTED:
            lines.append(f'{name} = np.load(__file__.removesuffix("{stem}.py") + "{stem}_{name}.npy")')
        else:
            values = ", ".join(_exact(x) for x in data.ravel())
            lines.append(f"{name} = np.array([{values}], np.{data.dtype.name}).reshape({data.shape})")
    return "\n\n" + "\n".join(lines) + "\n" if lines else ""


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
    """Compile a Numba function for one signature, or find it on disk; it will take nothing else afterwards."""
    if kernel.signatures:
        return
    kernel.compile(signature)
    kernel.disable_compile()
    _counts["compilations"] += sum(kernel.stats.cache_misses.values())
