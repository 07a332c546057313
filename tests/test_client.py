import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from setupdesk.client import Client
from setupdesk.core.errors import DeskUnavailableError, NoAnswerError
from setupdesk.doors.cli.access import EXIT_CODES


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
