"""How the terminal writes figures, and lays out their names and values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text


def section(title: str) -> list[RenderableType]:
    """Begin a section."""
    return [Text(), Rule(Text(title, style="bold"), align="left", style="dim")]


def pairs(rows: Sequence[tuple[str, str]], per_row: int = 1) -> RenderableType:
    """Lay out names with their values, *per_row* of them in a line."""
    grid = Table.grid(padding=(0, 2))
    for first in range(0, len(rows), per_row):
        cells = [
            cell
            for name, value in rows[first : first + per_row]
            for cell in (Text(name, style="dim"), Text(value))
        ]
        grid.add_row(*cells)
    return grid


def title(name: str) -> str:
    """Make a heading of a name in code."""
    return name.replace("_", " ").capitalize()


def say(value: Any) -> str:
    """Write anything as plain words; what is undefined as two dashes."""
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return "--"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{say(key)} {say(item)}" for key, item in value.items()) or "--"
    if isinstance(value, list | tuple):
        # A row within a list, such as a spread and since when, reads as one phrase.
        rows = [item if isinstance(item, list | tuple) else [item] for item in value]
        return ", ".join(" ".join(map(say, row)) for row in rows) or "--"
    # What users wrote may hold escape sequences, which would drive the terminal.
    return "".join(letter for letter in str(value) if letter.isprintable())


def shorten(value: Any) -> str:
    """Write a long word, such as a hash, by its beginning."""
    text = say(value)
    return f"{text[:12]}..." if len(text) >= 32 and " " not in text else text


def say_span(interval: Sequence[float] | None, write: Any = None) -> str:
    """Write an interval."""
    if not interval:
        return "--"
    low, high = (write(end) if write else f"{end:+.2f}" for end in interval)
    return f"{low} to {high}"
