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
MOSTLY_CHILDREN = {"service": 20, "executor": 5, "child": 73, "prefect": 2}
"""For many kills: a child is there again at once, the others take seconds to start."""

PATIENCE = 8.0
"""Seconds that one of the kind that was drawn is waited for."""

TOGETHER = 0.15
"""How often a second process dies a moment later."""

LULLS, LULL = 0.05, 8.0
"""How often no kill comes for so many seconds: the desk gets as far as to carry runs out."""

UNREADY = 0.1
"""How often one may be killed that is only starting, or was ready for less than a moment."""

MOMENT = 3.0


@dataclass
class Killer:
    """Kills until so many are dead."""

    desk: RealDesk
    drawn: random.Random
    pause: float = 0.6
    """Seconds between two kills, about."""

    weights: Mapping[str, int] = field(default_factory=lambda: WEIGHTS)
    killed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    ready_since: dict[int, float] = field(default_factory=dict)
    """By pid: when a process was first seen ready."""

    def kill(self, count: int) -> None:
        """Kill *count* processes, one now and then with another one a moment later."""
        began = time.monotonic()
        while self.killed.total() < count:
            is_lull = self.drawn.random() < LULLS
            time.sleep(LULL if is_lull else self.drawn.expovariate(1 / self.pause))
            spares_young = self.drawn.random() > UNREADY
            self._await_one(self._draw_kind(), spares_young=spares_young)
            if self.drawn.random() < TOGETHER:
                time.sleep(self.drawn.uniform(0, 0.1))
                self.kill_one(self._draw_kind(), spares_young=spares_young)
        self.seconds = time.monotonic() - began

    def _await_one(self, kind: str, *, spares_young: bool) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.kill_one(kind, spares_young=spares_young) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _draw_kind(self) -> str:
        kinds = list(self.weights)
        return self.drawn.choices(kinds, [self.weights[kind] for kind in kinds])[0]

    def kill_one(self, kind: str, *, spares_young: bool = False) -> bool:
        """Kill one process of a kind; False if none lives, or only a young one that is spared."""
        pid = self._find_child() if kind == "child" else self._find(kind, spares_young)
        if not pid or not is_alive(pid):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[kind] += 1
        return True

    def _find_child(self) -> int | None:
        children = find_children(self.desk.processes()["executor"]["pid"])
        return self.drawn.choice(children) if children else None

    def _find(self, kind: str, spares_young: bool) -> int | None:  # noqa: FBT001
        found, now = self.desk.processes(), time.monotonic()
        for one in found.values():
            if one["state"] == "ready":
                self.ready_since.setdefault(one["pid"], now)
        pid: int = found[kind]["pid"]
        is_young = now - self.ready_since.get(pid, now) < MOMENT
        return None if is_young and spares_young else pid


def find_children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
