"""The command line at another machine's desk: nothing of its own home is started or read."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_command
from tests.service.serving import serving

BACKTEST = ("backtest", "-s", "IB_raid_v1", "-p", "GER40", "-i", "M15")


@dataclass(frozen=True)
class Caller:
    """A command line whose home is empty."""

    home: Path
    server: str

    def call(
        self, *words: str, exit_code: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        named = {"SETUPDESK_SERVER": self.server, "SETUPDESK_KEY": "the-key"} | environment
        environment = {**os.environ, "SETUPDESK_HOME": str(self.home), **named}  # noqa: TID251
        done = run_command(*words, environment=environment)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done

    def ask(self, *words: str, **environment: str) -> Any:
        return json.loads(self.call(*words, "--json", exit_code=0, **environment).stdout)


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with serving(tmp_path_factory.mktemp("desk")) as api:
        market = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
        api.post("/data/simulated", json=market)
        server = str(api.base_url).removesuffix("/api/v1/")
        yield Caller(tmp_path_factory.mktemp("empty") / "home", server)


def test_every_look_and_every_request_goes_to_the_desk_that_is_named(caller: Caller) -> None:
    receipt = caller.ask(*BACKTEST, "--start", "2025-05-05", "--end", "2025-05-30", "--detach")

    assert receipt["status"] == "accepted"
    assert receipt["door"] == "cli"
    assert [run["run_id"] for run in caller.ask("runs")["runs"]] == [receipt["run_id"]]
    assert caller.ask("cancel", receipt["run_id"])["state"] == "cancelled"
    assert [one["timeframe"] for one in caller.ask("data", "list")]
    assert not caller.home.exists()


def test_the_options_say_the_same_as_the_environment(caller: Caller) -> None:
    words = ("--server", f"{caller.server}/", "--key", "the-key", "symbols", "list")
    nothing = {"SETUPDESK_SERVER": "", "SETUPDESK_KEY": ""}

    assert caller.ask(*words, **nothing) == caller.ask("symbols", "list")
    assert "go with --server" in caller.call("--key", "x", "runs", exit_code=2, **nothing).stderr
    assert not caller.home.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("up",),
        ("up", "--detach"),
        ("down",),
        ("doctor",),
        ("backup", "desk.tar.gz"),
        ("restore", "desk.tar.gz"),
        ("demo",),
        (*BACKTEST, "--last", "10d", "--inline"),
    ],
)
def test_what_needs_the_home_of_a_desk_is_refused_with_the_reason(
    caller: Caller, words: tuple[str, ...]
) -> None:
    said = caller.call(*words, exit_code=2).stderr

    assert caller.server in said
    assert "Traceback" not in said
    assert not caller.home.exists()


def test_another_machine_is_not_asked_by_http(caller: Caller) -> None:
    away = {"SETUPDESK_SERVER": "http://desk.example.invalid:8750"}

    assert "--insecure" in caller.call("runs", exit_code=2, **away).stderr
    insecure = caller.call("--insecure", "runs", exit_code=5, **away)
    assert "cannot be reached" in insecure.stderr


def test_a_wrong_key_and_a_desk_that_is_gone_are_told_by_their_exit_code(caller: Caller) -> None:
    refused = caller.call("runs", exit_code=5, SETUPDESK_KEY="sdk_another")

    assert "sdk_another" not in refused.stderr
    caller.call("runs", exit_code=5, SETUPDESK_SERVER="http://127.0.0.1:1")
    caller.call("runs", exit_code=2, SETUPDESK_KEY="")
    caller.call("show", "run_2025_10_31_999", exit_code=4)


def test_the_status_of_another_desk_is_its_health(caller: Caller) -> None:
    # Its Prefect is down, which its health says.
    said = caller.call("status", exit_code=1).stderr

    assert "Not well" in said
    assert "prefect" in said
