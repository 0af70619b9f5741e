"""What Linux says of the memory of this process; see proc(5)."""

from pathlib import Path


def reserved() -> int:
    """Bytes of address space."""
    return _status("VmSize")


def resident() -> int:
    """Bytes of memory that are held."""
    return _status("VmRSS")


def peak() -> int:
    """The most bytes held since `forget_peak`."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Let `peak` start anew."""
    Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024
