"""How Numba compiles kernels: its own passes and code, in less of its time.

The most of what Numba takes is spent in Python, a statement at a time: it looks up what `a * b` of two floats
is, once for the types and up to four times for the code, as if it had never met two floats; an access to an
array makes six instructions for one, since an index may be negative. A kernel is made of little else. So
`Kernels` is a pipeline of Numba's passes (`numba.core.compiler.CompilerBase`) that

- leaves out the passes for what kernels do not have: closures, `with`, exceptions, array expressions;
- remembers, while it compiles one function, what operators on numbers are;
- reaches an element of an array that lies in C order at once. Indices in generated code are in range and not
  negative, so none is wrapped around;
- keeps what is assigned once as a value, not in memory that LLVM has to look through.

All code of operators is Numba's. Results are those of Numba's own pipeline, to the bit, and a test says so.
There is no static single assignment either: a variable of a kernel has one type. The pipeline stands on
classes that Numba may change: other versions than those that it was tried with compile in their own way.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numba
from numba.core import cgutils, errors, ir, lowering, typed_passes, typeinfer, types, untyped_passes
from numba.core.compiler import Compiler, CompilerBase
from numba.core.compiler_machinery import FunctionPass, PassManager, register_pass
from numba.core.dispatcher import Dispatcher
from numba.core.ir_utils import get_definition, guard
from numba.core.typing.templates import signature
from numba.np.arrayobj import load_item, store_item

NUMBERS = (types.Number, types.Boolean)
POWERS = (operator.pow, operator.ipow)

TRIED = ("0.68.",)
"""Versions of Numba."""


def pipeline() -> type[CompilerBase]:
    """The passes by which kernels are compiled."""
    return Kernels if numba.__version__.startswith(TRIED) else Compiler


def take_over(kernel: Any) -> None:
    """A kernel is to be compiled so, and what is defined beside it."""
    module = kernel.py_func.__globals__
    for value in list(module.values()):
        if isinstance(value, Dispatcher) and value.py_func.__globals__ is module:
            function: Any = value
            function._compiler.pipeline_class = pipeline()


class Kernels(CompilerBase):
    """Numba's passes that a kernel needs."""

    def define_pipelines(self) -> list[Any]:
        passes = PassManager("kernels")
        passes.add_pass(untyped_passes.TranslateByteCode, "analyzing bytecode")
        passes.add_pass(untyped_passes.FixupArgs, "fix up args")
        passes.add_pass(InferTypes, "types of variables and calls")
        passes.add_pass(typed_passes.IRLegalization, "ensure IR is legal prior to lowering")
        passes.add_pass(typed_passes.AnnotateTypes, "annotate types")
        passes.add_pass(WriteCode, "code of LLVM")
        passes.add_pass(typed_passes.NoPythonBackend, "nopython mode backend")
        passes.finalize()
        return [passes]


