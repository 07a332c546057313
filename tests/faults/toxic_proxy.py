"""A proxy in front of a real server that does to its answers what networks and crashes do."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

ERROR = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Toxic(Enum):
    """What happens to one call."""

    NONE = auto()
    ERROR_BEFORE = auto()
    """500, and the server never hears of it."""

    ERROR_AFTER = auto()
    """The server does it, and the answer is 500."""

    LOST = auto()
    """The server does it, and the connection ends without an answer."""

    SLOW = auto()
    """The server does it, and the answer takes longer than anybody waits."""

    STUCK = auto()
    """The server never hears of it, and nobody answers."""

    KILLED = auto()
    """The server is killed while it does it."""

    REFUSED = auto()
    """The connection ends before anything was read."""


Draw = Callable[[str], Toxic]
"""Given the first line of a call, what happens to it."""


class ToxicProxy:
    """One call a connection, to ``url``; `draw` says what happens to each."""

    def __init__(self, target: str, draw: Draw = lambda _: Toxic.NONE) -> None:
        address = urlsplit(target)
        self.target = (str(address.hostname), int(address.port or 80))
        self.draw = draw
        self.kill: Callable[[], object] = lambda: None
        self.calls: list[tuple[str, Toxic]] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{address.path}"
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._stop = asyncio.Event()

    def poison(self, part: str, toxic: Toxic) -> None:
        """Do *toxic* to every call whose first line has *part*."""
        self.draw = lambda line: toxic if part in line else Toxic.NONE

    def count(self, toxic: Toxic) -> int:
        return Counter(happened for _, happened in self.calls)[toxic]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, sock=self._listener)
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.05)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._carry(await _read_message(reader), writer)
        writer.close()

    async def _carry(self, call: bytes, writer: asyncio.StreamWriter) -> None:
        line = call.split(b"\r\n", 1)[0].decode()
        toxic = self.draw(line)
        self.calls.append((line, toxic))
        if toxic is Toxic.REFUSED:
            return
        if toxic is Toxic.STUCK:
            await self._stop.wait()
        if toxic is Toxic.KILLED:
            await self._ask_and_kill(call)
            return
        answer = ERROR if toxic is Toxic.ERROR_BEFORE else await self._ask(call)
        if toxic is Toxic.SLOW:
            await self._stop.wait()
        if toxic is Toxic.ERROR_AFTER:
            answer = ERROR
        if toxic is not Toxic.LOST:
            writer.write(answer)
            await writer.drain()

    async def _ask(self, call: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self.target)
        try:
            writer.write(call)
            return _close_after(await _read_message(reader))
        finally:
            writer.close()

    async def _ask_and_kill(self, call: bytes) -> None:
        # A call takes some 35 ms, so the end comes before, in the midst of and after the commit.
        asked = asyncio.ensure_future(self._ask(call))
        await asyncio.sleep(random.uniform(0, 0.06))
        self.kill()
        with suppress(OSError, asyncio.IncompleteReadError):
            await asked


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


def _close_after(answer: bytes) -> bytes:
    head, body = answer.split(b"\r\n\r\n", 1)
    return head + b"\r\nconnection: close\r\n\r\n" + body
