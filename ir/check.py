"""The verifier: what every Function must obey, whatever pass wrote it.

Each rule is one small function, and its error shows the equation that breaks it. `verify` walks the equations
in order with what is in scope: values, and the sizes that types and attributes may mention. What a sum of a
loop may be used for stands in `sums`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from .errors import AdcompilerError, VerifierError
from .graph import Attr, Attrs, Block, Constant, Eqn, Function, Value, walk
from .loops import loop_body
from .op import Op, Reduction, Scalar, Whole
from .sums import end_of_sum, sum_positions
from .text import Names, constant_text, eqn_text, is_name
from .types import ArrayType, Dim, DType


def verify(function: Function) -> None:
    """Check every rule of the IR.

    Raises
    ------
    VerifierError
        Names the function, the rule that is broken and the equation, with the user's line where known.
    """
    _Verifier(function).function()


def inferred(
    op: Op, types: Sequence[ArrayType], attrs: Attrs, blocks: Sequence[Block]
) -> tuple[ArrayType, ...]:
    """The types that the rule of an op gives; an AdcompilerError where it does not apply."""
    if len(blocks) != op.blocks:
        raise VerifierError(f"{op.name} has {op.blocks} blocks, not {len(blocks)}")
    arity = _arity(op)
    if arity is not None and len(types) != arity:
        raise VerifierError(f"{op.name} takes {arity} operands, not {len(types)}")
    if op.loop:
        _check_loop(op, types, attrs, blocks[-1])
    if op.name == "call" and not isinstance(attrs.get("name"), str):
        raise VerifierError("call needs the name of what it calls")
    try:
        return op.infer(types, attrs, blocks)
    except AdcompilerError:
        raise
    except KeyError as error:
        raise VerifierError(f"{op.name} needs the attribute {error.args[0]}") from error
    except (AssertionError, AttributeError, IndexError, TypeError, ValueError) as error:
        raise VerifierError(f"{op.name} does not take these operands and attributes") from error


def _arity(op: Op) -> int | None:
    """The number of operands of an elementwise op, as its samples have it."""
    return len(op.samples[0].inputs) if isinstance(op.lowering, Scalar) and op.samples else None


def _check_loop(op: Op, types: Sequence[ArrayType], attrs: Attrs, body: Block) -> None:
    """Carries and sums are operands and results; the index and the trips give sizes their names."""
    states = 0
    for role in ("carry", "sums"):
        number = attrs.get(role, 0)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise VerifierError(f"{role} of a {op.name} is a number, not {number!r}")
        states += number
    if min(len(types), len(body.results)) < states:
        raise VerifierError(
            f"a {op.name} of {states} carries and sums takes and yields at least {states} values"
        )
    if not isinstance(attrs.get("reverse", False), bool):
        raise VerifierError(f"reverse of a {op.name} is True or False, not {attrs['reverse']!r}")
    for attr in ("index", op.binds):
        name = attrs.get(attr) if attr else None
        if name is not None and not (isinstance(name, str) and is_name(name)):
            raise VerifierError(f"{attr} of a {op.name} names a size, {name!r} cannot")


class _Verifier:
    """What is in scope at one place of a Function."""

    def __init__(self, function: Function) -> None:
        self.of = function
        self.names = Names(function)
        self.defined: set[Value] = set()
        self.visible: set[Value] = set()
        self.undefined: set[Value] = set()
        self.sizes: set[str] = set()
        self.eqn: Eqn | None = None

    def fail(self, message: str, printable: bool = True) -> NoReturn:
        """Raise at the equation that is being checked; it may hold what cannot be printed."""
        if self.eqn is None:
            raise VerifierError(f"{self.of.name}: {message}")
        line = eqn_text(self.eqn, self.names) if printable else f"{self.eqn.op.name} ..."
        raise VerifierError(f"{self.of.name}: {message}\n    {line}", self.eqn.location)

    # ---- the function and its blocks ----

    def function(self) -> None:
        for name in self.of.sizes:
            self.add_size(name)
        for guard in self.of.guards:
            self.check_sizes(guard.dim, "a guard")
        self.block(self.of.body)
        self.check_written()
        self.check_lent()

    def block(self, block: Block, index: Attr = None) -> None:
        """Parameters, equations in order, results; what is defined goes out of scope at the end."""
        eqn, sizes = self.eqn, set(self.sizes)
        if isinstance(index, str):
            self.add_size(index)
        for value in block.params:
            self.define(value)
        for inner in block.eqns:
            self.eqn = inner
            self.equation(inner)
        self.eqn = eqn
        for value in block.results:
            self.check_operand(value)
        self.visible.difference_update(block.params, *(inner.outputs for inner in block.eqns))
        self.sizes = sizes

    def equation(self, eqn: Eqn) -> None:
        for value in eqn.inputs:
            self.check_operand(value)
        for name, attr in eqn.attrs.items():
            self.check_attribute(name, attr)
        self.check_undefined(eqn)
        for block in eqn.blocks:
            self.block(block, eqn.attrs.get("index") if eqn.op.loop else None)
        self.check_types(eqn)
        self.check_sums(eqn)
        if eqn.op.binds:
            self.add_size(str(eqn.attrs[eqn.op.binds]))
        for value in eqn.outputs:
            self.define(value)
        if eqn.op.name == "undefined":
            self.undefined.update(eqn.outputs)

    # ---- scope ----

    def define(self, value: Value) -> None:
        self.check_defined_once(value)
        self.check_sizes(value.type, self.names.of(value))
        self.defined.add(value)
        self.visible.add(value)

    def check_defined_once(self, value: Value) -> None:
        if isinstance(value, Constant):
            self.fail(f"the constant {constant_text(value)} is defined like a value")
        if value in self.defined:
            self.fail(f"{self.names.of(value)} is defined twice")

    def check_operand(self, value: Value) -> None:
        """In scope, or a Constant that is what its type says."""
        if isinstance(value, Constant):
            self.check_constant(value)
        elif value not in self.defined:
            self.fail(f"{self.names.of(value)} is used but not defined before")
        elif value not in self.visible:
            self.fail(f"{self.names.of(value)} is used outside of the block that defines it")

    def check_constant(self, value: Constant) -> None:
        data, kind = value.data, value.type
        shape = tuple(d.constant for d in kind.shape)
        if not isinstance(data, np.ndarray if shape else np.generic) or data.dtype != kind.dtype.numpy:
            self.fail(f"a constant of type {kind} holds a {_described(data)}", printable=False)
        if data.shape != shape:
            self.fail(f"a constant of type {kind} holds data of shape {data.shape}", printable=False)
        if isinstance(data, np.ndarray) and (data.flags.writeable or not data.flags.c_contiguous):
            self.fail(f"the data of a constant of type {kind} can be written to or is not contiguous")

    def check_written(self) -> None:
        """Pairs of a result and the parameter whose final contents it is."""
        results, params = self.of.body.results, self.of.body.params
        for result, param in self.of.written:
            if not (0 <= result < len(results) and 0 <= param < len(params)):
                self.fail(f"written says that result {result} is parameter {param}: there is none")
            if results[result].type != params[param].type:
                name = self.names.of(params[param])
                self.fail(f"result {result} is {results[result].type}: not what {name} can hold afterwards")
        for pair in zip(*self.of.written, strict=True):
            if len(set(pair)) != len(pair):
                self.fail("written names a result or a parameter twice")

    def check_lent(self) -> None:
        """The memory that an undefined array is given is a parameter that nothing else mentions."""
        body = self.of.body
        uses = [*body.results, *(v for e in walk(body) for v in (*e.inputs, *_results(e.blocks)))]
        for self.eqn in (e for e in walk(body) if e.op.name == "undefined"):
            for memory in self.eqn.inputs:
                if memory not in body.params:
                    self.fail(f"{self.names.operand(memory)} is not a parameter, whose memory is lent")
                if uses.count(memory) > 1:
                    self.fail(f"{self.names.of(memory)} is lent as memory and used elsewhere")

    # ---- sizes ----

    def add_size(self, name: str) -> None:
        """A new size, from here to the end of the block."""
        if not is_name(name):
            self.fail(f"{name!r} cannot name a size")
        if name in self.sizes:
            self.fail(f"the size {name} is in scope already")
        self.sizes.add(name)

    def check_sizes(self, of: ArrayType | Dim, what: str) -> None:
        """Only sizes in scope, and none that is negative."""
        dims = of.shape if isinstance(of, ArrayType) else (of,)
        for name in sorted({name for d in dims for name in d.names()} - self.sizes):
            self.fail(f"{what} mentions the size {name}, which is not in scope")
        if isinstance(of, ArrayType) and any((d.constant or 0) < 0 for d in dims):
            self.fail(f"{what} has a negative size: {of}")

    def check_attribute(self, name: str, attr: Attr) -> None:
        """Of the kinds that the text can write, its Dims made of sizes in scope."""
        match attr:
            case tuple():
                for item in attr:
                    self.check_attribute(name, item)
            case Dim():
                self.check_sizes(attr, f"attribute {name}")
            case bool() | int() | float() | str() | None | DType():
                pass
            case _:
                self.fail(f"attribute {name} is a {type(attr).__name__}", printable=False)

    # ---- what an equation says ----

    def check_types(self, eqn: Eqn) -> None:
        """The outputs have the types that the op's rule gives."""
        try:
            types = inferred(eqn.op, [v.type for v in eqn.inputs], eqn.attrs, eqn.blocks)
        except AdcompilerError as error:
            self.fail(error.message)
        if len(types) != len(eqn.outputs):
            self.fail(f"{eqn.op.name} has {len(types)} results, not {len(eqn.outputs)}")
        for value, kind in zip(eqn.outputs, types, strict=True):
            if value.type != kind:
                self.fail(f"{self.names.of(value)} is {kind}, not {value.type}")

    def check_undefined(self, eqn: Eqn) -> None:
        """Undefined values may be stored, carried and yielded, never computed with."""
        for k, value in enumerate(eqn.inputs):
            if value in self.undefined and _computes(eqn, k):
                self.fail(f"{self.names.of(value)} is undefined and computed with")

    def check_sums(self, eqn: Eqn) -> None:
        """Every sum of a loop, from its parameter to the result, is only added to."""
        for k in sum_positions(eqn):
            body = loop_body(eqn)
            start = body.params[1 + k]
            if end_of_sum(start, body) != k:
                self.fail(f"{self.names.of(start)} is a sum: only added to, and then yielded in its place")


def _results(blocks: Sequence[Block]) -> list[Value]:
    return [result for block in blocks for result in block.results]


def _computes(eqn: Eqn, k: int) -> bool:
    """Whether operand k is computed with, or decides something, and is not merely moved."""
    match eqn.op.name:
        case "for" | "while":
            return k in sum_positions(eqn)
        case "index":
            return k >= 1
        case "put":
            return k >= 2
        case "add_at" | "if" | "check" | "bind":
            return True
    lowering = eqn.op.lowering
    return isinstance(lowering, Scalar | Reduction) or (isinstance(lowering, Whole) and not lowering.view)


def _described(data: object) -> str:
    dtype = f" of {data.dtype}" if isinstance(data, np.ndarray) else ""
    return type(data).__name__ + dtype
