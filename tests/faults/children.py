"""Children of the fault tests: told what to accept, watched or killed at their system calls."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from setupdesk.adapters.ledger.database import open_database
from tests.faults.checks import Answer
from tests.faults.deliveries import Job

ROOT = Path(__file__).parents[2]
CHILD = (sys.executable, "-m", "tests.faults.accepting")
FILES = ("ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal", "audit.anchors", "")
"""What accepting touches in its home; last the folder itself."""


def make_home(home: Path) -> Path:
    """Make a home with a ledger in which nothing has happened yet."""
    home.mkdir(parents=True)
    (home / "ledger.db").write_bytes(_make_ledger())
    return home


@cache
def _make_ledger() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        open_database(Path(folder) / "ledger.db")
        return (Path(folder) / "ledger.db").read_bytes()


def accept(*jobs: Job, prefix: Sequence[str] = (), patience: float = 300) -> list[Answer]:
    """Let one child accept *jobs*; give what it had answered when it ended, however it ended."""
    done = subprocess.run(
        [*prefix, *CHILD],
        input="".join(job.to_line() for job in jobs),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
    assert prefix or not done.returncode, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if "number" in line]


def accept_together(jobs: Sequence[Job]) -> list[Answer]:
    """Let a child for each of *jobs* accept at the same time."""
    with ThreadPoolExecutor(len(jobs)) as threads:
        return [answer for answers in threads.map(accept, jobs) for answer in answers]


class OtherProcess:
    """A child that stays, and accepts one job after the other."""

    def __init__(self) -> None:
        self.popen = subprocess.Popen(
            CHILD, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def accept(self, job: Job) -> list[Answer]:
        assert self.popen.stdin
        assert self.popen.stdout
        self.popen.stdin.write(job.to_line())
        self.popen.stdin.flush()
        answers: list[Answer] = []
        while "done" not in (said := json.loads(self.popen.stdout.readline())):
            answers.append(said)
        return answers

    def close(self) -> None:
        # The homes are gone by now, so there is nothing to be written at its end.
        self.popen.kill()
        self.popen.communicate()


@cache
def _strace_works() -> bool:
    command = ["strace", "-o", "/dev/null", "true"]
    return bool(shutil.which("strace")) and not subprocess.run(command, check=False).returncode


def need_strace() -> None:
    if not _strace_works():
        pytest.skip("strace, which stops a process at its calls, is missing or not allowed here")


def trace(home: Path, log: Path, calls: Sequence[str], *more: str) -> list[str]:
    """Build the command before a child's own that traces *calls* on the files of *home*."""
    paths = [word for name in FILES for word in ("-P", str(home / name).rstrip("/"))]
    return ["strace", "-f", "-o", str(log), *paths, "-e", f"trace={','.join(calls)}", *more]
