"""Formulas of floats, written with Python's operators and emitted as instructions of LLVM.

The formulas have no branches, so that LLVM's vectoriser takes a loop that calls them as it takes a sum. Two
kinds of arithmetic are told apart. Operators are exact to the letter: each rounds once, none is fused or
reordered, so that the errors of roundings can be computed and made up for. `fused(a, b, c)` is a * b + c,
with one rounding where the processor has such an instruction and two elsewhere; a formula that uses it is
right with both.

Numba adds the fast-math flags of the function that it compiles to instructions that have none
(numba/core/fastmathpass.py). So every instruction here has one: `afn`, which lets calls of functions be
approximated and so says nothing of a sum or product, or `contract`, in `fused`. Calls always get the flags,
therefore there are none: absolute values and roundings are arithmetic too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EXACT = ("afn",)
FUSED = ("contract",)


@dataclass(frozen=True)
class Format:
    """A binary floating-point format of IEEE 754."""

    name: str
    width: int
    mantissa: int
    """Bits behind the point."""

    @property
    def bias(self) -> int:
        return (1 << (self.width - self.mantissa - 2)) - 1

    @property
    def to_whole(self) -> float:
        """What rounds to a whole number when added: the last bit is 1 in its neighbourhood."""
        return 1.5 * 2.0**self.mantissa

    @property
    def sign(self) -> int:
        """The bit of the sign."""
        return 1 << (self.width - 1)


F64 = Format("f64", 64, 52)
F32 = Format("f32", 32, 23)

PerFormat = dict[Format, Any]


@dataclass(frozen=True)
class Term:
    """A value of LLVM's language, and where the instructions that use it are written."""

    builder: Any
    value: Any
    format: Format


class Float(Term):
    """A number in its format."""

    def _other(self, x: Float | float) -> Float:
        return x if isinstance(x, Float) else self.constant(x)

    def constant(self, x: float) -> Float:
        """A number of this one's format."""
        return Float(self.builder, self.value.type(float(x)), self.format)

    def _with(self, instruction: str, x: Float | float, flags: Sequence[str] = EXACT) -> Float:
        emit = getattr(self.builder, instruction)
        return Float(self.builder, emit(self.value, self._other(x).value, flags=flags), self.format)

    def __add__(self, x: Float | float) -> Float:
        return self._with("fadd", x)

    def __radd__(self, x: float) -> Float:
        return self + x

    def __sub__(self, x: Float | float) -> Float:
        return self._with("fsub", x)

    def __rsub__(self, x: float) -> Float:
        return self._other(x) - self

    def __mul__(self, x: Float | float) -> Float:
        return self._with("fmul", x)

    def __rmul__(self, x: float) -> Float:
        return self * x

    def __truediv__(self, x: Float | float) -> Float:
        return self._with("fdiv", x)

    def __rtruediv__(self, x: float) -> Float:
        return self._other(x) / self

    def __neg__(self) -> Float:
        return (self.bits ^ self.format.sign).number

    def __abs__(self) -> Float:
        return (self.bits & (self.format.sign - 1)).number

    def _compared(self, sign: str, x: Float | float) -> Truth:
        emit = self.builder.fcmp_unordered if sign == "!=" else self.builder.fcmp_ordered
        return Truth(self.builder, emit(sign, self.value, self._other(x).value, flags=EXACT), self.format)

    def __lt__(self, x: Float | float) -> Truth:
        return self._compared("<", x)

    def __le__(self, x: Float | float) -> Truth:
        return self._compared("<=", x)

    def __gt__(self, x: Float | float) -> Truth:
        return self._compared(">", x)

    def __ge__(self, x: Float | float) -> Truth:
        return self._compared(">=", x)

    def equals(self, x: Float | float) -> Truth:
        return self._compared("==", x)

    @property
    def is_nan(self) -> Truth:
        return self._compared("!=", self)

    @property
    def bits(self) -> Bits:
        """The bits that stand for it."""
        return Bits(self.builder, self.builder.bitcast(self.value, integer_of(self.format)), self.format)

    def with_sign_of(self, x: Float) -> Float:
        """The number with another's sign."""
        mask = self.format.sign
        return (self.bits & (mask - 1) | x.bits & mask).number

    def times_sign_of(self, x: Float) -> Float:
        """The number, or minus the number where the other's sign is minus."""
        return (self.bits ^ (x.bits & self.format.sign)).number

    def whole(self) -> tuple[Float, Bits]:
        """The nearest whole number, less than 2^(mantissa - 1), and bits whose last ones are its last."""
        shifted = self + self.format.to_whole
        return shifted - self.format.to_whole, shifted.bits

    def rounded(self, unit: float) -> Float:
        """The nearest multiple of a power of two, less than 2^(mantissa - 1) of them."""
        shift = self.format.to_whole * unit
        return (self + shift) - shift

    def upper(self, bits: int) -> Float:
        """The number without its last bits."""
        return (self.bits & -(1 << bits)).number

    def converted(self, format: Format) -> Float:
        """The number in another format."""
        emit = self.builder.fpext if format.width > self.format.width else self.builder.fptrunc
        same = format is self.format
        return self if same else Float(self.builder, emit(self.value, float_of(format)), format)


