"""`make gpu-bench`: what is made of made-up figures, what a run does with limits and failures, the units."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
import gpu  # noqa: E402
from measuring import fresh, ulps  # noqa: E402
from reporting import on_device  # noqa: E402

FIGURES = {
    "bandwidth": {"copy": 4e12, "mse": 3.6e12, "affine_fit": 3e12},
    "overhead": {
        "mse": {"launches": 2, "call": 25e-6, "graph": 12e-6},
        "layer_norm": {"launches": 4, "call": 70e-6, "graph": 31e-6},
    },
    "products": {"gradient": 20e-3, "products": 19e-3},
    "ensembles": {
        "times": {"ours": 0.1, "JAX scan": 3.0, "JAX scan, checkpointed": 1.5},
        "failed": {},
    },
    "contest": [
        {
            "workload": "mse",
            "times": {"ours": 1e-3, "JAX": 4e-3, "JAX, user's code": 2e-3, "torch.compile": 1e-3},
            "failed": {"PyTorch eager": "OutOfMemoryError: no room"},
        },
        {"workload": "gmm", "times": {"ours": 2e-3, "JAX": 1e-3}, "failed": {}},
    ],
    "ulps": {
        "mse": {
            "numba": 1.0,
            "cuda": 2.0,
            "numba, of the largest": 0.25,
            "cuda, of the largest": 12_345.6,
        }
    },
}
NAMES = {"contest": ["mse", "gmm"], "ulps": ["mse", "heat"]}


def run(figures=None, device="A device (9.0)", failed=None):
    return {
        "machine": {"processor": "a processor", "date": "2026-01-31"},
        "device": device,
        "no_device": None if device else "no driver is found",
        "figures": figures or {},
        "failed": failed or {},
        "names": NAMES,
    }


# ---- bars ----


def test_every_bar_is_not_measured_where_nothing_was():
    bars = on_device.of({})
    assert len(bars) == 7
    assert {(b.value, b.verdict, b.beside) for b in bars} == {("", "not measured", "")}
    assert [b.bar for b in bars] == [
        *(">= 80 %", ">= 1 x", ">= 1 x", ">= 10 x", ">= 90 %", "<= 3 x", "<= 30 us"),
    ]


def test_bars_of_figures():
    found = [(b.value, b.verdict, b.beside) for b in on_device.of(FIGURES)]
    assert found == [
        ("75.00 %", "missed, 1.07 x", "copy 4,000 GB/s, mse 90 %, affine_fit 75 %"),
        ("1.00 x", "met", "of 2: gmm 0.50, mse 2.00"),
        ("1.00 x", "met", "of 1: mse 1.00"),
        ("15.00 x", "met", "ours 100 ms, JAX scan 3e+03 ms, JAX scan, checkpointed 1.5e+03 ms"),
        ("95.00 %", "met", "gradient 20 ms, products 19 ms"),
        ("3.50 x", "missed, 1.17 x", "mse 2 launches, 25.0 us, layer_norm 4 launches, 70.0 us"),
        ("31.00 us", "missed, 1.03 x", "layer_norm 31.00, mse 12.00"),
    ]


def test_a_workload_that_we_cannot_do_misses_the_bar():
    ours_failed = {"workload": "kmeans", "times": {"JAX": 1e-3}, "failed": {"ours": "DeviceMemoryError: no"}}
    bar = on_device.contest("JAX jit(grad)", [*FIGURES["contest"], ours_failed])
    assert (bar.found, bar.verdict) == (0.0, "missed, inf x")
    assert bar.beside == "of 3: kmeans 0.00, gmm 0.50, mse 2.00"


def test_a_peer_that_has_no_device_is_not_measured():
    times = {"ours": 0.1}
    assert on_device.ensembles(times).verdict == "not measured"
    rows = [{"workload": "mse", "times": {"ours": 1e-3}, "failed": {}}]
    assert on_device.contest("JAX jit(grad)", rows).verdict == "not measured"


# ---- the page ----


def test_the_page_of_a_device():
    text = on_device.text(run(FIGURES, failed={"products 3.0": "stopped after 40 s"}))
    assert "2026-01-31: processor a processor. Device: A device (9.0).\n" in text
    assert "| mse | 1,000 | 2,000 | 1,000 |\n| gmm | 2,000 | 1,000 | not measured |\n" in text
    assert "CUDA's on the device:\nof each element" in text
    assert "| mse | 1 | 2 | 0.25 | 12,346 |\n" in text
    assert "| heat | not measured | not measured | not measured | not measured |\n" in text
    assert text.endswith(
        "- products 3.0, all: stopped after 40 s\n- mse, PyTorch eager: OutOfMemoryError: no room\n"
    )


def test_the_page_without_a_device_has_figures_of_the_simulator_alone():
    text = on_device.text(run({"ulps": FIGURES["ulps"]}, device=None))
    assert "Device: not measured: no driver is found.\n" in text
    assert text.count(" |  | not measured |  |\n") == 7
    assert "| mse | not measured | not measured | not measured |\n" in text
    assert "CUDA's in the simulator, at small sizes and with the processor's functions:\n" in text
    assert "| mse | 1 | 2 | 0.25 | 12,346 |\n" in text
    assert "Who is missing" not in text
    assert " met " not in text


def test_the_page_in_the_repository_is_one_of_these():
    text = (gpu.DOCS / "benchmarks-gpu.md").read_text()
    assert text.startswith(on_device.INTRODUCTION)
    assert all(b.figure in text for b in on_device.of({}))


# ---- a run ----


def taken(monkeypatch, answer, there=True, budget=100.0):
    """A run whose steps are answered so: the calls, the run, and how many figures each write had."""
    calls, writes, state = [], [], run(device="A device" if there else None)

    def instead(function, *args, limit, environment):
        calls.append((function.rpartition(".")[2], args[0], limit, environment))
        return answer(function.rpartition(".")[2], args)

    monkeypatch.setattr(fresh, "run", instead)
    try:
        gpu.measure(state, lambda run: writes.append(len(run["figures"])), budget)
    except KeyboardInterrupt:
        pass
    return calls, state, writes


def test_all_steps_are_taken_each_with_its_limit(monkeypatch):
    calls, state, writes = taken(monkeypatch, lambda name, args: {"name": name})
    assert [name for name, *_ in calls[:5]] == ["bandwidth", "overhead", "products", "measured", "measured"]
    assert [args for _, args, *_ in calls[5:]] == list(gpu.device_contest.LARGE)
    assert all(limit <= 80 and "NUMBA_ENABLE_CUDASIM" not in e for *_, limit, e in calls)
    assert state["figures"].keys() == {*("bandwidth", "overhead", "products", "ensembles", "ulps", "contest")}
    assert len(state["figures"]["contest"]) == len(gpu.device_contest.LARGE)
    assert len(writes) == len(calls) and state["failed"] == {}


def test_limits_add_up_to_less_than_eight_minutes():
    assert gpu.BUDGET < 480
    alone = sum(step.limit for step in gpu.steps() if step.name != "contest")
    assert alone + 10 * len(gpu.device_contest.LARGE) < gpu.BUDGET


def test_a_step_that_fails_leaves_the_others(monkeypatch):
    def answer(name, args):
        if name == "overhead":
            raise fresh.Failed("Traceback\nDeviceError: no")
        return {}

    calls, state, writes = taken(monkeypatch, answer)
    assert state["failed"] == {"overhead 3.0": "DeviceError: no"}
    assert "overhead" not in state["figures"] and "products" in state["figures"]
    assert len(writes) == len(calls)


def test_what_the_budget_does_not_reach_is_not_measured(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def answer(name, args):
        now[0] += 30.0
        return {}

    calls, state, _ = taken(monkeypatch, answer, budget=70.0)
    assert [(name, limit) for name, _, limit, _ in calls] == [
        *(("bandwidth", 60), ("overhead", 40), ("products", 10)),
    ]
    assert state["failed"]["ensembles 5.0"] == state["failed"]["contest gmm"] == "there was no time left"


def test_a_run_that_is_stopped_has_written_what_it_has(monkeypatch):
    def answer(name, args):
        if name == "products":
            raise KeyboardInterrupt
        return {}

    _, _, writes = taken(monkeypatch, answer)
    assert writes == [1, 2]


def test_without_a_device_the_simulator_alone_is_asked(monkeypatch):
    calls, state, _ = taken(monkeypatch, lambda name, args: {}, there=False, budget=1000.0)
    (call,) = calls
    assert call[0] == "measured" and call[3] == {"NUMBA_ENABLE_CUDASIM": "1"}
    assert state["figures"] == {"ulps": {}}


def test_a_process_is_stopped_at_its_limit():
    with pytest.raises(fresh.Failed, match="^stopped after 1 s$"):
        fresh.run("time.sleep", 60, limit=1.0)
    assert fresh.run("os.getenv", "ADDED", environment={"ADDED": "yes"}) == "yes"


# ---- units in the last place ----


def test_units_in_the_last_place():
    x = np.array([1.0, 2.0, 1e-3])
    y = x + np.array([2.0**-52, 2.0**-50, 0.0])
    assert ulps.ulps(x, y) == 2.0
    assert ulps.ulps(x, y, np.max(np.abs(x))) == 2.0
    assert ulps.ulps(x[:1], y[:1], 2.0) == 0.5
    assert ulps.ulps(x.astype("f4"), x.astype("f4") * np.float32(1 + 2**-23)) == 1.0
    assert ulps.ulps(np.array([np.inf, -np.inf]), np.array([np.inf, -np.inf])) == 0.0
    assert np.isnan(ulps.ulps(np.array([1.0]), np.array([np.nan])))
    assert ulps.ulps(np.zeros(0), np.zeros(0)) == 0.0


def test_results_of_another_kind_have_no_difference():
    with pytest.raises(ValueError, match="differ in shape or dtype"):
        ulps.ulps(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="differ in shape or dtype"):
        ulps.ulps(np.zeros(2), np.zeros(2, np.float32))
