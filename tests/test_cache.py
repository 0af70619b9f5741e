"""The cache: never stale, never half there, never what others wrote, never in the way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backend_cases import program
from scipy.special import digamma

from adcompiler import grad
from adcompiler.backends import cache, numba_backend, storage
from adcompiler.backends.compiled import Options
from adcompiler.ir.errors import ArgumentError
from adcompiler.ir.ops.trigonometric import sin

ROOT = Path(__file__).parents[1]
SCRIPT = """
from scipy.special import gammaln
from adcompiler import compilations, grad

def log_gamma(x):
    return gammaln(x)

print(repr(float(grad(log_gamma)(30.0))), compilations())
"""


def run(folder: Path) -> tuple[float, int]:
    """The script in a process of its own, with the copy of the package that lies in this folder."""
    env = {**os.environ, "PYTHONPATH": str(folder), "ADCOMPILER_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    value, compiled = done.stdout.split()
    return float(value), int(compiled)


def test_an_edit_of_one_constant_in_a_backend_is_seen(tmp_path):
    shutil.copytree(ROOT / "adcompiler", tmp_path / "adcompiler", symlinks=False)
    (tmp_path / "script.py").write_text(SCRIPT)
    first, compiled = run(tmp_path)
    assert compiled == 1 and first == pytest.approx(digamma(30.0), rel=1e-14)
    assert run(tmp_path) == (first, 0)
    special = tmp_path / "adcompiler" / "backends" / "special.py"
    text = special.read_text()
    assert text.count("- 0.5 / x - series") == 1
    special.write_text(text.replace("- 0.5 / x - series", "- 0.25 / x - series"))
    changed, compiled = run(tmp_path)
    assert compiled == 1 and abs(changed - first - 0.25 / 30) < 1e-12


def test_files_in_folders_of_the_backends_are_seen():
    files = {path.relative_to(ROOT / "backends").as_posix() for path in (ROOT / "backends").rglob("*.py")}
    files |= {f"schedules/{path.name}" for path in (ROOT / "adcompiler" / "schedules").glob("*.py")}
    assert files == {Path(name).as_posix() for name in cache.backend_files()}
    assert {"schedules/binomial.py", "vecmath/exponentials.py"} < files


# ---- files ----

SINE = program("sine", lambda x: [sin(x)], sizes=(), x=("f64",))
X = np.float64(0.3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder; nothing was warned of so far."""
    monkeypatch.setenv("ADCOMPILER_CACHE_DIR", str(tmp_path / "cache"))
    storage._warn.cache_clear()
    return tmp_path / "cache"


def compiled_afresh(function=SINE, x=X):
    """The result, and the number of compilations, of a process that has not loaded the module yet."""
    for name in [name for name in sys.modules if name.startswith("adcompiler_generated_")]:
        del sys.modules[name]
    before = cache.compilations()
    (result,) = numba_backend.compile_function(function, Options()).call(x)
    return float(result), cache.compilations() - before


def files(folder, suffix=""):
    found = [path for path in folder.rglob(f"*{suffix}") if not path.is_dir()]
    return sorted(found, key=lambda path: (path.suffix, path))


def test_what_lies_in_the_folder(folder):
    expected = float(np.sin(X))
    assert compiled_afresh() == (pytest.approx(expected, rel=1e-15), 1)
    assert compiled_afresh() == (pytest.approx(expected, rel=1e-15), 0)
    code, source = files(folder)
    assert (code.suffix, source.suffix) == (".code", ".py")
    assert {path.stat().st_mode & 0o777 for path in (folder, code.parent)} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in (code, source)} == {0o600}


