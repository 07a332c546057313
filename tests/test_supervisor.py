import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from setupdesk.settings import load_settings
from setupdesk.supervisor import STEADY_SECONDS, ProcessSpec, Supervisor, _end, _Process


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(load_settings({"SETUPDESK_HOME": str(tmp_path)}))


@pytest.fixture
def process(supervisor: Supervisor, tmp_path: Path) -> Iterator[_Process]:
    spec = ProcessSpec(
        name="sleeper",
        command=[sys.executable, "-c", "import time; time.sleep(60)"],
        environment={},
        folder=tmp_path,
        address="nowhere",
        is_ready=lambda: True,
    )
    process = supervisor._start(spec)
    yield process
    _end(process)


def test_a_process_that_dies_again_and_again_is_started_ever_later(
    supervisor: Supervisor, process: _Process
) -> None:
    waits = [die(supervisor, process) for _ in range(3)]

    assert [round(wait, 1) for wait in waits] == [0.5, 1.0, 2.0]


def test_a_process_that_was_ready_for_a_while_is_started_at_once(
    supervisor: Supervisor, process: _Process
) -> None:
    die(supervisor, process)
    die(supervisor, process)
    look_until(supervisor, process, lambda: process.state == "ready")
    process.ready_at -= STEADY_SECONDS + 1

    assert round(die(supervisor, process), 1) == 0.5


def die(supervisor: Supervisor, process: _Process) -> float:
    """Kill the process once it is ready; give the seconds that its next start is put off."""
    look_until(supervisor, process, lambda: process.state == "ready")
    process.popen.kill()
    look_until(supervisor, process, lambda: process.state == "restarting")
    return process.restart_at - time.monotonic()


def look_until(supervisor: Supervisor, process: _Process, is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_true():
        supervisor._look_after(process)
        assert time.monotonic() < deadline, process
