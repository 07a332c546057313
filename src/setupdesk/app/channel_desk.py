"""The channel desk: makes channels, and shows what they were told."""

import json
import logging
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Protocol

from setupdesk.app.live_bounds import MOST_CHANNELS, refuse_another
from setupdesk.app.notifier import Sender, Signer
from setupdesk.app.queries import show_row
from setupdesk.app.start import make_writable
from setupdesk.core.caller import Caller
from setupdesk.core.channel import LOG_URL, Channel, show_url
from setupdesk.core.channel_terms import Wanted, parse_change, parse_channel
from setupdesk.core.errors import (
    ChannelBusyError,
    InvalidRequestError,
    NotFoundError,
    UndeliveredError,
)
from setupdesk.core.mute import Mute
from setupdesk.core.pairing import TELEGRAM, name_pairing
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.standard_webhooks import write_secret

log = logging.getLogger(__name__)


class Channels(Protocol):
    """The ledger, as far as the channel desk needs it."""

    def add(self, made: Channel, most: int) -> bool:
        """Write a new channel down; False if its user has *most* that are not revoked."""

    def load(self, channel_id: str) -> Channel | None:
        """Load one channel, revoked or not."""

    def load_all(self) -> list[Channel]:
        """Load all channels, the newest first."""

    def change(self, channel_id: str, wanted: Wanted) -> None:
        """Change a channel that is not revoked."""

    def revoke(self, channel_id: str) -> None:
        """Tell a channel nothing more."""


class DeliveryLog(Protocol):
    """What channels were told."""

    def load_log(self, channel_ids: Collection[str], limit: int) -> list[Mapping[str, Any]]:
        """Load what these channels were told and are to be told, the newest first."""


