"""What a call costs before anything is computed: the gradient of three Python floats, against JAX.

Both are called in turn, so that what else the machine does strikes both alike.
"""

import statistics
import time

import jax

from adcompiler import adjoint

BAR = 8e-6  # seconds a call, where JAX needs about 20e-6
POINT = (2.0, -3.0, 10.0)
ROUNDS, CALLS = 101, 200


def loss(a, b, c):
    return (a * b + c) ** 2


def seconds_a_call(function):
    begin = time.perf_counter()
    for _ in range(CALLS):
        function(*POINT)
    return (time.perf_counter() - begin) / CALLS


def main():
    jax.config.update("jax_enable_x64", True)
    ours = adjoint(loss, argnums=(0, 1, 2))
    compiled = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))

    def theirs(*point):
        return jax.block_until_ready(compiled(*point))

    assert ours(*POINT) == tuple(map(float, theirs(*POINT))) == (-24.0, 16.0, 8.0)
    functions = {"adcompiler": ours, "jax.jit(jax.grad)": theirs}
    times = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            times[name].append(seconds_a_call(function))
    print(f"{'a gradient of three floats':28} {'median':>8} {'fastest':>8}")
    for name, found in times.items():
        print(f"{name:28} {statistics.median(found) * 1e6:5.2f} us {min(found) * 1e6:5.2f} us")
    met = statistics.median(times["adcompiler"]) <= BAR
    print(f"the bar of {BAR * 1e6:.0f} us is {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
