"""The process of the bot: it asks Telegram for messages until it is told to stop."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import partial

from telegram import Bot
from telegram.error import InvalidToken
from telegram.request import HTTPXRequest

from setupdesk.core.pairing import derive_webhook_secret
from setupdesk.doors.telegram.bot import DeskBot
from setupdesk.doors.telegram.chat import Chat
from setupdesk.doors.telegram.following import Following
from setupdesk.doors.telegram.memory import Memory
from setupdesk.doors.telegram.people import People
from setupdesk.doors.telegram.webhook import Webhook
from setupdesk.settings import InvalidSettingsError, Settings, find_telegram_token, load_settings
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
    except InvalidSettingsError as wrong:
        log.error("%s", wrong)  # noqa: TRY400
        sys.exit(os.EX_CONFIG)


async def _work(settings: Settings) -> None:
    bot, memory = build_bot(settings)
    work = asyncio.ensure_future(bot.work())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    settings.bot_socket.unlink(missing_ok=True)
    pulse = await asyncio.start_unix_server(partial(_answer_pulse, bot), settings.bot_socket)
    try:
        with suppress(asyncio.CancelledError):
            await work
    finally:
        pulse.close()
        memory.close()


async def _answer_pulse(
    bot: DeskBot, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    # Whoever looks whether this process still works hears it only if it does.
    has_rival = bot.delivery is not None and bot.delivery.has_rival
    writer.write(b"here, with a rival" if has_rival else b"here")
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
    following, webhook = Following(people, memory, chat), build_webhook(settings)
    return DeskBot(outward, people, memory, chat, following, webhook), memory


def build_webhook(settings: Settings) -> Webhook | None:
    """Build the way by which Telegram sends; None where it is asked instead."""
    address = settings.telegram_webhook
    if not address:
        return None
    own = settings.api_key_file.read_text().strip()
    return Webhook(
        address=address,
        port=settings.telegram_port,
        secret=derive_webhook_secret(own, address),
        proxies=settings.listening.proxies,
    )


if __name__ == "__main__":
    main()
