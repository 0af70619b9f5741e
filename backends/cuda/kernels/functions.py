"""NumPy's functions of numbers, as far as numba-cuda does not compile them by itself.

It knows how each ufunc is typed, and looks up in a table of its own how it is computed; `prepare` adds what
is not there. So one text of an operation serves both CPU and GPU.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

OF_FLOATS: tuple[np.ufunc, ...] = (
    *(np.sqrt, np.cbrt, np.exp, np.exp2, np.expm1, np.log1p),
    *(np.floor, np.ceil, np.trunc, np.rint, np.copysign, np.fmod),
)
"""What libdevice has under the same name, for f64, and with an f behind it, for f32."""

OF_INTEGERS: tuple[np.ufunc, ...] = (np.floor_divide, np.remainder, np.fmod)
"""What numba-cuda has in the table that types are looked up in."""


@cache
def prepare() -> None:
    """Add these functions to numba-cuda's table, once in a process."""
    from numba.cuda import libdevice, types, ufuncs
    from numba.cuda.np import ufunc_db

    table = ufuncs.ufunc_db()
    for ufunc in OF_INTEGERS:
        known = ufunc_db.get_ufunc_info(ufunc)
        loops = {loop: code for loop, code in known.items() if loop[0] not in "fdFD"}
        table.setdefault(ufunc, {}).update(loops)
    for ufunc in OF_FLOATS:
        for kind, number, suffix in (("d", types.float64, ""), ("f", types.float32, "f")):
            code = _call(getattr(libdevice, ufunc.__name__ + suffix), number)
            table.setdefault(ufunc, {})[f"{kind * ufunc.nin}->{kind}"] = code


def _call(function: Any, number: Any) -> Any:
    """How a function of libdevice is called that takes and gives numbers of one type."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        from numba.cuda import typing

        kind = typing.signature(number, *[number] * len(args))
        return context.get_function(function, kind)(builder, args)

    return code
