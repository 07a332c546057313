"""A nursery of notifiers, each of which tells from the ledger of a home until it is killed.

``python -m tests.faults.telling HOME PORT``: for each line, the number of a generation, it forks
a notifier and says its process id; when that is dead, it says ``dead``.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.notifications import Notifications
from setupdesk.adapters.webhook_sender import Answer, WebhookSender
from setupdesk.app import notifier

GENERATION = "x-generation"


@dataclass(frozen=True, slots=True)
class NumberedSender:
    """Sends as ever, and says which process does."""

    sender: WebhookSender
    generation: str

    def find_user(self, url: str) -> str | None:  # noqa: ARG002 (webhooks are told by anybody)
        return None

    def check(self, url: str) -> None:
        self.sender.check(url)

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return self.sender.send(url, {**headers, GENERATION: self.generation}, body)


def tell(home: Path, port: str, generation: str) -> None:
    notifier.POLL_SECONDS = 0.01
    notifier.FIRST_WAIT = timedelta(seconds=0.02)
    sender = WebhookSender(clock=clock.now, private=[f"127.0.0.1:{port}"])
    notifier.Notifier(
        Notifications(open_database(home / "ledger.db"), clock.now),
        NumberedSender(sender, generation),
        notifier.Signer(lambda: "master", clock.now),
        clock.now,
    ).run_for_ever(Event())


def main(home: Path, port: str) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            tell(home, port, line.strip())
        for said in (child, "dead"):
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
            if said == child:
                os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
