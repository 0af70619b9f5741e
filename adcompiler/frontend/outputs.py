"""What a captured function returns: traced leaves become results, the others are known already."""

from __future__ import annotations

from typing import Any

import numpy as np
import optree

from adcompiler.ir.graph import Value

from .arguments import flatten
from .captured import Output
from .frames import refuse
from .handles import Traced
from .scalars import is_floating, value


def results_of(returned: Any) -> tuple[list[Value], tuple[Output, ...], optree.PyTreeSpec]:
    """The values that the program returns, what each leaf is, and their tree."""
    leaves, structure = flatten(returned)
    values: list[Value] = []
    outputs: list[Output] = []
    for leaf in leaves:
        if isinstance(leaf, Traced | np.ndarray) or is_floating(leaf):
            outputs.append(Output(len(values), weak=getattr(leaf, "weak", None) is not None))
            values.append(value(leaf))
        elif isinstance(leaf, bool | int | str | bytes | np.generic):
            outputs.append(Output(None, leaf))
        else:
            refuse(
                f"the function returns a {type(leaf).__name__}",
                "return numbers, arrays, or tuples, lists and dicts of them",
            )
    return values, tuple(outputs), structure