def _flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "one byte more": lambda content: content + b"\0",
    "one bit": _flipped,
    "garbage": lambda content: bytes(range(256)) * (len(content) // 256),
    "a valid pickle": lambda content: content[:32] + b"N.",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", [".code", ".py"])
def test_a_damaged_file_is_made_anew(folder, kind, damage):
    expected, _ = compiled_afresh()
    (path,) = files(folder, kind)
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    assert compiled_afresh() == (expected, int(kind == ".code"))
    assert kind == ".code" or path.read_bytes() == whole
    assert compiled_afresh() == (expected, 0)


def test_the_code_of_another_function_is_not_run(folder):
    shifted = program("shifted", lambda x: [sin(x + 1.0)], sizes=(), x=("f64",))
    expected, _ = compiled_afresh()
    other, _ = compiled_afresh(shifted)
    assert other != expected
    first, second = files(folder, ".code")
    shutil.copy(first, second)
    assert (compiled_afresh()[0], compiled_afresh(shifted)[0]) == (expected, other)


def test_the_same_source_for_other_types(folder):
    places = set()
    for dtype in ("f64", "f32"):
        unread = program("unread", lambda x, y: [sin(x)], sizes=(), x=("f64",), y=(dtype,))
        y = unread.body.params[1].type.dtype.numpy.type(1)
        compiled = numba_backend.compile_function(unread, Options())
        assert float(compiled.call(X, y)[0]) == pytest.approx(np.sin(X), rel=1e-15)
        places.add(compiled.source)
    assert len(places) == 1 and len(files(folder, ".code")) == 2


def test_large_constants_need_no_file(folder):
    table = np.linspace(0.0, 1.0, 1000)
    assert grad(lambda x: np.sum(table * x))(2.0) == pytest.approx(500.0)
    assert {path.suffix for path in files(folder)} == {".py", ".code"}


# ---- who may write ----


@pytest.fixture
def given_away(monkeypatch):
    """Make a file or folder that of another user: really, or, where that takes rights, as far as is seen."""

    def give(path):
        if os.geteuid() == 0:
            os.chown(path, 12345, -1)
        else:
            monkeypatch.setattr(storage.os, "geteuid", lambda: 12345)

    return give


def test_a_folder_of_another_user_is_not_used(folder, given_away):
    folder.mkdir()
    given_away(folder)
    reason = f"the cache folder {folder} belongs to another user"
    with pytest.raises(ArgumentError, match=reason):
        storage.folder()
    with pytest.warns(storage.CacheWarning) as warned:
        assert compiled_afresh() == (pytest.approx(np.sin(X)), 1)
        assert compiled_afresh() == (pytest.approx(np.sin(X)), 1)
    assert [str(w.message) for w in warned] == [
        f"what is compiled is not kept for other processes: {reason}; "
        "set ADCOMPILER_CACHE_DIR to a folder that can be written"
    ]
    assert files(folder) == []


def test_a_folder_that_others_may_write_to_is_closed(folder):
    folder.mkdir()
    folder.chmod(0o777)
    compiled_afresh()
    assert folder.stat().st_mode & 0o777 == 0o755


def _of_others(path, given_away):
    given_away(path)


def _writable(path, given_away):
    path.chmod(0o666)


def _link(path, given_away):
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("plant", [_of_others, _writable, _link])
def test_code_that_others_can_have_planted_is_not_run(folder, given_away, monkeypatch, plant):
    expected, _ = compiled_afresh()
    (code,) = files(folder, ".code")
    with monkeypatch.context() as patch:
        plant(code, given_away)
        assert storage.read_sealed(code.relative_to(folder)) is None
        patch.undo()
    assert compiled_afresh()[0] == expected


def test_a_link_in_place_of_the_subfolder_is_not_followed(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir()
    (folder / cache.environment(True)).symlink_to(tmp_path / "elsewhere")
    with pytest.warns(storage.CacheWarning, match="is not a folder"):
        assert compiled_afresh() == (pytest.approx(np.sin(X)), 1)
    assert files(tmp_path / "elsewhere") == []


# ---- disks and processes ----

UNWRITABLE = """
import resource, warnings
import numpy as np
from adcompiler import adjoint, compilations
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
def f(x):
    assert x > 0.0, "not positive"
    return np.sin(x)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    slope, other = adjoint(f)(0.3), adjoint(lambda x: np.cos(x))(0.3)
print(float(slope), float(other), compilations(), *(str(w.message) for w in warned), sep="|")
"""


def started(code, folder):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ADCOMPILER_CACHE_DIR": str(folder)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    script = folder.with_name("script.py")
    script.write_text(code)
    return subprocess.Popen([sys.executable, script], env=env, text=True, **pipes)


def test_a_full_disk_is_one_warning(folder):
    out, err = started(UNWRITABLE, folder).communicate()
    assert err == ""
    slope, other, compiled, warning = out.strip().split("|")
    assert (float(slope), float(other)) == (pytest.approx(np.cos(0.3)), pytest.approx(-np.sin(0.3)))
    assert int(compiled) == 2
    assert warning == (
        f"what is compiled is not kept for other processes: the cache folder {folder} cannot be written to: "
        "File too large; set ADCOMPILER_CACHE_DIR to a folder that can be written"
    )
    assert files(folder) == []


AT_ONCE = """
import sys
import numpy as np
from adcompiler import adjoint, compilations
def f(x):
    total = 0.0
    for i in range(x.shape[0]):
        total = total + np.sin(x[i])
    return total
print("ready", flush=True)
sys.stdin.readline()
print(float(adjoint(f)(np.arange(3.0)).sum()), compilations())
"""


def test_several_processes_compile_one_function_at_once(folder):
    processes = [started(AT_ONCE, folder) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    done = [process.communicate() for process in processes]
    assert [err for _, err in done] == [""] * 4
    values = [float(out.split()[0]) for out, _ in done]
    assert values == [pytest.approx(np.cos(np.arange(3.0)).sum(), rel=1e-14)] * 4
    assert [path.suffix for path in files(folder)] == [".code", ".py"]
    last = started(AT_ONCE, folder)
    assert last.communicate("go\n")[0] == f"ready\n{values[0]} 0\n"


def test_the_cache_may_be_emptied_while_a_file_is_written(folder, monkeypatch):
    making = storage.tempfile.mkstemp
    emptied = []

    def emptied_before(*args):
        if not emptied:
            emptied.append(shutil.rmtree(folder))
        return making(*args)

    monkeypatch.setattr(storage.tempfile, "mkstemp", emptied_before)
    assert storage.keep(Path("numpy-0", "m_0.py"), b"pass")
    assert files(folder) == [folder / "numpy-0" / "m_0.py"]


# ---- what goes ----


def _stored(folder, used):
    """Modules of 1,000 bytes, each in two files, by the time of their last use."""
    for name, when in used.items():
        for suffix, size in ((".py", 400), (".kernel.code", 600)):
            storage.keep(Path("numba-0", name + suffix), bytes(size))
            os.utime(folder / "numba-0" / (name + suffix), (when, when))


def test_what_was_not_used_for_longest_goes_first(folder):
    _stored(folder, {"b_1": 200.0, "a_2": 100.0, "c_3": 300.0, "d_4": 400.0})
    assert [(m.name, m.bytes, m.used) for m in storage.stored(folder)] == [
        ("a_2", 1000, 100.0),
        ("b_1", 1000, 200.0),
        ("c_3", 1000, 300.0),
        ("d_4", 1000, 400.0),
    ]
    storage.limit_growth(folder, 4000)
    assert len(storage.stored(folder)) == 4
    storage.limit_growth(folder, 3900)
    assert [m.name for m in storage.stored(folder)] == ["c_3", "d_4"]


def test_reading_is_using(folder):
    _stored(folder, {"a_1": 100.0, "b_2": 200.0})
    assert storage.read(Path("numba-0", "a_1.kernel.code")) == bytes(600)
    assert [m.name for m in storage.stored(folder)] == ["b_2", "a_1"]


def test_clearing_takes_what_a_killed_process_left(folder):
    _stored(folder, {"a_1": 100.0, "b_2": 200.0})
    unfinished = folder / "numba-0" / "a_1.xyz~"
    unfinished.write_bytes(bytes(30))
    os.utime(unfinished, (100.0, 100.0))
    removed = storage.clear(folder, before=150.0)
    assert [(m.name, m.bytes) for m in removed] == [("a_1", 1030)]
    assert len(files(folder)) == 2
    storage.clear(folder, before=200.0)
    assert list(folder.iterdir()) == []
