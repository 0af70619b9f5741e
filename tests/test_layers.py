"""Imports go down only: the layers of the compiler, as its import statements have them."""

import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from imports import ROOT, Import, imports_of_file, imports_of_source, modules, package_imports

# What lies directly beneath each layer; a layer may import all that can be reached from it, and itself.
BENEATH = {
    "command line": ["benchmarking"],
    "benchmarking": ["face"],
    "face": ["api"],
    "api": ["programs"],
    "programs": ["frontend", "pipeline"],
    "frontend": ["ops"],
    "pipeline": ["checkpointing", "verification", "backends"],
    "transforms": ["ops"],
    "checkpointing": ["transforms"],
    "verification": ["ops"],
    "backends": ["ops"],
    "ops": ["language", "schedules"],
    "schedules": [],
    "language": ["records"],
    "records": ["ground"],
    "ground": [],
}
# A module has the layer of the longest name that it is or lies in; "adcompiler" stands for itself only.
LAYERS = {
    "adcompiler": "face",
    "adcompiler.__main__": "command line",
    "adcompiler.cli": "command line",
    "adcompiler.benchmarking": "benchmarking",
    "adcompiler.api": "api",
    "adcompiler.gradient_function": "api",
    "adcompiler.vectorised": "api",
    "adcompiler.nested": "programs",
    "adcompiler.programs": "programs",
    "adcompiler.memory": "programs",
    "adcompiler.explanations": "programs",
    "adcompiler.out_arrays": "programs",
    "adcompiler.structures": "programs",
    "adcompiler.differentiation": "programs",
    "adcompiler.directions": "programs",
    "adcompiler.gradient_checks": "programs",
    "adcompiler.frontend": "frontend",
    "adcompiler.pipeline": "pipeline",
    "adcompiler.warmup": "pipeline",
    "adcompiler.transforms": "transforms",
    "adcompiler.recomputed": "programs",
    "adcompiler.checkpointing": "checkpointing",
    "adcompiler.checkpointing.annotation": "language",
    "adcompiler.checkpointing.plans": "language",
    "adcompiler.schedules": "schedules",
    "adcompiler.planned": "programs",
    "adcompiler.verification": "verification",
    "adcompiler.backends": "backends",
    "adcompiler.ir": "ops",
    "adcompiler.ir.build": "language",
    "adcompiler.ir.evaluate": "language",
    "adcompiler.ir.text": "language",
    "adcompiler.ir.check": "language",
    "adcompiler.ir.sums": "language",
    "adcompiler.ir.parse": "language",
    "adcompiler.ir.tokens": "language",
    "adcompiler.ir.literals": "language",
    "adcompiler.ir.equality": "language",
    "adcompiler.ir.accesses": "language",
    "adcompiler.ir.cost": "language",
    "adcompiler.ir.affine": "language",
    "adcompiler.ir.graph": "records",
    "adcompiler.ir.loops": "records",
    "adcompiler.ir.op": "records",
    "adcompiler.ir.types": "ground",
    "adcompiler.ir.errors": "ground",
}
# Slow to load: imported inside the functions that need them.
HEAVY = {"click", "cuda", "llvmlite", "matplotlib", "ml_dtypes", "mpmath", "numba", "scipy", "sympy"}


def layer(module: str) -> str | None:
    """The layer of a module of the package; None where the table above has none."""
    name = module
    while name not in LAYERS:
        name = name.rpartition(".")[0]
    return None if name == "adcompiler" != module else LAYERS[name]


def reachable(start: str) -> set[str]:
    """A layer with all that lies beneath it."""
    return {start}.union(*(reachable(below) for below in BENEATH[start]))


def upward(found: Import) -> bool:
    """Whether an import leaves its layer for one that is not beneath it."""
    return found.root == "adcompiler" and layer(found.target) not in reachable(layer(found.importer))


def heavy(found: Import) -> bool:
    """Whether an import loads a slow package together with its module.

    Nothing imports the command line, so it may be written with click's decorators; what compiles with Numba
    imports `backends.compiler`, whose classes are made of Numba's.
    """
    click = found.root == "click" and layer(found.importer) == "command line"
    allowed = click or (found.root == "numba" and found.importer == "adcompiler.backends.compiler")
    return found.when == "import" and found.root in HEAVY and not allowed


def bare(found: Import) -> bool:
    """Whether an import reaches for `ir/` or `backends/` past the package: classes would be loaded twice."""
    return found.root in {"ir", "backends"}


def test_every_module_has_a_layer():
    assert [module for module in modules() if layer(module) is None] == []


def test_imports_go_down():
    assert [str(found) for found in package_imports() if upward(found)] == []


def test_no_module_imports_itself_through_others():
    graph = {module: set() for module in modules()}
    for found in package_imports():
        if found.target in graph and found.when != "never":
            graph[found.importer].add(found.target)
    assert set(TopologicalSorter(graph).static_order()) == set(graph)


def test_heavy_packages_are_imported_where_they_are_needed():
    assert [str(found) for found in package_imports() if heavy(found)] == []


def test_importing_the_package_loads_no_heavy_package():
    script = "import sys, adcompiler; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "adcompiler" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()


def test_ir_and_backends_are_imported_through_the_package_only():
    folders = [ROOT / "tests", ROOT / "examples", ROOT / "benchmarks"]
    outside = [path for folder in folders for path in folder.rglob("*.py")]
    elsewhere = [found for path in outside for found in imports_of_file(path.stem, path)]
    assert "test_layers" in {found.importer for found in elsewhere}
    assert [str(found) for found in (*package_imports(), *elsewhere) if bare(found)] == []


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("adcompiler.ir.types", "from .graph import Value"),
        ("adcompiler.ir.op", "from adcompiler.ir import build"),
        ("adcompiler.ir.build", "from adcompiler.ir import OPS"),
        ("adcompiler.ir.text", "from .ops import OPS"),
        ("adcompiler.ir.ops.control", "from ...transforms import reverse"),
        ("adcompiler.transforms.reverse", "def late():\n    import adcompiler.backends.source"),
        ("adcompiler.transforms.reverse", "from ..checkpointing import schedules"),
        ("adcompiler.backends.source", "from adcompiler.transforms import dce"),
        ("adcompiler.frontend.trace", "from adcompiler.pipeline import compile"),
        ("adcompiler.verification.report", "if TYPE_CHECKING:\n    from adcompiler import adjoint"),
    ],
)
def test_an_upward_import_is_seen(module, statement):
    assert all(upward(found) for found in planted(module, statement))


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("adcompiler.cli", "from adcompiler.ir.errors import AdcompilerError"),
        ("adcompiler.pipeline", "from adcompiler.backends.source import write"),
        ("adcompiler.backends.source", "from ..ir import graph, op"),
        ("adcompiler.ir.ops.control", "from ..build import emit\nfrom .shape import reshape\nimport numpy"),
    ],
)
def test_a_downward_import_is_allowed(module, statement):
    assert not any(upward(found) for found in planted(module, statement))


def test_only_imports_that_run_with_the_module_are_heavy():
    source = """
import numba.core
if TYPE_CHECKING:
    import sympy
def later():
    import scipy
class Now:
    from llvmlite import ir
"""
    early = [found.root for found in planted("adcompiler.api", source) if heavy(found)]
    assert early == ["numba", "llvmlite"]
    assert not any(heavy(found) for found in planted("adcompiler.cli", "import click"))


def test_a_bare_import_is_seen():
    source = "import ir.types, numpy\nfrom backends import source\nfrom . import ir\nfrom llvmlite import ir"
    assert [bare(found) for found in planted("adcompiler.api", source)] == [True, False, True, False, False]


def planted(module: str, source: str) -> list[Import]:
    """The imports of a source text, as if it stood in that module."""
    found = list(imports_of_source(source, module, module.rpartition(".")[0], "planted.py"))
    assert found
    return found
