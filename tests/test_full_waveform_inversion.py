"""Full-waveform inversion: its gradients against differences and one by hand, and what they keep a step."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from adcompiler import adjoint, value_and_grad
from adcompiler.ir.loops import split
from adcompiler.ir.types import Dim
from adcompiler.verification.differences import richardson

FOLDER = Path(__file__).parent.parent
sys.path.append(str(FOLDER / "examples"))
sys.path.append(str(FOLDER / "benchmarks"))
import full_waveform_inversion as inversion  # noqa: E402
import hand  # noqa: E402

GRID, STEPS = 60, 200
BY_SPEED = adjoint(inversion.misfit)
BY_WAVELET = adjoint(inversion.misfit, argnums=1)


@pytest.fixture(scope="module")
def args():
    """A rough speed, and the shot in the middle: a wave has crossed to the receivers, and on to the frame."""
    shot = inversion.Survey(GRID, STEPS, shots=3).observed(inversion.ground(GRID))[1]
    speed = inversion.BACKGROUND + np.random.default_rng(0).normal(0.0, 20.0, (GRID, GRID))
    return speed, *shot


def test_primal_is_the_python_function(args):
    assert BY_SPEED.primal(*args) == pytest.approx(inversion.misfit(*args), rel=1e-12)


def test_traces_arrive_with_the_speed_of_sound():
    """Nothing is heard before the distance over the speed; the peak comes a wavelet's delay later."""
    survey = inversion.Survey(80, 400, shots=3)
    source, shot = survey.sources[1], survey.shot(survey.sources[1])
    traces = inversion.record(np.full((80, 80), inversion.BACKGROUND), *shot)
    rows, columns = survey.receivers
    nearest = np.abs(rows - source[0]).argmin()
    distance = inversion.SPACING * np.hypot(rows[nearest] - source[0], columns[nearest] - source[1])
    trace = np.abs(traces[:, nearest]) / np.abs(traces).max()
    arrival = distance / inversion.BACKGROUND
    assert trace[: int((arrival + 0.5 / inversion.FREQUENCY) / inversion.TIME_STEP)].max() < 0.01
    # in two dimensions the peak comes up to a quarter of a period after that of the source
    late = trace.argmax() * inversion.TIME_STEP - arrival - 1.5 / inversion.FREQUENCY
    assert 0.0 < late < 0.25 / inversion.FREQUENCY


def test_the_frame_swallows_what_arrives():
    """The traces are nearly those in ground so wide that no echo of an edge is back in time."""
    survey, wide = inversion.Survey(GRID, 400, shots=3), 100
    wavelet, source, receivers, damping, h, dt = survey.shot(survey.sources[1])
    speed = inversion.ground(GRID)
    there = source[0] + wide, source[1] + wide
    moved = receivers[0] + wide, receivers[1] + wide
    around = np.pad(speed, wide, mode="edge")
    free = inversion.record(around, wavelet, there, moved, np.zeros_like(around), h, dt)
    traces = inversion.record(speed, wavelet, source, receivers, damping, h, dt)
    walls = inversion.record(speed, wavelet, source, receivers, np.zeros_like(speed), h, dt)
    framed, walled = (np.abs(echoing - free).max() / np.abs(free).max() for echoing in (traces, walls))
    assert framed < 0.2 < 0.8 < walled


def test_gradient_by_the_speed_along_directions(args):
    speed, *shot = args
    gradient, rng = BY_SPEED(*args), np.random.default_rng(1)
    for direction in rng.normal(size=(4, GRID, GRID)):
        estimate = richardson(lambda s, d=direction: BY_SPEED.primal(speed + s * d, *shot), step=1.0).value
        assert np.sum(gradient * direction) == pytest.approx(float(estimate), rel=1e-7)


def test_gradient_by_the_speed_is_that_by_hand(args):
    by_hand = hand.load("full_waveform_inversion")(*args)
    np.testing.assert_allclose(BY_SPEED(*args), by_hand, rtol=1e-9, atol=1e-12 * np.abs(by_hand).max())


def test_gradient_by_the_wavelet_along_directions(args):
    """The misfit is quadratic in the wavelet, so a central difference of any step is exact."""
    speed, wavelet, *shot = args
    gradient, rng = BY_WAVELET(*args), np.random.default_rng(2)
    scale = np.abs(wavelet).max()
    for direction in scale * rng.normal(size=(4, STEPS)):
        right, left = (BY_WAVELET.primal(speed, wavelet + s * direction, *shot) for s in (0.5, -0.5))
        assert gradient @ direction == pytest.approx(right - left, rel=1e-9)


def kept(gradient, args):
    """Types and names of what each forward loop of a gradient stacks for the reverse one."""
    function = gradient.programs(*args).stage("gradient")
    forward, reverse = (e for e in function.body.eqns if e.op.name == "for")
    assert reverse.attrs["reverse"]
    assert set(split(forward.attrs, forward.outputs).slices) <= set(reverse.inputs)
    return [(v.name, v.type.shape) for v in split(forward.attrs, forward.outputs).slices]


def test_one_field_a_step_is_kept_for_the_speed(args):
    """The curvature, without its border: what the cotangent of the speed is a product with."""
    inside = Dim.of("n") - 2, Dim.of("m") - 2
    assert kept(BY_SPEED, args) == [("lap_tape", (Dim.of("k"), *inside))]


def test_nothing_is_kept_for_the_wavelet(args):
    assert kept(BY_WAVELET, args) == []


def test_memory_is_a_field_a_step_or_none(args):
    """Beyond the tape there are the traces, whose cotangent takes their place, and a few fields."""
    steps, grid = 2000, 100
    survey = inversion.Survey(grid, steps)
    field, traces = 8 * grid**2, 8 * steps * len(survey.receivers[0])
    speed, shot = inversion.ground(grid), survey.shot(survey.sources[0])
    args = speed, *shot, np.zeros((steps, len(survey.receivers[0])))
    tape = 8 * steps * (grid - 2) ** 2
    assert tape < BY_SPEED.memory(*args).peak < tape + traces + 10 * field
    assert BY_WAVELET.memory(*args).peak < traces + 10 * field


def test_inversion_finds_the_disc():
    truth = inversion.ground(GRID)
    shots = inversion.Survey(GRID, 300, shots=4).observed(truth)
    guess = np.full_like(truth, inversion.BACKGROUND)
    speed, misfits = inversion.invert(value_and_grad(inversion.misfit), shots, guess, iterations=8)
    assert len(misfits) == 9
    assert np.all(np.diff(misfits) < 0)
    assert misfits[-1] < 0.1 * misfits[0]
    inside = truth > inversion.BACKGROUND
    assert speed[inside].mean() > inversion.BACKGROUND + 0.3 * inversion.ANOMALY
    assert abs(speed[~inside].mean() - inversion.BACKGROUND) < 0.1 * inversion.ANOMALY


def test_example_runs_as_a_script_and_within_a_budget(monkeypatch, capsys):
    script = str(FOLDER / "examples" / "full_waveform_inversion.py")
    small = ["--grid", "60", "--steps", "300", "--iterations", "3"]
    printed = []
    for budget in ([], ["--budget", "2 MB"]):
        monkeypatch.setattr(sys, "argv", [script, *small, *budget])
        runpy.run_path(script, run_name="__main__")
        printed.append(capsys.readouterr().out)
    assert "misfit:" in printed[0]
    assert "2150 are true" in printed[0]
    assert printed[0] == printed[1]
