"""The stages of one compilation, in seconds of this thread's processor time."""

import time
from collections import Counter
from importlib import import_module
from typing import Any

import kernels
import numpy as np

from measuring import arrays

ARRAYS = ("three", "logistic", "layer_norm", "softmax_xent")


def program(name: str) -> tuple[Any, Any, tuple[Any, ...]]:
    """A function, what it is differentiated by, and small arguments."""
    if name in ARRAYS:
        return getattr(arrays, name), arrays.ARGNUMS[name], arrays.arguments(name)
    kernel = kernels.load(name)
    return kernel.function, kernel.argnums, kernel.arguments(kernel.sizes[0])


def of(name: str) -> dict[str, float]:
    """Seconds of each stage, of all of them, and the lines of the source; Numba has compiled before."""
    from adcompiler import adjoint

    function, argnums, arguments = program(name)
    import_module("measuring.cached").squares(np.ones(3))
    adjoint(lambda x: x * x).programs(1.0).compiled("gradient").compile()
    watch = _Watch()
    gradient = adjoint(function, argnums=argnums)
    found = {"capture": watch.seconds(lambda: gradient.programs(*arguments))}
    programs = gradient.programs(*arguments)
    found["passes"] = watch.seconds(lambda: programs.stage("gradient"))
    found["source"] = watch.seconds(lambda: programs.compiled("gradient")) - found["passes"]
    compiled = programs.compiled("gradient")
    found["numba"] = watch.seconds(compiled.compile)
    found |= {"inference": watch.inside["inference"], "LLVM": watch.inside["LLVM"]}
    found["all"] = sum(found[stage] for stage in ("capture", "passes", "source", "numba"))
    return {**found, "lines": sum(bool(line.strip()) for line in compiled.source.splitlines())}


class _Watch:
    """A clock, and what Numba's type inference and LLVM take of it."""

    def __init__(self) -> None:
        from llvmlite.binding import ExecutionEngine
        from llvmlite.binding.newpassmanagers import NewPassManager
        from numba.core import event

        self.inside: Counter[str] = Counter()
        for owner, method in ((NewPassManager, "run"), (ExecutionEngine, "finalize_object")):
            self._count(owner, method, "LLVM")
        begun = []

        def begin(found: Any) -> None:
            begun.append(time.thread_time())
            self.inner.append(0.0)

        def end(found: Any) -> None:
            took = time.thread_time() - begun.pop()
            own = took - self.inner.pop()
            if self.inner:
                self.inner[-1] += took
            if "type_inference" in found.data["name"]:
                self.inside["inference"] += own

        self.inner: list[float] = []
        methods = {"on_start": staticmethod(begin), "on_end": staticmethod(end)}
        event.register("numba:run_pass", type("Passes", (event.Listener,), methods)())

    def _count(self, owner: Any, method: str, key: str) -> None:
        counted = getattr(owner, method)

        def counting(*args: Any) -> Any:
            before = time.thread_time()
            try:
                return counted(*args)
            finally:
                self.inside[key] += time.thread_time() - before

        setattr(owner, method, counting)

    def seconds(self, run: Any) -> float:
        before = time.thread_time()
        run()
        return time.thread_time() - before


def of_jax(name: str) -> float:
    """Processor seconds of all threads until JAX has compiled the gradient; it has compiled before."""
    import jax

    jax.config.update("jax_enable_x64", True)
    function, argnums, arguments = arrays.of_jax(name), arrays.ARGNUMS[name], arrays.arguments(name)
    arguments = [jax.numpy.asarray(a) for a in arguments]
    jax.block_until_ready(jax.jit(jax.grad(lambda x: x * x))(1.0))
    before = time.process_time()
    jax.jit(jax.grad(function, argnums=argnums)).lower(*arguments).compile()
    return time.process_time() - before
