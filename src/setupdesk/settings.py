"""Settings: where a desk keeps its things and on which ports it listens.

Read once, from ``setupdesk.toml`` in the desk's home and from the environment, which wins.
"""

import getpass
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from setupdesk.core.errors import SetupdeskError
from setupdesk.core.hosts import (
    is_everywhere,
    is_loopback,
    normalize,
    read_authority,
    write_authority,
)
from setupdesk.core.sign_in import SignIn, read_sign_in

History = Literal["files", "api"]

TELEGRAM_TOKEN = "TELEGRAM_BOT_TOKEN"  # noqa: S105 (the name of it)
"""What the token of the bot is called in the environment."""


class InvalidSettingsError(SetupdeskError):
    """A setting has a value that cannot be used."""

    code = "invalid_settings"

    def __init__(self, name: str, value: object, wanted: str) -> None:
        super().__init__(f"The setting {name} was {str(value)!r}; it has to be {wanted}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """Where the vendors of feeds are; a mirror, or another address, may stand in for each."""

    dukascopy_files_url: str = "https://datafeed.dukascopy.com/datafeed"
    dukascopy_api_url: str = "https://jetta.dukascopy.com/v1"
    dukascopy_history: History = "files"
    dukascopy_pause: float = 0.25
    """Seconds between two questions."""

    ccxt_url: str | None = None
    """Asked instead of the exchange's own host."""

    mt5_clock: str | None = None
    """Clock of the broker's server, such as ``NY+7``; nobody else can know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where the service listens, and for whom; names are normalized."""

    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    """Names that requests may come for, besides those of loopback and *host* itself."""

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    proxies: tuple[str, ...] = ()
    """Proxies whose word on where a request came from is taken; addresses or networks."""

    @property
    def names(self) -> frozenset[str]:
        """The names, besides those of loopback, under which the desk answers."""
        return frozenset(self.hosts) | ({self.host} if not is_everywhere(self.host) else set())

    @property
    def scheme(self) -> str:
        """Whether it speaks TLS."""
        return "https" if self.tls_certificate else "http"

    def write_address(self, port: int) -> str:
        """Write where the desk's own programs reach it."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"{self.scheme}://{write_authority(here, port)}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one desk."""

    home: Path
    """Everything that the desk keeps is in this folder."""

    port: int = 8750
    """Preferred port of the HTTP API; a free one is taken if it is in use."""

    listening: Listening = Listening()

    prefect_port: int = 8751
    ui_port: int = 8501
    """Preferred port of the web desk."""

    ui: bool = True
    """Whether the desk has its web desk."""

    public_address: str = ""
    """Where browsers elsewhere reach the web desk, such as through a proxy."""

    ui_key: bool = False
    """Whether the web desk asks for a key on loopback too, where it acts for the owner else."""

    telegram_api: str = "https://api.telegram.org"
    """Where the Bot API is; a server of one's own, where it is another one."""

    telegram_webhook: str = ""
    """Where Telegram sends what is said to the bot, by a proxy; it is asked for it unless set."""

    telegram_port: int = 8752
    """Where on loopback that proxy finds the bot."""

    telegram_token: str = field(default="", repr=False)
    """Of the bot, from the environment; else it is in its file."""

    sign_in: SignIn | None = None
    """By which provider users of the web desk sign in, where they do."""

    places: int = 2
    """How many runs are carried out at once."""

    most_waiting: int = 1000
    """How many runs may wait for a place; further ones are refused."""

    most_waiting_per_user: int = 200

    hook_deliveries_per_minute: int = 300
    """How many deliveries to hooks an address may send."""

    wrong_keys_per_minute: int = 20
    """How many requests without a right key an address may send before it has to wait."""

    run_seconds: int = 3600
    """How long a run may take."""

    run_memory_mb: int = 4096
    """How much memory a run may need."""

    executor_growth_mb: int = 512
    """How much the executor may grow before it is started anew."""

    shared_kernels: Path | None = None
    """Folder in which several desks keep their compiled kernels."""

    owner: str
    """Who asks, where a door cannot tell: the login of the desk's owner."""

    feeds: FeedSettings = FeedSettings()

    private_channels: tuple[str, ...] = ()
    """``host:port`` that channels may have although it is private, and without TLS."""

    dies_with: int = 0
    """The process whose end is the end of a desk in the background too; 0 for none."""

    @property
    def address(self) -> str:
        """Where the desk's own programs reach the service."""
        return self.listening.write_address(self.port)

    @property
    def ui_address(self) -> str:
        """Where a browser on this machine reaches the web desk."""
        return self.listening.write_address(self.ui_port)

    @property
    def web_address(self) -> str:
        """Where browsers reach the web desk, from as far as is known."""
        if self.public_address:
            return self.public_address
        if self.sign_in and not self.sign_in.mistakes:
            return self.sign_in.page
        if self.listening.hosts and not self.listening.is_local and self.listening.tls_certificate:
            return f"https://{write_authority(self.listening.hosts[0], self.ui_port)}"
        return self.ui_address

    @property
    def is_web_local(self) -> bool:
        """Whether only browsers on this machine are known to reach the web desk."""
        return is_loopback(normalize(urlsplit(self.web_address).hostname or ""))

    @property
    def ui_asks_for_key(self) -> bool:
        """Whether the web desk asks who it is: whoever is let through a proxy is not the owner."""
        known, asked = self.listening, self.ui_key or self.sign_in is not None
        return asked or not known.is_local or bool(known.proxies or known.hosts)

    @property
    def ledger(self) -> Path:
        """The ledger's database."""
        return self.home / "ledger.db"

    @property
    def anchors(self) -> Path:
        """Heads of the audit log, outside the ledger's file."""
        return self.home / "audit.anchors"

    @property
    def bars(self) -> Path:
        """Folder of the bar store."""
        return self.home / "bars"

    @property
    def symbols(self) -> Path:
        """Folder of the user's own symbols, one TOML file each."""
        return self.home / "symbols"

    @property
    def setups(self) -> Path:
        """Folder of the user's own rules, one YAML file each, with the hashes of all."""
        return self.home / "setups"

    @property
    def runs(self) -> Path:
        """Folder with one folder a run: its report and its log."""
        return self.home / "runs"

    @property
    def cache(self) -> Path:
        """Folder of what can be made again."""
        return self.home / "cache"

    @property
    def kernels(self) -> Path:
        """Folder of the compiled kernels; to compile them takes a desk some ten seconds."""
        return self.shared_kernels or self.cache / "kernels"

    @property
    def spool(self) -> Path:
        """Folder of the days that came from feeds."""
        return self.home / "feeds"

    @property
    def logs(self) -> Path:
        """Folder of what the processes log, and of what they print."""
        return self.home / "logs"

    @property
    def prefect(self) -> Path:
        """Prefect's own folder, with its database."""
        return self.home / "prefect"

    @property
    def desk_file(self) -> Path:
        """What a running desk says of its processes."""
        return self.home / "desk.json"

    @property
    def lock_file(self) -> Path:
        """Held by the desk's supervisor as long as it lives."""
        return self.home / "desk.lock"

    @property
    def leader_file(self) -> Path:
        """Held by the one service whose dispatchers work."""
        return self.home / "leader.lock"

    @property
    def executor_socket(self) -> Path:
        """Where the executor listens."""
        return self.home / "executor.sock"

    @property
    def api_key_file(self) -> Path:
        """The owner's key to the HTTP API."""
        return self.home / "api.key"

    @property
    def prefect_key_file(self) -> Path:
        """User and password of Prefect's API and UI."""
        return self.home / "prefect.key"

    @property
    def webhooks_key_file(self) -> Path:
        """What the secrets of hooks and channels are derived from."""
        return self.home / "webhooks.key"

    @property
    def cookie_key_file(self) -> Path:
        """What the cookies of the web desk are signed with, where users sign in by a provider."""
        return self.home / "cookies.key"

    @property
    def telegram_token_file(self) -> Path:
        """The token of the bot; without one, and none in the environment, there is no bot."""
        return self.home / "telegram.token"

    @property
    def bot_memory(self) -> Path:
        """What the bot remembers of its own messages."""
        return self.home / "telegram.db"

    @property
    def bot_socket(self) -> Path:
        """Where the bot says that it works."""
        return self.home / "bot.sock"

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """All files whose contents nobody else may read."""
        own = (
            *(self.api_key_file, self.prefect_key_file, self.webhooks_key_file),
            *(self.cookie_key_file, self.telegram_token_file),
        )
        given = self.sign_in and self.sign_in.client_secret_file
        return (*own, self.home / given) if given else own


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:  # noqa: TID251
    """Read the settings of the desk in ``SETUPDESK_HOME``, else in ``~/.setupdesk``."""
    home = Path(environment.get("SETUPDESK_HOME") or Path.home() / ".setupdesk").resolve()
    file = home / "setupdesk.toml"
    try:
        stored = tomllib.loads(file.read_text()) if file.exists() else {}
    except tomllib.TOMLDecodeError as mistake:
        raise InvalidSettingsError(str(file), str(mistake), "a TOML file") from mistake
    listening = _read_listening(home, stored, environment)
    secret = environment.get("SETUPDESK_OIDC_CLIENT_SECRET", "").strip()
    return Settings(
        home=home,
        port=_read_number("port", 8750, stored, environment, 0, 65535),
        listening=listening,
        public_address=_read_public_address(stored, environment, listening),
        telegram_api=_read_telegram_api(stored, environment),
        telegram_webhook=_read_telegram_webhook(stored, environment),
        telegram_port=_read_number("telegram_port", 8752, stored, environment, 1, 65535),
        telegram_token=environment.get(TELEGRAM_TOKEN, "").strip(),
        sign_in=read_sign_in(stored.get("oidc"), secret, listening.names),
        prefect_port=_read_number("prefect_port", 8751, stored, environment, 0, 65535),
        ui_port=_read_number("ui_port", 8501, stored, environment, 0, 65535),
        ui=_read_switch("ui", stored, environment, usual=True),
        ui_key=_read_switch("ui_key", stored, environment, usual=False),
        places=_read_number("places", 2, stored, environment, 1, 64),
        most_waiting=_read_number("most_waiting", 1000, stored, environment, 1, 100_000),
        most_waiting_per_user=_read_number(
            "most_waiting_per_user", 200, stored, environment, 1, 100_000
        ),
        wrong_keys_per_minute=_read_number(
            "wrong_keys_per_minute", 20, stored, environment, 1, 2**31
        ),
        hook_deliveries_per_minute=_read_number(
            "hook_deliveries_per_minute", 300, stored, environment, 1, 2**31
        ),
        run_seconds=_read_number("run_seconds", 3600, stored, environment, 1, 30 * 86_400),
        run_memory_mb=_read_number("run_memory_mb", 4096, stored, environment, 64, 2**20),
        executor_growth_mb=_read_number("executor_growth_mb", 512, stored, environment, 1, 2**20),
        shared_kernels=_read_folder("kernels", stored, environment),
        owner=str(stored.get("owner") or getpass.getuser()),
        feeds=_read_feeds(stored.get("feeds", {})),
        private_channels=_read_addresses("private_channels", stored.get("private_channels", [])),
        dies_with=_read_number("dies_with", 0, {}, environment, 0, 2**31 - 1),
    )


def find_language(environment: Mapping[str, str] = os.environ) -> str:  # noqa: TID251
    """Find the language that is wanted, such as ``ru_RU.UTF-8``; empty where none is."""
    names = ("SETUPDESK_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    return next((environment[name] for name in names if environment.get(name)), "")


@dataclass(frozen=True, slots=True)
class Server:
    """A desk that is reached by its address, and not by its home."""

    address: str
    key: str
    certificate: Path | None = None
    """Trusted alone, where it is given."""


def find_server(
    address: str | None = None,
    key: str | None = None,
    certificate: Path | None = None,
    environment: Mapping[str, str] = os.environ,  # noqa: TID251
) -> Server | None:
    """Find which desk is meant by what was said, else by the environment; None: that of the home.

    The environment has ``SETUPDESK_SERVER``, ``SETUPDESK_KEY`` and ``SETUPDESK_CERTIFICATE``.
    """
    said = address or environment.get("SETUPDESK_SERVER")
    if not said:
        return None
    file = certificate or environment.get("SETUPDESK_CERTIFICATE")
    return Server(
        _read_address(said),
        _read_key(key or environment.get("SETUPDESK_KEY") or ""),
        Path(file) if file else None,
    )


def _read_public_address(
    stored: Mapping[str, object], environment: Mapping[str, str], listening: Listening
) -> str:
    said = environment.get("SETUPDESK_PUBLIC_ADDRESS") or stored.get("public_address") or ""
    bare = str(said).rstrip("/")
    if not bare:
        return ""
    wanted = "the https address of the web desk, such as https://desk.example.org"
    found = re.fullmatch(r"(https?)://([^\s/?#@]+)", bare)
    host = read_authority(found[2])[0] if found else ""
    if not found or not host or (found[1] == "http" and not is_loopback(host)):
        raise InvalidSettingsError("public_address", said, wanted)
    if not is_loopback(host) and host not in listening.names:
        wanted = f'on a name for which pages are served: hosts = ["{host}"]'
        raise InvalidSettingsError("public_address", said, wanted)
    return bare


def _read_telegram_api(stored: Mapping[str, object], environment: Mapping[str, str]) -> str:
    usual = Settings.__dataclass_fields__["telegram_api"].default
    said = environment.get("SETUPDESK_TELEGRAM_API") or stored.get("telegram_api") or usual
    if re.fullmatch(r"https?://[^\s/?#@]+", bare := str(said).rstrip("/")):
        return bare
    raise InvalidSettingsError("telegram_api", said, "the address of a server of the Bot API")


def _read_telegram_webhook(stored: Mapping[str, object], environment: Mapping[str, str]) -> str:
    said = environment.get("SETUPDESK_TELEGRAM_WEBHOOK") or stored.get("telegram_webhook") or ""
    # Telegram comes to these ports only.
    wanted = r"https://[^\s/?#@:]+(:(443|80|88|8443))?(/[A-Za-z0-9_./-]*)?"
    if not said or re.fullmatch(wanted, str(said)):
        return str(said)
    wanted = "an https address at port 443, 80, 88 or 8443, such as https://desk.example.org/bot"
    raise InvalidSettingsError("telegram_webhook", said, wanted)


def find_telegram_token(settings: Settings) -> str:
    """Find the token of the bot: in the environment, else in its file; empty where none is."""
    if settings.telegram_token:
        return settings.telegram_token
    file = settings.telegram_token_file
    return file.read_text().strip() if file.is_file() else ""


def _read_address(said: str) -> str:
    bare = said.strip().rstrip("/").removesuffix("/api/v1")
    if re.fullmatch(r"https?://[^\s/?#@]+", bare):
        return bare
    wanted = "the address of a desk, such as https://desk.example.org:8750"
    raise InvalidSettingsError("server", said, wanted)


def _read_key(said: str) -> str:
    key = said.strip()
    if key and key.isascii() and key.isprintable():
        return key
    # It may be a key with a slip in it, so it is not shown.
    wanted = "a key of that desk, in SETUPDESK_KEY"
    raise InvalidSettingsError("key", "not one" if key else "", wanted)


def _read_listening(
    home: Path, stored: Mapping[str, object], environment: Mapping[str, str]
) -> Listening:
    def read(name: str) -> Any:
        return environment.get(f"SETUPDESK_{name.upper()}") or stored.get(name)

    def read_file(name: str) -> Path | None:
        return home / str(read(name)) if read(name) else None

    return Listening(
        host=_read_host("host", read("host") or "127.0.0.1"),
        hosts=tuple(_read_host("hosts", name) for name in _list_words(read("hosts"))),
        tls_certificate=read_file("tls_certificate"),
        tls_key=read_file("tls_key"),
        proxies=_read_proxies(read("behind_proxy")),
    )


def _read_host(name: str, value: object) -> str:
    if found := normalize(str(value)):
        return found
    raise InvalidSettingsError(name, value, "a name or an address, without a port")


def _read_proxies(value: object) -> tuple[str, ...]:
    if value in (None, False, "false", "0"):
        return ()
    if value in (True, "true", "1"):
        return ("127.0.0.1", "::1")
    proxies = _list_words(value)
    try:
        networks = [ip_network(proxy) for proxy in proxies]
        if any(network.prefixlen < 8 for network in networks):
            raise ValueError("everybody would be a proxy")  # noqa: TRY301
        return tuple(map(str, networks))
    except ValueError as wrong:
        wanted = "true, false, or the address or network of the proxy"
        raise InvalidSettingsError("behind_proxy", value, wanted) from wrong


def _list_words(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [str(word) for word in value]
    return str(value or "").replace(",", " ").split()


def _read_addresses(name: str, stored: object) -> tuple[str, ...]:
    wanted = 'a list of "host:port"'
    if not isinstance(stored, list):
        raise InvalidSettingsError(name, stored, wanted)
    for one in stored:
        if not re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+):[0-9]{1,5}", str(one)):
            raise InvalidSettingsError(name, one, wanted)
    return tuple(stored)


def _read_feeds(stored: object) -> FeedSettings:
    given: dict[str, Any] = {}
    for feed, entries in _entries("feeds", stored):
        for entry, value in _entries(f"feeds.{feed}", entries):
            given[f"{feed}_{entry}"] = _read_feed_setting(f"{feed}.{entry}", value)
    return FeedSettings(**given)


def _entries(name: str, stored: object) -> Iterable[tuple[str, Any]]:
    if not isinstance(stored, dict):
        raise InvalidSettingsError(name, stored, "a table")
    return stored.items()


def _read_feed_setting(name: str, value: object) -> object:
    known = [field.name.replace("_", ".", 1) for field in fields(FeedSettings)]
    if name not in known:
        raise InvalidSettingsError(f"feeds.{name}", value, f"one of {', '.join(known)}")
    if name.endswith("url") and not re.fullmatch(r"https?://[^\s?#]+", str(value)):
        raise InvalidSettingsError(f"feeds.{name}", value, "an http or https address")
    if name.endswith("history") and value not in get_args(History):
        raise InvalidSettingsError(f"feeds.{name}", value, "files or api")
    if name.endswith("pause"):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 60:
            raise InvalidSettingsError(f"feeds.{name}", value, "seconds from 0 to 60")
        return float(value)
    if name == "mt5.clock":
        return _read_clock(name, value)
    return str(value).rstrip("/")


def _read_clock(name: str, value: object) -> str:
    from setupdesk.market.clock import parse_clock

    try:
        return parse_clock(str(value)).name
    except ValueError as wrong:
        raise InvalidSettingsError(f"feeds.{name}", value, "a clock") from wrong


def _read_number(  # noqa: PLR0913, PLR0917 (a setting and its bounds)
    name: str,
    default: int,
    stored: Mapping[str, object],
    environment: Mapping[str, str],
    lowest: int,
    highest: int,
) -> int:
    value = environment.get(f"SETUPDESK_{name.upper()}", stored.get(name, default))
    if str(value).isdecimal() and lowest <= int(str(value)) <= highest:
        return int(str(value))
    raise InvalidSettingsError(name, value, f"a whole number from {lowest} to {highest}")


def _read_switch(
    name: str, stored: Mapping[str, object], environment: Mapping[str, str], *, usual: bool
) -> bool:
    value = environment.get(f"SETUPDESK_{name.upper()}", stored.get(name, usual))
    if (word := str(value).lower()) in {"true", "false", "1", "0"}:
        return word in {"true", "1"}
    raise InvalidSettingsError(name, value, "true or false")


def _read_folder(
    name: str, stored: Mapping[str, object], environment: Mapping[str, str]
) -> Path | None:
    value = environment.get(f"SETUPDESK_{name.upper()}", stored.get(name))
    return Path(str(value)).expanduser().resolve() if value else None


def build_environment(settings: Settings) -> dict[str, str]:
    """Build the environment of a desk's process: ours, without what would change Prefect."""
    others = ("PREFECT_", TELEGRAM_TOKEN)
    ours = {key: text for key, text in os.environ.items() if not key.startswith(others)}  # noqa: TID251
    return ours | {
        "SETUPDESK_HOME": str(settings.home),
        "SETUPDESK_PORT": str(settings.port),
        "SETUPDESK_PREFECT_PORT": str(settings.prefect_port),
        "SETUPDESK_UI_PORT": str(settings.ui_port),
    }


def build_bot_environment(settings: Settings) -> dict[str, str]:
    """Build the environment of those who speak to Telegram, and of nobody else: with its token."""
    # The library speaks of waits as spans, as it will always do one day.
    spans = {"PTB_TIMEDELTA": "1"}
    return build_environment(settings) | {TELEGRAM_TOKEN: settings.telegram_token} | spans


def build_ui_environment(settings: Settings) -> dict[str, str]:
    """Build the environment of the web desk: it shows its own desk, as the product sets it."""
    others = ("STREAMLIT_", "SETUPDESK_SERVER", "SETUPDESK_KEY", "SETUPDESK_CERTIFICATE")
    ours = build_environment(settings)
    return {key: text for key, text in ours.items() if not key.startswith(others)}
