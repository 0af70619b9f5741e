"""Programs that are refused, and the messages that say so, as text files have them."""

from pathlib import Path


def entries(file):
    """(program, message) by name, of a file beside this one."""
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    _, *parts = ("\n" + text).split("\n=== ")
    named = (part.split("\n", 1) for part in parts)
    return {name: tuple(body.strip().split("\n---\n")) for name, body in named}
