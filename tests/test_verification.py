"""The verdict on adjoints: what is proven of right ones, and where wrong ones are caught."""

from dataclasses import replace

import numpy as np
import pytest
from loop_programs import random_program
from verified_programs import (
    branching,
    integrator,
    line,
    network,
    param,
    power,
    program,
    sin,
    straight,
    sum_,
    system,
    two_carries,
)

from adcompiler.ir.build import emit
from adcompiler.ir.errors import ArgumentError
from adcompiler.ir.graph import Function, constant
from adcompiler.ir.op import Partials
from adcompiler.ir.ops import OPS
from adcompiler.ir.parse import parse
from adcompiler.ir.text import to_text
from adcompiler.ir.types import Dim, Guard, Relation
from adcompiler.transforms.forward import forward
from adcompiler.transforms.residuals import PLANS
from adcompiler.transforms.reverse import reverse
from adcompiler.verification import tape
from adcompiler.verification.blocks import prove_blocks
from adcompiler.verification.compare import compare
from adcompiler.verification.precise import precision
from adcompiler.verification.report import verify
from adcompiler.verification.transpose import pairing

EVERYWHERE = "whole program agrees to 50 digits at 3 points"


def parameters(function: Function) -> range:
    return range(len(function.body.params))


def adjoint(function: Function) -> Function:
    return reverse(function, parameters(function))


# ---- right adjoints ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(
    ("function", "lines"),
    [
        (power, ["partials proven", "body of loop at line 3 proven"]),
        (two_carries, ["partials proven", "body of loop at line 4 proven", "code outside loops proven"]),
        (branching, ["partials proven", "body of loop at line 3 proven"]),
        (integrator, ["partials proven", "body of loop at line 6 proven", "code outside loops proven"]),
        (straight, ["partials proven", "whole program proven"]),
        (network, ["partials proven", "whole program proven for m=3, n=2"]),
        (system, ["whole program proven"]),
    ],
)
def test_the_verdict_on_a_right_adjoint(function, lines, plan):
    primal = function()
    wrt = parameters(primal)
    verdict = verify(primal, reverse(primal, wrt, plan), wrt)
    assert verdict.ok
    assert str(verdict) == " | ".join([*lines, EVERYWHERE])


def test_the_transpose_identity_has_its_line():
    primal = power()
    verdict = verify(primal, adjoint(primal), [0], tangent=forward(primal, [0]))
    assert verdict.lines[-2] == EVERYWHERE
    assert verdict.lines[-1] in {f"forward and reverse are transposes to {n} digits" for n in (14, 15, 16)}


def test_second_derivatives_are_proven_too():
    first = adjoint(power())
    verdict = verify(first, adjoint(first), [0, 1])
    assert [line.rpartition(" ")[2] for line in verdict.lines[:-1]] == ["proven"] * (len(verdict.lines) - 1)
    assert verdict.lines[-1] == EVERYWHERE


@pytest.mark.parametrize("seed", range(25))
def test_every_body_of_random_loops_is_proven(seed):
    primal = random_program(seed)
    verdict = verify(primal, adjoint(primal), parameters(primal))
    assert verdict.lines[-1] == EVERYWHERE
    assert all(line.endswith(" proven") for line in verdict.lines[:-1])
    assert "whole program proven" not in str(verdict)


def test_given_arguments_are_cut_to_small_sizes():
    primal = two_carries()
    verdict = verify(primal, adjoint(primal), [0, 1, 2], args=[0.4, -1.3, np.linspace(1.0, 2.0, 10_000)])
    assert "body of loop at line 4 proven" in verdict.lines


def test_a_branch_that_no_point_takes_is_not_proven():
    primal = branching()
    verdict = verify(primal, adjoint(primal), [0], args=[3.0], sizes={"n": 1})
    assert verdict.lines == (
        "partials proven",
        "body of loop at line 3 proven",
        "second branch of the if at line 4 not proven: no point took it",
        EVERYWHERE,
    )


# ---- what cannot be proven ---------------------------------------------------------------------------------


def with_op(name: str, **changes) -> Function:
    """x -> sin(x) * x, with another record of sin."""
    table = {**OPS, name: replace(OPS[name], **changes)}

    def body(x):
        with line(2):
            return [table[name](x) * x]

    return program([param("x")], body, ops=table)


