"""What all tests share: Hypothesis profiles, one cache folder a run, golden texts."""

import os
from pathlib import Path

import hypothesis
import pytest
from roundtrip import assert_round_trip

from adcompiler.pipeline import watching

GOLDEN = Path(__file__).parent / "golden"

# Compiling takes seconds, so no deadline; continuous integration repeats the same examples every time.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("integration", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("integration" if os.environ.get("CI") else "local")


def pytest_addoption(parser):
    parser.addoption("--update-golden", action="store_true", help="renew the texts in tests/golden")


@pytest.fixture(scope="session", autouse=True)
def environment(tmp_path_factory):
    """A fresh cache folder, one for all workers of a run, and the verifier on after every pass."""
    run = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        run = run.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADCOMPILER_CACHE_DIR", str(run / "adcompiler-cache"))
        patch.setenv("ADCOMPILER_CHECK", "1")
        yield


@pytest.fixture(scope="session", autouse=True)
def round_trip():
    """Every Function that the compiler makes in any test keeps what it owes its text."""
    rewriting = {"simplify", "cse", "dce"}
    with watching(lambda name, function: assert_round_trip(function, evaluated=name not in rewriting)):
        yield


@pytest.fixture
def golden(request):
    """Compare a text with tests/golden/NAME.txt; `pytest --update-golden` writes it there instead."""
    renew = request.config.getoption("--update-golden")

    def compare(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        if renew:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        if not path.exists():
            pytest.fail(f"{path} does not exist; `pytest --update-golden` writes it")
        assert text + "\n" == path.read_text(encoding="utf-8")

    return compare
