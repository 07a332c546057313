"""Draw the pictures of the bot: `.venv-browser/bin/python -m docs.draw_telegram`.

It starts a desk of its own on the simulated market, and a server of the Bot API in the place of
Telegram. What stands in the pictures is what the bot has sent there; only the phone around it is
drawn here. It needs what `make browser` has installed.
"""

import base64
import copy
import html
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from setupdesk.client import Client, connect
from setupdesk.settings import Settings, load_settings
from setupdesk.supervisor import start_detached, stop
from tests.browser.served_pages import FLAGS
from tests.doors.telegram.bot_api import TOKEN, BotApi, Json, serving_bot_api

DOCS = Path(__file__).parent
BARS = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 7}
WATCH = "/watch IB_raid_v1,ORB30_break_v1 GER40 M15 from=2025-05-12 speed=10000 every=5s"
LONG = 120.0
"""Seconds that a run may take on a machine that has to compile its kernels first."""

STYLE = """
body { margin: 0; background: #fff; font: 14px/1.38 'Liberation Sans', Arial, sans-serif; }
#shown { display: inline-flex; gap: 18px; padding: 14px; align-items: flex-start; }
.phone { width: 350px; border-radius: 22px; overflow: hidden; border: 1px solid #b9c3cc;
  background: #cfdcc4; }
.top { background: #517da2; color: #fff; padding: 10px 16px; font-weight: bold; }
.top small { display: block; font-weight: normal; opacity: .8; }
.chat { padding: 10px 8px 14px; display: flex; flex-direction: column; gap: 8px; }
.said { white-space: pre-wrap; border-radius: 12px; padding: 7px 10px; overflow-wrap: anywhere; }
.mine { align-self: flex-end; background: #e3fdc9; max-width: 80%; }
.bot { align-self: stretch; }
.bot .said { background: #fff; }
.bot img { display: block; width: 100%; border-radius: 12px 12px 0 0; }
.bot img + .said { border-radius: 0 0 12px 12px; }
.row { display: flex; gap: 4px; margin-top: 4px; }
.row span { flex: 1; text-align: center; background: #6b8a6aa8; color: #fff; border-radius: 8px;
  padding: 6px 4px; font-size: 13px; }
.sign { display: inline-block; width: 11px; height: 11px; border-radius: 50%; }
"""
DOTS = {"🟢": "#3fae4d", "🟡": "#e5b800", "🔵": "#2f7de1", "⚪": "#ccc", "⚫": "#555"}
EYE = """<svg width="17" height="11" viewBox="0 0 17 11"><path d="M1 5.5Q8.5-3 16 5.5 8.5 14 1 5.5Z"
fill="#fff" stroke="#444"/><circle cx="8.5" cy="5.5" r="2.6" fill="#444"/></svg>"""
"""In the place of emoji, for which a machine may have no font."""


@dataclass(slots=True)
class Phone:
    """What is seen in the chat of one user: his own messages, and the bot's as they are now."""

    api: BotApi
    lines: list[str | int] = field(default_factory=list)

    def ask(self, text: str) -> int:
        """Say something; gives the id of the answer."""
        before = set(self.api.messages)
        self.api.hear(text)
        return self._take(text, before)

    def press(self, number: int, label: str) -> None:
        """Press a button, and wait until its message has changed."""
        text = self.api.messages[number]["text"]
        self.api.press(number, label)
        self.await_text(number, lambda now: now != text)

    def await_text(self, number: int, is_right: Callable[[str], bool]) -> None:
        """Wait until the text of a message is as it shall be."""
        self.api.wait_for(lambda: is_right(self.api.messages[number]["text"]), LONG)

    def await_picture(self, before: set[int]) -> int:
        """Wait for a picture that comes by itself; gives the id of its message."""
        new = self.api.wait_for(lambda: self._find_pictures() - before, LONG)
        return min(new)

    def _find_pictures(self) -> set[int]:
        return {number for number, one in self.api.messages.items() if "photo" in one}

    def _take(self, text: str, before: set[int]) -> int:
        number = int(self.api.wait_for(lambda: set(self.api.messages) - before, LONG).pop())
        self.lines += [text, number]
        return number

    def show(self, lines: list[str | int] | None = None) -> str:
        """Give the chat as it is now, as HTML."""
        drawn = "".join(map(self._draw, self.lines if lines is None else lines))
        top = '<div class="top">Desk<small>bot</small></div>'
        return f'<div class="phone">{top}<div class="chat">{drawn}</div></div>'

    def _draw(self, line: str | int) -> str:
        if isinstance(line, str):
            return f'<div class="said mine">{html.escape(line)}</div>'
        return draw_message(copy.deepcopy(self.api.messages[line]))


