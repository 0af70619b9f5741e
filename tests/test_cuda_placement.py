"""Which loops run in threads, in one thread, or on the host: known programs, and what is right for each."""

from contextvars import ContextVar

import numpy as np
import placed_programs as users
import pytest
from backend_cases import N, op, program
from device_programs import kernels, programs

from adcompiler import pipeline
from adcompiler.backends.cuda.passes.counting import counted
from adcompiler.backends.cuda.passes.placement import Runs, placed
from adcompiler.backends.cuda.passes.scattering import scattered
from adcompiler.ir.graph import walk
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import F64, Dim

V, W = np.linspace(0.1, 1.0, 6), np.linspace(0.1, 1.0, 7)
M = np.add.outer(V, W)
S = np.eye(6) + np.add.outer(V, V)

LIBRARY = "matmul is called from the host"
WORK = "there is work for many threads in it"
ORDER = "its trips follow one another"


@pytest.fixture(autouse=True)
def unwatched(monkeypatch):
    """Verifying and printing after every pass would take most of the time."""
    monkeypatch.setattr(pipeline, "_WATCHERS", ContextVar("watchers", default=()))
    monkeypatch.setenv("ADCOMPILER_CHECK", "0")


def described(function):
    """A line for each region of a Function: where it runs, on which grid, and why on no more threads."""
    function = scattered(counted(function))
    where = placed(function)

    def block(source, indent):
        for eqn in source.eqns:
            if not eqn.blocks:
                continue
            region = where.regions[eqn]
            grid = f" [{', '.join(map(str, region.grid))}]" if region.grid else ""
            why = f": {region.why}" if region.why else ""
            yield f"{indent}{eqn.op.name} {region.runs.name.lower()}{grid}{why}"
            if region.runs is Runs.HOST:
                for inner in eqn.blocks:
                    yield from block(inner, f"{indent}  ")

    return "\n".join(block(function.body, ""))


def names(block):
    return {eqn.op.name for eqn in walk(block)}


def text(*lines):
    return "\n".join(lines)


THREADS = "for threads [n]"
THREAD = f"for thread: {ORDER}"
HALVES = "if host: there is work for many threads in it"
KNOWN = "if host: the host knows which branch is taken"
UNKNOWN = "how much memory f64[t_{}] takes is known in a trip only"


USERS = {
    "orbits": ((V, 0.3, 9), THREADS, text(THREADS, THREADS)),
    "orbits_in_space": ((M[:, :3], 9), THREADS, text(THREADS, THREADS)),
    "orbit_in_space": ((V[:3], 9), THREAD, text(THREAD, THREAD)),
    "histogram": ((V, np.arange(6)), THREAD, text(THREAD, THREADS)),
    "layers": ((V, np.stack([S] * 5)), f"for host: {LIBRARY}", text(*[f"for host: {LIBRARY}"] * 2)),
    "outer": ((V, W), "for threads [n, m]", text("for threads [n, m]", THREADS)),
    "matvec": ((M, W), THREADS, text(THREADS, THREADS)),
    "blocks": ((np.ones((5, 6, 7, 8)),), "for threads [n, m, k]", text(*["for threads [n, m, k]"] * 2)),
    "triangle": ((V,), THREADS, text(THREADS, THREADS, THREADS)),
    "substitution": ((S, V), f"for host: {WORK}", text(*[f"for host: {WORK}"] * 2)),
    "rods": ((M, 9), THREADS, text(THREADS, THREADS)),
    "roots": ((V,), THREADS, text(THREADS, THREADS, KNOWN, THREADS)),
    "root": ((2.0,), f"while thread: {ORDER}", text(f"while host: {UNKNOWN.format(2)}", THREAD)),
    "scaled": ((V,), text(HALVES, "if thread"), text(HALVES, "if thread", "if thread", HALVES)),
}

SWAPS_M, SWAPS = (f"for host: all of an array, f64[{shape}], would be copied" for shape in ("m", "n, m"))
GRID = "  for threads [max(n - 2, 0), max(m - 2, 0)]"
LINE = "  for threads [max(m - 2, 0)]"
OUTER = f"for host: {WORK}"
THREADS_M = "for threads [m]"
INNER, GATES, CELLS = f"  {THREADS}", "  for threads [4*(p // 4)]", "  for threads [p // 4]"
IN_ORDER = f"  {THREAD}"

