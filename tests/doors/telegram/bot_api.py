"""A server of Telegram's Bot API on loopback, with the real protocol and its troubles."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx

from setupdesk.doors.telegram.webhook import SECRET_HEADER

Json = dict[str, Any]

TOKEN = "123456789:AAFakeFakeFakeFakeFakeFakeFakeFakeFa"  # noqa: S105 (of nobody)
ME = {"id": 123456789, "is_bot": True, "first_name": "Desk", "username": "desk_bot"}


PHOTO = [{"file_id": "a", "file_unique_id": "b", "width": 960, "height": 540}]


@dataclass(frozen=True)
class Trouble:
    """What happens to the next call of a method instead of an answer."""

    status: int = 502
    retry_after: int | None = None
    lost: bool = False
    """It is done all the same, and its answer does not arrive."""

    chat: int | None = None
    """Where it happens; in the next one, unless said."""

    def meets(self, said: Json) -> bool:
        return self.chat is None or str(said.get("chat_id")) == str(self.chat)


def _is_too_large(said: Json) -> bool:
    """Whether it has more than Telegram takes, which counts letters as UTF-16 does."""
    most = {"text": 4_096, "caption": 1_024}
    rows = (said.get("reply_markup") or {}).get("inline_keyboard", [])
    return sum(map(len, rows)) > 100 or any(
        len(str(said.get(name, "")).encode("utf-16-le")) > 2 * count for name, count in most.items()
    )


@dataclass
class BotApi:
    """Keeps what was sent, and delivers what users say."""

    port: int = 0
    updates: list[Json] = field(default_factory=list)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    messages: dict[int, Json] = field(default_factory=dict)
    """By their ids, as they stand in the chat now."""

    answered: list[Json] = field(default_factory=list)
    """Presses of buttons."""

    webhook: Json = field(default_factory=dict)
    """What was said with ``setWebhook``; nobody is told anything who asks, as long as it is set."""

    way_in: str = ""
    """Where the webhook's proxy passes on to; the names of webhooks lead nowhere from here."""

    troubles: dict[str, list[Trouble]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    last_id: int = 500

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hear(self, text: str, user: int = 7, **more: Any) -> Json:
        """Let a user say something; gives the update."""
        sender = {"id": user, "is_bot": False, "first_name": "Anna"}
        sender |= {"language_code": more.pop("language", "en")}
        chat = more.pop("chat", {"id": user, "type": "private", "first_name": "Anna"})
        message = {"message_id": self._next(), "date": 1_700_000_000, "text": text}
        return self.deliver({"message": message | {"from": sender, "chat": chat} | more})

    def press(self, message_id: int, label: str, user: int = 7) -> Json:
        """Let a user press the button of this label; gives the update."""
        message = self.messages[message_id]
        data = self.find_buttons(message_id)[label]
        return self.press_data(message, data, user)

    def press_data(self, message: Json, data: str, user: int = 7) -> Json:
        sender = {"id": user, "is_bot": False, "first_name": "Anna", "language_code": "en"}
        shown: Json = {name: message[name] for name in ("message_id", "chat", "text")}
        shown |= {"date": 1_700_000_000} | ({"photo": PHOTO} if "photo" in message else {})
        if topic := message.get("message_thread_id"):
            shown |= {"message_thread_id": int(topic), "is_topic_message": True}
        query = {"id": str(self._next()), "from": sender, "chat_instance": "1", "data": data}
        return self.deliver({"callback_query": query | {"message": shown}})

    def deliver(self, said: Json) -> Json:
        update = {"update_id": self._next(), **said} if "update_id" not in said else said
        with self.changed:
            self.updates.append(update)
            self.changed.notify_all()
        return update

    def find_buttons(self, message_id: int) -> dict[str, str]:
        keyboard = self.messages[message_id].get("reply_markup", {}).get("inline_keyboard", [])
        return {one["text"]: one.get("callback_data", "") for row in keyboard for one in row}

    def wait_for(self, found: Any, seconds: float = 8.0) -> Any:
        """Wait until *found* finds something in what was sent."""
        deadline = time.monotonic() + seconds
        while not (seen := found()):
            assert time.monotonic() < deadline, self.texts()[-5:]
            time.sleep(0.02)
        return seen

    def texts(self) -> list[str]:
        return [one["text"] for _, one in sorted(self.messages.items())]

    def _next(self) -> int:
        with self.changed:
            self.last_id += 1
            return self.last_id

    def find_trouble(self, method: str, said: Json) -> Trouble | None:
        waiting = self.troubles.get(method, [])
        found = next((one for one in waiting if one.meets(said)), None)
        if found:
            waiting.remove(found)
        return found

    def carry_out(self, method: str, said: Json) -> Any:
        """Do what a method does, and give its result."""
        if method == "getMe":
            return ME
        if method == "getUpdates":
            return self._get_updates(int(said.get("offset", 0)), float(said.get("timeout", 0)))
        with self.changed:
            result = self._change(method, said)
            self.changed.notify_all()
        return result

    def send_update(self, update: Json, **headers: str) -> int:
        """Send an update to the webhook as Telegram does; gives the status of the answer."""
        usual = {SECRET_HEADER: self.webhook.get("secret_token", "")}
        answer = httpx.post(self.way_in, json=update, headers=usual | headers, trust_env=False)
        return answer.status_code

    def send_updates(self) -> None:
        """Send what waits to the webhook, in order, until each is confirmed."""
        for update in list(self.updates):
            deadline = time.monotonic() + 8
            while self.send_update(update) != 200:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            self.updates.remove(update)

    def _get_updates(self, offset: int, timeout: float) -> Any:
        if self.webhook:
            return Trouble(409)
        with self.changed:
            # What is confirmed by the offset is never delivered again.
            self.updates = [one for one in self.updates if one["update_id"] >= offset]
            self.changed.wait_for(lambda: self.updates, min(timeout, 0.2))
            return self.updates[:100]

    def _change(self, method: str, said: Json) -> Any:
        if method == "setWebhook":
            self.webhook = said
        if method == "deleteWebhook":
            self.webhook = {}
        if method == "getWebhookInfo":
            waiting = {"has_custom_certificate": False, "pending_update_count": len(self.updates)}
            return {"url": self.webhook.get("url", ""), **waiting}
        if _is_too_large(said):
            return Trouble(400)
        if method in ("sendMessage", "sendPhoto", "sendDocument"):
            self.last_id += 1
            chat = {"id": int(said["chat_id"]), "type": "private"}
            message = {**said, "message_id": self.last_id, "date": 1_700_000_000, "chat": chat}
            message["text"] = said.get("text") or said.get("caption", "")
            self.messages[self.last_id] = message
            return {name: message[name] for name in ("message_id", "date", "chat", "text")}
        if method == "editMessageText":
            return self._edit(said)
        if method == "editMessageMedia":
            return self._edit_media(said)
        if method == "answerCallbackQuery":
            self.answered.append(said)
        return True

    def _edit(self, said: Json) -> Any:
        message = self.messages.get(int(said["message_id"]))
        if message is None or "photo" in message:
            return Trouble(400)  # a picture has no text, but a caption
        message.pop("reply_markup", None)
        message |= {name: said[name] for name in ("text", "reply_markup") if name in said}
        return {name: message[name] for name in ("message_id", "date", "chat", "text")}

    def _edit_media(self, said: Json) -> Any:
        message, media = self.messages.get(int(said["message_id"])), said["media"]
        if message is None or len(media["caption"]) > 1_024:
            return Trouble(400)
        message.pop("reply_markup", None)
        message |= {name: said[name] for name in ("reply_markup",) if name in said}
        message |= {
            "text": media["caption"],
            "photo": said[media["media"].removeprefix("attach://")],
        }
        return {name: message[name] for name in ("message_id", "date", "chat", "text")}


def read_body(kind: str, body: bytes) -> Json:
    if kind.startswith("multipart/"):
        whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
        parts = whole.get_payload()
        assert isinstance(parts, list)
        said: Json = {}
        for part in parts:
            assert not isinstance(part, str)
            name = str(part.get_param("name", header="content-disposition"))
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            said[name] = content if part.get_filename() else _read_value(content.decode())
        return said
    if kind.startswith("application/json"):
        return dict(json.loads(body or b"{}"))
    return {name: _read_value(text) for name, text in parse_qsl(body.decode())}


def _read_value(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in "[{" else text
    except ValueError:
        return text


@contextmanager
def serving_bot_api() -> Iterator[BotApi]:
    api = BotApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            _, bot, method = self.path.split("/")
            said = read_body(self.headers.get("content-type") or "", body)
            api.calls.append((method, said))
            if bot != f"bot{TOKEN}":
                self.answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
                return
            trouble = api.find_trouble(method, said)
            if trouble and not trouble.lost:
                self.refuse(trouble)
                return
            result = api.carry_out(method, said)
            if trouble:
                self.close_connection = True
            elif isinstance(result, Trouble):
                self.refuse(result)
            else:
                self.answer(200, {"ok": True, "result": result})

        def refuse(self, trouble: Trouble) -> None:
            status = 429 if trouble.retry_after is not None else trouble.status
            more = {} if trouble.retry_after is None else {"retry_after": trouble.retry_after}
            said = {"ok": False, "error_code": status, "description": "trouble"}
            self.answer(status, said | {"parameters": more})

        def answer(self, status: int, said: Json) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            pass  # a client that has stopped

    with Server(("127.0.0.1", 0), Handler) as server:
        api.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield api
        server.shutdown()
        thread.join()