def draw_message(message: Json) -> str:
    """Draw a message of the bot: its picture, its text and its buttons."""
    picture = ""
    if "photo" in message:
        content = base64.b64encode(message["photo"]).decode()
        picture = f'<img src="data:image/png;base64,{content}">'
    said = f'<div class="said">{write(message["text"])}</div>'
    keyboard = message.get("reply_markup", {}).get("inline_keyboard", [])
    rows = ("".join(f"<span>{write(one['text'])}</span>" for one in row) for row in keyboard)
    buttons = "".join(f'<div class="row">{row}</div>' for row in rows)
    return f'<div class="bot">{picture}{said}{buttons}</div>'


def write(text: str) -> str:
    """Write a text as HTML."""
    found = html.escape(text)
    for sign, ink in DOTS.items():
        found = found.replace(sign, f'<i class="sign" style="background:{ink}"></i>')
    return found.replace("👁", EYE.replace("\n", " "))


def main() -> None:
    """Make a desk, speak with its bot, and draw what was said."""
    home = Path(tempfile.mkdtemp())
    (home / "setupdesk.toml").write_text('owner = "anna"\n')
    with serving_bot_api() as api:
        told = {"SETUPDESK_HOME": str(home), "SETUPDESK_UI": "0", "TELEGRAM_BOT_TOKEN": TOKEN}
        os.environ.update({**told, "SETUPDESK_TELEGRAM_API": api.address})  # noqa: TID251 (its own)
        with running(load_settings()) as desk:
            pictures = speak(desk, api)
    shutil.rmtree(home)
    take_pictures(pictures)


@contextmanager
def running(settings: Settings) -> Iterator[Client]:
    """Have a desk for as long as this lasts."""
    start_detached(settings)
    try:
        with connect(settings) as desk:
            yield desk
    finally:
        stop(settings)


def speak(desk: Client, api: BotApi) -> dict[str, list[str]]:
    """Pair, ask for a backtest by buttons, and wait for an alert; gives the chats to draw."""
    desk.simulate_bars(BARS)
    code = desk.add_pairing_code("anna", "trader")["code"]
    paired = Phone(api)
    paired.ask(f"/start {code}")
    return {
        "ask": [paired.show(), *ask_by_buttons(api)],
        "run": follow_run(api),
        "alert": watch(api),
    }


def ask_by_buttons(api: BotApi) -> list[str]:
    """Put a backtest together; gives the first question, and the summary."""
    phone = Phone(api)
    number = phone.ask("/bt")
    first = phone.show()
    for label in ("IB_raid_v1", "GER40", "M15", "6m"):
        phone.press(number, label)
    return [first, phone.show()]


def follow_run(api: BotApi) -> list[str]:
    """Ask with words; gives the message of the run as it begins, as it ends, and a comparison."""
    phone = Phone(api)
    number = phone.ask("/bt IB_raid_v1 GER40 M15 6m")
    begun = phone.show()
    phone.await_text(number, lambda text: "completed" in text)
    other = Phone(api)
    changed = other.ask("/bt IB_raid_v1 GER40 M15 6m rr=2")
    other.await_text(changed, lambda text: "completed" in text)
    runs = [find_run(api, one) for one in (number, changed)]
    compared = Phone(api)
    compared.ask(f"/compare {' '.join(runs)}")
    return [begun, phone.show(), compared.show()]


def find_run(api: BotApi, number: int) -> str:
    """Find the run of a message."""
    found = re.search(r"run_\d{4}_\d{2}_\d{2}_\d+", api.messages[number]["text"])
    if found is None:
        raise LookupError(api.messages[number]["text"])
    return found[0]


def watch(api: BotApi) -> list[str]:
    """Watch a replay; gives how the watch begins, and its first alert."""
    phone, before = Phone(api), set(api.messages)
    phone.ask(WATCH)
    begun = phone.show()
    return [begun, phone.show([phone.await_picture(before)])]


def take_pictures(pictures: dict[str, list[str]]) -> None:
    """Take a picture of some phones side by side."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        for name, phones in pictures.items():
            page.set_content(f'<style>{STYLE}</style><div id="shown">{"".join(phones)}</div>')
            page.locator("#shown").screenshot(path=DOCS / f"telegram-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
