"""`adcompiler bench`: what it prints, writes and refuses; tiny sizes, and ceilings of no machine."""

import json

import click
import pytest

from adcompiler.benchmarking import device, machine
from adcompiler.benchmarking.clock import Timing
from adcompiler.benchmarking.crossover import Crossover, crossover
from adcompiler.benchmarking.device import Device
from adcompiler.benchmarking.machine import Ceilings, Machine
from adcompiler.benchmarking.measure import Row
from adcompiler.cli import USAGE, bench, main
from adcompiler.cli.measurements import Report, crossing, duration, rate
from adcompiler.cli.sizes import read_sizes, size_text
from adcompiler.cli.threads import VARIABLES, pinned, run_pinned

SOURCE = """
import numpy as np

def energy(x, a):
    return np.sum(np.sin(x) * a)

def three(a, b, c):
    return (a * b + c) ** 2

def rows(x, w, k):
    return np.sum(np.tanh(x @ w)) * k

def sliced(x):
    out = np.zeros_like(x)
    out[1:] = x[1:] * x[:-1]
    return np.sum(out)

def lines(x):
    return x * 2.0
"""
QUICK = ("--seconds", "0.01", "--backends", "numpy")


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run `bench` in a folder with the functions above; its exit code, stdout and stderr."""
    (tmp_path / "user.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "measured", lambda threads: Ceilings(threads, 2**29, 10.0, 20.0, 50.0))
    monkeypatch.setattr(machine, "available", lambda: 2**30)

    def command(*args):
        with pytest.raises(SystemExit) as end:
            main(["bench", *args])
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return command


@pytest.fixture
def report(run):
    """What `bench` writes as JSON, when it succeeds and says nothing on stderr."""

    def command(*args):
        code, out, err = run(*args, "--json", "found.json")
        assert (code, err) == (0, "")
        assert out
        with open("found.json", encoding="utf-8") as file:
            return json.load(file)

    return command


@pytest.fixture
def refusal(run):
    """The last line of what a command line that cannot be understood says."""

    def command(*args):
        code, out, err = run(*args)
        assert (code, out) == (USAGE, "")
        return err.splitlines()[-1].removeprefix("Error: ")

    return command


# ---- what is measured ----


def test_stages_and_steady_state_of_primal_and_gradient(report):
    found = report("user.py:energy", "--arg", "x=f64[n]", "--arg", "a=f64", "--sizes", "10,100", *QUICK)
    assert found["function"] == "user.py:energy" and found["arguments"] == ["x=f64[n]", "a=f64"]
    who = [(row["size"], row["program"], row["runner"]) for row in found["rows"]]
    assert who == [(n, *row) for n in (10, 100) for row in ROWS]
    assert all(row["problem"] == row["note"] == "" for row in found["rows"])
    assert all(0 < row["steady"]["lower"] <= row["steady"]["median"] for row in found["rows"])
    assert all(row["first"] > 0 for row in found["rows"])
    traced = [(row["size"], row["program"]) for row in found["rows"] if row["trace"] and row["compile"]]
    assert traced == [(10, "primal"), (10, "gradient")]


ROWS = [("primal", "python"), ("primal", "numpy"), ("gradient", "numpy")]


def test_rates_are_traffic_and_operations_over_the_median(report):
    found = report("user.py:energy", "--arg", "x=f64[n]", "--arg", "a=1.5", "--sizes", "100", *QUICK)
    traffic = {"primal": 8 * (100 + 1 + 1), "gradient": 8 * (100 + 1 + 100 + 1)}
    operations = {"primal": 100 * (15 + 1 + 1), "gradient": None}
    for row in found["rows"]:
        nanoseconds = 1e9 * row["steady"]["median"]
        assert row["bandwidth"] * nanoseconds == pytest.approx(traffic[row["program"]])
        if operations[row["program"]]:
            assert row["arithmetic"] * nanoseconds == pytest.approx(operations[row["program"]])


def test_numba_compiles_once_for_all_sizes(report):
    arguments = ("--arg", "x=f64[n]", "--arg", "a=f64", "--sizes", "10,20", "--seconds", "0.01")
    found = report("user.py:energy", *arguments)
    compiled = [(row["size"], row["program"]) for row in found["rows"] if row["compile"]]
    assert compiled == [(10, "primal"), (10, "gradient")]
    assert {row["runner"] for row in found["rows"]} == {"python", "numba"}


def test_one_size_may_stay_what_it_is(report):
    arguments = ("--arg", "x=f64[n, m]", "--arg", "w=f64[m]", "--arg", "k=i64", "--size-of", "m=7")
    found = report("user.py:rows", *arguments, "--sizes", "10,20", "--size-of", "k=3", *QUICK)
    primal = {row["size"]: row for row in found["rows"] if row["program"] == "primal"}
    moved = {n: row["bandwidth"] * 1e9 * row["steady"]["median"] for n, row in primal.items()}
    assert moved == {n: pytest.approx(8 * (7 * n + 7 + 1)) for n in (10, 20)}


def test_without_a_named_size_there_is_one_measurement(report):
    found = report("user.py:three", "--arg", "a=2.0", "--arg", "b=f64", "--arg", "c=1.0", *QUICK)
    assert [(row["size"], row["program"], row["runner"]) for row in found["rows"]] == [
        (None, *row) for row in ROWS
    ]


def test_without_a_device_nothing_of_it_is_measured(run, monkeypatch):
    monkeypatch.setattr(device, "absent", lambda: "no driver is found")
    arguments = ("--arg", "x=f64[n]", "--arg", "a=1.0", "--sizes", "10,20", "--seconds", "0.01")
    code, out, err = run("user.py:energy", *arguments, "--backends", "cuda,numpy", "--json", "found.json")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "device not measured: no driver is found" in lines
    assert "cuda  primal    10, 20  not measured: no driver is found" in lines
    assert "cuda  gradient  10, 20  not measured: no driver is found" in lines
    assert "primal     not measured   not measured" in lines
    assert "gradient   not measured   not measured" in lines
    with open("found.json", encoding="utf-8") as file:
        found = json.load(file)
    nothing = {"on the device": None, "with copies": None}
    assert (found["device"], found["no_device"]) == (None, "no driver is found")
    assert found["crossovers"] == {"primal": nothing, "gradient": nothing}
    assert {row["runner"] for row in found["rows"] if row["steady"]} == {"python", "numpy"}


THREE = ("--arg", "a=2.0", "--arg", "b=-3.0", "--arg", "c=10.0", "--seconds", "0.01")


def test_a_size_beyond_memory_is_skipped(run):
    arguments = ("--arg", "x=f64[n]", "--arg", "a=1.0", "--sizes", "10,1e9,1e18", *QUICK)
    code, out, _ = run("user.py:energy", *arguments)
    assert code == 0
    assert "size 1e9 is skipped: it needs about 44.7 GiB, and 1 GiB are available" in out.splitlines()
    assert "size 1e18 is skipped: " in out
    assert "10    gradient  numpy" in out


def test_results_are_those_of_the_function(report):
    found = report("user.py:sliced", "--arg", "x=f64[n]", "--sizes", "20", *QUICK, "--peers", "autograd")
    assert [(row["runner"], row["program"], row["problem"]) for row in found["rows"] if row["problem"]] == [
        ("autograd", "gradient", "cannot run it: ValueError: setting an array element with a sequence.")
    ]


def test_a_peer_is_timed_beside(report):
    arguments = ("--arg", "x=f64[n]", "--arg", "a=f64", "--sizes", "20", "--peers", "autograd")
    found = report("user.py:energy", *arguments, *QUICK)
    rows = [row for row in found["rows"] if row["runner"] == "autograd"]
    assert [row["program"] for row in rows] == ["primal", "gradient"]
    assert all(row["note"] == row["problem"] == "" and row["trace"] is None for row in rows)
    assert found["machine"]["versions"].keys() >= {"python", "numpy", "numba", "autograd"}


def test_a_peer_that_is_not_installed(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jax", None)
    code, out, _ = run("user.py:three", *THREE, "--backends", "numpy", "--peers", "jax")
    why = "not there: import of jax halted; None in sys.modules; pip install 'adcompiler[bench]'"
    assert code == 0 and f"jax  primal    -  {why}" in out.splitlines()


def test_ctrl_c_prints_what_there_is(run, monkeypatch):
    real = bench.measured

    def interrupted(workload, *others):
        for row in real(workload, *others):
            yield row
            if workload.size == 20:
                raise KeyboardInterrupt

    monkeypatch.setattr(bench, "measured", interrupted)
    arguments = ("--arg", "x=f64[n]", "--arg", "a=1.0", "--sizes", "10,20,30", *QUICK)
    code, out, err = run("user.py:energy", *arguments)
    assert (code, err) == (130, "interrupted: this is what was measured until then\n")
    measured = [
        line.split()[:3] for line in out.splitlines() if line.split()[1:2] in (["primal"], ["gradient"])
    ]
    assert measured == [["10", *row] for row in ROWS] + [["20", "primal", "python"]]


def test_a_picture(run, tmp_path):
    arguments = ("--arg", "x=f64[n]", "--arg", "a=1.0", "--sizes", "10,100", *QUICK)
    code, _, err = run("user.py:energy", *arguments, "--png", "times.png")
    assert (code, err) == (0, "")
    assert (tmp_path / "times.png").read_bytes().startswith(b"\x89PNG")


# ---- what is printed ----


def test_the_table(golden):
    found = Report(
        "user.py:f",
        ("x=f64[n]",),
        Machine("A processor", 2, "Linux x86_64", {"python": "3.11.7", "numpy": "2.4.6"}),
        Ceilings(1, 2**29, 10.0, 20.0, 50.0),
        rows=[
            Row(1000, "primal", "python", "", None, None, 1e-3, Timing(5e-4, 4e-4, 7e-4), 10.0, 5.0),
            Row(1000, "primal", "jax", problem="no such thing"),
            Row(
                10**6,
                "gradient",
                "jax",
                "(device)",
                0.5,
                2.0,
                1e-3,
                Timing(1e-8, 8e-9, 2e-8),
                1e-4,
                25.0,
                "off",
            ),
            Row(10**6, "primal", "jax", problem="no such thing"),
        ],
        skipped=["size 1e9 is skipped: it is large"],
        exact=False,
    )
    golden("bench", "\n".join(found.lines()))


def at(size, program, runner, median, to_device=None, to_host=None):
    """A row with made-up times: traffic and operations are those of 10 GB/s and 5 GFLOP/s."""
    times = Timing(median, 0.9 * median, 1.1 * median)
    return Row(
        *(size, program, runner, "", None, None, median, times, 10.0, 5.0),
        to_device=to_device,
        to_host=to_host,
    )


ON_A_DEVICE = [
    *(at(n, p, "numba", n * 1e-9) for p in ("primal", "gradient") for n in (10**3, 10**5, 10**7)),
    *(at(n, "primal", "cuda", 1e-4, n * 1e-9, 0.0) for n in (10**3, 10**5, 10**7)),
    *(at(n, "gradient", "cuda", 1e-5, n * 1e-10, n * 1e-10) for n in (10**3, 10**5, 10**7)),
]


def on_a_device(rows=ON_A_DEVICE, matmul=500.0):
    return Report(
        "user.py:f",
        ("x=f64[n]",),
        Machine("A processor", 2, "Linux x86_64", {"python": "3.12.1"}),
        Ceilings(1, 2**29, 10.0, 20.0, 50.0),
        Device("A device (9.0)", 2**30, 1000.0, matmul),
        rows=rows,
    )


def test_the_table_with_a_device(golden):
    golden("bench-device", "\n".join(on_a_device().lines()))


def test_a_device_without_its_libraries():
    lines = on_a_device(matmul=None).lines()
    assert "A device (9.0), copy 1,000 GB/s, matmul not measured" in lines
    (row,) = (line for line in lines if line.startswith("1e7") and "gradient  cuda" in line)
    assert row.split("  ")[-1] == "not measured"


def test_the_picture_shows_crossovers(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from matplotlib.axes import Axes

    drawn = []
    monkeypatch.setattr(Axes, "axvline", lambda self, x, **style: drawn.append(x))
    on_a_device().write_png(str(tmp_path / "times.png"))
    assert (tmp_path / "times.png").read_bytes().startswith(b"\x89PNG")
    assert drawn == [pytest.approx(1e5), pytest.approx(1e4), pytest.approx(20_757, rel=1e-4)]


def test_a_picture_where_the_device_had_no_room(tmp_path):
    host = [row for row in ON_A_DEVICE if row.runner != "cuda"]
    full = Row(10**7, "gradient", "cuda", problem="cannot run it: DeviceMemoryError")
    found = on_a_device([*host, full])
    found.write_png(str(tmp_path / "times.png"))
    assert (tmp_path / "times.png").exists()
    assert "gradient   not measured   not measured" in found.lines()


@pytest.mark.parametrize(
    ("host", "there", "text"),
    [
        ({}, {10: 1.0}, "not measured"),
        ({10: 1.0, 20: 2.0}, {30: 1.0}, "not measured"),
        ({10: 1.0, 100: 2.0}, {10: 2.0, 100: 2.0}, "none up to 100"),
        ({10: 1.0, 100: 2.0, 1000: 1.0}, {10: 2.0, 100: 2.5}, "none up to 100"),
        ({10: 1.0, 100: 2.0}, {100: 1.0, 10: 0.5}, "at most 10"),
        ({100: 10.0, 10: 1.0}, {10: 4.0, 100: 4.0}, "about 40"),
        ({10: 1.0, 1000: 100.0}, {10: 10.0, 1000: 10.0}, "about 100"),
        ({10: 1.0, 1000: 100.0, 10**4: 1.0}, {10: 10.0, 1000: 10.0, 10**4: 10.0}, "about 100"),
    ],
)
def test_crossovers(host, there, text):
    assert crossing(crossover(host, there)) == text


def test_between_two_sizes_times_are_powers_of_the_size():
    found = crossover({10: 1.0, 1000: 1e4}, {10: 100.0, 1000: 100.0})
    assert found == Crossover(pytest.approx(100.0), 10, 1000)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (12.0, "12.0 s"),
        (0.9996, "1.00 s"),
        (0.99, "990 ms"),
        (2.5e-6, "2.50 µs"),
        (3e-9, "3 ns"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_rates():
    assert [rate(x) for x in (123.456, 0.0123, 1e-5)] == ["123", "0.0123", "<0.001"]


# ---- sizes ----


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("1e3:1e6", [1000, 10_000, 100_000, 1_000_000]),
        ("10:50:x2", [10, 20, 40, 50]),
        ("5:50", [5, 50]),
        ("7", [7]),
        ("300,1e2:1e3", [100, 300, 1000]),
        ("2:4:x1.1", [2, 3, 4]),
    ],
)
def test_sizes(text, sizes):
    assert read_sizes(text) == sizes


def test_sizes_are_written_as_people_write_them():
    assert [size_text(n) for n in (None, 1, 1000, 16_000, 32_768, 10**6, 25 * 10**5)] == [
        *("-", "1", "1000", "16000", "32768", "1e6", "2500000"),
    ]


# ---- threads ----


def test_threads_are_those_of_the_process_that_is_started(capfd, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    context = click.Context(click.Command("doctor"), info_name="doctor")
    context.meta["args"] = ["--json"]
    before = machine.cores()
    assert not pinned(1)
    assert run_pinned(context, 1) == 0
    assert json.loads(capfd.readouterr().out)["threads"] == 1
    assert machine.cores() == before
    for name in VARIABLES:
        monkeypatch.setenv(name, "1")
    assert pinned(1)


def test_a_run_on_one_thread_is_a_run_of_the_same_command(run, monkeypatch):
    started = []
    monkeypatch.setattr(bench, "pinned", lambda threads: False)
    monkeypatch.setattr(
        bench, "run_pinned", lambda context, n: started.append((context.meta["args"], n)) or 3
    )
    arguments = ["user.py:three", "--arg", "a=1.0", "--threads", "1"]
    assert run(*arguments) == (3, "", "")
    assert started == [(arguments, 1)]


# ---- what is refused ----


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--sizes", "1e3:"], "--sizes 1e3:: `` is no size; 1000, 1e3 are"),
        (["--sizes", "0:10"], "--sizes 0:10: `0` is no size; 1000, 1e3 are"),
        (["--sizes", "2.5"], "--sizes 2.5: `2.5` is no size; 1000, 1e3 are"),
        (["--sizes", "nan"], "--sizes nan: `nan` is no size; 1000, 1e3 are"),
        (["--sizes", "9:3"], "--sizes 9:3: write FROM:TO or FROM:TO:xFACTOR, the smaller size first"),
        (
            ["--sizes", "1:9:x2:3"],
            "--sizes 1:9:x2:3: write FROM:TO or FROM:TO:xFACTOR, the smaller size first",
        ),
        (["--sizes", "1:9:2"], "--sizes 1:9:2: `2` is no factor of x1.1 or more; x2, x10 are"),
        (["--sizes", "1:9:x1"], "--sizes 1:9:x1: `x1` is no factor of x1.1 or more; x2, x10 are"),
        (["--size-of", "n"], "--size-of n: write NAME=N"),
        (["--size-of", "n=-1"], "--size-of n=-1: write NAME=N"),
        (["--size-of", "m=3"], "--size-of: no --arg has a size `m`; the named ones are n"),
        (["--sizes", "5", "--size-of", "n=3"], "--sizes: no --arg has a size with a name, as x=f64[n] has"),
        (["--backends", "numpy,tpu"], "--backends: there is no 'tpu'; there are numba, numpy, cuda"),
        (["--peers", "tensorflow"], "--peers: there is no 'tensorflow'; there are jax, torch, autograd"),
        (
            ["--png", "x.png", "--size-of", "n=3"],
            "--png draws times against a size, and no --arg has one with a name",
        ),
        (["--threads", "9999"], f"--threads 9999: this process may use {machine.cores()} cores"),
        (["--seconds", "0"], "Invalid value for '--seconds': 0.0 is not in the range x>0."),
    ],
)
def test_unusable_options(refusal, args, message):
    assert refusal("user.py:energy", "--arg", "x=f64[n]", "--arg", "a=1.0", *args) == message


def test_a_picture_without_matplotlib(refusal, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message = "--png needs matplotlib: pip install 'adcompiler[plot]'"
    assert refusal("user.py:energy", "--png", "times.png") == message


def test_a_function_without_a_gradient(run):
    code, out, err = run("user.py:lines", "--arg", "x=f64[n]", "--sizes", "10", *QUICK)
    assert (code, out) == (3, "")
    assert err.startswith("Error: `lines` returns an array of f64[n], and a gradient needs one float scalar")