def test_an_op_without_symbolic_form_is_compared_with_differences():
    primal = with_op("sin", sympy=None)
    verdict = verify(primal, adjoint(primal), [0])
    assert verdict.ok
    assert verdict.lines[0] == "not proven: op sin has no symbolic form"
    assert verdict.lines[1] in {f"whole program agrees to {n} digits at 3 points" for n in (13, 14, 15)}


def test_a_wrong_derivative_without_symbolic_form_is_caught():
    wrong = Partials(lambda x, y: [-OPS["cos"](x)])
    primal = with_op("sin", sympy=None, derivative=wrong)
    verdict = verify(primal, adjoint(primal), [0], args=[1.0])
    assert not verdict.ok
    assert str(verdict).startswith("wrong derivative: the gradient with respect to x is ")


def test_too_long_programs_are_compared_with_differences(monkeypatch):
    monkeypatch.setattr(tape, "MOST_STEPS", 5)
    primal = power()
    verdict = verify(primal, adjoint(primal), [0])
    assert verdict.lines[0] == "not proven: the program makes more than 5 steps"
    assert verdict.lines[1].startswith("whole program agrees to 1")


def test_a_program_that_fails_says_so():
    def body(x):
        emit(OPS["check"], [OPS["less"](x, 0.0)], {"kind": "ValueError", "message": "x is not negative"})
        return [x * x]

    primal = program([param("x")], body)
    verdict = verify(primal, adjoint(primal), [0])
    assert verdict.lines == ("nothing proven at random arguments: ValueError: x is not negative",)
    assert verify(primal, adjoint(primal), [0], args=[-1.0]).lines[-1] == EVERYWHERE


def test_a_program_that_is_nowhere_finite_says_so():
    primal = program([param("x")], lambda x: [OPS["log"](-x)])
    assert verify(primal, adjoint(primal), [0]).lines == ("nothing proven: not finite at 10 random points",)


def test_guards_without_small_sizes_ask_for_arguments():
    primal = replace(power(), guards=(Guard(Dim.of("n") - 100, Relation.NONNEGATIVE),))
    with pytest.raises(ArgumentError) as caught:
        verify(primal, adjoint(power()), [0])
    assert caught.value.message == "model: no sizes up to 3 satisfy what was assumed of them: n - 100 >= 0"
    assert caught.value.hint == "give arguments, or sizes"


def test_sizes_that_the_guards_allow_are_found():
    different = replace(network(), guards=(Guard(Dim.of("n") - Dim.of("m") - 1, Relation.ZERO),))
    assert "whole program proven for m=2, n=3" in verify(different, adjoint(network()), [0, 1]).lines


# ---- wrong adjoints ----------------------------------------------------------------------------------------


def mutant(function: Function, old: str, new: str) -> Function:
    """The adjoint with one place of its text changed."""
    text = to_text(adjoint(function), locations=False)
    assert text.count(old) == 1, text
    return parse(text.replace(old, new), OPS)


MIXED = (
    "the body is right in trip 2 and not in trip 1: "
    "what one trip hands to the next, or takes of an array, is mixed up"
)
SUM = "the terms of the cotangent of x are right, not their sum"
HANDED = "its partials are right, but what the adjoint hands to operand 0 is not"
MUTANTS = [
    # carries swapped inside the adjoint loop, and before it
    ("yield x_bar_4, y_bar_3, x_bar_3", "yield y_bar_3, x_bar_4, x_bar_3", "for", 4, MIXED),
    ("for u_bar, v_bar, 0.0", "for v_bar, u_bar, 0.0", "mul", 6, HANDED),
    # a forgotten sum
    ("add x_bar_1, v12", "add x_bar_1, 0.0", "for", 4, SUM),
    ("add x_bar, v8", "add v8, 0.0", "for", 4, SUM),
    # residuals swapped, slices in the wrong order
    ("0.0, a, x_tape, y_tape", "0.0, a, y_tape, x_tape", "mul", 5, HANDED),
    ("reverse=True, carry=2", "carry=2", "mul", 5, HANDED),
    # wrong partials
    ("cos x_2", "sin x_2", "sin", 5, HANDED),
    ("mul v5, y_bar", "mul u, y_bar", "mul", 8, HANDED),
]