@dataclass(frozen=True, slots=True)
class ChannelDesk:
    """Channels of all users; each is seen by its owner, and by an admin."""

    channels: Channels
    delivery_log: DeliveryLog
    sender: Sender
    signer: Signer
    clock: Callable[[], datetime]
    load_mutes: Callable[[], list[Mute]]
    """Those that still hold."""

    tested: set[str] = field(default_factory=set)
    """Channels that are being tested now."""

    lock: Lock = field(default_factory=Lock)

    def add(self, said: Mapping[str, Any], user: str) -> dict[str, Any]:
        """Make a channel; the answer has its secret, this once."""
        wanted = parse_channel(make_writable(said), lambda url: self._find_unsafe(url, user))
        channel = Channel(
            channel_id=f"channel_{secrets.token_hex(6)}",
            name=wanted.name,
            user=user,
            url=wanted.url,
            events=wanted.events,
            created_at=self.clock(),
            manner=wanted.manner,
        )
        if not self.channels.add(channel, MOST_CHANNELS):
            raise refuse_another("channel", channel.user, self.channels.load_all())
        log.info("channel made", extra={"channel_id": channel.channel_id, "user": user})
        return {**_show(channel, ()), "secret": self._tell_secret(channel)}

    def _tell_secret(self, channel: Channel) -> str | None:
        is_signed = channel.url != LOG_URL and not channel.url.startswith(TELEGRAM)
        return write_secret(self.signer.derive(channel.channel_id)) if is_signed else None

    def change(self, channel_id: str, said: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Change what is *said*, and leave the rest; null gives a field its usual value again."""
        channel = self.find_live(channel_id, caller)
        wanted = parse_change(channel, make_writable(said))
        self.channels.change(channel_id, wanted)
        changed = {"channel_id": channel_id, "user": caller.user, "fields": sorted(said)}
        log.info("channel changed", extra=changed)
        return self.show(channel_id, caller)

    def list_channels(self, caller: Caller) -> list[dict[str, Any]]:
        """List the channels that *caller* may see, the newest first."""
        mutes = self.load_mutes()
        seen = [one for one in self.channels.load_all() if caller.may_see(one.user)]
        return [_show(one, mutes) for one in seen]

    def show(self, channel_id: str, caller: Caller) -> dict[str, Any]:
        """Give one channel."""
        return _show(self._find(channel_id, caller), self.load_mutes())

    def revoke(self, channel_id: str, caller: Caller) -> dict[str, Any]:
        """Tell a channel nothing more; to do it again changes nothing."""
        channel = self._find(channel_id, caller)
        self.channels.revoke(channel_id)
        if not channel.revoked_at:
            log.info("channel revoked", extra={"channel_id": channel_id, "user": caller.user})
        return self.show(channel_id, caller)

    def test(self, channel_id: str, caller: Caller) -> dict[str, Any]:
        """Tell a channel at once that this is a test, one at a time.

        Raises ``ChannelBusyError``, or ``UndeliveredError`` if it fails.
        """
        channel = self.find_live(channel_id, caller)
        with self._testing(channel_id):
            return self._test(channel)

    @contextmanager
    def _testing(self, channel_id: str) -> Iterator[None]:
        with self.lock:
            if channel_id in self.tested:
                raise ChannelBusyError(channel_id)
            self.tested.add(channel_id)
        try:
            yield
        finally:
            with self.lock:
                self.tested.remove(channel_id)

    def _test(self, channel: Channel) -> dict[str, Any]:
        message_id = f"test_{secrets.token_hex(8)}"
        body = json.dumps({"event": "test", "id": message_id}).encode()
        headers = self.signer.build_headers(channel.channel_id, message_id, body)
        status = self.sender.send(channel.url, headers, body).status
        if not 200 <= status < 300:
            raise UndeliveredError(f"it answered {status}")
        return {"channel_id": channel.channel_id, "answered": status}

    def log(self, channel_id: str | None, limit: int, caller: Caller) -> list[dict[str, Any]]:
        """List what the caller's channels, or one of them, were told and are to be told."""
        if channel_id is not None:
            shown = [self._find(channel_id, caller)]
        else:
            shown = [one for one in self.channels.load_all() if caller.may_see(one.user)]
        rows = self.delivery_log.load_log([one.channel_id for one in shown], limit)
        return [_show_delivery(row) for row in rows]

    def _find(self, channel_id: str, caller: Caller) -> Channel:
        channel = self.channels.load(channel_id)
        if channel is None or not caller.may_see(channel.user):
            raise NotFoundError("channel", channel_id)
        return channel

    def find_live(self, channel_id: str, caller: Caller) -> Channel:
        """Find a channel that *caller* may see and that was not revoked."""
        channel = self._find(channel_id, caller)
        if channel.revoked_at:
            raise NotFoundError("channel", channel_id, hint=" any more: it was revoked.")
        return channel

    def _find_unsafe(self, url: str, user: str) -> list[Problem]:
        try:
            self.sender.check(url)
        except UndeliveredError as wrong:
            message = f"Nothing can be sent there: {wrong.reason}."
            return [Problem(field="url", code=wrong.code, message=message)]
        if self.sender.find_user(url) not in {None, user}:
            message = "Nothing can be sent there: it is paired with another user."
            return [Problem(field="url", code="undelivered", message=message)]
        return []

    def keep_pairing(self, telegram_id: int, language: str, user: str) -> str | None:
        """Let a user be told of alerts by Telegram, unless he is; gives the channel.

        None where no bot tells him, or where he has the most channels there may be.
        """
        url = f"{name_pairing(telegram_id)}:{language}"
        for one in self._list_paired(telegram_id):
            if one.user == user:
                return one.channel_id
        try:
            made = self.add({"name": "Telegram", "url": url, "events": ["alert"]}, user)
        except InvalidRequestError as refused:
            log.info("no channel was made for a pairing: %s", refused)
            return None
        return str(made["channel_id"])

    def end_pairing(self, telegram_id: int) -> None:
        """Tell a user of Telegram nothing more."""
        for one in self._list_paired(telegram_id):
            self.channels.revoke(one.channel_id)

    def _list_paired(self, telegram_id: int) -> list[Channel]:
        begin = name_pairing(telegram_id)
        return [
            one
            for one in self.channels.load_all()
            if one.revoked_at is None and _is_of(one.url, begin)
        ]


_LOGGED = (
    *("notification_id", "message_id", "channel_id", "event", "run_id", "alert_id", "digest_id"),
    *("created_at", "due_at", "done_at", "outcome", "attempts", "last_error"),
)


def _show_delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    # The attempt that is under way has been counted by its taking only.
    ended = row["fence"] - (row["lease_until"] is not None)
    shown = show_row(row)
    return {name: shown[name] for name in _LOGGED} | {"repeat": ended > row["attempts"]}


def _is_of(url: str, pairing: str) -> bool:
    return url == pairing or url.startswith(f"{pairing}:")


def _show(channel: Channel, mutes: Collection[Mute]) -> dict[str, Any]:
    return {
        "channel_id": channel.channel_id,
        "name": channel.name,
        "user": channel.user,
        "url": show_url(channel.url),
        "events": list(channel.events),
        "manner": channel.manner.to_json(),
        "mutes": [one.to_json() for one in mutes if one.channel_id == channel.channel_id],
        "created_at": to_iso(channel.created_at),
        "revoked_at": to_iso(channel.revoked_at) if channel.revoked_at else None,
    }
