"""The trap suite of the tests, given to those who also differentiate Python: right, loud, or silently wrong.

Each peer gets every function as it stands; the one thing changed is the import, `np` being the peer's own
numpy (`jax.numpy`, `autograd.numpy`; PyTorch's functions themselves), and arrays are the peer's own. An
error is loud; so is what cannot run. Another value or gradient than Python's, NaN included, is silent. Kinks,
where the derivative is a matter of convention, are left out.

Warp and Taichi compile kernels in languages of their own: they get a handful, translated by hand
(`warp_traps.py`, `taichi_traps.py`).

    python benchmarks/traps.py [-v]
"""

import copy
import importlib
import importlib.util
import io
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.append(str(Path(__file__).parent))
from traps import THEMES, Trap  # noqa: E402

SUITE = [(theme, trap) for theme in THEMES for trap in theme.TRAPS if not trap.kink]
TOLERANCES = {np.dtype(np.float32): 1e-4}


@dataclass(frozen=True)
class Peer:
    """`differentiate(function, args)` gives (value, gradient); `numpy` is what `np` stands for."""

    name: str
    numpy: Any
    differentiate: Callable[[Any, tuple[Any, ...]], tuple[Any, Any]]


def ours():
    from adcompiler import value_and_grad

    compiled = {}

    def differentiate(function, args):
        if function not in compiled:
            compiled[function] = value_and_grad(function, backend="numpy")
        return compiled[function](*args)

    return Peer("adcompiler", np, differentiate)


def jax_peer():
    import jax

    jax.config.update("jax_enable_x64", True)

    def differentiate(function, args):
        given = shared(args, lambda a: jax.numpy.asarray(a))
        return jax.value_and_grad(function)(*given)

    return Peer("JAX", jax.numpy, differentiate)


def hips_peer():
    import autograd
    import autograd.numpy

    def differentiate(function, args):
        return autograd.value_and_grad(function)(*copy.deepcopy(args))

    return Peer("HIPS autograd", autograd.numpy, differentiate)


def torch_peer():
    import torch

    torch.set_default_dtype(torch.float64)

    def differentiate(function, args):
        leaf = torch.tensor(args[0], requires_grad=True)
        first = leaf.clone()  # leaves refuse every write
        given = shared(args[1:], torch.as_tensor)
        given = [first if a is args[0] else b for a, b in zip(args[1:], given, strict=True)]
        value = function(first, *given)
        value.backward()
        return value.item(), np.zeros(np.shape(args[0])) if leaf.grad is None else leaf.grad.numpy()

    return Peer("PyTorch", torch, differentiate)


def shared(args, convert):
    """Arrays converted, one that is passed twice once."""
    made = {id(a): convert(a.copy()) for a in args if isinstance(a, np.ndarray)}
    return [made.get(id(a), a) for a in args]


@contextmanager
def numpy_as(theme, numpy):
    """The theme's functions see another `np`."""
    theme.np = numpy
    try:
        yield
    finally:
        theme.np = np


def outcome(peer: Peer, theme: Any, trap: Trap) -> str:
    """What a peer does with a trap."""
    args = copy.deepcopy(trap.args)
    try:
        with numpy_as(theme, peer.numpy):
            if trap.change.__module__ == theme.__name__:
                peer.differentiate(trap.function, args)
    except Exception:
        return "loud"
    with trap.change():
        expected, known = trap.function(*copy.deepcopy(args)), trap.gradient(*args)
        try:
            with numpy_as(theme, peer.numpy):
                found = peer.differentiate(trap.function, args)
        except Exception:
            return "loud"
    return "right" if agrees(found, (expected, known), np.asarray(args[0]).dtype) else "silent"


def agrees(found: Any, expected: Any, dtype: Any) -> bool:
    tolerance = TOLERANCES.get(dtype, 1e-8)
    return all(
        np.shape(f) == np.shape(e) and np.allclose(f, e, rtol=tolerance, atol=tolerance)
        for f, e in zip(found, expected, strict=True)
    )


def kernel_outcomes(kernels: Any) -> dict[str, str]:
    """What a compiler of kernels does with the translated traps."""
    traps = {trap.name: trap for _, trap in SUITE}
    outcomes = {}
    for kernel in kernels.KERNELS:
        trap = traps[kernels.name(kernel)]
        (argument,) = copy.deepcopy(trap.args)
        expected = trap.function(copy.deepcopy(argument)), trap.gradient(argument)
        try:
            found = kernels.value_and_grad(kernel, argument)
        except Exception:
            outcomes[trap.name] = "loud"
        else:
            outcomes[trap.name] = "right" if agrees(found, expected, np.float64) else "silent"
    return outcomes


def collected() -> dict[str, dict[str, str]]:
    """The outcomes of each peer that is installed, and of ourselves."""
    table = {}
    for module, make in (
        ("adcompiler", ours), ("jax", jax_peer), ("autograd", hips_peer), ("torch", torch_peer)
    ):  # fmt: skip
        if importlib.util.find_spec(module) is None:
            print(f"{module} is not installed")
            continue
        peer = make()
        table[peer.name] = {trap.name: outcome(peer, theme, trap) for theme, trap in SUITE}
    for module in ("warp", "taichi"):
        if importlib.util.find_spec(module) is None:
            print(f"{module} is not installed")
            continue
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            table[module.capitalize()] = kernel_outcomes(importlib.import_module(f"{module}_traps"))
    return table


def main():
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    table = collected()
    print(f"{'':16}{'right':>8}{'loud':>8}{'silent':>8}{'of':>8}")
    for name, outcomes in table.items():
        counts = Counter(outcomes.values())
        print(f"{name:16}" + "".join(f"{counts[k]:8}" for k in ("right", "loud", "silent")), end="")
        print(f"{len(outcomes):8}")
    if "-v" in sys.argv[1:]:
        print("\n" + f"{'':28}" + "".join(f"{name:>16}" for name in table))
        for _, trap in SUITE:
            cells = "".join(f"{outcomes.get(trap.name, ''):>16}" for outcomes in table.values())
            print(f"{trap.name:28}{cells}  {trap.about}")


if __name__ == "__main__":
    main()
