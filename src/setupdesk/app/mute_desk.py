"""The mute desk: a channel is told nothing of a setup until the day of its market is over."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from setupdesk.app.channel_desk import ChannelDesk
from setupdesk.app.start import make_writable
from setupdesk.core.caller import Caller
from setupdesk.core.mute import Mute, parse_mute
from setupdesk.core.symbol import Catalogue
from setupdesk.core.watch import Look, Watch
from setupdesk.market.days import day_of, from_ms, midnight_ms, to_ms

log = logging.getLogger(__name__)


class Mutes(Protocol):
    """The ledger, as far as the mute desk needs it."""

    def add(self, made: Mute, by: str) -> None:
        """Write a mute down, in the place of an earlier one of that setup there."""

    def end(self, channel_id: str, setup_id: str, by: str) -> None:
        """Tell a channel of a setup again."""


@dataclass(frozen=True, slots=True)
class MuteDesk:
    """Mutes of all channels; each is made and ended by the channel's owner, and by an admin."""

    channel_desk: ChannelDesk
    mutes: Mutes
    load_watches: Callable[[], list[Watch]]
    """Those that go on."""

    catalogue: Catalogue
    clock: Callable[[], datetime]

    def mute(self, channel_id: str, said: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Tell a channel nothing of a setup for the rest of its market's day; give the channel.

        Of several markets it is the day that ends last.
        """
        channel = self.channel_desk.find_live(channel_id, caller)
        setup_id, symbols = parse_mute(make_writable(said), self._list_looks(channel.user))
        now = self.clock()
        until, zone = max((_find_day_end(now, zone), zone) for zone in self._list_zones(symbols))
        made = Mute(channel_id=channel_id, setup_id=setup_id, until=until, zone=zone, muted_at=now)
        self.mutes.add(made, caller.user)
        _note("setup muted", channel_id, setup_id, caller)
        return self.channel_desk.show(channel_id, caller)

    def unmute(self, channel_id: str, setup_id: str, caller: Caller) -> dict[str, Any]:
        """Tell a channel of a setup again; where it was not muted, nothing changes."""
        self.channel_desk.find_live(channel_id, caller)
        self.mutes.end(channel_id, setup_id, caller.user)
        _note("setup unmuted", channel_id, setup_id, caller)
        return self.channel_desk.show(channel_id, caller)

    def _list_looks(self, user: str) -> list[Look]:
        own = [one for one in self.load_watches() if one.user == user]
        return [look for one in own for look in one.terms.looks]

    def _list_zones(self, symbols: tuple[str, ...]) -> list[str]:
        return [self.catalogue.need(one).zone for one in symbols]


def _find_day_end(at: datetime, zone: str) -> datetime:
    return from_ms(midnight_ms(day_of(to_ms(at), zone) + timedelta(days=1), zone))


def _note(event: str, channel_id: str, setup_id: str, caller: Caller) -> None:
    extra = {"channel_id": channel_id, "setup_id": setup_id, "user": caller.user}
    log.info(event, extra=extra)
