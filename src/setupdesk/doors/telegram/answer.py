"""Answers of the bot: a text, buttons of which each is a command, and perhaps a file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from setupdesk.client import Client

Json = dict[str, Any]

LONGEST = 4_000
"""Characters of a message; Telegram takes 4,096."""

LONGEST_CAPTION = 1_000
"""Characters below a picture; Telegram takes 1,024."""


@dataclass(frozen=True, slots=True)
class Button:
    """Does what its *line* would do, if its reader typed it."""

    label: str
    line: str


@dataclass(frozen=True, slots=True)
class File:
    """What is sent beside a text."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bot says to one message, or in place of one whose button was pressed."""

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    run_id: str | None = None
    """The run that this message follows to its end."""

    file: File | None = None
    """Sent by itself, beside the message whose button was pressed."""

    picture: File | None = None
    """Stands above the text, in one message with it."""

    def __post_init__(self) -> None:
        # The desk marks what is typed so; in the plain text of a message it would be seen.
        object.__setattr__(self, "text", self.text.replace("`", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody who may speak has asked for."""

    desk: Client
    person: Mapping[str, Any]
    """The pairing: ``telegram_id``, ``name``, ``user``, ``role``."""

    words: tuple[str, ...]
    """What stands behind the command."""

    key: str
    """The same for the same message, however often it comes: it starts no second run."""


Command = Callable[[Asked], Answer]


def cut(text: str, longest: int = LONGEST) -> str:
    """Cut what is longer than a message, or the text of a picture, may be."""
    # Telegram counts as UTF-16 does, where a sign such as a coloured circle is two.
    counted = text.encode("utf-16-le")
    if len(counted) <= 2 * longest:
        return text
    return f"{counted[: 2 * (longest - 2)].decode('utf-16-le', 'ignore')} …"