KERNELS = {
    "recurrence": ([THREAD, THREAD], [THREAD, THREADS, THREAD]),
    "rk4": ([THREAD], [THREAD, THREAD]),
    "heat": (
        [SWAPS, GRID, THREAD],
        [SWAPS, GRID, "for threads [n, m]", SWAPS, "  for threads [n, m]", GRID],
    ),
    "wave": (
        [SWAPS_M, LINE, THREAD],
        [SWAPS_M, LINE, THREADS_M, SWAPS_M, f"  {THREADS_M}", LINE],
    ),
    "thomas": ([THREAD] * 3, [THREAD, THREAD, THREADS_M, THREAD, THREAD]),
    "cumprod": ([THREAD, THREAD], [THREAD, THREADS, THREAD]),
    "lstm": (
        [OUTER, GATES, f"  {THREAD}"],
        [OUTER, GATES, CELLS, OUTER, CELLS, CELLS, GATES],
    ),
    "lennard_jones": ([THREAD], [THREADS, THREADS]),
    "hmm": (
        [THREAD, THREADS, OUTER, IN_ORDER, INNER],
        [THREAD, THREADS, OUTER, IN_ORDER, INNER, OUTER, INNER, INNER, INNER, THREADS, THREADS],
    ),
    "newton": ([THREAD], [THREADS, THREADS, KNOWN, THREADS]),
}


@pytest.mark.parametrize("name", USERS)
@pytest.mark.parametrize("stage", ["primal", "adjoint"])
def test_programs_of_users(name, stage):
    args, *expected = USERS[name]
    ((program, _, _),) = programs(getattr(users, name), 0, args, [stage])
    assert described(program) == expected[stage == "adjoint"]


@pytest.mark.parametrize("name", KERNELS)
def test_loop_kernels(name):
    kernel = kernels.load(name)
    found = programs(kernel.function, kernel.argnums, kernel.arguments(64), ["primal", "gradient"])
    assert [described(program) for program, *_ in found] == ["\n".join(lines) for lines in KERNELS[name]]


@pytest.mark.parametrize("name", ["rk4", "heat", "lstm"])
def test_loops_over_moves_run_on_the_host(name):
    """A schedule is made on the host, and so is every decision of it: the plan is there, the rest is not."""
    kernel = kernels.load(name)
    ((gradient, _, _),) = programs(kernel.function, kernel.argnums, kernel.arguments(64), ["gradient"])
    scheduled = pipeline.scheduled(gradient, len(gradient.body.params), True, pipeline.Options())
    program = pipeline.finished(scheduled.function)
    where = placed(program)
    moving = [eqn for eqn in walk(program.body) if any("next_move" in names(inner) for inner in eqn.blocks)]
    assert [eqn.op.name for eqn in moving] == ["for", "if", "while"]
    assert all(map(where.on_host, moving))
    assert [p.name for p in program.body.params if p.type.rank and where.knows(p)] == ["plan"]
    decided = [eqn.inputs[0] for eqn in walk(program.body) if eqn.op.name in ("bind", "if")]
    assert decided and all(map(where.knows, decided))


# ---- plans ----


def counted_ones(more):
    """As many ones as the first of some integers says; `more(counts)` does something else with them."""

    def body(counts, x):
        op("bind", op("index", counts, 0), size="k")
        ones = op("add", op("zeros", shape=(Dim.of("k"),), dtype=F64), 1.0)
        return [op("sum", ones, axes=(0,)), *more(counts, x)]

    return program("counted", body, counts=("i64", "n"), x=("f64", "n"))


@pytest.mark.parametrize(
    ("more", "known"),
    [
        (lambda counts, x: [], ["counts"]),
        (lambda counts, x: [op("index", x, op("index", counts, 1))], ["counts"]),
        (lambda counts, x: [op("index", x, counts, at=("gather",))], []),
        (lambda counts, x: [counts], []),
        (lambda counts, x: loop(N, lambda i: [op("index", counts, i)]), []),
        (lambda counts, x: [op("put", counts, op("index", counts, 1), 2)], []),
    ],
    ids=["alone", "a number of it", "gathered by", "returned", "in a kernel", "written and returned"],
)
def test_integers_that_decide_are_on_the_host_if_no_kernel_reads_them(more, known):
    function = counted_ones(more)
    where = placed(function)
    assert [p.name for p in function.body.params if where.knows(p)] == known


def test_integers_that_decide_nothing_are_on_the_device():
    function = program("first", lambda counts: [op("index", counts, 0)], counts=("i64", "n"))
    assert not placed(function).knows(function.body.params[0])


def test_an_if_that_the_host_can_decide_is_decided_there():
    def body(x, chosen):
        def put():
            return [op("put", x, 1.0, 0)]

        small = op("less", op("index", x, 1), 1.0)
        return [*branch(chosen, put, lambda: [x]), *branch(small, put, lambda: [x])]

    function = program("chosen", body, x=("f64", "n"), chosen=("bool",))
    assert described(function) == text(KNOWN, "if thread")
