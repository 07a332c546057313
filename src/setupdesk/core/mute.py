"""Mutes: setups that a channel is told nothing of until their market's day is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.period import to_iso
from setupdesk.core.problem import find_nearest
from setupdesk.core.refusals import LONGEST_WORD, Refusals
from setupdesk.core.watch import Look

FIELDS = ("setup_id", "symbol")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A setup that a channel is not told of before *until*."""

    channel_id: str
    setup_id: str
    until: datetime
    """UTC; from then on it is told again."""

    zone: str
    """IANA zone of the market whose day ends then."""

    muted_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Give the shape that every door shows."""
        return {"setup_id": self.setup_id, "until": to_iso(self.until), "zone": self.zone}


def parse_mute(said: Mapping[str, Any], watched: Sequence[Look]) -> tuple[str, tuple[str, ...]]:
    """Read which setup is muted, and the symbols of which one's day counts.

    *watched* is what the owner of the channel watches: of all else no alert comes. Raises
    ``InvalidRequestError``.
    """
    reading = Refusals()
    reading.refuse_others("", said, FIELDS)
    setups = sorted({one.setup_id for one in watched})
    _read_watched(reading, "setup_id", said.get("setup_id"), setups)
    symbols = [one.symbol for one in watched if one.setup_id == said.get("setup_id")]
    if said.get("symbol") is not None and symbols:
        symbols = [_read_watched(reading, "symbol", said["symbol"], sorted({*symbols}))]
    if reading.problems:
        raise InvalidRequestError(reading.problems)
    return str(said["setup_id"]), tuple(dict.fromkeys(symbols))


def _read_watched(reading: Refusals, field: str, value: object, known: Sequence[str]) -> str:
    word = str(value)[:LONGEST_WORD]
    if value not in known:
        nearest = find_nearest(word, known)
        hint = f", did you mean {nearest!r}?" if nearest else "."
        message = f"No watch looks at {word!r}, so there is nothing to mute{hint}"
        reading.refuse(field, "not_watched", message, known, nearest)
    return word
