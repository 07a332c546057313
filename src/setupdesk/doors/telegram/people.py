"""Who speaks: the desk is asked each time, so that who is unpaired is nobody at once."""

from contextlib import ExitStack
from dataclasses import dataclass, field

from setupdesk.client import Client
from setupdesk.core.errors import DeskUnavailableError, SetupdeskError
from setupdesk.core.pairing import name_pairing
from setupdesk.core.run import Door
from setupdesk.core.sign_in import derive_key
from setupdesk.doors.telegram.answer import Json
from setupdesk.settings import Settings
from setupdesk.supervisor import find_desk

_PATIENCE = 30.0
"""Seconds that somebody waits for an answer."""

_MOST_OPEN = 64
"""Connections; then all of them are made anew."""


@dataclass(frozen=True, slots=True)
class People:
    """Opens the desk for each user with his own key, which is derived from the desk's."""

    settings: Settings
    address: str | None = None
    """Of the service; that of the desk in the home, unless said."""

    clients: dict[tuple[str, str, str], Client] = field(default_factory=dict, repr=False)
    """By address, key and language."""

    opened: ExitStack = field(default_factory=ExitStack, repr=False)

    def find(self, telegram_id: int) -> Json | None:
        """Find as whom a user of Telegram speaks; None for a stranger."""
        try:
            return self._open(self._load_own(), "en").pairing(telegram_id)
        except SetupdeskError as error:
            if error.code == "not_found":
                return None
            raise

    def pair(self, code: str, telegram_id: int, name: str, language: str) -> Json:
        """Pair the user of Telegram who sent a code; raises ``SetupdeskError`` for a wrong one."""
        return self._open(self._load_own(), "en").pair_telegram(code, telegram_id, name, language)

    def count_stranger(self, telegram_id: int) -> None:
        """Count a message of somebody who may not speak."""
        self._open(self._load_own(), "en").count_stranger(telegram_id)

    def count_forgery(self, address: str) -> None:
        """Count what came to the webhook from an address, without its secret."""
        self._open(self._load_own(), "en").count_forgery(address)

    def open_desk(self, telegram_id: int, language: str) -> Client:
        """Open the desk as the user that is paired, with his role and no more."""
        return self._open(derive_key(self._load_own(), name_pairing(telegram_id)), language)

    def close(self) -> None:
        """Close the connections to the desk."""
        self.clients.clear()
        self.opened.close()

    def _open(self, key: str, language: str) -> Client:
        address = self._find_address()
        known = self.clients.get((address, key, language))
        if known is None:
            if len(self.clients) >= _MOST_OPEN:
                self.close()
            known = self.opened.enter_context(
                Client(
                    address,
                    key,
                    Door.TELEGRAM,
                    _PATIENCE,
                    certificate=self.settings.listening.tls_certificate,
                    insecure=True,
                    language=language,
                )
            )
            self.clients[address, key, language] = known
        return known

    def _find_address(self) -> str:
        if self.address:
            return self.address
        service = (find_desk(self.settings) or {"processes": {}})["processes"].get("service", {})
        if service.get("state") != "ready":
            raise DeskUnavailableError("it is starting")
        return str(service["address"])

    def _load_own(self) -> str:
        return self.settings.api_key_file.read_text().strip()
