"""Questions whose answers are buttons: a request is put together by them, step by step."""

from collections.abc import Iterable, Sequence

from setupdesk.doors.telegram.answer import Answer, Asked, Button, cut
from setupdesk.doors.telegram.speech import say

ACROSS = 3
_MOST_CHOICES = 60


def offer(head: str, question: str, choices: Iterable[Button], *, across: int = ACROSS) -> Answer:
    """Ask what is missing, below what is known; it can be left at any step."""
    buttons = list(choices)[:_MOST_CHOICES]
    leave = (Button(say("Leave it"), "drop"),)
    text = "\n\n".join(filter(None, (head, question)))
    return Answer(cut(text), (*lay(buttons, across), leave))


def lay(buttons: Sequence[Button], across: int) -> list[tuple[Button, ...]]:
    """Lay buttons in rows."""
    return [tuple(buttons[at : at + across]) for at in range(0, len(buttons), across)]


def list_setup_ids(asked: Asked) -> list[str]:
    """List the setups that can be chosen."""
    return [one["setup_id"] for one in asked.desk.setups()]


def list_known_symbols(asked: Asked) -> list[str]:
    """List the symbols that have bars; all of them where none has."""
    stored = sorted({one["symbol"] for one in asked.desk.data_sets()})
    return stored or [one["symbol"] for one in asked.desk.symbols()]


def list_timeframes(asked: Asked, setup_ids: Sequence[str]) -> list[str]:
    """List the timeframes that all of some setups have."""
    of = [one["timeframes"] for one in asked.desk.setups() if one["setup_id"] in setup_ids]
    if not of:
        return asked.desk.timeframes()
    return [one for one in of[0] if all(one in others for others in of)]
