"""Asking a vendor over HTTP: politely, one question after the other, none without an end."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from setupdesk.adapters.feeds.patience import NotNowError, Patience
from setupdesk.app.ports import Clock, FeedDownError

Found = TypeVar("Found")

MAX_BYTES = 16 * 2**20
_HEADERS = {"User-Agent": "setupdesk", "Accept": "*/*"}
_LATER = frozenset((202, 408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524))
"""Answers that are another one a little later. Vendors behind a CDN also say 202 for "not now"."""


class BrokenBodyError(NotNowError):
    """What came is not what was asked for; it may be whole the next time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorHttp:
    """How a vendor is asked."""

    clock: Clock
    pause: float
    """Seconds between two questions."""

    timeout: float = 30.0
    """Seconds that an answer may take, from the question to its last byte."""

    patience: Patience = field(default_factory=Patience)

    @contextmanager
    def open(self) -> Iterator["Conversation"]:
        """Open a connection, which serves all questions that are asked one after the other."""
        with httpx.Client(headers=_HEADERS, timeout=self.timeout) as client:
            yield Conversation(self, client)


@dataclass(frozen=True, slots=True)
class Conversation:
    """An open connection to a vendor."""

    way: VendorHttp
    client: httpx.Client

    def ask(
        self,
        url: str,
        read: Callable[[bytes], Found],
        nothing: Collection[int],
    ) -> Found | None:
        """Give what *read* makes of the answer, or None where its status is one of *nothing*.

        *read* raises ``BrokenBodyError`` for a body that should be asked for again. After some
        attempts, or where no attempt can help, ``FeedDownError`` says what the vendor did.
        """
        return self.way.patience.insist(lambda: self._ask_once(url, read, nothing))

    def _ask_once(
        self, url: str, read: Callable[[bytes], Found], nothing: Collection[int]
    ) -> Found | None:
        self.way.patience.sleep(self.way.pause)
        deadline = time.monotonic() + self.way.timeout
        try:
            with self.client.stream("GET", url) as answer:
                status = answer.status_code
                if status in nothing:
                    return None
                if status in _LATER:
                    raise NotNowError(f"it answered {status}", self._read_wait(answer))
                if status != httpx.codes.OK:
                    raise FeedDownError(f"answered {status} {answer.reason_phrase}".rstrip())
                return read(_read_body(answer, deadline))
        except (httpx.TransportError, httpx.DecodingError) as failed:
            raise NotNowError(str(failed) or type(failed).__name__) from failed

    def _read_wait(self, answer: httpx.Response) -> float | None:
        said = answer.headers.get("retry-after", "").strip()
        if said.isdecimal():
            return float(said)
        try:
            return max(0.0, (parsedate_to_datetime(said) - self.way.clock()).total_seconds())
        except (ValueError, TypeError):
            return None


def _read_body(answer: httpx.Response, deadline: float) -> bytes:
    # A server that sends a byte now and then would never run into a timeout of the socket.
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise BrokenBodyError(f"it sent more than {MAX_BYTES >> 20} MiB")
        if time.monotonic() > deadline:
            raise NotNowError("its answer took too long")
    return bytes(body)
