"""What the gradient of full-waveform inversion takes, of time and of memory, beside one by hand.

One shot of the example, 100 by 100 cells; process time, taking turns. The gradient by hand keeps every field;
its second line leaves out what its memory costs, fresh from the system at each call. A step of the gradient
is the forward step F, which is the primal's, and what the gradient takes beyond, R: keeping and reverse step.
"""

import sys
import time
from functools import partial
from pathlib import Path

import click
import numpy as np
from hand import full_waveform_inversion as by_hand

from adcompiler import adjoint
from adcompiler.benchmarking import clock

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import full_waveform_inversion as inversion  # noqa: E402

GRID, SECONDS = 100, 6.0


def arguments(steps):
    """Those of the misfit for the shot in the middle, at a speed beside the true one."""
    survey = inversion.Survey(GRID, steps, shots=3)
    shot = survey.observed(inversion.ground(GRID))[1]
    return inversion.ground(GRID, anomaly=50.0), *shot


def report(steps):
    gradient, args = adjoint(inversion.misfit), arguments(steps)
    room = np.empty((steps + 2, GRID, GRID))
    calls = {
        "primal, NumPy": partial(inversion.misfit, *args),
        "primal": partial(gradient.primal, *args),
        "gradient": partial(gradient, *args),
        "gradient by hand": partial(by_hand.full_waveform_inversion, *args),
        "by hand, memory kept": partial(by_hand.with_room, room, *args),
    }
    np.testing.assert_allclose(calls["gradient"](), calls["gradient by hand"](), rtol=1e-9, atol=1e-15)
    found = clock.in_turn(calls, SECONDS, time.process_time)
    times = {name: timing.median for name, timing in found.items()}
    print(f"\n{steps:,} steps{'':13}{'ms':>10}{'us a step':>12}{'x primal':>10}")
    for name, seconds in times.items():
        over = seconds / times["primal"]
        print(f"{name:22}{seconds * 1e3:>12.2f}{seconds / steps * 1e6:>12.2f}{over:>10.2f}")
    forward = times["primal"] / steps
    for name in ("gradient", "by hand, memory kept"):
        reverse = times[name] / steps - forward
        print(f"{name}: F {forward * 1e6:.2f} us, R {reverse * 1e6:.2f} us, R / F {reverse / forward:.2f}")
    field = args[0].nbytes
    for name, argnum in (("speed", 0), ("wavelet", 1)):
        peak = adjoint(inversion.misfit, argnum).memory(*args).peak
        print(f"memory, by the {name}: {peak:,} bytes, {peak / (steps * field):.3f} fields a step")


@click.command(help=__doc__)
@click.option("--steps", type=int, multiple=True, default=(100, 2000), show_default=True)
def main(steps):
    for each in steps:
        report(each)


if __name__ == "__main__":
    main()
