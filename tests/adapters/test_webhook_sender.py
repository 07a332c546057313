import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.webhook_sender import WebhookSender, resolve_host
from setupdesk.core.errors import UndeliveredError, UnsafeUrlError
from tests.adapters.webhook_receiver import HOST, Received, receiving, say, write_certificate

HEADERS = {"webhook-id": "note_1", "content-type": "application/json"}
PUBLIC = "93.184.216.34"


def open_sender(*private: str, seconds: float = 5.0) -> WebhookSender:
    return WebhookSender(clock=clock.now, private=private, seconds=seconds)


def sending_to(addresses: Sequence[str], *private: str, trusted: Path | None = None) -> Any:
    """Give a sender for whom every name has these addresses."""
    return WebhookSender(
        clock=clock.now,
        private=private,
        resolve=lambda _host, _port: addresses,
        trust=lambda: ssl.create_default_context(cafile=trusted),
    )


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",  # noqa: S104 (what must not be reached)
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "localhost",
        "localhost.",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "192.0.0.8",
        "192.0.0.9",
        "192.88.99.1",
        "198.18.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fd00::1]",
        "[fe80::1]",
        "[ff02::1]",
        "[fec0::1]",
        "[3fff::1]",
        "[5f00::1]",
        "[2001:20::1]",
        "[::ffff:192.0.0.8]",
    ],
)
def test_nothing_is_sent_to_a_machine_of_the_desks_own_network(host: str) -> None:
    with pytest.raises(UndeliveredError) as refused:
        open_sender().send(f"https://{host}/x", HEADERS, b"{}")

    # Where the system has no IPv6, a literal of it may have no address at all.
    assert isinstance(refused.value, UnsafeUrlError) or "no address" in refused.value.reason


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "gopher://93.184.216.34/",
        "93.184.216.34/x",
        "",
        "https://",
        "https:///x",
        "https://user:pass@93.184.216.34/",
        "https://93.184.216.34:99999/",
        "https://xn--/",
        "https://xn--ls8h.la/",
        "https://93.184.216.34/\r\nX: y",
        "https://93.184.216.34/" + "x" * 2_000,
    ],
)
def test_only_an_https_address_with_a_host_is_sent_to(url: str) -> None:
    with pytest.raises(UnsafeUrlError):
        open_sender().check(url)


def test_a_public_address_and_a_name_with_public_addresses_only_are_sent_to() -> None:
    open_sender().check(f"https://{PUBLIC}:8443/x?y=z")
    sending_to([PUBLIC, "2606:2800:220:1::1"]).check("https://hooks.example.com/x")

    with pytest.raises(UnsafeUrlError):
        sending_to([PUBLIC, "10.0.0.1"]).check("https://hooks.example.com/x")
    with pytest.raises(UnsafeUrlError):
        sending_to(["no address"]).check("https://hooks.example.com/x")


def test_a_name_without_an_address_may_have_one_later() -> None:
    with pytest.raises(UndeliveredError, match="no address") as unknown:
        open_sender().check("https://nobody.invalid/x")

    assert not isinstance(unknown.value, UnsafeUrlError)


def test_a_name_that_becomes_private_after_the_check_is_not_sent_to() -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]
    sender = WebhookSender(clock=clock.now, resolve=lambda _host, _port: answers.pop(0))
    with receiving() as receiver:
        url = f"https://{HOST}:{receiver.port}/"
        sender.check(url)

        with pytest.raises(UnsafeUrlError):
            sender.send(url, HEADERS, b"{}")

    assert receiver.received == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path)
    asked = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with receiving(certificate) as receiver:
        sender = WebhookSender(
            clock=clock.now,
            private=[f"{HOST}:{receiver.port}"],
            resolve=resolve,
            trust=lambda: ssl.create_default_context(cafile=certificate),
        )
        answer = sender.send(f"https://{HOST}:{receiver.port}/a?b=c#d", HEADERS, b'{"x": 1}')

    # The name is not resolved by anybody else: there is none such on this machine.
    [received] = receiver.received
    assert answer.status == 204
    assert asked == [HOST]
    assert received.path == "/a?b=c"
    assert received.body == b'{"x": 1}'
    assert received.headers["host"] == f"{HOST}:{receiver.port}"
    assert received.headers["webhook-id"] == "note_1"


def test_a_certificate_of_another_name_or_of_nobody_is_not_believed(tmp_path: Path) -> None:
    other = write_certificate(tmp_path, "other.example.com")
    with receiving(other) as receiver:
        url, private = f"https://{HOST}:{receiver.port}/", f"{HOST}:{receiver.port}"

        with pytest.raises(UndeliveredError, match="Hostname mismatch"):
            sending_to(["127.0.0.1"], private, trusted=other).send(url, HEADERS, b"{}")
        with pytest.raises(UndeliveredError, match="self-signed"):
            sending_to(["127.0.0.1"], private).send(url, HEADERS, b"{}")

    assert receiver.received == []


