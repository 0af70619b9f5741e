"""The difference test is put to the test: it must see the errors that are planted in every derivative."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from mutation import mutants
from op_cases import Case, cases
from op_derivatives import Statement, agrees, statement

from adcompiler.ir.evaluate import evaluate


@dataclass(frozen=True)
class Planted:
    """One error in one record: whether some sample's difference test fails, or whether nothing changes."""

    where: str
    caught: bool
    harmless: bool


def plant(form: str, examples: list[tuple[Case, Statement]]) -> list[Planted]:
    """Every error, planted in the statement of each sample of one op and setting."""
    rows = zip(*(list(mutants(stated.function)) for _, stated in examples), strict=True)
    return [
        plant_one(f"{form}: {row[0].error}", examples, [mutant.function for mutant in row]) for row in rows
    ]


def plant_one(where: str, examples: list[tuple[Case, Statement]], wrong: list) -> Planted:
    planted = [
        (case, stated, replace(stated, function=f)) for (case, stated), f in zip(examples, wrong, strict=True)
    ]
    caught = any(not agrees(case, mutant) for case, _, mutant in planted)
    return Planted(
        where, caught, not caught and all(same_bits(case, stated, mutant) for case, stated, mutant in planted)
    )


def same_bits(case: Case, stated: Statement, mutant: Statement) -> bool:
    """Whether two statements give the same bits at inputs and outputs that have nothing in common.

    Then no test that evaluates them could tell them apart: the planted error is none.
    """
    random = np.random.default_rng(0)
    values = [*case.inputs, *case.outputs, *case.outputs][: len(stated.function.body.params)]
    for _ in range(20):
        args = [unrelated(random, value) for value in values]
        with np.errstate(all="ignore"):
            pairs = zip(evaluate(stated.function, args), evaluate(mutant.function, args), strict=True)
            if not all(np.array_equal(np.broadcast_to(b, np.shape(a)), a, equal_nan=True) for a, b in pairs):
                return False
    return True


def unrelated(random: np.random.Generator, value: Any) -> Any:
    """Random floats and conditions of the same shape and dtype; indices stay."""
    value = np.asarray(value)
    if value.dtype.kind == "f":
        return random.uniform(-3, 3, value.shape).astype(value.dtype)[()]
    return (random.uniform(size=value.shape) < 0.5)[()] if value.dtype == bool else value[()]


def has_no_elements(case: Case) -> bool:
    """Nothing can be wrong with an empty array."""
    return any(np.size(x) == 0 for x in (*case.inputs, *case.outputs))


@pytest.fixture(scope="module")
def planted() -> list[Planted]:
    """All errors in all records."""
    groups: dict[str, list[tuple[Case, Statement]]] = defaultdict(list)
    for case in cases():
        stated = statement(case) if case.sample.smooth and not has_no_elements(case) else None
        if stated is not None:
            signature = [eqn.op.name for eqn in stated.function.body.eqns]
            groups[f"{case.op.name} {dict(case.sample.attrs)} {signature}"].append((case, stated))
    return [error for form, examples in groups.items() for error in plant(form, examples)]


def test_planted_errors_are_caught(planted: list[Planted]) -> None:
    survivors = [error.where for error in planted if not error.caught and not error.harmless]
    assert len(planted) > 200
    assert len(survivors) <= 0.01 * len(planted), survivors


def test_few_planted_errors_are_none(planted: list[Planted]) -> None:
    harmless = [error.where for error in planted if error.harmless]
    assert len(harmless) <= 0.02 * len(planted), harmless


def test_an_error_that_no_sample_sees_counts_as_a_survivor() -> None:
    """The sample of `where` that never takes the first branch does not see that branch's sign."""
    (case,) = (case for case in cases() if case.id == "where-2")
    stated = statement(case)
    assert stated is not None
    errors = plant("where", [(case, stated)])
    assert [error.caught for error in errors] == [False, False, True, True]
    assert not any(error.harmless for error in errors[:2])
