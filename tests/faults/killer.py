"""The killer: ends processes of a desk, chosen by a seed, at moments that nobody foresees."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from setupdesk.adapters.ledger.processes import is_alive
from tests.faults.real_desk import RealDesk

WEIGHTS = {"service": 40, "executor": 25, "child": 25, "prefect": 10}
TOGETHER = 0.15
"""How often a second process dies a moment later."""

UNREADY = 0.3
"""How often one is killed that is only starting."""


@dataclass
class Killer:
    """Kills until so many are dead."""

    desk: RealDesk
    drawn: random.Random
    pause: float
    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    killed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def kill(self, count: int, stop: threading.Event) -> None:
        began = time.monotonic()
        while self.killed.total() < count and not stop.wait(self.drawn.expovariate(1 / self.pause)):
            self.strike()
            if self.drawn.random() < TOGETHER and self.killed.total() < count:
                time.sleep(self.drawn.uniform(0, 0.1))
                self.strike()
        self.seconds = time.monotonic() - began

    def strike(self) -> None:
        """Kill one process, if the one that is drawn lives."""
        kinds = list(self.weights)
        kind = self.drawn.choices(kinds, [self.weights[each] for each in kinds])[0]
        spares_unready = self.drawn.random() > UNREADY
        pid = self._find(kind, spares_unready=spares_unready)
        if pid and is_alive(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[kind] += 1

    def _find(self, kind: str, *, spares_unready: bool) -> int | None:
        processes = self.desk.processes()
        if kind == "child":
            children = find_children(processes["executor"]["pid"])
            return self.drawn.choice(children) if children else None
        found = processes[kind]
        unfit = {"restarting", "starting"} if spares_unready else {"restarting"}
        return None if found["state"] in unfit else found["pid"]


def find_children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
