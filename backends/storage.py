"""The cache folder: who may write to it, and files that are read whole or not at all.

A folder of machine code that others can write to lets them run what they like. So the folder is made for
this user alone, and one that belongs to another user is refused; a folder of the user's own that others may
write to is closed to them. As it may have been open for long, a file counts only if it belongs to the user
(or root) and nobody else may write to it, asked of the open file: what was planted there, a link included,
is not read. Access lists beyond the mode of a file are not looked at.

A file is written beside its place and moved there, so that nobody sees half of it. Machine code is sealed:
the digest of its name and content stands before the content, so that a file that was damaged since is not
there at all. Processes need not agree on anything: one that reads has read all or nothing, and one that
writes makes its folder again if another has removed it.

The folder has one subfolder for each set of versions, and is kept below `LIMIT` bytes: what was not used for
longest goes first. Where it cannot be used, because the disk is full, say, everything is compiled in memory,
and one warning says so.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..ir.errors import ArgumentError

LIMIT = 2**29
"""Bytes up to which the folder may grow: half a gigabyte, some thousands of gradients."""

UNFINISHED = "~"
"""How the name of a file ends while it is written."""

HINT = "set ADCOMPILER_CACHE_DIR to a folder that can be written"


class CacheWarning(UserWarning):
    """What is compiled is not kept for other processes."""


# ---- the folder ----


def folder_name() -> Path:
    """The user's cache folder, or ADCOMPILER_CACHE_DIR, whether it is there or not."""
    from platformdirs import user_cache_path

    named = os.environ.get("ADCOMPILER_CACHE_DIR")
    return (Path(named) if named else user_cache_path("adcompiler")).absolute()


def folder() -> Path:
    """The cache folder; made where it is not there, for this user alone.

    Raises ArgumentError where it cannot be made, or others could write to it.
    """
    path = folder_name()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = path.resolve()
        _close(path)
    except OSError as error:
        raise ArgumentError(f"the cache folder {path} cannot be made: {error.strerror}", hint=HINT) from None
    return path


def _close(path: Path) -> None:
    """Refuse a link and a folder of another user; let nobody but its owner write to a folder."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ArgumentError(f"{path} in the cache is not a folder", hint=HINT)
    if not _own(found):
        raise ArgumentError(f"the cache folder {path} belongs to another user", hint=HINT)
    if _open_to_others(found):
        path.chmod(stat.S_IMODE(found.st_mode) & ~0o022)


def _own(found: os.stat_result) -> bool:
    return os.name != "posix" or found.st_uid in (0, os.geteuid())


def _open_to_others(found: os.stat_result) -> bool:
    return os.name == "posix" and bool(found.st_mode & 0o022)


# ---- files ----


def keep(place: Path, content: bytes) -> bool:
    """Put a file at a place in the folder. Whether that was possible: if not, one warning says so."""
    try:
        _limit_growth_once()
        try:
            _write(folder() / place, content)
        except FileNotFoundError:  # another process has just emptied the cache
            _write(folder() / place, content)
    except ArgumentError as error:
        _warn(error.message)
    except OSError as error:
        _warn(f"the cache folder {folder_name()} cannot be written to: {error.strerror}")
    else:
        return True
    return False


@cache
def _warn(reason: str) -> None:
    message = f"what is compiled is not kept for other processes: {reason}; {HINT}"
    warnings.warn(message, CacheWarning, stacklevel=2)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    _close(path.parent)
    module, _, _ = path.name.partition(".")
    handle, temporary = tempfile.mkstemp(UNFINISHED, f"{module}.", path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def read(place: Path) -> bytes | None:
    """The content of a file in the folder; None where there is none, or others can have written it."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        path = folder() / place
        with os.fdopen(os.open(path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or not _own(found) or _open_to_others(found):
                return None
            content = file.read()
    except (OSError, ArgumentError):
        return None
    with suppress(OSError):
        os.utime(path)
    return content


def keep_sealed(place: Path, content: bytes) -> bool:
    """The same as `keep` for what must come back as it was."""
    return keep(place, _seal(place, content) + content)


def read_sealed(place: Path) -> bytes | None:
    """What `keep_sealed` put there; None where there is nothing, or something else."""
    found = read(place)
    if found is None:
        return None
    seal, content = found[: hashlib.sha256().digest_size], found[hashlib.sha256().digest_size :]
    return content if seal == _seal(place, content) else None


def _seal(place: Path, content: bytes) -> bytes:
    return hashlib.sha256(place.name.encode() + b"\n" + content).digest()


# ---- what there is ----


@dataclass(frozen=True)
class Stored:
    """The files of one module. `used` is when it was last read or written, in seconds since the epoch."""

    environment: str
    name: str
    files: tuple[Path, ...]
    bytes: int
    used: float

    def remove(self) -> bool:
        """Delete it; another process that has loaded it goes on. Whether nothing was in the way."""
        try:
            for file in self.files:
                file.unlink(missing_ok=True)
        except OSError:
            return False
        return True


def stored(root: Path) -> list[Stored]:
    """Every module in a cache folder, the one that was not used for longest first."""
    found: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for file in root.glob("*/*"):
        if not file.is_dir():
            found[file.parent, file.name.partition(".")[0]].append(file)
    modules = [_module(parent, name, files) for (parent, name), files in found.items()]
    return sorted((m for m in modules if m.files), key=lambda m: m.used)


def _module(parent: Path, name: str, files: Iterable[Path]) -> Stored:
    known: dict[Path, os.stat_result] = {}
    for file in files:
        with suppress(FileNotFoundError):  # another process has just removed it
            known[file] = file.lstat()
    used = max((found.st_mtime for found in known.values()), default=0.0)
    return Stored(parent.name, name, tuple(known), sum(found.st_size for found in known.values()), used)


def clear(root: Path, before: float) -> list[Stored]:
    """Remove the modules that were not used since; what was removed. Files that somebody is writing stay."""
    removed = [module for module in stored(root) if module.used <= before and module.remove()]
    for subfolder in {root / module.environment for module in removed}:
        with suppress(OSError):  # something else is in it
            subfolder.rmdir()
    return removed


def limit_growth(root: Path, limit: int) -> None:
    """Remove what was not used for longest, if there is more than `limit`, until a quarter of it is free."""
    modules = stored(root)
    total = sum(module.bytes for module in modules)
    if total <= limit:
        return
    for module in modules:
        if total <= 0.75 * limit:
            return
        total -= module.bytes if module.remove() else 0


@cache
def _limit_growth_once() -> None:
    limit_growth(folder(), LIMIT)
