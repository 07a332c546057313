"""A ledger with channels, runs and alerts, and the notifier that tells of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, select

from setupdesk.adapters.channel_sender import ChannelSender
from setupdesk.adapters.ledger.database import writing
from setupdesk.adapters.ledger.notifications import Channels, Notifications
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.tables import alert, watch
from setupdesk.adapters.telegram_sender import TelegramSender
from setupdesk.adapters.webhook_sender import WebhookSender
from setupdesk.app.notifier import Notifier, Signer
from setupdesk.core.channel import Channel, ChannelEvent
from setupdesk.core.channel_terms import parse_change
from setupdesk.core.manner import USUAL, Manner
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe
from tests.adapters.webhook_receiver import Receiver
from tests.doors.telegram.bot_api import TOKEN

NOON = datetime(2025, 5, 1, 12, tzinfo=UTC)
REQUEST = Request(
    setup_id="IB_raid_v1",
    symbol="GER40",
    timeframe=Timeframe.M15,
    mode=Mode.BACKTEST,
    start=date(2025, 4, 1),
    end=date(2025, 4, 30),
)
ALL = tuple(ChannelEvent)
SECRET_PATH = "/services/T0/hidden"  # noqa: S105 (as some services have it)

PICTURE = b"\x89PNG of candles"


@dataclass
class Bench:
    """A ledger whose clock is turned by hand, and the notifier that tells from it."""

    ledger: Engine
    receiver: Receiver
    at: datetime = NOON
    private: list[str] = field(default_factory=list)
    bot_api: str = "http://127.0.0.1:1"

    def now(self) -> datetime:
        return self.at

    @property
    def notifications(self) -> Notifications:
        return Notifications(self.ledger, self.now)

    @property
    def channels(self) -> Channels:
        return Channels(self.ledger, self.now)

    def change(self, channel_id: str, manner: Manner) -> None:
        one = self.channels.load(channel_id)
        assert one
        self.channels.change(channel_id, parse_change(one, {"manner": manner.to_json()}))

    def open(self) -> Notifier:
        sender = ChannelSender(
            WebhookSender(clock=self.now, private=self.private),
            TelegramSender(lambda: TOKEN, self.bot_api, lambda _: {}, lambda *_: PICTURE),
        )
        return Notifier(self.notifications, sender, Signer(lambda: "master", self.now), self.now)

    def add(  # noqa: PLR0913 (what a channel may be)
        self,
        channel_id: str = "channel_1",
        events: tuple[ChannelEvent, ...] = ALL,
        user: str = "ann",
        port: int | None = None,
        *,
        url: str | None = None,
        manner: Manner = USUAL,
    ) -> None:
        here = f"127.0.0.1:{port or self.receiver.port}"
        self.private.append(here)
        made = Channel(
            channel_id=channel_id,
            name="n8n",
            user=user,
            url=url or f"http://{here}{SECRET_PATH}",
            events=events,
            created_at=self.at,
            manner=manner,
        )
        assert self.channels.add(made, 20)

    def end_run(self, user: str = "ann", *, failed: bool = False) -> str:
        receipt = StartLedger(self.ledger, self.now).accept(REQUEST, {}, user, Door.CLI)
        assert receipt.run_id
        outbox = Outbox(self.ledger, self.now)
        if failed:
            outbox.give_up(receipt.run_id, "Prefect is broken")
        else:
            outbox.ask_to_cancel(receipt.run_id)
        return receipt.run_id

    def raise_alerts(self, count: int = 1, **other: Any) -> list[str]:
        """Raise alerts as a live watch does; give their ids."""
        receipt = StartLedger(self.ledger, self.now).accept(REQUEST, {}, "ann", Door.CLI)
        with writing(self.ledger) as connection:
            if not connection.execute(select(watch)).first():
                named = {"watch_id": "watch_1", "name": "raids", "user": "ann", "terms": {}}
                connection.execute(insert(watch).values(created_at=self.at, **named))
            rows = [self._build_alert(number, receipt.run_id, other) for number in range(count)]
            known = connection.execute(select(alert.c.alert_id)).all()
            for number, row in enumerate(rows, len(known)):
                row["alert_id"] = f"alert_{number:03}"
                connection.execute(insert(alert).values(row))
        return [row["alert_id"] for row in rows]

    def _build_alert(
        self, number: int, run_id: str | None, other: Mapping[str, Any]
    ) -> dict[str, Any]:
        said = {"sentence": f"short below {24_060 - number}.0", "stop": 24_100.0, "rr": 2.0}
        return {
            "watch_id": "watch_1",
            "user": "ann",
            "run_id": run_id,
            "kind": "signal",
            "setup_id": "IB_raid_v1",
            "setup_hash": "0f" * 32,
            "symbol": "GER40",
            "timeframe": "M15",
            "side": "short",
            "level": "IB high",
            "bar_at": self.at - timedelta(minutes=15),
            "said": said,
            "created_at": self.at,
            "expires_at": self.at + timedelta(days=30),
            **other,
        }

    def tell_all(self) -> int:
        """Tell all that is due; give how much it was."""
        count = 0
        while self.tell():
            count += 1
        return count

    def tell(self) -> bool:
        """Tell the next one that is due, in this thread; False if there is none."""
        taken = self.notifications.take_due(())
        if taken:
            self.open().attempt(taken)
        return taken is not None

    def log(self) -> list[Any]:
        return self.notifications.load_log(["channel_1", "channel_2"], 100)

    def list_outcomes(self) -> list[str | None]:
        """List what became of each notification of channel_1, the oldest first."""
        rows = self.notifications.load_log(["channel_1"], 1000)
        return [row["outcome"] for row in reversed(rows) if row["event"] != "digest"]

    def read_bodies(self) -> list[Any]:
        """Read what was received."""
        return [json.loads(one.body) for one in self.receiver.received]
