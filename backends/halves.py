"""Floats of 16 bits as their bits: what generated code has in their place, on every target.

In a Function for a backend they are u16, which all targets load, store and move; casts are `decode` and
`encode`, whose sources are integer arithmetic. Arrays of callers are viewed, never copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.build import block, emit, lookup, origin, using
from ..ir.errors import ArgumentError
from ..ir.graph import Attr, Block, Constant, Eqn, Function, Value, constant, values
from ..ir.halves import widened
from ..ir.ops import OPS
from ..ir.ops.arithmetic import cast
from ..ir.ops.halves import decode, encode
from ..ir.types import F32, F64, DType
from .compiled import Compiled, Results, destined

BITS = np.dtype(np.uint16)


def in_bits(function: Function) -> Function:
    """A Function that has bits where this one has halves; itself where there are none."""
    if not any(v.type.dtype.is_half for v in (*values(function.body), *function.body.results)):
        return function
    body = widened(function).body
    with using(OPS):
        copied = _block(body, {})
    return replace(function, body=copied)


def _block(source: Block, around: Mapping[Value, Value]) -> Block:
    params = [_renewed(p) for p in source.params]
    env = {**around, **dict(zip(source.params, params, strict=True))}

    def body(*_: Value) -> list[Value]:
        for eqn in source.eqns:
            with origin(eqn.location, eqn.note):
                env.update(zip(eqn.outputs, _written(eqn, env), strict=True))
        return [_copy(r, env) for r in source.results]

    return block(params, body)


def _written(eqn: Eqn, env: Mapping[Value, Value]) -> Sequence[Value]:
    operands = [_copy(v, env) for v in eqn.inputs]
    if eqn.op is cast:
        return [_cast(operands[0], eqn.inputs[0].type.dtype, eqn.output.type.dtype)]
    attrs = {name: _attr(attr) for name, attr in eqn.attrs.items()}
    blocks = [_block(b, env) for b in eqn.blocks]
    return emit(eqn.op, operands, attrs, blocks, [v.name for v in eqn.outputs])


def _cast(x: Value, source: DType, target: DType) -> Value:
    """As NumPy and ml_dtypes do it: only from f64 to f16 without f32 between them."""
    if source is target:
        return x
    if source.is_half:
        return _cast(decode(x, format=source), F32, target)
    if not target.is_half:
        return x if source is target else cast(x, dtype=target)
    of = F64 if (source, target) == (F64, DType.F16) else F32
    return encode(_cast(x, source, of), format=target, of=of)


def _renewed(value: Value) -> Value:
    dtype = value.type.dtype
    return Value(value.type.with_dtype(DType.U16) if dtype.is_half else value.type, value.name)


def _copy(value: Value, env: Mapping[Value, Value]) -> Value:
    if isinstance(value, Constant) and value.type.dtype.is_half:
        return constant(_bits(value.data))
    return lookup(env, value)


def _attr(attr: Attr) -> Attr:
    return DType.U16 if isinstance(attr, DType) and attr.is_half else attr


# ---- calls ----


def in_halves(function: Function, compiled: Compiled) -> Compiled:
    """What was compiled of `in_bits(function)` as a callable for arguments of the function."""
    params, results = function.body.params, function.body.results
    given = [(k, r.type.dtype.numpy) for k, r in enumerate(results) if r.type.dtype.is_half]
    first_out = len(params) + len(function.sizes)
    outs = [first_out + j for j, k in enumerate(destined(function)) if results[k].type.dtype.is_half]
    taken = [*(k for k, p in enumerate(params) if p.type.dtype.is_half), *outs]

    def bits(args: Sequence[Any]) -> list[Any]:
        _refuse_others(args)
        found = list(args)
        for k in taken:
            if k < len(found) and found[k] is not None:
                found[k] = _bits(found[k])
        return found

    def call(*args: Any) -> Results:
        found = list(compiled.call(*bits(args)))
        for k, dtype in given:
            found[k] = np.asarray(found[k]).view(dtype)[()]
        return tuple(found)

    def compile_(*args: Any) -> None:
        compiled.compile(*bits(args))
        outer.kernel, outer.call = compiled.kernel, call

    def first_call(*args: Any) -> Results:
        compile_(*args)
        return call(*args)

    outer = replace(compiled, function=function, call=first_call, compile=compile_)
    return outer


_NUMPYS = np.ndarray | np.generic | int | float | None


def _refuse_others(args: Sequence[Any]) -> None:
    """A program of halves takes no arrays that lie on a device."""
    other = next((x for x in args if not isinstance(x, _NUMPYS)), None)
    if other is not None:
        raise ArgumentError(
            f"a program with float16 or bfloat16 is given a {type(other).__name__}",
            hint="pass arrays of NumPy, which are copied to the device, or cast to float32 there",
        )


def _bits(x: Any) -> Any:
    return np.asarray(x).view(BITS)[()]