class Inference(typeinfer.TypeInferer):
    """Numba's type inference, which asks once what a function is of some types."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.known: dict[Any, Any] = {}

    def resolve_call(self, function: Any, args: Any, named: Any) -> Any:
        if named:
            return super().resolve_call(function, args, named)
        key = function, *args
        if key not in self.known:
            self.known[key] = super().resolve_call(function, args, named)
        return self.known[key]

    def typeof_setitem(self, statement: Any) -> None:
        constraint = Stored(statement.target, statement.index, statement.value, statement.loc)
        self.constraints.append(constraint)
        self.calls.append((statement, constraint))


class Stored(typeinfer.SetItemConstraint):
    """That an element of an array is set, or a part of it."""

    def __call__(self, inference: Inference) -> None:
        known = [inference.typevars[v.name] for v in (self.target, self.index, self.value)]
        if all(v.defined for v in known):
            function = inference.context.resolve_value_type(operator.setitem)
            self.signature = inference.resolve_call(function, [v.getone() for v in known], {})


@register_pass(mutates_CFG=False, analysis_only=False)
class InferTypes(FunctionPass):
    """The types of all variables, and of what is called."""

    _name = "adcompiler_types"

    def __init__(self) -> None:
        FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        kinds: Any = errors
        warnings = kinds.WarningsFixer(kinds.NumbaWarning)
        found = Inference(state.typingctx, state.func_ir, warnings)
        calls = state.typingctx.callstack
        with calls.register(state.targetctx.target, found, state.func_id, state.args), warnings:
            for k, (name, kind) in enumerate(zip(state.func_ir.arg_names, state.args, strict=True)):
                found.seed_argument(name, k, kind)
            found.build_constraint()
            state.typing_errors = found.propagate()
            state.typemap, state.return_type, state.calltypes = found.unify()
        return False


class Writer(lowering.Lower):
    """Numba's writer of LLVM's language, with a short way to operators and to elements of arrays."""

    def _find_singly_assigned_variable(self) -> None:
        """A variable that counts no references stays a value, if its one assignment comes before each use."""
        self.operators: dict[Any, Any] = {}
        self.arrays: dict[str, Any] = {}
        self.counting: dict[Any, bool] = {}
        self._blk_local_varmap: dict[str, Any] = {}
        life = self.func_ir.variable_lifetime
        uses, dominators = life.usedefs.usemap, life.cfg.dominators()
        assigned = Counter(
            s.target.name for block in self.blocks.values() for s in block.find_insts(ir.Assign)
        )
        at = {name: k for k, names in life.usedefs.defmap.items() for name in names if assigned[name] == 1}
        for k, names in uses.items():
            for name in names:
                if name in at and (k == at[name] or at[name] not in dominators[k]):
                    del at[name]
        elsewhere = {name for names in uses.values() for name in names}
        self.before = set(at)
        """What is assigned once, before each use."""
        self._singly_assigned_vars = {n for n in at if n not in elsewhere or not self._counted(n)}

    def _counted(self, name: str) -> bool:
        return self._counts(self.typeof(name))

    def _counts(self, kind: Any) -> bool:
        """Whether there are references to memory in a value, which are counted."""
        if kind not in self.counting:
            self.counting[kind] = bool(self.context.data_model_manager[kind].contains_nrt_meminfo())
        return self.counting[kind]

    def incref(self, kind: Any, value: Any) -> None:
        if self._counts(kind):
            super().incref(kind, value)

    def decref(self, kind: Any, value: Any) -> None:
        if self._counts(kind):
            super().decref(kind, value)

    def delvar(self, name: str) -> None:
        if name not in self._singly_assigned_vars or self._counted(name):
            super().delvar(name)

    def storevar(self, value: Any, name: str, argidx: Any = None) -> None:
        super().storevar(value, name, argidx)
        kind = self.typeof(name)
        if name in self.before and isinstance(kind, types.Array) and self._plain(kind):
            self.arrays[name] = self._parts(kind, value)

    def _plain(self, kind: Any) -> bool:
        return (
            isinstance(kind, types.Array)
            and kind.layout == "C"
            and isinstance(kind.dtype, NUMBERS)
            and not self.context.enable_boundscheck
        )

    def _parts(self, kind: Any, value: Any) -> tuple[Any, list[Any]]:
        """Where an array lies, and how far it extends along each axis but the first."""
        model = self.context.data_model_manager[kind]
        data = self.builder.extract_value(value, model.get_field_position("data"))
        shape = model.get_field_position("shape")
        return data, [self.builder.extract_value(value, (shape, k)) for k in range(1, kind.ndim)]

    def _element(self, array: Any, index: Any) -> Any:
        """The address of an element; None where it is not one of an array that lies in C order."""
        kind, at = self.typeof(array.name), self.typeof(index.name)
        several = isinstance(at, types.BaseTuple)
        kinds = at.types if several else (at,)
        if (
            not self._plain(kind)
            or len(kinds) != kind.ndim
            or not all(isinstance(k, types.Integer) for k in kinds)
        ):
            return None
        data, extents = self.arrays.get(array.name) or self._parts(kind, self.loadvar(array.name))
        given = self.loadvar(index.name)
        numbers = [self.builder.extract_value(given, k) for k in range(kind.ndim)] if several else [given]
        wide = [
            self.context.cast(self.builder, n, k, types.uintp if not k.signed else types.intp)
            for n, k in zip(numbers, kinds, strict=True)
        ]
        place = wide[0]
        for extent, number in zip(extents, wide[1:], strict=True):
            place = self.builder.add(self.builder.mul(place, extent), number)
        return self.builder.gep(data, [place])

    def lower_getitem(self, result: Any, expr: Any, value: Any, index: Any, signature: Any) -> Any:
        address = self._element(value, index)
        if address is None:
            return super().lower_getitem(result, expr, value, index, signature)
        kind = self.typeof(value.name)
        found = load_item(self.context, self.builder, kind, address)
        return self.context.cast(self.builder, found, kind.dtype, result)

    def lower_setitem(self, target: Any, index: Any, value: Any, signature: Any) -> Any:
        if self._whole(target, index, value):
            return self._fill(target, value)
        address = self._element(target, index)
        if address is None:
            return super().lower_setitem(target, index, value, signature)
        kind = self.typeof(target.name)
        number = self.context.cast(
            self.builder, self.loadvar(value.name), self.typeof(value.name), kind.dtype
        )
        store_item(self.context, self.builder, kind, number, address)
        return None

    def _whole(self, target: Any, index: Any, value: Any) -> bool:
        """Whether `target[:] = value` sets elements of an array in C order to a number."""
        if not self._plain(self.typeof(target.name)) or not isinstance(self.typeof(value.name), NUMBERS):
            return False
        made = guard(get_definition, self.func_ir, index)
        if not isinstance(made, ir.Expr) or made.op != "call":
            return False
        called = guard(get_definition, self.func_ir, made.func)
        bounds = [guard(get_definition, self.func_ir, v) for v in made.args]
        return getattr(called, "value", None) is slice and [getattr(b, "value", 0) for b in bounds] == [
            None,
            None,
        ]

    def _fill(self, target: Any, value: Any) -> None:
        """All elements of an array that lies in C order are set to one number."""
        kind = self.typeof(target.name)
        array = self.loadvar(target.name)
        model = self.context.data_model_manager[kind]
        data, count = (
            self.builder.extract_value(array, model.get_field_position(f)) for f in ("data", "nitems")
        )
        number = self.context.cast(
            self.builder, self.loadvar(value.name), self.typeof(value.name), kind.dtype
        )
        with cgutils.for_range(self.builder, count) as loop:
            store_item(self.context, self.builder, kind, number, self.builder.gep(data, [loop.index]))

    def lower_binop(self, result: Any, expr: Any, op: Any) -> Any:
        left, right = self.typeof(expr.lhs.name), self.typeof(expr.rhs.name)
        if not isinstance(left, NUMBERS) or not isinstance(right, NUMBERS):
            return super().lower_binop(result, expr, op)
        key = op, left, right
        if key not in self.operators:
            self.operators[key] = self._operator(op, self.fndesc.calltypes[expr], right)
        signature, code = self.operators[key]
        pairs = zip((expr.lhs, expr.rhs), (left, right), signature.args, strict=True)
        args = [
            self.context.cast(self.builder, self.loadvar(v.name), given, kind) for v, given, kind in pairs
        ]
        made = code(self.builder, args)
        return self.context.cast(self.builder, made, signature.return_type, result)

    def _operator(self, op: Any, signature: Any, right: Any) -> tuple[Any, Any]:
        """What an operator takes and gives, and its code; powers of f32 are rounded as Numba does."""
        known = isinstance(right, types.IntegerLiteral) and right.literal_value > 0
        if op in POWERS and known and signature.return_type == signature.args[0] == types.float64:
            return signature, partial(self._power, signature.return_type, right.literal_value)
        function = self.context.typing_context.resolve_value_type(op)
        signature = function.get_call_type(self.context.typing_context, signature.args, {})
        return signature, self.context.get_function(function, signature)

    def _power(self, kind: Any, exponent: int, builder: Any, args: Sequence[Any]) -> Any:
        """The products that Numba's function for powers comes to."""
        multiply = self.context.get_function(operator.mul, signature(kind, kind, kind))
        base = self.context.cast(builder, args[0], kind, kind)
        made = base if exponent % 2 else None
        while exponent := exponent // 2:
            base = multiply(builder, (base, base))
            if exponent % 2:
                made = base if made is None else multiply(builder, (made, base))
        return made


@register_pass(mutates_CFG=False, analysis_only=False)
class WriteCode(typed_passes.NativeLowering):
    """Code of LLVM from typed statements."""

    _name = "adcompiler_code"

    @property
    def lowering_class(self) -> Any:
        return Writer
