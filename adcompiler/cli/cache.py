"""`adcompiler cache`: what the cache folder holds, and room."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from adcompiler.backends.cache import environment
from adcompiler.backends.storage import LIMIT, Stored, clear, folder, stored

from .options import as_json
from .output import print_json, table

DAY = 86400.0


@click.group(name="cache")
def cache() -> None:
    """Look at the folder of compiled modules, or clear it.

    It lies where the operating system keeps caches of users, or at ADCOMPILER_CACHE_DIR. Programs that are
    running do not mind when it is cleared.
    """


@cache.command()
@as_json
def info(json: bool) -> None:
    """Print where the cache is, how much is in it, since when, and how much of it is of other versions."""
    path = folder()
    modules = stored(path)
    here = {environment(compiled) for compiled in (True, False)}
    others = [module for module in modules if module.environment not in here]
    found: dict[str, Any] = {"folder": str(path), **_amount(modules), "limit": LIMIT}
    found["oldest_use"], found["newest_use"] = _day(modules[:1]), _day(modules[-1:])
    found["other_versions"] = _amount(others)
    if json:
        print_json(found)
        return
    rows = [
        ["folder", found["folder"]],
        ["modules", _said(modules)],
        ["limit", _mebibytes(LIMIT)],
        ["used", f"{found['oldest_use']} to {found['newest_use']}" if modules else "never"],
        ["other versions", _said(others)],
    ]
    click.echo("\n".join(table(rows)))


@cache.command(name="clear")
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Only what was not used for so many days.  [default: everything]",
)
@as_json
def clear_(older_than: float | None, json: bool) -> None:
    """Delete compiled modules, and print what that freed."""
    before = math.inf if older_than is None else time.time() - older_than * DAY
    removed = clear(folder(), before)
    if json:
        print_json(_amount(removed))
    else:
        freed = _mebibytes(sum(module.bytes for module in removed))
        click.echo(f"freed {freed} of {len(removed)} module{'' if len(removed) == 1 else 's'}")


def _amount(modules: Sequence[Stored]) -> dict[str, int]:
    return {"modules": len(modules), "bytes": sum(module.bytes for module in modules)}


def _said(modules: Sequence[Stored]) -> str:
    return f"{len(modules)}, {_mebibytes(sum(module.bytes for module in modules))}"


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"


def _day(modules: Sequence[Stored]) -> str | None:
    return datetime.fromtimestamp(modules[0].used).isoformat(" ", "minutes") if modules else None
