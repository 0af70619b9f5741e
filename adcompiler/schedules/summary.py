"""What a schedule does, counted: a whole one, without doing it action by action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .actions import ADVANCE, DISK, DROP, MEMORY, REVERSE, STORE, TAKE, TAPE, Integers


@dataclass(frozen=True)
class Run:
    """What a schedule does, counted.

    Attributes
    ----------
    plain, taped
        Evaluations of a trip without and with its tape.
    writes, to_disk
        Snapshots written, in memory and to disk.
    """

    plain: int
    taped: int
    writes: int
    to_disk: int

    @property
    def evaluations(self) -> int:
        """Plain and taped together."""
        return self.plain + self.taped


def counted(actions: Integers) -> Run:
    """What actions do, a whole schedule, int64 [count, 5]; the counts are those of `actions.replay`."""
    kinds, trips = actions[:, 0], actions[:, 2] - actions[:, 1]
    plain, taped = (int(trips[kinds == kind].sum()) for kind in (ADVANCE, TAPE))
    writes, to_disk = (int(((kinds == STORE) & (actions[:, 4] == level)).sum()) for level in (MEMORY, DISK))
    return Run(plain, taped, writes, to_disk)


def held(actions: Integers) -> Integers:
    """Snapshots in memory and tapes after each action: int64 [count, 2]."""
    kinds, trips, in_memory = actions[:, 0], actions[:, 2] - actions[:, 1], actions[:, 4] == MEMORY
    stored = (kinds == STORE).astype(np.int64) - np.isin(kinds, (TAKE, DROP))
    taped = (kinds == TAPE).astype(np.int64) - (kinds == REVERSE)
    return np.cumsum(np.stack([stored * in_memory, taped * trips], axis=1), axis=0)
