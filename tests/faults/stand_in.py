"""A stand-in for the executor: its socket and its ledger are real, its runs compute nothing."""

import json
import socket
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Literal

from setupdesk.adapters.ledger.journal import Journal


class StandIn:
    """Listens at *path*; `way` says what becomes of the next runs.

    ``does``: carried out at once. ``holds``: begun and held. ``loses``: never begun, not held.
    """

    def __init__(self, path: Path, journal: Journal) -> None:
        self.journal = journal
        self.way: Literal["does", "holds", "loses"] = "does"
        self.order: list[str] = []
        self.held: set[str] = set()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(16)
        self.thread = Thread(target=self._serve)
        self.thread.start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection, connection.makefile("rw") as stream:
                    answer = self._obey(json.loads(stream.readline()))
                    stream.write(json.dumps(answer) + "\n")

    def _obey(self, message: dict[str, Any]) -> dict[str, Any]:
        if "run" in message:
            return self._carry_out(message["run"])
        if "cancel" in message:
            return {"held": self._cancel(message["cancel"])}
        return {"runs": sorted(self.held)}

    def _carry_out(self, run_id: str) -> dict[str, Any]:
        self.order.append(run_id)
        if self.way != "loses":
            self.journal.begin(run_id)
        if self.way == "holds":
            self.held.add(run_id)
        if self.way == "does":
            self.journal.finish_completed(run_id, {}, "")
        return {"started": True}

    def _cancel(self, run_id: str) -> bool:
        if run_id not in self.held:
            return False
        self.held.remove(run_id)
        self.journal.lay_to_rest(run_id, "its process was killed by SIGKILL")
        return True
