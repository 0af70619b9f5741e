"""What became of many random programs: right, loud and silent per construct, and refusals by frequency.

As a plugin of pytest (`-p frontend_report`) it prints the sum of all tests' tallies after the run.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from frontend_programs import random_program
from frontend_runs import SIZES, outcome

KINDS = ("right", "loud", "silent", "not compared")


@dataclass
class Tally:
    """Outcomes by construct ("all" has every program), reasons of refusals, and the silent programs."""

    constructs: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    silent: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count what another tally counted, too."""
        for construct, counts in other.constructs.items():
            self.constructs.setdefault(construct, Counter()).update(counts)
        self.reasons.update(other.reasons)
        self.silent += other.silent

    @property
    def right(self) -> float:
        """The fraction of the programs compared that are right."""
        counts = self.constructs["all"]
        return counts["right"] / max(1, counts["right"] + counts["loud"] + counts["silent"])

    def __str__(self) -> str:
        return "\n".join([*self._table(), "", *self._refusals(), *self.silent])

    def _table(self) -> Iterator[str]:
        yield f"{'construct':45}" + "".join(f"{kind:>14}" for kind in KINDS)
        for construct, counts in sorted(self.constructs.items()):
            yield f"{construct:45}" + "".join(f"{counts[kind]:14}" for kind in KINDS)

    def _refusals(self) -> Iterator[str]:
        for reason, count in self.reasons.most_common():
            yield f"{count:7}  {reason}"


def tally(seeds: Iterable[int], aliases: bool, sizes: int = len(SIZES)) -> Tally:
    """Try the programs of these seeds."""
    found = Tally()
    for seed in seeds:
        program = random_program(random.Random(seed), aliases)
        result = outcome(program, seed, sizes)
        group = "all, arrays with several names" if aliases else "all, arrays with one name"
        for construct in ("all", group, *program.constructs):
            found.constructs.setdefault(construct, Counter())[result.kind] += 1
        if result.kind == "loud":
            found.reasons[result.why] += 1
        if result.kind == "silent":
            found.silent.append(f"seed {seed}, aliases={aliases}: {result.why}\n{program.source}")
    return found


def as_data(found: Tally) -> dict[str, Any]:
    """A tally as plain data, which workers send to the process that reports."""
    return {
        "constructs": {construct: dict(counts) for construct, counts in found.constructs.items()},
        "reasons": dict(found.reasons),
        "silent": found.silent,
    }


def of_data(data: dict[str, Any]) -> Tally:
    """The tally that `as_data` took apart."""
    constructs = {construct: Counter(counts) for construct, counts in data["constructs"].items()}
    return Tally(constructs, Counter(data["reasons"]), list(data["silent"]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the sum of what the tests recorded under the name "tally"."""
    total = Tally()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "tally" and report.when == "call":
                    total.add(of_data(value))
    if total.constructs:
        terminalreporter.section("random programs")
        terminalreporter.write_line(str(total))
