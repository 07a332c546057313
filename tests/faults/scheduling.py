"""A process that is a Scheduler on the ledger of a home, by a clock that runs fast and steps.

``python -m tests.faults.scheduling HOME`` says ``ready`` and works until it is killed.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from setupdesk.adapters import clock
from setupdesk.app import scheduler
from tests.app.scheduled import NOON, ScheduledDesk

SPEED = 120
"""A minute is over in half a second."""


class FastClock:
    """Tells a time that all processes of a home agree on, and that a file can step."""

    def __init__(self, home: Path) -> None:
        self.steps = home / "steps"
        self.began = datetime.fromisoformat((home / "began").read_text())

    def __call__(self) -> datetime:
        stepped = timedelta(seconds=float(self.steps.read_text() or 0))
        return (NOON + (clock.now() - self.began) * SPEED + stepped).astimezone(UTC)


def main(home: Path) -> None:
    scheduler.POLL_SECONDS = 0.05
    desk = ScheduledDesk(home, FastClock(home))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    desk.scheduler.run_for_ever(Event())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
