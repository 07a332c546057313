"""The killer: ends processes of a desk, chosen by a seed, at moments that nobody foresees."""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from setupdesk.adapters.ledger.processes import has_process
from tests.faults.real_desk import RealDesk

PAUSES = {"service": 3.0, "executor": 8.0, "child": 1.0, "prefect": 12.0}
"""Seconds from the moment when one may be killed until it is, on the average."""

PAUSES_OF_MANY = {"service": 5.0, "executor": 25.0, "child": 0.6, "prefect": 60.0}
"""Where many have to die: a child is there again at once, the others take seconds to start."""

LOOK = 0.4
"""Seconds, at most, between two looks for one to kill: a child lives for a moment only."""

TOGETHER = 0.15
"""How often a second process dies a moment later."""

UNREADY = 0.1
"""How often one may be killed that is only starting, or was ready for less than a moment."""

MOMENT = 3.0


@dataclass
class Killer:
    """Kills until so many are dead."""

    desk: RealDesk
    seed: int
    pauses: Mapping[str, float] = field(default_factory=lambda: PAUSES)
    killed: list[str] = field(default_factory=list)
    """Of which kind each was."""

    is_over: Callable[[], bool] = lambda: False
    """Ends it before so many are dead."""

    seconds: float = 0.0
    ready_since: dict[int, float] = field(default_factory=dict)
    """By pid: when a process was first seen ready."""

    def kill(self, count: int) -> None:
        """Kill *count* processes and a few more; each kind has a killer of its own."""
        began = time.monotonic()
        threads = [Thread(target=self._kill_kind, args=(kind, count)) for kind in self.pauses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.seconds = time.monotonic() - began

    def _kill_kind(self, kind: str, count: int) -> None:
        drawn = random.Random(f"{self.seed} {kind}")
        while not self._is_done(count):
            time.sleep(drawn.expovariate(1 / self.pauses[kind]))
            spares_young = drawn.random() > UNREADY
            while not self._is_done(count) and not self.kill_one(kind, spares_young=spares_young):
                time.sleep(drawn.uniform(0, LOOK))
            if drawn.random() < TOGETHER:
                time.sleep(drawn.uniform(0, 0.1))
                self.kill_one(drawn.choice(list(self.pauses)))

    def _is_done(self, count: int) -> bool:
        return len(self.killed) >= count or self.is_over()

    def kill_one(self, kind: str, *, spares_young: bool = False) -> bool:
        """Kill one process of a kind; False if none lives, or only a young one that is spared."""
        pid = self._find_child() if kind == "child" else self._find(kind, spares_young)
        if not pid or not has_process(pid):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed.append(kind)
        return True

    def _find_child(self) -> int | None:
        children = find_children(self.desk.processes()["executor"]["pid"])
        return children[-1] if children else None

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
