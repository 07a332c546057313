"""The way in by webhook: Telegram sends each update, which is kept before it is confirmed.

The library has a server of its own for this. It confirms what is only in its memory, and needs
Tornado; this one is served by what serves the API.
"""

import asyncio
import hmac
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram import Bot, Update

from setupdesk.core.errors import SetupdeskError
from setupdesk.settings import InvalidSettingsError

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the name of it)

LARGEST = 1024 * 1024
"""Bytes of an update; those of Telegram are of some thousand."""

_MOST_ID = 2**63
"""Ids are below it, as the inbox keeps them."""

TURNED_AWAY_SECONDS = 1.0
"""How often somebody without the secret is counted: to count each would be a lever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where Telegram sends updates to, and where they arrive on this machine."""

    address: str
    port: int
    secret: str = field(repr=False)
    proxies: tuple[str, ...] = ()
    """Whose word on where a request came from is taken."""


@dataclass(slots=True)
class Receiver:
    """Takes what Telegram sends, and nothing of anybody else."""

    webhook: Webhook
    bot: Bot
    keep: Callable[[Update], None]
    """Keeps an update, so that it outlives this process."""

    count: Callable[[str], None]
    """Counts somebody without the secret, by his address."""

    counted_at: float = -TURNED_AWAY_SECONDS

    async def take(self, request: Request) -> Response:
        """Confirm an update once it is kept; what is not confirmed is sent again."""
        shown = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(shown.encode(), self.webhook.secret.encode()):
            await self._turn_away(request.client.host if request.client else "unknown")
            return Response(status_code=HTTPStatus.FORBIDDEN)
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/json":
            return Response(status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if (body := await _read(request)) is None:
            return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if (update := self._parse(body)) is None:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        self.keep(update)
        return Response()

    def _parse(self, body: bytes) -> Update | None:
        try:
            update = Update.de_json(json.loads(body.decode()), self.bot)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as wrong:
            log.warning("what came to the webhook is no update: %s", type(wrong).__name__)
            return None
        is_known = type(update.update_id) is int and 0 <= update.update_id < _MOST_ID
        return update if is_known else None

    async def _turn_away(self, address: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self.counted_at < TURNED_AWAY_SECONDS:
            return
        self.counted_at = now
        log.warning("what came to the webhook had not its secret", extra={"address": address})
        try:
            await asyncio.to_thread(self.count, address)
        except SetupdeskError as failed:
            log.warning("it was not counted: %s", failed.code)


async def _read(request: Request) -> bytes | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    return bytes(body)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The process of the bot listens to its signals itself.
        yield


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as taken:
        wanted = "a port at which nobody else listens"
        raise InvalidSettingsError("telegram_port", port, wanted) from taken


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[None]:
    """Listen on loopback for what Telegram sends, by way of a proxy that speaks TLS.

    Raises ``InvalidSettingsError`` where somebody else listens at the port.
    """
    webhook = receiver.webhook
    path = urlsplit(webhook.address).path or "/"
    app = Starlette(routes=[Route(path, receiver.take, methods=["POST"])])
    config = uvicorn.Config(
        app,
        proxy_headers=bool(webhook.proxies),
        forwarded_allow_ips=list(webhook.proxies),
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    with _listen(webhook.port) as listener:
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving
