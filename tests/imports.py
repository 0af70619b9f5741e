"""The import statements of the package, read with `ast`: nothing is executed."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
# `adcompiler/ir` and `adcompiler/backends` are links to folders at the top; `rglob` does not follow them.
FOLDERS = {
    "adcompiler": ROOT / "adcompiler",
    "adcompiler.ir": ROOT / "ir",
    "adcompiler.backends": ROOT / "backends",
}


@dataclass(frozen=True)
class Import:
    """One import of one module.

    Attributes
    ----------
    importer, target : full names of modules. `from adcompiler.ir import types` has the target
        `adcompiler.ir.types`, and so has `from adcompiler.ir.types import Dim`.
    place : file:line.
    when : "import" when the statement runs with the import of its module, "call" inside a function,
        "never" under `if TYPE_CHECKING`.
    """

    importer: str
    target: str
    place: str
    when: str

    @property
    def root(self) -> str:
        """The first part of the target: the name of its distribution, more or less."""
        return self.target.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.place}: {self.importer} imports {self.target}"


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the package under its full name, each file once."""
    return {
        module_name(path.relative_to(folder), package): path
        for package, folder in FOLDERS.items()
        for path in sorted(folder.rglob("*.py"))
    }


@cache
def package_imports() -> tuple[Import, ...]:
    """Every import statement of the package."""
    return tuple(found for name, path in modules().items() for found in imports_of_file(name, path))


def imports_of_file(module: str, path: Path) -> Iterator[Import]:
    """The imports of one file under ROOT, which is known as `module`."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return imports_of_source(path.read_text(encoding="utf-8"), module, package, str(path.relative_to(ROOT)))


def imports_of_source(source: str, module: str, package: str, file: str) -> Iterator[Import]:
    """The imports of one source text; relative ones are resolved against `package`."""
    for statement, when in _import_statements(ast.parse(source), "import"):
        for target in _targets(statement, package):
            yield Import(module, target, f"{file}:{statement.lineno}", when)


def module_name(relative: Path, package: str) -> str:
    """The full name of a module, from where its file lies in a package."""
    parts = relative.with_suffix("").parts
    return ".".join((package, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _import_statements(node: ast.AST, when: str) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, when
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        when = "call"
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        when = "never"
    for child in ast.iter_child_nodes(node):
        yield from _import_statements(child, when)


def _targets(statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    base = statement.module or ""
    if statement.level:
        parents = package.split(".")
        base = ".".join(filter(None, (*parents[: len(parents) - statement.level + 1], base)))
    for alias in statement.names:
        submodule = f"{base}.{alias.name}"
        yield submodule if submodule in modules() else base
