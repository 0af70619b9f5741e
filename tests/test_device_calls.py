"""Calls of libraries as a host program has them, each in one line."""

from types import SimpleNamespace

import pytest
from backend_cases import op, program

from adcompiler.backends.cuda.writing.device_calls import DeviceCallWriter
from adcompiler.backends.inlining import inlining
from adcompiler.backends.memory import Place
from adcompiler.backends.source import Page


class Host:
    """As much of the writer of a host program as a call needs: arrays have the names of their values."""

    def __init__(self, found):
        self.page, self.found = Page(), found

    def scheduled(self, block):
        return self.found

    def text(self, value):
        return value.name

    def place(self, value):
        return Place("stack", ("t",), None) if value.name == "row" else Place(value.name, (), None)

    def allocate(self, value, scope, eqn):
        return Place("out", (), None)


def written(body, **params):
    """The line that the last equation of a program becomes."""
    block = program("f", body, sizes=("n", "m"), **params).body
    host = Host(inlining(block))
    calls = DeviceCallWriter(host, block.eqns[-1], SimpleNamespace(block=block))
    lowering = block.eqns[-1].op.lowering
    calls.noted(lowering, "status", 3) if hasattr(lowering, "fails") else calls.product()
    (line,) = host.page.lines
    return line.text


MATRIX, OTHER, STACK, VECTOR = ("f64", "n", "n"), ("f64", "n", "m"), ("f64", "m", "n", "n"), ("f64", "n")


@pytest.mark.parametrize(
    ("body", "params", "expected"),
    [
        (
            lambda a, b: [op("matmul", a, b)],
            (MATRIX, OTHER),
            'product(a, b, out, "ik,kj->ij", "i", "k", "j")',
        ),
        (lambda a, b: [op("matmul", a, b)], (MATRIX, VECTOR), 'product(a, b, out, "ik,k->i", "i", "k", "")'),
        (
            lambda a, b: [op("matmul", op("transpose", a, axes=(1, 0)), b)],
            (MATRIX, OTHER),
            'product(a, b, out, "ki,kj->ij", "i", "k", "j")',
        ),
        (
            lambda a, b: [op("einsum", a, b, subscripts="bij,bjk->bik")],
            (STACK, STACK),
            'product(a, b, out, "bij,bjk->bik", "i", "j", "k")',
        ),
        (lambda a, b: [op("solve", a, b)], (MATRIX, OTHER), "fail_where(solve(a, b, out), status, 3)"),
        (
            lambda a, b: [op("solve", op("transpose", a, axes=(1, 0)), b)],
            (MATRIX, VECTOR),
            "fail_where(solve_vector(transposed(a), b, out), status, 3)",
        ),
        (
            lambda a, b: [op("lu", a, singular=True)],
            (MATRIX, VECTOR),
            "fail_where(lu(a, out, True), status, 3)",
        ),
    ],
)
def test_a_call(body, params, expected):
    assert written(body, a=params[0], b=params[1]) == expected


def test_an_operand_that_is_a_row_of_a_stack():
    line = written(lambda row, b: [op("matmul", row, b)], row=MATRIX, b=OTHER)
    assert line.startswith("product(stack[t], b, out, ")
