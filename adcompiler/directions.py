"""Tangents and cotangents as programs take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .frontend.arguments import ready
from .frontend.device_arrays import dtype_of, is_device_array
from .ir.errors import ArgumentError


def like(leaf: Any, primal: Any, dtype: np.dtype[Any], what: str, on_device: bool) -> Any:
    """A tangent or cotangent of the shape and dtype of its primal; on a GPU only where the program is.

    Raises
    ------
    ArgumentError
        It is of another shape, of a dtype that is not converted, or on another device.
    """
    there = is_device_array(leaf)
    if there and not on_device:
        raise ArgumentError(
            f"{what} is on a GPU, and this program runs on the CPU",
            hint='choose backend="cuda", or pass a NumPy array',
        )
    array = leaf if there else np.asarray(leaf)
    given, shape = tuple(array.shape), tuple(np.shape(primal))
    if given != shape:
        raise ArgumentError(f"{what} has shape {given}, where its primal has {shape}")
    if there:
        return _on_device(leaf, dtype, what)
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ArgumentError(f"{what} is {array.dtype}, where {dtype} is expected")
    return ready(array.astype(dtype, copy=False)) if array.ndim else dtype.type(array[()])


def _on_device(leaf: Any, dtype: np.dtype[Any], what: str) -> Any:
    if dtype_of(leaf) != dtype:
        raise ArgumentError(f"{what} is {leaf.dtype}, where {dtype} is expected", hint="cast it on the GPU")
    return leaf
