"""Programs in the IR, with places in a source file, for the tests of the verification."""

from adcompiler.ir.build import function, origin
from adcompiler.ir.errors import Location
from adcompiler.ir.graph import Function, Value, constant
from adcompiler.ir.ops import OPS
from adcompiler.ir.ops.control import branch
from adcompiler.ir.ops.loops import loop
from adcompiler.ir.types import array_type

sin, exp, tanh, greater, log, where = (
    OPS[name] for name in ("sin", "exp", "tanh", "greater", "log", "where")
)
index, add_at, put, sum_, matmul = (OPS[name] for name in ("index", "add_at", "put", "sum", "matmul"))
solve, maximum, sqrt = (OPS[name] for name in ("solve", "maximum", "sqrt"))


def line(number: int):
    """What is emitted inside stems from this line of model.py."""
    return origin(Location("model.py", number, "model"))


def param(name: str, *shape: str | int) -> Value:
    return Value(array_type("f64", *shape), name)


def program(params, body, sizes=(), ops=OPS) -> Function:
    return function("model", params, body, ops=ops, sizes=sizes)


def power() -> Function:
    """y = 1; n times: y = y * sin(x)."""

    def body(x):
        def trip(i, y):
            with line(4):
                return [y * sin(x)]

        with line(3):
            return loop("n", trip, [constant(1.0)], names=["y"])

    return program([param("x")], body, ["n"])


def two_carries() -> Function:
    """Two carries of one type, a slice, a captured value, and code after the loop."""

    def body(x, y, a):
        def trip(i, u, v, element):
            with line(5):
                s = sin(u) * v
            with line(6):
                r = v * element + u * x
            return [s, r]

        with line(4):
            u, v = loop("n", trip, [x, y], [], [a], names=["u", "v"])
        with line(8):
            return [u * exp(v)]

    return program([param("x"), param("y"), param("a", "n")], body, ["n"])


def straight() -> Function:
    """(a * b + c) ** 2."""

    def body(a, b, c):
        with line(2):
            return [OPS["ipow"](a * b + c, n=2)]

    return program([param("a"), param("b"), param("c")], body)


def network() -> Function:
    """Arrays of symbolic sizes without a loop."""

    def body(w, x):
        with line(2):
            y = tanh(matmul(w, x))
        with line(3):
            return [sum_(log(maximum(y * y, 0.01)) / sqrt(y + 2.0), axes=(0,))]

    return program([param("w", "m", "n"), param("x", "n")], body, ["m", "n"])


def system() -> Function:
    """A linear system whose matrix is made of the argument."""

    def body(a, b):
        with line(2):
            return [sum_(solve(matmul(a, a) + a, b), axes=(0,))]

    return program([param("a", 2, 2), param("b", 2)], body)


def branching() -> Function:
    """A loop whose body takes the first branch, and from some trip on the second one."""

    def body(x):
        def trip(i, y):
            with line(4):
                large = greater(y, 1.0)

                def shrink():
                    with line(5):
                        return [y * sin(x)]

                def grow():
                    with line(7):
                        return [y + tanh(x)]

                return branch(large, shrink, grow)

        with line(3):
            return loop("n", trip, [x])

    return program([param("x")], body, ["n"])


def integrator() -> Function:
    """One Runge-Kutta step of order 4 of the predator-prey equations a trip."""

    def velocity(u, v, rates):
        a, b, c, d = rates
        with line(2):
            return u * (a - b * v), v * (d * u - c)

    def body(u, v, *rates):
        def trip(i, u, v):
            k1 = velocity(u, v, rates)
            k2 = velocity(u + 0.02 * k1[0], v + 0.02 * k1[1], rates)
            k3 = velocity(u + 0.02 * k2[0], v + 0.02 * k2[1], rates)
            k4 = velocity(u + 0.04 * k3[0], v + 0.04 * k3[1], rates)
            with line(8):
                return [
                    x + (0.04 / 6.0) * (p + 2.0 * q + 2.0 * r + s)
                    for x, p, q, r, s in zip((u, v), k1, k2, k3, k4, strict=True)
                ]

        with line(6):
            u, v = loop("n", trip, [u, v])
        with line(9):
            return [log(u) * log(v)]

    return program([param(name) for name in "uvabcd"], body, ["n"])
