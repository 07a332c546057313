"""The web desk among the processes of a desk."""

import os
import signal
from pathlib import Path

import httpx

from tests.e2e.test_desk import Desk, wait_until


def test_the_page_is_there_first_comes_back_when_it_is_killed_and_ends_with_the_desk(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    desk.environment |= {"SETUPDESK_UI": "1", "SETUPDESK_UI_PORT": "0"}

    said = desk.say("up", "--detach")
    processes = desk.processes()
    page = processes["ui"]["address"]

    assert said.splitlines()[0] == f"The web desk: {page}"
    assert list(processes) == ["ui", "service", "executor", "prefect"]
    wait_until(lambda: desk.processes()["ui"]["state"] == "ready")
    assert httpx.get(page, trust_env=False).status_code == 200

    os.kill(processes["ui"]["pid"], signal.SIGKILL)
    wait_until(lambda: desk.processes()["ui"]["restarts"] == 1)
    wait_until(lambda: desk.processes()["ui"]["state"] == "ready")

    pid = desk.processes()["ui"]["pid"]
    desk.call("down")
    assert not Path(f"/proc/{pid}").exists()
