"""What the bot remembers over its own restarts: in a small database beside the desk's ledger."""

import json
import secrets
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from setupdesk.doors.telegram.answer import Button

MOST_BUTTONS = 20_000
MOST_UPDATES = 20_000
"""What is older is forgotten: Telegram itself keeps an update for a day."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS button (n INTEGER PRIMARY KEY, token TEXT UNIQUE, owner INT, line TEXT);
CREATE TABLE IF NOT EXISTS handled (n INTEGER PRIMARY KEY, update_id INT UNIQUE);
CREATE TABLE IF NOT EXISTS inbox (update_id INTEGER PRIMARY KEY, chat INT, said TEXT);
CREATE TABLE IF NOT EXISTS card (chat INT, message INT, card TEXT, PRIMARY KEY (chat, message));
CREATE TABLE IF NOT EXISTS language (telegram_id INT PRIMARY KEY, language TEXT);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message that follows a run to its end."""

    chat: int
    message: int
    run_id: str
    owner: int
    language: str
    text: str
    """What stands in it now."""


class Memory:
    """Buttons, cards and chosen languages, and which updates were handled."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # On the disk before Telegram hears that it has come.
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def keep_buttons(self, buttons: Iterable[Button], owner: int) -> list[str]:
        """Keep what buttons do; gives what each is known by to Telegram, in 64 bytes."""
        tokens = []
        for button in buttons:
            tokens.append(secrets.token_urlsafe(12))
            row = (tokens[-1], owner, button.line)
            self._database.execute("INSERT INTO button (token, owner, line) VALUES (?, ?, ?)", row)
        self._forget("button", MOST_BUTTONS)
        return tokens

    def find_button(self, token: str) -> tuple[int, str] | None:
        """Find whose a button is and what it does; None for one that is forgotten."""
        asked = "SELECT owner, line FROM button WHERE token = ?"
        found: tuple[int, str] | None = self._database.execute(asked, (token,)).fetchone()
        return found

    def keep_updates(self, updates: Iterable[tuple[int, int, str]]) -> None:
        """Keep updates that were not handled before: id, chat, and what was said."""
        unknown = "WHERE NOT EXISTS (SELECT 1 FROM handled WHERE update_id = ?1)"
        written = f"INSERT OR IGNORE INTO inbox SELECT ?1, ?2, ?3 {unknown}"
        for row in updates:
            self._database.execute(written, row)

    def list_waiting_chats(self) -> list[int]:
        """List the chats that have an update which was not handled."""
        return [row[0] for row in self._database.execute("SELECT DISTINCT chat FROM inbox")]

    def find_first_update(self, chat: int) -> tuple[int, str] | None:
        """Find the first update of a chat that was not handled: its id, and what was said."""
        asked = "SELECT update_id, said FROM inbox WHERE chat = ? ORDER BY update_id LIMIT 1"
        found: tuple[int, str] | None = self._database.execute(asked, (chat,)).fetchone()
        return found

    def mark_handled(self, update_id: int) -> None:
        """Remember that an update was handled to its end."""
        written = "INSERT OR IGNORE INTO handled (update_id) VALUES (?)"
        self._database.execute(written, (update_id,))
        self._database.execute("DELETE FROM inbox WHERE update_id = ?", (update_id,))
        self._forget("handled", MOST_UPDATES)

    def keep_card(self, card: Card) -> None:
        """Keep a message that follows a run, in place of what it was before."""
        row = (card.chat, card.message, json.dumps(asdict(card)))
        self._database.execute("INSERT OR REPLACE INTO card VALUES (?, ?, ?)", row)

    def drop_card(self, chat: int, message: int) -> None:
        """Let a message follow nothing any more."""
        row = (chat, message)
        self._database.execute("DELETE FROM card WHERE chat = ? AND message = ?", row)

    def load_cards(self) -> list[Card]:
        """Load all messages that follow a run."""
        rows = self._database.execute("SELECT card FROM card ORDER BY rowid")
        return [Card(**json.loads(row[0])) for row in rows]

    def choose_language(self, telegram_id: int, language: str) -> None:
        """Remember which language somebody has chosen."""
        row = (telegram_id, language)
        self._database.execute("INSERT OR REPLACE INTO language VALUES (?, ?)", row)

    def find_language(self, telegram_id: int) -> str | None:
        """Find the chosen language of somebody."""
        asked = "SELECT language FROM language WHERE telegram_id = ?"
        found = self._database.execute(asked, (telegram_id,)).fetchone()
        return str(found[0]) if found else None

    def _forget(self, table: str, most: int) -> None:
        # The names are our own.
        oldest = f"DELETE FROM {table} WHERE n <= (SELECT max(n) FROM {table}) - ?"  # noqa: S608
        self._database.execute(oldest, (most,))
