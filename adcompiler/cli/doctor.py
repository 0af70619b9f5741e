"""`adcompiler doctor`: what the compiler stands on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from adcompiler import __version__
from adcompiler.backends.cuda.device import toolkit
from adcompiler.backends.storage import folder, stored
from adcompiler.backends.threads import layer
from adcompiler.ir.errors import ArgumentError

from .options import as_json
from .output import print_json, table

NEEDED = ("numpy", "numba", "llvmlite", "scipy", "sympy", "mpmath", "optree", "click")
OPTIONAL = ("matplotlib", "numba-cuda")


@click.command()
@as_json
def doctor(json: bool) -> None:
    """Print versions, libraries, threads, CUDA devices and the cache folder.

    The exit code is 1 if something is missing that the compiler needs.
    """
    packages = {name: _version(name) for name in (*NEEDED, *OPTIONAL)}
    cache = _cache()
    problems = [f"{name} is not installed" for name in NEEDED if packages[name] is None]
    if isinstance(cache, str):
        problems.append(cache)
    found = {
        "adcompiler": __version__,
        "python": platform.python_version(),
        "packages": packages,
        "blas": _blas() if packages["scipy"] else None,
        "threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threading_layer": _threading_layer() if packages["numba"] else None,
        "cuda": {"devices": toolkit.devices(), **toolkit.versions(), "missing": toolkit.missing()},
        "cache": None if isinstance(cache, str) else cache,
        "problems": problems,
    }
    if json:
        print_json(found)
    else:
        click.echo("\n".join(table(list(_rows(found)))))
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)


def _rows(found: dict[str, Any]) -> Iterator[list[str]]:
    yield ["adcompiler", found["adcompiler"]]
    yield ["python", found["python"]]
    for name, installed in found["packages"].items():
        yield [name, installed or "not installed"]
    yield ["BLAS", found["blas"] or "unknown"]
    yield ["threads", f"{found['threads']}, {found['threading_layer'] or 'no threading layer'}"]
    cuda = found["cuda"]
    yield ["CUDA", ", ".join(cuda["devices"]) or "no device"]
    yield from (["", f"{part} {cuda[part]}"] for part in ("driver", "toolkit") if part in cuda)
    if cuda["missing"] is not None:
        yield ["", cuda["missing"]]
    cache = found["cache"]
    if cache is None:
        yield ["cache", "none"]
    else:
        yield ["cache", cache["folder"]]
        yield ["", f"{cache['modules']} modules, {cache['bytes'] / 2**20:.1f} MiB"]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _blas() -> str | None:
    """The BLAS that compiled code calls: SciPy's."""
    import scipy

    built: Any = scipy.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return f"{blas['name']} {blas.get('version', '')}".strip() if "name" in blas else None


def _threading_layer() -> str | None:
    """The layer of Numba's that compiled code uses."""
    found = layer()
    return found.name if found else None


def _cache() -> dict[str, Any] | str:
    """The folder of generated modules and their machine code, or why it cannot be used."""
    try:
        path = folder()
    except ArgumentError as error:
        return error.message
    if not os.access(path, os.W_OK):
        return f"the cache folder {path} cannot be written to"
    modules = stored(path)
    return {"folder": str(path), "modules": len(modules), "bytes": sum(m.bytes for m in modules)}
