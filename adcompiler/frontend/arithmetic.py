"""What operators and NumPy's functions do with traced values, as the trace knows it.

Traced values hand their operators to the trace that runs, and what these do is written in terms of traced
values: so a trace is given it when it starts (`numpy_functions.ARITHMETIC`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np


class Arithmetic(Protocol):
    """The implementation of operators and NumPy's two protocols."""

    def operator(self, ufunc: np.ufunc, *operands: Any) -> Any:
        """A Python operator, as the ufunc that NumPy has for it."""

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: Sequence[Any], options: Mapping[str, Any]) -> Any:
        """A call of a ufunc, or of one of its methods."""

    def function(self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """A call of any other function of NumPy."""