@pytest.mark.parametrize(("old", "new", "op", "number", "cause"), MUTANTS)
def test_a_planted_error_is_caught_and_located(old, new, op, number, cause):
    primal = two_carries()
    verdict = verify(primal, mutant(primal, old, new), [0, 1, 2])
    assert not verdict.ok
    head, last = str(verdict).splitlines()
    assert head.startswith(f"model.py:{number}: wrong derivative of {op}: the gradient with respect to x is ")
    assert last == f"cause: {cause}"


@pytest.mark.parametrize(("old", "new"), [row[:2] for row in MUTANTS])
def test_the_transpose_identity_sees_what_the_adjoint_does_wrong(old, new):
    primal = two_carries()
    tangent, args = forward(primal, [0, 1, 2]), [0.7, 1.2, np.array([0.6, 1.4, 0.9])]
    assert pairing(tangent, adjoint(primal), [0, 1, 2], args, {"n": 3}).digits >= 14
    assert pairing(tangent, mutant(primal, old, new), [0, 1, 2], args, {"n": 3}).digits <= 2


def test_a_wrong_record_is_named():
    primal = with_op("sin", derivative=Partials(lambda x, y: [-OPS["cos"](x)]))
    verdict = verify(primal, adjoint(primal), [0], args=[1.0])
    assert verdict.counterexample is not None
    found, expected = verdict.counterexample.found, verdict.counterexample.expected
    said = f"the gradient with respect to x is {found:.10g}, not {expected:.10g}"
    assert str(verdict).splitlines() == [
        f"model.py:2: wrong derivative of sin: {said}",
        "cause: the partial of sin with respect to operand 0 is wrong",
    ]


def test_the_transpose_identity_does_not_see_a_wrong_record():
    primal = with_op("sin", derivative=Partials(lambda x, y: [-OPS["cos"](x)]))
    assert pairing(forward(primal, [0]), adjoint(primal), [0], [1.0], {}).digits >= 14


def test_the_element_of_an_array_is_named():
    primal = program([param("a", 2, 2)], lambda a: [sum_(sin(a) * a, axes=(0, 1))])
    wrong = parse(to_text(adjoint(primal), locations=False).replace("cos a", "sin a"), OPS)
    assert "with respect to a[" in str(verify(primal, wrong, [0]))


def test_numbers_that_agree_by_chance_are_no_proof():
    """At x = 0.5 the derivative of x * x is 1, and so is 0.5 + x."""
    primal = program([param("x")], lambda x: [x * x])
    wrong = program([param("x"), param("y_bar")], lambda x, y_bar: [x * x, 0.5 * y_bar + x * y_bar])
    with precision():
        c = compare(primal, wrong, [0], [np.float64(0.5)], {}, np.random.default_rng(0))
        assert c.digits == 50
        (proof,) = prove_blocks(c.primal, c.back, c.active, c.adjoint)
    assert not proof.proven
    assert not verify(primal, wrong, [0]).ok


# ---- the oracle --------------------------------------------------------------------------------------------


def gradients(primal: Function, args, sizes) -> list:
    """The gradient of the first result, by the tape."""
    run = tape.play(primal, args, sizes)
    active = tape.moving(run, parameters(primal))
    seeds = [tape.lifted(np.float64(k == 0)) for k in range(len(run.results))]
    bars = tape.backward(run, seeds, active).bars
    return [bars[n] for x in run.params for n in tape.numbers(x)]


def test_the_tape_differentiates_a_loop_to_many_digits():
    with precision() as mp:
        x = mp.mpf("0.3")
        (found,) = gradients(power(), [x], {"n": 7})
        assert abs(found - 7 * mp.sin(x) ** 6 * mp.cos(x)) < mp.mpf(10) ** -80


def test_the_tape_differentiates_branches_as_they_are_taken():
    with precision() as mp:
        (found,) = gradients(branching(), [mp.mpf("0.9")], {"n": 2})
        expected = mp.diff(lambda x: (x + mp.tanh(x)) * mp.sin(x), mp.mpf("0.9"))
        assert abs(found - expected) < mp.mpf(10) ** -60


def test_a_constant_that_stands_for_an_irrational_number_is_that_number():
    with precision() as mp:
        primal = program([param("x")], lambda x: [x * constant(float(np.log(2.0)))])
        assert abs(gradients(primal, [mp.mpf(3)], {})[0] - mp.log(2)) < mp.mpf(10) ** -80
