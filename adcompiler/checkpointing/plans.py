"""What a user may ask for: how much memory, how much more work, how many snapshots.

A *plan* is for a whole program: `adjoint(f, plan=...)`. A *policy* is for one loop:
`for i in checkpointed(range(n), policy)`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

from adcompiler.ir.errors import ArgumentError
from adcompiler.ir.graph import Attr

UNITS = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}


def nbytes(amount: int | str) -> int:
    """A number of bytes, as an integer or as "512 MiB".

    Raises
    ------
    ArgumentError
        It is neither, or not positive.
    """
    hint = 'pass an int, or a number and a unit, "64 MiB" or "1.5 GB"; the units are ' + ", ".join(UNITS)
    if isinstance(amount, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", amount)
        units = {name.lower(): size for name, size in UNITS.items()}
        if not found or (found[2] or "B").lower() not in units:
            raise ArgumentError(f"{amount!r} is no number of bytes", hint=hint)
        amount = int(float(found[1]) * units[(found[2] or "B").lower()])
    if type(amount) is not int or amount < 1:
        raise ArgumentError(f"{amount!r} is no number of bytes", hint=hint)
    return amount


# ---- for a program ----


@dataclass(frozen=True)
class Budget:
    """At most so much memory at a time, and the least work that this allows.

    As a plan it holds for all that a call takes beyond its arguments, results included; as a policy, for the
    snapshots and tapes of one loop.

    Parameters
    ----------
    memory : int or str
        Bytes, or a number with a unit: "512 MiB", "2 GB".
    disk : str or Path, optional
        A folder. Snapshots that the memory has no room for may then be kept in temporary files there, which
        are gone when the call ends, however it ends; their space is reserved when it begins, PlanError where
        there is none. It is used as far as it saves work, a byte written or read counting as one
        floating-point operation. Loops whose number of trips only shows as they run do not use it, and a
        pullback, which is called after the call has ended, cannot. In a folder that is kept in memory,
        as /tmp may be, it saves nothing.
    host : bool
        The same with the memory of the host, for programs that run on a GPU: pinned there while a call
        lasts. A byte that moves counts as eight operations.
    """

    memory: int | str
    disk: str | Path | None = None
    host: bool = False

    def __post_init__(self) -> None:
        nbytes(self.memory)
        if not isinstance(self.disk, str | Path | None):
            raise ArgumentError(f"disk={self.disk!r} is no folder", hint="pass its path, a str or Path")
        if type(self.host) is not bool:
            raise ArgumentError(f"host={self.host!r} is neither True nor False")
        if self.host and self.disk is not None:
            raise ArgumentError("a budget has one more place for snapshots: host or disk, not both")

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return nbytes(self.memory)


@dataclass(frozen=True)
class MaxExtra:
    """The least memory with at most this fraction more work on the way forward.

    Parameters
    ----------
    fraction : float
        0.33 for at most 33 % more floating-point operations than those of the function itself.
    """

    fraction: float

    def __post_init__(self) -> None:
        if not isinstance(self.fraction, int | float) or not 0 <= self.fraction < float("inf"):
            raise ArgumentError(
                f"MaxExtra({self.fraction!r}): the fraction is a number, at least 0",
                hint="0.33 allows a third more work",
            )


NAMED = ("auto", "store_all", "recompute_all", "sqrt")
"""The plans that have no parameters."""

Plan = str | Budget | MaxExtra


def checked(plan: object) -> Plan:
    """The plan itself.

    Raises
    ------
    ArgumentError
        It is none.
    """
    if isinstance(plan, Budget | MaxExtra) or (isinstance(plan, str) and plan in NAMED):
        return plan
    raise ArgumentError(
        f"plan={plan!r} is not available",
        hint="the plans are " + ", ".join(map(repr, NAMED)) + ', Budget("512 MiB") and MaxExtra(0.33)',
    )


def residuals(plan: Plan) -> tuple[str, ...]:
    """How what loops keep is chosen (`transforms.residuals.PLANS`), in each variant of a program."""
    return (plan,) if plan in ("auto", "store_all") else ("auto", "rerun")


# ---- for a loop ----


@dataclass(frozen=True)
class Snapshots:
    """So many states are kept beyond the one that the loop begins with, and the tape of one trip.

    The trips between are evaluated again, as few as can be (Griewank and Walther, 2000). Textbooks count the
    first state too: their s is `slots + 1`.
    """

    slots: int

    def __post_init__(self) -> None:
        _demand_count("Snapshots", "slots", self.slots)


@dataclass(frozen=True)
class Sqrt:
    """About the square root of n states, and as many tapes.

    Each trip is evaluated twice (Chen et al., Training deep nets with sublinear memory cost, 2016).
    """


@dataclass(frozen=True)
class StoreAll:
    """Every trip is taped; nothing is evaluated twice."""


@dataclass(frozen=True)
class Online:
    """For loops whose number of trips is found out by running them, `while` or `break`.

    So many states are kept on the way forward, spread anew as the loop goes on (Wang, Moin and Iaccarino,
    2009); the way back is planned when the trips are known.
    """

    slots: int

    def __post_init__(self) -> None:
        _demand_count("Online", "slots", self.slots)


Policy = Snapshots | Sqrt | StoreAll | Online | Budget

POLICY = "checkpoint"
"""The attribute of a loop that says what was asked for at it, as `encoded`."""


def encoded(policy: Policy) -> tuple[Attr, ...]:
    """A policy as an attribute: ("Snapshots", 10)."""
    parameters = (getattr(policy, f.name) for f in fields(policy))
    return (type(policy).__name__, *(str(p) if isinstance(p, Path) else p for p in parameters))


def decoded(attr: Attr) -> Policy:
    """The policy of an attribute."""
    assert isinstance(attr, tuple)
    name, *parameters = attr
    kind = next(k for k in get_args(Policy) if k.__name__ == name)
    policy: Policy = kind(*parameters)
    return policy


def _demand_count(name: str, what: str, count: object) -> None:
    if type(count) is not int or count < 0:
        raise ArgumentError(f"{name}({count!r}): {what} is an int, at least 0")
