"""Loops that call the functions of `backends/vecmath`, by Numba and without; how far numbers are off."""

from __future__ import annotations

import ctypes
from functools import cache

import llvmlite.binding as llvm
import mpmath as mp
import numpy as np
from llvmlite import ir
from numba import njit

from adcompiler.backends import vecmath
from adcompiler.backends.vecmath.notation import F32, F64, float_of

DTYPES = {F64: np.float64, F32: np.float32}
BY_NAME = {f.__name__: f for f in vecmath.FORMULAS}


def operands(name):
    """How many numbers a function takes."""
    return BY_NAME[name].__code__.co_argcount


@cache
def numba_loop(name, fastmath=frozenset({"contract"})):
    """A Numba function that applies one to each element of arrays; `fastmath` is a set of flags or a bool."""
    function = vecmath.lowered(BY_NAME[name])
    flags = set(fastmath) if isinstance(fastmath, frozenset) else fastmath
    if operands(name) == 1:

        @njit(error_model="numpy", fastmath=flags)
        def loop(x, out):
            for i in range(len(out)):
                out[i] = function(x[i])

    else:

        @njit(error_model="numpy", fastmath=flags)
        def loop(x, y, out):
            for i in range(len(out)):
                out[i] = function(x[i], y[i])

    return loop


def applied(loop, *arrays):
    """What a loop makes of arrays."""
    out = np.empty_like(arrays[0])
    loop(*arrays, out)
    return out


# ---- without Numba: any processor ----


def module_of(name, format, triple):
    """A module of LLVM's with `loop(x, [y,] out, n)`, n > 0."""
    module = ir.Module(name)
    module.triple = triple
    called = vecmath.emitted(module, BY_NAME[name], format)
    pointer = float_of(format).as_pointer()
    type_ = ir.FunctionType(ir.VoidType(), [pointer] * (operands(name) + 1) + [ir.IntType(64)])
    loop = ir.Function(module, type_, "loop")
    *inputs, out, count = loop.args
    for argument in (*inputs, out):
        argument.attributes.add("noalias")
    entry, body, end = (loop.append_basic_block() for _ in range(3))
    builder = ir.IRBuilder(entry)
    builder.branch(body)
    builder.position_at_end(body)
    i = builder.phi(count.type)
    i.add_incoming(count.type(0), entry)
    result = builder.call(called, [builder.load(builder.gep(x, [i])) for x in inputs])
    builder.store(result, builder.gep(out, [i]))
    following = builder.add(i, count.type(1))
    i.add_incoming(following, body)
    builder.cbranch(builder.icmp_unsigned("<", following, count), body, end)
    builder.position_at_end(end)
    builder.ret_void()
    return module


def optimised(module, triple, cpu):
    """A module after LLVM's passes, and the machine that it is for."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(parsed, builder)
    return parsed, machine


class PlainLoop:
    """A loop for the oldest processor of this family: on x86-64 without fused instructions."""

    def __init__(self, name, format):
        triple = llvm.get_process_triple()
        cpu = "x86-64" if triple.startswith("x86_64") else "generic"
        parsed, machine = optimised(module_of(name, format, triple), triple, cpu)
        self.assembly = machine.emit_assembly(parsed)
        self.engine = llvm.create_mcjit_compiler(parsed, machine)
        self.engine.finalize_object()
        address = self.engine.get_function_address("loop")
        pointers = [ctypes.c_void_p] * (operands(name) + 1)
        self.function = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(address)

    def __call__(self, *arrays):
        self.function(*(a.ctypes.data for a in arrays), len(arrays[0]))


# ---- oracles ----


def precise(name, *arrays):
    """What mpmath gives for f64, as a sum of two f64."""
    exact = {
        "exp2": lambda x: mp.mpf(2) ** x,
        "log2": lambda x: mp.log(x) / mp.log(2),
        "expit": lambda x: 1 / (1 + mp.exp(-x)),
        "power": lambda x, y: x**y,
    }.get(name) or getattr(mp, name)
    with mp.workprec(1300 if name in ("sin", "cos", "tan") else 200):
        results = [
            exact(*map(mp.mpf, numbers)) for numbers in zip(*(a.tolist() for a in arrays), strict=True)
        ]
        upper = np.array([mp.libmp.to_float(r._mpf_) for r in results])
        pairs = zip(results, upper, strict=True)
        lower = np.array([float(r - u) if np.isfinite(u) else 0.0 for r, u in pairs])
    return upper, lower


def ulps(values, upper, lower=0.0):
    """How many units in the last place numbers are off; where infinity is right, 0 or infinity."""
    upper = np.asarray(upper)
    nearest = upper.astype(values.dtype)
    with np.errstate(invalid="ignore"):
        error = np.abs((values.astype(np.float64) - upper) - lower) / np.spacing(np.abs(nearest))
    return np.where(values == nearest, np.fmin(error, 0.5), error)
