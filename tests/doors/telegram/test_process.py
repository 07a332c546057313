"""The process of the bot: with whom it speaks, that it says it works, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from setupdesk.doors.telegram.memory import Memory
from setupdesk.exposure import find_key_faults
from setupdesk.settings import (
    InvalidSettingsError,
    build_bot_environment,
    build_environment,
    find_telegram_token,
    load_settings,
)
from setupdesk.supervisor import ask_bot
from tests.conftest import find_free_port
from tests.doors.telegram.bot_api import TOKEN, BotApi, Trouble, serving_bot_api


def start(home: Path, api: BotApi, token: str, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "setupdesk.doors.telegram"],
        env={
            **os.environ,  # noqa: TID251 (passed on)
            "SETUPDESK_HOME": str(home),
            "SETUPDESK_TELEGRAM_API": api.address,
            "TELEGRAM_BOT_TOKEN": token,
            **more,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_it_says_that_it_works_and_ends_when_it_is_told(tmp_path: Path) -> None:
    pulse = load_settings({"SETUPDESK_HOME": str(tmp_path)}).bot_socket
    with serving_bot_api() as api:
        process = start(tmp_path, api, TOKEN)
        api.wait_for(lambda: any(method == "getUpdates" for method, _ in api.calls), 30)
        works = ask_bot(pulse)
        process.send_signal(signal.SIGTERM)
        code = process.wait(15)

    assert works == "here"
    assert code == 0
    assert not ask_bot(pulse)


def test_who_shares_its_token_with_another_program_works_on_and_says_so(tmp_path: Path) -> None:
    pulse = load_settings({"SETUPDESK_HOME": str(tmp_path)}).bot_socket
    with serving_bot_api() as api:
        api.troubles["getUpdates"] = [Trouble(409)] * 2
        process = start(tmp_path, api, TOKEN)
        api.wait_for(lambda: ask_bot(pulse).endswith("rival"), 30)
        api.wait_for(lambda: ask_bot(pulse) == "here", 10)
        process.send_signal(signal.SIGTERM)
        code = process.wait(15)

    assert code == 0
    assert "the same token" in (tmp_path / "logs" / "bot.jsonl").read_text()


def test_by_a_webhook_it_confirms_what_it_has_kept_and_ends_when_it_is_told(
    tmp_path: Path,
) -> None:
    port = find_free_port()
    (tmp_path / "api.key").write_text("the-key")
    said = {"SETUPDESK_TELEGRAM_WEBHOOK": "https://a.example/bot"}
    with serving_bot_api() as api:
        api.way_in = f"http://127.0.0.1:{port}/bot"
        process = start(tmp_path, api, TOKEN, **said, SETUPDESK_TELEGRAM_PORT=str(port))
        api.wait_for(lambda: api.webhook, 30)
        api.troubles["sendMessage"] = [Trouble(502)] * 9
        confirmed = api.send_update(api.hear("/version", user=99))
        process.send_signal(signal.SIGTERM)
        code = process.wait(15)
    with closing(Memory(tmp_path / "telegram.db")) as memory:
        kept = memory.list_waiting_chats()
    written = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]

    assert (confirmed, kept, code) == (200, [99], 0)
    assert not any(api.webhook["secret_token"].encode() in one for one in written)


def test_a_port_that_somebody_else_has_ends_it_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "api.key").write_text("the-key")
    said = {"SETUPDESK_TELEGRAM_WEBHOOK": "https://a.example/bot"}
    with serving_bot_api() as api, socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        code = start(tmp_path, api, TOKEN, **said, SETUPDESK_TELEGRAM_PORT=port).wait(30)
    written = [one.read_text() for one in tmp_path.rglob("*.jsonl")]

    assert code == os.EX_CONFIG
    assert any(f"telegram_port was '{port}'" in one for one in written)
    assert api.webhook == {}


def test_a_token_that_telegram_does_not_know_ends_it_and_stands_in_no_file(tmp_path: Path) -> None:
    wrong = "987654321:BBWrongWrongWrongWrongWrongWrongWro"
    with serving_bot_api() as api:
        code = start(tmp_path, api, wrong).wait(30)
    written = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]

    assert code == os.EX_CONFIG
    assert any(b"does not know this token" in one for one in written)
    assert not any(wrong.encode() in one for one in written)


def test_only_who_speaks_to_telegram_gets_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    settings = load_settings()

    assert "TELEGRAM_BOT_TOKEN" not in build_environment(settings)
    assert build_bot_environment(settings)["TELEGRAM_BOT_TOKEN"] == TOKEN
    assert TOKEN not in repr(settings)


def test_a_token_in_a_file_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    settings = load_settings({"SETUPDESK_HOME": str(tmp_path)})
    none = find_telegram_token(settings)
    settings.telegram_token_file.write_text(f"{TOKEN}\n")
    settings.telegram_token_file.chmod(0o644)
    faults = list(find_key_faults(settings))
    settings.telegram_token_file.chmod(0o600)

    assert (none, find_telegram_token(settings)) == ("", TOKEN)
    assert [one for one in faults if "chmod 600" in one]
    assert list(find_key_faults(settings)) == []


def test_an_address_of_the_bot_api_that_is_none_is_refused(tmp_path: Path) -> None:
    said = {"SETUPDESK_HOME": str(tmp_path), "SETUPDESK_TELEGRAM_API": "ftp://example.org"}

    with pytest.raises(InvalidSettingsError, match="telegram_api"):
        load_settings(said)


def test_nobody_works_where_there_is_no_socket(tmp_path: Path) -> None:
    began = time.monotonic()

    assert not ask_bot(tmp_path / "bot.sock")
    assert time.monotonic() - began < 1
