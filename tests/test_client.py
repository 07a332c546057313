import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from setupdesk.client import Client
from setupdesk.client.handle import RunHandle
from setupdesk.core.errors import (
    DeskUnavailableError,
    NoAnswerError,
    PlainServerError,
    RunFailedError,
)
from setupdesk.doors.cli.access import EXIT_CODES
from setupdesk.settings import InvalidSettingsError, Server, find_server


@contextmanager
def mute_desk(*, breaks_off: bool) -> Iterator[Client]:
    """Give the client of a desk that reads a request and then says nothing, or hangs up."""
    over = threading.Event()

    def listen() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            if not breaks_off:
                over.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        desk = threading.Thread(target=listen)
        desk.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(address, "the-key", patience=0.2) as client:
            yield client
        over.set()
        desk.join()


def test_a_request_without_an_answer_is_not_said_to_have_failed() -> None:
    with mute_desk(breaks_off=False) as client, pytest.raises(NoAnswerError) as caught:
        client.ask({}, "a-key")

    assert str(caught.value) == (
        "The desk did not answer within 0.2 s. It may have done what was asked, or may still do "
        "it: look with `setupdesk runs` before you ask again."
    )
    assert EXIT_CODES[caught.value.code] == EXIT_CODES["unavailable"]


def test_a_connection_that_ends_without_an_answer_leaves_the_same_doubt(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    file.write_text("time,open,high,low,close\n")

    with mute_desk(breaks_off=True) as client, pytest.raises(NoAnswerError) as caught:
        client.import_bars(file, "GER40", "M15", {})

    assert "The desk broke off before it had answered." in str(caught.value)
    assert "`setupdesk data list`" in str(caught.value)


@pytest.mark.parametrize(
    ("breaks_off", "reason"),
    [(False, "it did not answer within 0.2 s"), (True, "it broke off before it had answered")],
)
def test_a_look_without_an_answer_failed_and_changed_nothing(
    *, breaks_off: bool, reason: str
) -> None:
    with mute_desk(breaks_off=breaks_off) as client, pytest.raises(DeskUnavailableError) as caught:
        client.runs(1)

    assert str(caught.value) == f"The desk cannot be reached: {reason}"


def test_a_request_that_reached_nobody_is_said_to_have_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"

    with Client(address, "the-key") as client, pytest.raises(DeskUnavailableError):
        client.ask({})


def test_the_key_does_not_go_to_another_machine_by_http() -> None:
    for address in ("http://desk.example.org", "http://10.0.0.1:8750", "http://[2001:db8::1]"):
        with pytest.raises(PlainServerError, match="https"):
            Client(address, "the-key")

    for address in ("http://localhost:1", "http://[::1]:1", "https://desk.example.org"):
        with Client(f"{address}/api/v1/", "the-key"):
            pass
    with Client("http://desk.example.org", "the-key", insecure=True):
        pass


@pytest.mark.parametrize("address", ["desk.example.org", "ftp://a", "https://key@desk", "https://"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(InvalidSettingsError, match="server"):
        Client(address, "the-key")


@pytest.mark.parametrize("key", ["", "two\nlines", "sch\u00f6n"])
def test_a_key_that_is_none_is_not_shown(key: str) -> None:
    with pytest.raises(InvalidSettingsError) as caught:
        Client("https://desk.example.org", key)

    assert key == "" or key not in str(caught.value)


def test_the_environment_names_a_desk_and_what_is_said_wins(tmp_path: Path) -> None:
    named = {
        "SETUPDESK_SERVER": "https://a.example/",
        "SETUPDESK_KEY": "its-key",
        "SETUPDESK_CERTIFICATE": str(tmp_path),
    }

    assert find_server(environment=named) == Server("https://a.example", "its-key", tmp_path)
    assert find_server("https://b.example", "k", Path("c"), named) == Server(
        "https://b.example", "k", Path("c")
    )
    assert find_server(environment={}) is None


class Ledger:
    """Runs as a desk tells of them, state after state."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)

    def run(self, run_id: str) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"run_id": run_id, "state": state, "reason": "no bars"}

    def result(self, run_id: str) -> dict[str, Any]:
        return {"run_id": run_id}

    def equity(self, run_id: str) -> list[dict[str, Any]]:
        return [{"run_id": run_id, "trade": 1, "r": 2.0}]

    def signals(self, run_id: str) -> list[dict[str, Any]]:
        return [{"run_id": run_id, "verdict": "traded"}]

    def trades(self, run_id: str) -> list[dict[str, Any]]:
        return [{"run_id": run_id, "r": 2}, {"run_id": run_id, "r": -1.5}]

    def report_page(self, run_id: str) -> str:
        return run_id

    def cancel(self, run_id: str) -> dict[str, Any]:
        return {"run_id": run_id, "state": "cancelled"}


def hold(*states: str) -> RunHandle:
    request = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
    return RunHandle(Ledger(*states), {"run_id": "run_2025_10_31_001", "request": request})


def test_a_handle_waits_for_the_end_and_gives_what_came_of_it() -> None:
    handle = hold("queued", "running", "completed")

    assert "queued when last seen" in repr(handle)
    assert handle.wait(poll=0.01) is handle
    assert [trade["r"] for trade in handle.trades()] == [2, -1.5]
    assert handle.trades().frame()["r"].to_list() == [2, -1.5]
    assert handle.equity()[0]["r"] == 2
    assert handle.signals()[0]["verdict"] == "traded"
    assert "completed when last seen" in repr(handle)


@pytest.mark.parametrize("state", ["failed", "crashed", "timed_out", "cancelled"])
def test_a_run_that_failed_raises_with_its_reason(state: str) -> None:
    with pytest.raises(RunFailedError, match=f"run_2025_10_31_001 is {state}: no bars"):
        hold("running", state).wait(poll=0.01)


def test_a_run_that_takes_longer_than_one_waits_goes_on() -> None:
    handle = hold("running")

    with pytest.raises(TimeoutError, match="still running"):
        handle.wait(timeout=0.05, poll=0.01)
    assert handle.state == "running"
