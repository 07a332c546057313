import socket
from pathlib import Path

import pytest

from setupdesk.adapters.executor_socket import ExecutorSocket, ExecutorUnavailableError


def test_no_executor_holds_no_run(tmp_path: Path) -> None:
    assert ExecutorSocket(tmp_path / "executor.sock").cancel("run_2025_11_01_001") is False


def test_an_executor_that_was_killed_holds_no_run(tmp_path: Path) -> None:
    left_behind = tmp_path / "executor.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(left_behind))
        listener.listen()
    executor = ExecutorSocket(left_behind)

    assert executor.cancel("run_2025_11_01_001") is False
    with pytest.raises(ExecutorUnavailableError, match="not up yet"):
        executor.run("run_2025_11_01_001", "flow", "backtest_flow")


def test_what_an_executor_holds_that_does_not_answer_is_not_known(tmp_path: Path) -> None:
    executor = ExecutorSocket(tmp_path / "executor.sock", timeout_seconds=0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(executor.path))
        listener.listen()

        with pytest.raises(ExecutorUnavailableError):
            executor.cancel("run_2025_11_01_001")