class Bits(Term):
    """As many bits as a number of the format has; integer arithmetic wraps around."""

    def _with(self, instruction: str, x: Bits | int) -> Bits:
        other = x.value if isinstance(x, Bits) else self.value.type(x % 2**self.format.width)
        return Bits(self.builder, getattr(self.builder, instruction)(self.value, other), self.format)

    def __add__(self, x: Bits | int) -> Bits:
        return self._with("add", x)

    def __sub__(self, x: Bits | int) -> Bits:
        return self._with("sub", x)

    def __and__(self, x: Bits | int) -> Bits:
        return self._with("and_", x)

    def __or__(self, x: Bits | int) -> Bits:
        return self._with("or_", x)

    def __xor__(self, x: Bits | int) -> Bits:
        return self._with("xor", x)

    def __lshift__(self, n: int) -> Bits:
        return self._with("shl", n)

    def __rshift__(self, n: int) -> Bits:
        """Zeros come in from the left."""
        return self._with("lshr", n)

    def where(self, condition: Truth, instead: int) -> Bits:
        """These bits, or a number instead where the condition holds."""
        chosen = self.builder.select(condition.value, self.value.type(instead), self.value)
        return Bits(self.builder, chosen, self.format)

    def equals(self, x: Bits | int) -> Truth:
        other = x.value if isinstance(x, Bits) else self.value.type(x)
        return Truth(self.builder, self.builder.icmp_unsigned("==", self.value, other), self.format)

    @property
    def number(self) -> Float:
        """The number that they stand for."""
        return Float(self.builder, self.builder.bitcast(self.value, float_of(self.format)), self.format)


class Truth(Term):
    """Whether something holds."""

    def __invert__(self) -> Truth:
        return Truth(self.builder, self.builder.not_(self.value), self.format)

    def __and__(self, x: Truth) -> Truth:
        return Truth(self.builder, self.builder.and_(self.value, x.value), self.format)

    def __or__(self, x: Truth) -> Truth:
        return Truth(self.builder, self.builder.or_(self.value, x.value), self.format)


def where(condition: Truth, yes: Float | float, no: Float | float) -> Float:
    """One number or the other; both are computed. One of them is a term, not a Python number."""
    term = yes if isinstance(yes, Float) else no
    assert isinstance(term, Float)
    chosen = condition.builder.select(condition.value, term._other(yes).value, term._other(no).value)
    return Float(condition.builder, chosen, term.format)


def at_least(low: float, x: Float) -> Float:
    """The larger one; NaN stays."""
    return where(x < low, low, x)


def fused(a: Float, b: Float | float, c: Float | float) -> Float:
    """a * b + c, rounded once or twice."""
    return a._with("fmul", b, FUSED)._with("fadd", c, FUSED)


def polynomial(x: Float, coefficients: PerFormat) -> Float:
    """c0 + c1 x + c2 x^2 ..., by Horner's rule; the coefficients of x's format."""
    *rest, last = coefficients[x.format]
    result = x.constant(last)
    for c in reversed(rest):
        result = fused(result, x, c)
    return result


def two_sum(a: Float, b: Float | float) -> tuple[Float, Float]:
    """The rounded sum, and its error. Source: Knuth, TAOCP, vol. 2, 4.2.2, theorem B."""
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def fast_two_sum(a: Float | float, b: Float) -> tuple[Float, Float]:
    """The rounded sum, and its error, where |a| >= |b| or a = 0. Source: Dekker, 1971, 4.7."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Float, b: Float) -> tuple[Float, Float]:
    """The rounded product, and its error, but for a last bit: both are cut in two, as in Dekker, 1971."""
    bits = (a.format.mantissa + 1) // 2
    product, short, other = a * b, a.upper(bits + 1), b.upper(bits)
    rest = (short * other - product) + (a - short) * other
    return product, rest + a * (b - other)


def quotient(above: Float, above_rest: Float, below: Float, below_rest: Float) -> Float:
    """(above + above_rest) / (below + below_rest) with one division, to little more than half a last bit."""
    inverse = 1.0 / below
    result = above * inverse
    product, lost = two_product(result, below)
    rest = (above - product) - lost
    return result + (rest + (above_rest - result * below_rest)) * inverse


def float_of(format: Format) -> Any:
    """LLVM's type of the numbers of a format."""
    from llvmlite import ir

    return {F64: ir.DoubleType(), F32: ir.FloatType()}[format]


def integer_of(format: Format) -> Any:
    """LLVM's type of their bits."""
    from llvmlite import ir

    return ir.IntType(format.width)
