from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ir.graph import Function
from . import arrays


def calling(host: Callable[..., Any], function: Function) -> Callable[..., Any]:
    kinds = [p.type.dtype.numpy.type for p in function.body.params]
    ranks = [p.type.rank for p in function.body.params]

    def call(*args: Any) -> Any:
        n = len(ranks)
        given = [arrays.to_device(a) if r else k(a) for a, k, r in zip(args[:n], kinds, ranks, strict=True)]
        sizes = args[n : n + len(function.sizes)]
        with np.errstate(all="ignore"):
            found = host(*given, *map(int, sizes))
        return tuple(arrays.to_host(x) if hasattr(x, "copy_to_host") else x for x in found)

    return call
