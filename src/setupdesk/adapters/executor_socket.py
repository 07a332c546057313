"""The way from the service to the executor: one line of JSON there, one back."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setupdesk.app.ports import EngineUnavailableError

TIMEOUT_SECONDS = 5.0
CANCEL_SECONDS = 1.0
"""A cancel is done without an executor that takes longer."""


class ExecutorUnavailableError(EngineUnavailableError):
    """The executor does not answer; the same call can be made again."""

    def __init__(self, reason: str) -> None:
        super().__init__("the executor", reason)


class ExecutorGoneError(ExecutorUnavailableError):
    """No executor listens: none holds a run, for runs end with the executor that holds them."""

    def __init__(self) -> None:
        super().__init__("it is not up yet")


LONGEST_ADDRESS = 100
"""Bytes; a Unix socket's address has room for a few more."""


@dataclass(frozen=True, slots=True)
class ExecutorSocket:
    """The executor that listens at *path*; every call may be repeated."""

    path: Path
    timeout_seconds: float = TIMEOUT_SECONDS

    def run(self, run_id: str, flow_run_id: str, flow: str) -> None:
        """Have a run carried out, unless that was done or is under way."""
        self._ask({"run": run_id, "flow_run_id": flow_run_id, "flow": flow})

    def cancel(self, run_id: str) -> bool:
        """Kill a run's process; False if no executor holds the run."""
        try:
            return bool(self._ask({"cancel": run_id}, CANCEL_SECONDS)["held"])
        except ExecutorGoneError:
            return False

    def ping(self) -> list[str]:
        """Name the runs that the executor holds."""
        return list(self._ask({"ping": 1})["runs"])

    def _ask(self, message: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(seconds or self.timeout_seconds)
                with address_of(self.path) as address:
                    connection.connect(address)
                connection.sendall(json.dumps(message).encode() + b"\n")
                with connection.makefile("rb") as lines:
                    line = lines.readline()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise ExecutorGoneError from error
        except TimeoutError as error:
            raise ExecutorUnavailableError("it does not answer") from error
        except OSError as error:
            raise ExecutorUnavailableError(error.strerror or "the connection broke") from error
        if not line.endswith(b"\n"):
            raise ExecutorUnavailableError("it hung up without an answer")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ExecutorUnavailableError(answer["error"])
        return answer


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """Give an address of the socket at *path* that is short enough, however deep its folder."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
