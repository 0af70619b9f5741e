"""The bits of floats of 16 bits as unsigned integers, which generated code has in their place.

Backends are given these ops in place of casts (`backends/halves.py`), after all differentiation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DTypeError
from ..graph import Attrs, Block
from ..op import NoDerivative, Op, Sample
from ..types import F32, F64, ArrayType, DType
from .elementwise import elementwise

_BITS = NoDerivative("it is a function of bits")


def _format(attrs: Attrs) -> DType:
    found = attrs["format"]
    if not (isinstance(found, DType) and found.is_half):
        raise DTypeError(f"a format is f16 or bf16, not {found}")
    return found


def _decode_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (bits,) = types
    if bits.dtype is not DType.U16:
        raise DTypeError(f"bits of {_format(attrs)} are u16, not {bits.dtype}")
    return (bits.with_dtype(F32),)


def _decode(bits: Any, format: DType) -> Any:
    return np.asarray(bits).view(format.numpy).astype(np.float32)[()]


_SPECIAL = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C01, 0xC500, 0x7BFF, 0x7C00, 0xFE00]
_SPECIAL_BITS = np.array(_SPECIAL, np.uint16)

decode: Op = elementwise(
    "decode",
    numpy=_decode,
    scalar=lambda attrs, result: f"decode_{attrs['format']}({{0}})",
    partials=_BITS,
    infer=_decode_infer,
    samples=(
        Sample((_SPECIAL_BITS,), {"format": DType.F16}),
        Sample((np.uint16(0xB555),), {"format": DType.F16}),
        Sample((_SPECIAL_BITS,), {"format": DType.BF16}),
    ),
)
"""The f32 that bits of a format stand for."""


def _encode_infer(types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]) -> tuple[ArrayType, ...]:
    (x,) = types
    allowed = (F32, F64) if _format(attrs) is DType.F16 else (F32,)
    if x.dtype is not attrs["of"] or x.dtype not in allowed:
        raise DTypeError(f"encode {{format={attrs['format']}, of={attrs['of']}}} does not take {x.dtype}")
    return (x.with_dtype(DType.U16),)


def _encode(x: Any, format: DType, of: DType) -> Any:
    return np.asarray(x).astype(format.numpy).view(np.uint16)[()]


_NUMBERS = np.array(
    [0.0, -0.0, 2049.0, 2051.0, -65519.0, 65520.0, 6e-8, -2.0**-25, 1 + 2.0**-11, 1e38, np.inf, np.nan]
)

encode: Op = elementwise(
    "encode",
    numpy=_encode,
    scalar=lambda attrs, result: f"encode_{attrs['format']}_from_{attrs['of']}({{0}})",
    partials=_BITS,
    infer=_encode_infer,
    samples=(
        Sample((_NUMBERS.astype(np.float32),), {"format": DType.F16, "of": F32}),
        Sample((_NUMBERS + np.finfo(float).eps * _NUMBERS,), {"format": DType.F16, "of": F64}),
        Sample((_NUMBERS.astype(np.float32),), {"format": DType.BF16, "of": F32}),
        Sample((np.float32(-0.3),), {"format": DType.BF16, "of": F32}),
    ),
)
"""The bits of a format that are nearest to a float, halves to even."""

OPS = (decode, encode)
