"""The process of the bot: it asks Telegram for messages until it is told to stop."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress

from telegram import Bot
from telegram.error import InvalidToken
from telegram.request import HTTPXRequest

from setupdesk.doors.telegram.bot import DeskBot
from setupdesk.doors.telegram.chat import Chat
from setupdesk.doors.telegram.following import Following
from setupdesk.doors.telegram.memory import Memory
from setupdesk.doors.telegram.people import People
from setupdesk.settings import Settings, find_telegram_token, load_settings
from setupdesk.supervisor import log_events

log = logging.getLogger(__name__)


def main() -> None:
    """Speak for the desk that the environment names."""
    settings = load_settings()
    log_events(settings, "bot")
    # It would write each address that it asks, of which the token is a part.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(_work(settings))
    except InvalidToken:
        log.error("Telegram does not know this token: @BotFather shows the right one")  # noqa: TRY400
        sys.exit(os.EX_CONFIG)


async def _work(settings: Settings) -> None:
    bot, memory = build_bot(settings)
    work = asyncio.ensure_future(bot.work())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    settings.bot_socket.unlink(missing_ok=True)
    pulse = await asyncio.start_unix_server(_answer_pulse, settings.bot_socket)
    try:
        with suppress(asyncio.CancelledError):
            await work
    finally:
        pulse.close()
        memory.close()


async def _answer_pulse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Whoever looks whether this process still works hears it only if it does.
    writer.write(b"here")
    writer.close()


def build_bot(settings: Settings) -> tuple[DeskBot, Memory]:
    """Build the bot of a desk, with what it remembers."""
    memory = Memory(settings.bot_memory)
    outward = Bot(
        find_telegram_token(settings),
        base_url=f"{settings.telegram_api}/bot",
        request=HTTPXRequest(connection_pool_size=8),
        get_updates_request=HTTPXRequest(connection_pool_size=1),
    )
    people, chat = People(settings), Chat(outward, memory)
    return DeskBot(outward, people, memory, chat, Following(people, memory, chat)), memory


if __name__ == "__main__":
    main()
