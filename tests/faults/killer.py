"""The killer: ends processes of a desk, chosen by a seed, at moments that nobody foresees."""

import os
import random
import signal
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

LULLS, LULL = 0.05, 8.0
"""How often no kill comes for so many seconds: the desk gets as far as to carry runs out."""

UNREADY = 0.3
"""How often one is killed that is only starting."""


@dataclass
class Killer:
    """Kills until so many are dead."""

    desk: RealDesk
    drawn: random.Random
    pause: float = 0.9
    """Seconds between two kills, about."""

    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    killed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def kill(self, count: int) -> None:
        """Kill *count* processes, one now and then with another one a moment later."""
        began = time.monotonic()
        while self.killed.total() < count:
            is_lull = self.drawn.random() < LULLS
            time.sleep(LULL if is_lull else self.drawn.expovariate(1 / self.pause))
            while not self._strike():
                time.sleep(0.1)
            if self.drawn.random() < TOGETHER:
                time.sleep(self.drawn.uniform(0, 0.1))
                self._strike()
        self.seconds = time.monotonic() - began

    def _strike(self) -> bool:
        kinds = list(self.weights)
        kind = self.drawn.choices(kinds, [self.weights[each] for each in kinds])[0]
        return self.kill_one(kind, spares_unready=self.drawn.random() > UNREADY)

    def kill_one(self, kind: str, *, spares_unready: bool = False) -> bool:
        """Kill one process of a kind; False if none lives."""
        pid = self._find(kind, spares_unready=spares_unready)
        if not pid or not is_alive(pid):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[kind] += 1
        return True

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
