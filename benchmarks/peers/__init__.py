"""Those who also differentiate Python, on the workloads: JAX, PyTorch, HIPS autograd.

`jax_forms` and `torch_forms` are the workloads in the best idiomatic form of each. The form that the user's
code has is the code itself with the peer's numpy in the place of NumPy (`users_code`), what it writes in
place said otherwise (`jax_in_place`, `autograd_forms`). `with_jax`, `with_torch`, `with_autograd` and
`ourselves` hand out contestants: by name, functions that get one ready.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ready:
    """A contestant with its arguments in hand.

    `call` takes one gradient, `gradients` makes NumPy arrays of what it returned; `stages` are seconds, where
    there is a compiler.
    """

    call: Callable[[], Any]
    gradients: Callable[[Any], tuple[Any, ...]]
    stages: Mapping[str, float] = field(default_factory=dict)


def stages(trace: float, first: float, later: float) -> dict[str, float]:
    """Of the first call, which traces and compiles; what is neither that nor a later call is compiling."""
    return {"trace": trace, "compile": max(0.0, first - trace - later), "first": first}


def as_tuple(gradient: Any) -> tuple[Any, ...]:
    return tuple(gradient) if isinstance(gradient, tuple | list) else (gradient,)
