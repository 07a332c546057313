"""What the command line says, in the language of who reads it; English where nothing is chosen."""

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import typer

from setupdesk.words import LANGUAGES, choose_language

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType
    from rich.text import Text

_SPOKEN = ContextVar("spoken", default="en")

_LAYOUT = re.compile(r"(\s*\n\s*|\s{2,})")
"""What parts texts that stand beside or below one another."""


def speak_usual(command: Any) -> None:
    """Speak what the environment says, also in the help of *command* and all below it."""
    from setupdesk.settings import find_language

    speak(choose_language(find_language()), command)


def choose_at_prompt(context: typer.Context, wanted: str | None) -> None:
    """Speak what ``--lang`` says."""
    if wanted is None:
        return
    if wanted not in LANGUAGES:
        raise typer.BadParameter(f"The languages are {' and '.join(LANGUAGES)}.")
    speak(wanted, context.find_root().command)


def speak(language: str, command: Any) -> None:
    """Speak a language from now on, also in the help of *command* and all below it."""
    if _SPOKEN.get() == "en" != language:
        _SPOKEN.set(language)
        _say_help(command)
    _SPOKEN.set(language)


def _say_help(command: Any) -> None:
    for one in (command, *command.params):
        # Arguments and completion may have none.
        if getattr(one, "help", None):
            one.help = tell(one.help)
    usual = command.get_help
    # Typer's own words stand in what it has laid out.
    command.get_help = lambda context: tell(usual(context))
    for below in getattr(command, "commands", {}).values():
        _say_help(below)


def speaking() -> str:
    """Say which language is spoken."""
    return _SPOKEN.get()


def tell(text: str) -> str:
    """Say a text of the command line; what stands beside or below it keeps its place."""
    if _SPOKEN.get() == "en":
        return text

    from setupdesk.words.interpreter import interpret

    parts = _LAYOUT.split(text)
    return "".join(interpret(part, _SPOKEN.get()) for part in parts)


def tell_all(parts: "Iterable[RenderableType]") -> "list[RenderableType]":
    """Say all texts of what Rich is going to print."""
    return [_tell_part(part) for part in parts] if _SPOKEN.get() != "en" else list(parts)


def _tell_part(part: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    if isinstance(part, str):
        return tell(part)
    if isinstance(part, Text):
        return _tell_text(part)
    if isinstance(part, Table):
        for column in part.columns:
            column.header = _tell_part(column.header)
            column._cells[:] = map(_tell_part, column._cells)  # noqa: SLF001 (Rich has no other way)
    for name in ("renderable", "title"):
        if getattr(part, name, None):
            setattr(part, name, _tell_part(getattr(part, name)))
    return part


def _tell_text(text: "Text") -> "Text":
    from rich.text import Text

    cuts = sorted({0, len(text), *(edge for span in text.spans for edge in (span.start, span.end))})
    said = Text(
        style=text.style, justify=text.justify, overflow=text.overflow, no_wrap=text.no_wrap
    )
    for part in text.divide(cuts[1:-1]):
        said.append(_keep_edges(part.plain), style=part.spans[0].style if part.spans else None)
    return said


def _keep_edges(text: str) -> str:
    bare = text.strip()
    before, _, after = text.partition(bare) if bare else (text, "", "")
    return f"{before}{tell(bare)}{after}"
