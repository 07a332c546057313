"""The channel desk: makes channels, and shows what they were told."""

import json
import logging
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
from setupdesk.core.channel import Channel, ChannelEvent, show_url
from setupdesk.core.errors import (
    ChannelBusyError,
    InvalidRequestError,
    NotFoundError,
    UndeliveredError,
)
from setupdesk.core.free_text import LONGEST_NAME, find_text_problems
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem, find_nearest
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
    tested: set[str] = field(default_factory=set)
    """Channels that are being tested now."""

    lock: Lock = field(default_factory=Lock)

    def add(self, name: str, url: str, events: Sequence[str], user: str) -> dict[str, Any]:
        """Make a channel; the answer has its secret, this once."""
        wanted = make_writable({"name": name, "url": url})
        problems = find_text_problems("name", wanted["name"], LONGEST_NAME)
        problems += [*_find_wrong(events), *self._find_unsafe(wanted["url"])]
        if problems:
            raise InvalidRequestError(problems)
        channel = Channel(
            channel_id=f"channel_{secrets.token_hex(6)}",
            user=user,
            events=tuple(ChannelEvent(one) for one in dict.fromkeys(events)),
            created_at=self.clock(),
            **wanted,
        )
        if not self.channels.add(channel, MOST_CHANNELS):
            raise refuse_another("channel", channel.user, self.channels.load_all())
        log.info("channel made", extra={"channel_id": channel.channel_id, "user": user})
        return {**_show(channel), "secret": write_secret(self.signer.derive(channel.channel_id))}

    def list_channels(self, caller: Caller) -> list[dict[str, Any]]:
        """List the channels that *caller* may see, the newest first."""
        return [_show(one) for one in self.channels.load_all() if caller.may_see(one.user)]

    def revoke(self, channel_id: str, caller: Caller) -> dict[str, Any]:
        """Tell a channel nothing more; to do it again changes nothing."""
        channel = self._find(channel_id, caller)
        self.channels.revoke(channel_id)
        if not channel.revoked_at:
            log.info("channel revoked", extra={"channel_id": channel_id, "user": caller.user})
        return _show(self.channels.load(channel_id) or channel)

    def test(self, channel_id: str, caller: Caller) -> dict[str, Any]:
        """Tell a channel at once that this is a test, one at a time.

        Raises ``ChannelBusyError``, or ``UndeliveredError`` if it fails.
        """
        channel = self._find(channel_id, caller)
        if channel.revoked_at:
            raise NotFoundError("channel", channel_id, hint=" any more: it was revoked.")
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
        return [{name: row[name] for name in _LOGGED} for row in map(show_row, rows)]

    def _find(self, channel_id: str, caller: Caller) -> Channel:
        channel = self.channels.load(channel_id)
        if channel is None or not caller.may_see(channel.user):
            raise NotFoundError("channel", channel_id)
        return channel

    def _find_unsafe(self, url: str) -> list[Problem]:
        try:
            self.sender.check(url)
        except UndeliveredError as wrong:
            message = f"Nothing can be sent there: {wrong.reason}."
            return [Problem(field="url", code=wrong.code, message=message)]
        return []


_LOGGED = (
    *("notification_id", "message_id", "channel_id", "event", "run_id"),
    *("created_at", "due_at", "done_at", "outcome", "attempts", "last_error"),
)


def _find_wrong(events: Sequence[str]) -> list[Problem]:
    known = tuple(ChannelEvent)
    if not events:
        message = "A channel needs one event at least."
        return [Problem(field="events", code="missing", message=message, allowed=known)]
    return [
        Problem(
            field="events",
            code="unknown_event",
            message=f"{event[:50]!r} is not known.",
            allowed=known,
            suggestion=find_nearest(event, known),
        )
        for event in events
        if event not in known
    ]


def _show(channel: Channel) -> dict[str, Any]:
    return {
        "channel_id": channel.channel_id,
        "name": channel.name,
        "user": channel.user,
        "url": show_url(channel.url),
        "events": list(channel.events),
        "created_at": to_iso(channel.created_at),
        "revoked_at": to_iso(channel.revoked_at) if channel.revoked_at else None,
    }
