"""Which routines there are: those of NVIDIA's libraries, or what stands for them in the simulator."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..device import toolkit


@cache
def routines() -> Any:
    """The module of routines, which are called alike."""
    if toolkit.simulated():
        from . import simulated_routines

        return simulated_routines
    from . import device_routines

    return device_routines
