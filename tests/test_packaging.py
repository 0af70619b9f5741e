"""What a wheel and an sdist would hold, asked of the build backend without building."""

import os
import re
import sys
import tomllib

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from imports import ROOT, modules, package_imports

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What the extras bring, under the names by which it is imported.
OPTIONAL = {"cuda", "matplotlib", "ml_dtypes"}


def contents(builder):
    """The paths inside the archive, a list so that doubles show."""
    return sorted(file.distribution_path for file in builder(str(ROOT)).recurse_included_files())


def names(requirements):
    """The distributions of a list of requirements."""
    return {re.match(r"[\w-]+", requirement).group() for requirement in requirements}


def as_packed(module):
    """Where the file of a module lies in site-packages."""
    folder = module.replace(".", "/")
    return f"{folder}/__init__.py" if modules()[module].name == "__init__.py" else f"{folder}.py"


@pytest.mark.parametrize("name", ["ir", "backends"])
def test_the_links_are_relative_links_to_the_top(name):
    assert os.readlink(ROOT / "adcompiler" / name) == f"../{name}"
    assert (ROOT / name).is_dir() and not (ROOT / name).is_symlink()


def test_the_wheel_has_one_name_at_the_top():
    assert {path.partition("/")[0] for path in contents(WheelBuilder)} == {"adcompiler"}


@pytest.mark.parametrize("builder", [WheelBuilder, SdistBuilder])
def test_archives_hold_every_module_once(builder):
    packed = contents(builder)
    assert len(packed) == len(set(packed))
    assert {as_packed(module) for module in modules()} | {"adcompiler/py.typed"} <= set(packed)


def test_the_wheel_holds_no_module_that_the_layers_do_not_know():
    packed = {path for path in contents(WheelBuilder) if path.endswith(".py")}
    examples = {path for path in packed if path.startswith("adcompiler/examples/")}
    assert packed - examples == {as_packed(module) for module in modules()}


def test_the_wheel_holds_the_demonstration_and_its_data():
    demonstration = {"adcompiler/examples/lotka_volterra.py", "adcompiler/examples/data/hudson_bay.csv"}
    assert demonstration <= set(contents(WheelBuilder))


def test_the_package_imports_only_what_it_declares():
    allowed = {"adcompiler", *names(PROJECT["dependencies"]), *OPTIONAL, *sys.stdlib_module_names}
    assert [str(found) for found in package_imports() if found.root not in allowed] == []


def test_no_dependency_is_pinned():
    extras = PROJECT["optional-dependencies"].values()
    requirements = [requirement for group in (PROJECT["dependencies"], *extras) for requirement in group]
    assert [requirement for requirement in requirements if re.search("==|<|~=|@|://", requirement)] == []
