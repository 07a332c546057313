"""A Scheduler over a real ledger and the real START, by a clock that can be set."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text, update

from setupdesk.adapters.calendar import ExchangeCalendar
from setupdesk.adapters.ledger.database import open_database, reading, writing
from setupdesk.adapters.ledger.keys import Keys
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.schedules import Schedules
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.tables import run
from setupdesk.adapters.ledger.ticks import Ticks
from setupdesk.app.schedule_desk import ScheduleDesk
from setupdesk.app.scheduler import Fire, Scheduler
from setupdesk.app.start import Start
from setupdesk.app.timetable import Timetable
from setupdesk.core.caller import Caller, Role
from setupdesk.core.run import Door
from tests.faults.deliveries import build_offer

BACKTEST = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
LIVE = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "live"}
EVERY_MINUTE = {
    "name": "often",
    "payload": BACKTEST,
    "every": "1m",
    "only_on_sessions": False,
    "overlap": "allow",
}
ANN = Caller(user="ann", role=Role.TRADER)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday


class ScheduledDesk:
    """All that a Schedule needs, in a folder."""

    def __init__(self, folder: Path, clock: Callable[[], datetime] | None = None) -> None:
        self.now = NOON
        self.clock = clock or (lambda: self.now)
        ledger = open_database(folder / "ledger.db", keeps_connections=True)
        self.ledger = ledger
        offer = build_offer()
        self.start = Start(lambda: offer, StartLedger(ledger, self.clock), lambda: None)
        self.schedules, self.ticks = Schedules(ledger, self.clock), Ticks(ledger, self.clock)
        self.outbox = Outbox(ledger, self.clock)
        self.timetable = Timetable(offer.catalogue, ExchangeCalendar(folder / "cache"))
        fire = Fire(self.ticks, self.start, Keys(ledger, self.clock).load_quota)
        self.scheduler = Scheduler(
            self.schedules, self.ticks, self.timetable, fire, self.cancel, self.clock
        )
        self.desk = ScheduleDesk(self.schedules, self.ticks, self.scheduler, fire)

    def cancel(self, run_id: str, _user: str, _door: Door) -> None:
        self.outbox.ask_to_cancel(run_id)

    def add(self, **said: Any) -> str:
        made: str = self.desk.add({**EVERY_MINUTE, **said}, ANN)["schedule_id"]
        return made

    def pass_time(self, span: timedelta) -> None:
        self.now += span
        self.scheduler.work_once()

    def finish_runs(self) -> None:
        with writing(self.ledger) as connection:
            connection.execute(update(run).values(state="completed"))

    def outcomes(self, schedule_id: str) -> list[str]:
        """Give what became of each tick, the oldest first."""
        return [row["outcome"] for row in reversed(self.schedules.load_ticks(schedule_id, 100_000))]

    def count_runs(self) -> int:
        with reading(self.ledger) as connection:
            count: int = connection.execute(text("SELECT count(*) FROM run")).scalar_one()
        return count
