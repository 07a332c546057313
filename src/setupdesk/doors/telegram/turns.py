"""One worker a chat: whom Telegram lets wait keeps nobody else waiting."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Turns:
    """Works for many chats at once, and for each of them in turn."""

    workers: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    def begin(self, chat: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin to work for a chat, unless somebody is at it already."""
        self.workers = {at: one for at, one in self.workers.items() if not one.done()}
        if chat not in self.workers:
            self.workers[chat] = asyncio.create_task(work())

    async def stop(self) -> None:
        """Stop all work, wherever it is."""
        for one in self.workers.values():
            one.cancel()
        await asyncio.gather(*self.workers.values(), return_exceptions=True)