def test_an_address_that_does_not_answer_leaves_the_others() -> None:
    with receiving() as receiver:
        url, private = f"http://n8n:{receiver.port}/", f"n8n:{receiver.port}"

        answer = sending_to(["127.0.0.2", "127.0.0.1"], private).send(url, HEADERS, b"{}")

    assert answer.status == 204


def test_a_private_channel_has_to_be_named_with_its_port() -> None:
    with receiving() as receiver:
        here = f"127.0.0.1:{receiver.port}"

        assert open_sender(here).send(f"http://{here}/x", HEADERS, b"{}").status == 204
        for url in (f"http://localhost:{receiver.port}/", "http://127.0.0.1:1/"):
            with pytest.raises(UnsafeUrlError):
                open_sender(here).send(url, HEADERS, b"{}")


def test_no_redirect_is_followed_and_no_proxy_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with receiving() as receiver:
        here = f"127.0.0.1:{receiver.port}"
        receiver.answer = lambda handler, _: say(handler, 307, location=f"http://{here}/there")

        answer = open_sender(here).send(f"http://{here}/", HEADERS, b"{}")

    assert answer.status == 307
    assert [one.path for one in receiver.received] == ["/"]


def answer_without_end(handler: Any, _received: Received) -> None:
    say(handler, 200, content_length=str(2**40))
    while True:
        handler.wfile.write(b"x" * 65_536)


def answer_letter_by_letter(handler: Any, _received: Received) -> None:
    for letter in "HTTP/1.1 200 OK\r\nx-y: " + "z" * 1_000:
        handler.wfile.write(letter.encode())
        handler.wfile.flush()
        time.sleep(0.05)


def test_of_a_huge_answer_no_more_than_the_head_is_read() -> None:
    with receiving() as receiver:
        here = f"127.0.0.1:{receiver.port}"
        receiver.answer = answer_without_end

        assert open_sender(here).send(f"http://{here}/", HEADERS, b"{}").status == 200


def test_an_answer_that_takes_too_long_is_none() -> None:
    with receiving() as receiver:
        here = f"127.0.0.1:{receiver.port}"
        receiver.answer = answer_letter_by_letter
        begun = time.monotonic()

        with pytest.raises(UndeliveredError, match=r"within 0\.3 s"):
            open_sender(here, seconds=0.3).send(f"http://{here}/", HEADERS, b"{}")

        assert time.monotonic() - begun < 3


def test_a_resolver_that_hangs_is_waited_for_no_longer_than_an_answer() -> None:
    released = Event()

    def hang(_host: str, _port: int) -> list[str]:
        released.wait(20)
        return [PUBLIC]

    sender = WebhookSender(clock=clock.now, resolve=hang, seconds=0.3)
    begun = time.monotonic()

    with pytest.raises(UndeliveredError, match=r"within 0\.3 s"):
        sender.send("https://hooks.example.com/", HEADERS, b"{}")
    with pytest.raises(UndeliveredError, match=r"within 0\.3 s"):
        sender.check("https://hooks.example.com/")

    assert time.monotonic() - begun < 3
    released.set()


def test_a_private_channel_of_ipv6_is_named_as_its_refusal_says() -> None:
    url = "http://[::1]:5678/x"
    with pytest.raises(UnsafeUrlError, match=r'such as \["\[::1\]:5678"\]'):
        sending_to(["::1"]).check(url.replace("http", "https"))

    sending_to(["::1"], "[::1]:5678").check(url)


def test_nobody_and_nonsense_are_no_answer() -> None:
    with receiving() as receiver:
        here = f"127.0.0.1:{receiver.port}"
        receiver.answer = lambda handler, _: handler.wfile.write(b"\x00nonsense\r\n\r\n")

        with pytest.raises(UndeliveredError):
            open_sender(here).send(f"http://{here}/", HEADERS, b"{}")
    with pytest.raises(UndeliveredError):
        open_sender(here).send(f"http://{here}/", HEADERS, b"{}")


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("120", 120, 120),
        ("Fri, 31 Dec 2999 23:59:59 GMT", 1e9, 1e12),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_how_long_a_receiver_asks_to_be_left_alone(said: str, least: float, most: float) -> None:
    with receiving() as receiver:
        here = f"127.0.0.1:{receiver.port}"
        receiver.answer = lambda handler, _: say(handler, 429, retry_after=said)

        answer = open_sender(here).send(f"http://{here}/", HEADERS, b"{}")

    assert answer.retry_after is not None
    assert least <= answer.retry_after <= most


@pytest.mark.parametrize("said", ["soon", "-5", "1e3", "٣"])
def test_a_wait_that_is_no_time_is_none(said: str) -> None:
    with receiving() as receiver:
        here = f"127.0.0.1:{receiver.port}"
        receiver.answer = lambda handler, _: handler.wfile.write(
            f"HTTP/1.1 503 x\r\nretry-after: {said}\r\ncontent-length: 0\r\n\r\n".encode()
        )

        assert open_sender(here).send(f"http://{here}/", HEADERS, b"{}").retry_after is None


def test_addresses_come_from_the_system_those_of_ipv4_first() -> None:
    addresses = resolve_host("localhost", 80)

    assert addresses[0] == "127.0.0.1"
