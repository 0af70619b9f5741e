"""The benchmark suite: a contest, and what is made of figures: groups, bars, the page, the picture."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
from measuring import contest  # noqa: E402
from reporting import bars, chart, page  # noqa: E402
from reporting.rows import Row  # noqa: E402

MACHINE = {"processor": "a processor", "cores": "2", "date": "2026-01-31"}


def row(workload, size="large", threads="one", stages=None, failed=None, **medians):
    """A row of medians in microseconds; `_` in names stands for a space."""
    times = {
        who.replace("_", " "): {"median": us * 1e-6, "lower": us * 0.9e-6, "upper": us * 1.1e-6}
        for who, us in medians.items()
    }
    primals = {
        f"primal, {who}": {"median": 80e-6, "lower": 8e-5, "upper": 8e-5} for who in ("ours", "hand", "NumPy")
    }
    return Row(workload, size, threads, {**primals, **times}, stages or {}, failed or {}, {})


ROWS = [
    row("lse", ours=100, hand=100, JAX=300, **{"JAX, from NumPy": 200}, PyTorch=400),
    row("lse", size="small", ours=90, hand=90, JAX=99),
    row("mlp", ours=200, hand=100, JAX=150, BLAS=60),
    row("three_scalars", size="small", ours=2, hand=0.5, JAX=20),
    row("lse", threads="all", ours=1, hand=100, JAX=1000),
]


def named(figure, found):
    (bar,) = (b for b in found if b.figure == figure)
    return bar


def test_groups_are_measured():
    assert [r.group for r in ROWS] == ["kernel", "kernel", "BLAS", "call", "kernel"]
    assert ROWS[2].blas_share == pytest.approx(0.75)


def test_the_best_of_jax_counts_and_kernels_at_medium_and_large_size():
    found = bars.of(ROWS, {})
    kernel = named("JAX jit(grad) / ours, kernel-bound, geometric mean", found)
    assert kernel.found == pytest.approx(2.0) and kernel.met and kernel.beside == "lse large 2.00"
    blas = named("JAX jit(grad) / ours, BLAS-bound, geometric mean", found)
    assert blas.found == pytest.approx(0.75) and blas.verdict == "missed, 1.33 x"
    call = named("JAX jit(grad) / ours, call-bound, geometric mean", found)
    assert call.found == pytest.approx(10.0) and call.bar == ">= 3 x"


def test_bars_of_each_row_name_those_that_miss():
    found = bars.of(ROWS, {})
    slower = named("ours / JAX jit(grad), each", found)
    assert slower.found == pytest.approx(4 / 3) and slower.beside == "mlp large 1.33"
    hand = named("ours / by hand, geometric mean", found)
    assert hand.found == pytest.approx(8 ** (1 / 4)) and hand.bar == "<= 1.15 x"
    torch = named("PyTorch eager / ours, geometric mean", found)
    assert torch.found == pytest.approx(4.0) and torch.verdict == "missed, 1.25 x"
    assert named("a call, three floats", found).beside == "JAX 20.0 us"


def test_what_is_by_hand_is_held_against_published_ratios():
    rows = [
        row("gmm", ours=100, hand=312),
        row("logsumexp", ours=1, hand=179.2),
        row("mlp", ours=1, hand=1e6),
    ]
    bar = bars.against_published(rows)
    assert bar.found == pytest.approx(2.0) and bar.beside == "logsumexp large 2.00"


def test_compile_times_are_those_beyond_a_later_call():
    stages = {
        "ours": {"trace": 0.5, "compile": 3.5, "first": 4.0001},
        "JAX": {"trace": 0.5, "compile": 1.5, "first": 2.0003},
        "JAX, user's code": {"trace": 0.1, "compile": 0.9, "first": 1.0003},
    }
    times = {"JAX, user's code": 300}
    found = bars.compiling([row("lse", stages=stages, ours=100, hand=100, JAX=300, **times)])
    assert found[0].found == pytest.approx(4.0) and found[0].beside == "ours 4.00 s, JAX 1.00 s"
    assert found[1].met and found[1].found == pytest.approx(4.0)


def test_figures_beside_the_rows():
    figures = {
        "bandwidth": {"copy": 10.0, "copy, fresh": 5.0, "mse": 7.0, "mse, hand, fresh": 4.0},
        "second_process": {"numba": 0.5, "ours": 1.0, "compilations": 1},
        "shapes": {"float64": 1, "float32": 1},
    }
    verdicts = {b.figure: b.verdict for b in bars.of(ROWS, figures)}
    assert verdicts["bandwidth of elementwise gradients with out=, of a copy's"] == "missed, 1.14 x"
    assert verdicts["second process, first gradient beyond a cached Numba kernel"] == "missed, 1.43 x"
    assert verdicts["second process, compilations"] == "missed"
    assert verdicts["compilations for 100 shapes, a dtype"] == "met"


def test_what_was_not_measured_is_neither_met_nor_missed():
    (bar, *_) = bars.of([], {})
    assert bar.verdict == "not measured" and not bar.met


def test_the_page_has_every_row_and_says_who_failed():
    rows = [*ROWS, row("gmm", failed={"HIPS autograd": "TypeError: no"}, ours=100, hand=100)]
    text = page.text(rows, bars.of(rows, {}), MACHINE)
    assert "2026-01-31: processor a processor, cores 2.\n" in text
    assert "| lse large | kernel | 80.0 | 100.0 | 20.0 | 100.0 | 200.0 | 400.0 |  |  |\n" in text
    assert "| mlp large | BLAS | 80.0 | 200.0 | 40.0 | 100.0 | 150.0 |  |  | 75 % |\n" in text
    assert "## Microseconds a call, all threads\n" in text
    assert text.endswith("- gmm, HIPS autograd: TypeError: no\n")


def test_the_picture(tmp_path):
    chart.draw(ROWS, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_gradients_that_differ_are_not_timed():
    right = (np.ones(3), np.float64(2.0))
    contest.agree(right, right)
    with pytest.raises(AssertionError):
        contest.agree((np.ones(3), np.float64(2.0 + 1e-8)), right)
    with pytest.raises(ValueError):
        contest.agree(right[:1], right)


def test_a_contest_without_peers():
    found = contest.held("three_scalars", "small", [], "one", 0.01)
    everyone = {"primal, ours", "primal, hand", "primal, NumPy", "ours", "hand"}
    assert found["times"].keys() == everyone and not found["failed"] and not found["left_out"]
    assert found["stages"]["ours"].keys() == {"trace", "compile", "first"}
    assert Row(threads="one", **found).group == "call"
