import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from setupdesk.doors.cli import app
from tests.adapters.webhook_receiver import Receiver, receiving, say


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    with receiving() as here:
        allowed = f'private_channels = ["127.0.0.1:{here.port}"]\n'
        (tmp_path / "setupdesk.toml").write_text(allowed)
        yield here


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["channel", *words])
    return done.exit_code, done.stdout, done.stderr


def ask(*words: str) -> Any:
    code, shown, _ = run(*words, "--json")
    assert code == 0
    return json.loads(shown)


def test_a_channel_is_made_tested_listed_and_revoked(receiver: Receiver, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{receiver.port}/hidden"

    code, shown, _ = run("add", "n8n", url, "--event", "run_failed")
    [listed] = ask("list")
    channel_id = listed["channel_id"]
    tested = ask("test", channel_id)
    receiver.answer = lambda handler, _: say(handler, 500)
    failed = run("test", channel_id)
    revoked = ask("revoke", channel_id)

    assert code == 0
    assert "whsec_" in shown
    assert "hidden" not in shown
    assert listed["events"] == ["run_failed"]
    assert tested["answered"] == 204
    assert (failed[0], "it answered 500" in failed[2]) == (5, True)
    assert revoked["revoked_at"]
    assert "revoked" in run("list")[1]
    logged = (tmp_path / "logs/inline.jsonl").read_text()
    assert logged.index("channel made") < logged.index("channel revoked")
    assert ask("log") == []
    assert "Nothing was told yet." in "".join(map(str, run("log", channel_id)))


@pytest.mark.usefixtures("receiver")
def test_a_channel_is_given_a_manner_and_another_one() -> None:
    words = (
        "--alerts",
        "signal=on,stale=silent",
        "--quiet",
        "22:00-07:00",
        "--most-per-hour",
        "20",
    )
    code, shown, _ = run("add", "phone", "--url", "log:", *words, "--quiet-zone", "Europe/Berlin")
    [made] = ask("list")
    changed = ask(
        *("change", made["channel_id"], "--name", "desk", "--event", "alert"),
        *("--alerts", "further=on", "--quiet", "23:00-06:00"),
    )
    loud = run("change", made["channel_id"], "--quiet", "none")

    assert code == 0
    assert "Of alerts: signal on, further off, stale silent; quiet 22:00-07:00" in shown
    assert "secret" not in shown
    assert made["manner"]["most_per_hour"] == 20
    assert (changed["name"], changed["events"]) == ("desk", ["alert"])
    assert changed["manner"] == {
        "kinds": {"signal": "on", "further": "on", "stale": "silent"},
        "quiet": {"from": "23:00", "to": "06:00", "zone": "Europe/Berlin"},
        "most_per_hour": 20,
    }
    assert (loud[0], "quiet" in loud[1]) == (0, False)
    assert ask("test", made["channel_id"])["answered"] == 204


@pytest.mark.usefixtures("receiver")
def test_a_manner_that_cannot_be_is_refused() -> None:
    made = ask("add", "log", "log:")

    wrong = run("add", "log", "log:", "--alerts", "signal=loud", "--quiet", "22:00-07:00")
    no_pair = run("change", made["channel_id"], "--alerts", "signal")
    no_span = run("change", made["channel_id"], "--quiet", "22:00")
    nothing = run("change", made["channel_id"])
    nowhere = run("add", "log")
    twice = run("add", "log", "log:", "--url", "log:")

    assert wrong[0] == 3
    assert "'loud' is not known" in wrong[2]
    assert "Quiet hours need the IANA time zone" in wrong[2]
    assert (no_pair[0], "signal=on,stale=silent" in no_pair[2]) == (2, True)
    assert (no_span[0], "22:00-07:00, or none" in no_span[2]) == (2, True)
    assert (nothing[0], "--alerts" in nothing[2]) == (2, True)
    assert (nowhere[0], "needs a URL" in nowhere[2]) == (3, True)
    assert (twice[0], "Say the URL once" in twice[2]) == (2, True)


@pytest.mark.usefixtures("receiver")
def test_a_channel_that_must_not_be_told_is_refused() -> None:
    private = run("add", "n8n", "https://127.0.0.1:5678/hidden")
    event = run("add", "n8n", "https://93.184.216.34/", "--event", "run_ended")
    gone = run("log", "channel_none")

    assert private[0] == 3
    assert 'private_channels in setupdesk.toml, such as ["127.0.0.1:5678"]' in private[2]
    assert "hidden" not in private[2]
    assert event[0] == 3
    assert gone[0] == 4


@pytest.mark.parametrize("setting", ["'n8n:5678'", "['n8n']", "['http://n8n:5678']", "[5678]"])
def test_private_channels_are_hosts_with_a_port(
    setting: str, tmp_path: Path, receiver: Receiver
) -> None:
    (tmp_path / "setupdesk.toml").write_text(f"private_channels = {setting}\n")

    code, _, said = run("list")

    assert receiver.received == []
    assert code == 2
    assert "private_channels" in said
