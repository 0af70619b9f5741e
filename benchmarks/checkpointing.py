"""A long loop over a large state: what its gradient takes of time and of memory, by what is kept.

1,024 steps y + 0.01 (sin(theta y) + cos(theta sin(theta y))) of 20,000 numbers, f32, and the gradient of the
sum of squares of the last by the first y and by theta. Time is that of the process, all of its threads,
functions taking turns; JAX is compiled and called with arrays of its own. Memory is counted in states, of
80,000 bytes: ours is what `memory` predicts, JAX's and Equinox's what XLA plans beyond argument and result,
PyTorch's the most that a fresh process takes. `x primal` is of our primal for ours, of JAX's for all others.
"""

import json
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
from measuring import checkpointed_jax, checkpointed_torch, fresh

from adcompiler import Budget, Snapshots, adjoint, checkpointed
from adcompiler.benchmarking import clock

SIZE, STEPS, CHECKPOINTS = 20_000, 1024, 44
SECONDS = 60.0
NEAR = 1e-4  # in norm, of f32
STATE = SIZE * 4
PLANS = {"ours, auto": "auto", "ours, store_all": "store_all", "ours, sqrt": "sqrt"}
"""By what each is called in the table."""

POLICIES = {
    f"ours, {CHECKPOINTS} states": Budget(CHECKPOINTS * STATE),
    f"ours, {2 * CHECKPOINTS} states": Budget(2 * CHECKPOINTS * STATE),
    f"ours, {CHECKPOINTS} snapshots": Snapshots(CHECKPOINTS),
}
"""What is asked for at the loop: states and tapes together, or states and one tape."""


def step(y, theta):
    inner = np.sin(theta * y)
    return y + np.float32(0.01) * (inner + np.cos(theta * inner))


def loss(y, theta, steps):
    for _ in range(steps):
        y = step(y, theta)
    return np.sum(y**2)


def loss_with_policy(y, theta, steps, policy):
    for _ in checkpointed(range(steps), policy):
        y = step(y, theta)
    return np.sum(y**2)


@dataclass(frozen=True)
class Row:
    """Medians of one way to the gradient."""

    name: str
    seconds: float
    over_primal: float
    over_scan: float
    states: float
    steps: int

    def __str__(self) -> str:
        return (
            f"{self.name:30}{self.seconds * 1e3:>10.1f}{self.over_primal:>12.2f}{self.over_scan:>12.2f}"
            f"{self.states:>10.1f}{self.states / self.steps:>16.4f}"
        )


HEADING = f"{'gradient':30}{'ms':>10}{'x primal':>12}{'x JAX scan':>12}{'states':>10}{'states a step':>16}"


def contestants(y, theta, steps):
    """By name: a call without arguments, and the bytes that it takes."""
    found = {}
    for name, plan in PLANS.items():
        gradient = adjoint(loss, argnums=(0, 1), plan=plan)
        found[name] = partial(gradient, y, theta, steps), gradient.memory(y, theta, steps).peak
    for name, policy in POLICIES.items():
        gradient = adjoint(partial(loss_with_policy, policy=policy), argnums=(0, 1))
        found[name] = partial(gradient, y, theta, steps), gradient.memory(y, theta, steps).peak
    for name, compiled in checkpointed_jax.gradients(y, theta, steps, CHECKPOINTS).items():
        found[name] = compiled
    for name, gradient in checkpointed_torch.gradients(y, theta, steps).items():
        found[name] = gradient, fresh.run("measuring.checkpointed_torch.bytes_taken", name, len(y), steps)
    return found


def measured(steps, seconds):
    """The rows of the table, and the milliseconds of the primals: ours and JAX's."""
    # between 0 and 1 no number is near the step's unstable point, where f32 leaves three digits of a gradient
    y, theta = np.random.default_rng(0).random(SIZE, dtype=np.float32), np.float32(1.3)
    found = contestants(y, theta, steps)
    right = found["ours, auto"][0]()
    for call, _ in found.values():
        for mine, theirs in zip(right, call(), strict=True):
            assert np.linalg.norm(theirs - mine) < NEAR * np.linalg.norm(mine)
    primals = {
        "ours": partial(adjoint(loss).primal, y, theta, steps),
        "JAX": checkpointed_jax.primal(y, theta, steps),
    }
    calls = {**primals, **{name: call for name, (call, _) in found.items()}}
    times = {name: t.median for name, t in clock.in_turn(calls, seconds, time.process_time).items()}
    rows = [
        Row(
            name,
            seconds=times[name],
            over_primal=times[name] / times["ours" if name in PLANS or name in POLICIES else "JAX"],
            over_scan=times[name] / times["JAX scan"],
            states=taken / y.nbytes,
            steps=steps,
        )
        for name, (_, taken) in found.items()
    ]
    return rows, {name: times[name] for name in primals}


@click.command(help=__doc__)
@click.option("--steps", type=int, default=STEPS, show_default=True, help="A square number.")
@click.option("--seconds", type=float, default=SECONDS, show_default=True, help="For all together.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write figures here.")
def main(steps, seconds, file):
    rows, primals = measured(steps, seconds)
    print("primal, ms:", ", ".join(f"{name} {found * 1e3:.1f}" for name, found in primals.items()))
    print(HEADING)
    for row in rows:
        print(row)
    if file is not None:
        file.write_text(json.dumps({"primals": primals, "rows": [asdict(r) for r in rows]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
