"""A bot that works beside a real service and a server of the Bot API, and can be restarted."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from setupdesk.doors.telegram.bot import DeskBot
from setupdesk.doors.telegram.chat import Chat
from setupdesk.doors.telegram.following import Following
from setupdesk.doors.telegram.memory import Memory
from setupdesk.doors.telegram.people import People
from setupdesk.doors.telegram.webhook import Webhook
from setupdesk.settings import load_settings
from tests.doors.telegram.bot_api import TOKEN, BotApi, Json, serving_bot_api
from tests.service.serving import MANY_WRONG_KEYS, serving

ANNA = 7


@dataclass
class Talk:
    """What a user of Telegram sees of the desk."""

    api: BotApi
    desk: httpx.Client
    home: Path

    def ask(self, text: str, **more: Any) -> Json:
        """Say something and wait for the answer; gives its message."""
        before = set(self.api.messages)
        self.api.hear(text, **more)
        return self._await_new(before)

    def press(self, message: Json, label: str) -> Json:
        """Press a button, and wait until its message has changed."""
        number, text = message["message_id"], message["text"]
        self.api.press(number, label)
        self.api.wait_for(lambda: self.api.messages[number]["text"] != text)
        return dict(self.api.messages[number])

    def press_for_file(self, message: Json, label: str) -> Json:
        before = set(self.api.messages)
        self.api.press(message["message_id"], label)
        return self._await_new(before)

    def _await_new(self, before: set[int]) -> Json:
        [number] = self.api.wait_for(lambda: set(self.api.messages) - before)
        return dict(self.api.messages[number])

    def settle(self, seconds: float = 8.0) -> None:
        """Wait until all that was said has been answered."""
        self.api.wait_for(lambda: not self.api.updates and not self._count_unanswered(), seconds)

    def _count_unanswered(self) -> int:
        with closing(sqlite3.connect(self.home / "telegram.db")) as memory:
            return int(memory.execute("SELECT count(*) FROM inbox").fetchone()[0])

    def pair(self, telegram_id: int = ANNA, user: str = "anna", role: str = "trader") -> str:
        code = self.desk.post("/telegram/codes", json={"user": user, "role": role}).json()["code"]
        said = {"code": code, "telegram_id": telegram_id, "name": "Anna"}
        self.desk.post("/telegram/pairings", json=said)
        return str(code)

    def forget_updates(self) -> None:
        """Let the bot forget which updates it has handled."""
        with closing(sqlite3.connect(self.home / "telegram.db")) as memory, memory:
            memory.execute("DELETE FROM handled")

    def count_messages(self, chat: int) -> int:
        return sum(one["chat"]["id"] == chat for one in self.api.messages.values())

    def count_runs(self) -> int:
        return len(self.desk.get("/runs", params={"limit": 1000}).json()["runs"])


def tell_of(api: BotApi) -> dict[str, str]:
    """Give the environment of a desk that has a bot there."""
    return {**MANY_WRONG_KEYS, "TELEGRAM_BOT_TOKEN": TOKEN, "SETUPDESK_TELEGRAM_API": api.address}


@contextmanager
def talking(home: Path) -> Iterator[Talk]:
    """Have a desk with bars, and a Bot API, without a bot."""
    (home / "api.key").write_text("the-key")
    with serving_bot_api() as api, serving(home, tell_of(api)) as desk:
        bars = {"symbol": "GER40", "start": "2025-04-01", "end": "2025-05-30", "seed": 1}
        desk.post("/data/simulated", json=bars)
        yield Talk(api, desk, home)


@contextmanager
def working(
    talk: Talk, *, is_cut_off: bool = False, webhook: Webhook | None = None
) -> Iterator[None]:
    """Let a bot work, which remembers what one before it has done; it may end in the middle."""
    settings = load_settings({"SETUPDESK_HOME": str(talk.home)})
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def work() -> None:
        memory = Memory(settings.bot_memory)
        base = f"{talk.api.address}/bot"
        requests = HTTPXRequest(connection_pool_size=8), HTTPXRequest(connection_pool_size=1)
        out = Bot(TOKEN, base_url=base, request=requests[0], get_updates_request=requests[1])
        people = People(settings, str(talk.desk.base_url).removesuffix("/api/v1/"))
        chat = Chat(out, memory, first_pause=0.01)
        following = Following(people, memory, chat, look_seconds=0.05)
        bot = DeskBot(out, people, memory, chat, following, webhook, poll_seconds=1)
        task = asyncio.ensure_future(bot.work())
        await stop.wait()
        # A wait that runs out at the same moment takes a cancellation for its own.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=5)
        memory.close()
        assert task.cancelled()

    thread = threading.Thread(target=loop.run_until_complete, args=(work(),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PTB_TIMEDELTA", "1")  # as the desk starts it
        thread.start()
        try:
            yield
            if not is_cut_off:
                talk.settle()
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
