"""What the bot says, in the language of who reads it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from setupdesk.words import find_words

_SPOKEN = ContextVar("telegram_language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language for as long as this lasts."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def spoken() -> str:
    """Say which language is spoken."""
    return _SPOKEN.get()


def say(text: str, **values: object) -> str:
    """Say a text of the catalogue, with its values."""
    said = find_words(_SPOKEN.get()).gettext(text)
    return said.format(**values) if values else said


def say_many(one: str, many: str, count: int) -> str:
    """Say how many there are of something; the texts have ``{count}``."""
    return find_words(_SPOKEN.get()).ngettext(one, many, count).format(count=f"{count:,}")


def name(names: Mapping[str, str], word: str) -> str:
    """Give the name of a word of the API; one that is not known here is shown as it is."""
    return say(names[word]) if word in names else word
