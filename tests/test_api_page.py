"""The reference of the API: whole, as described, and each of its curl lines works."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from docs.write_api import PAGE, Line, load_lines, load_operations, write_curl, write_page
from setupdesk.adapters.clock import now
from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from setupdesk.setups.template import fill_template
from tests.adapters.dukascopy_server import serve
from tests.adapters.webhook_receiver import receiving
from tests.service.serving import serving
from tests.service.test_bars import draw_bars

LINES = load_lines()
OPERATIONS = load_operations()
RUN = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "backtest"}
MAY = {"start": "2025-05-01", "end": "2025-05-30"}


@dataclass(frozen=True)
class Shell:
    """A terminal in a folder with some files, beside a desk with some bars and a run."""

    api: httpx.Client
    folder: Path
    run_id: str
    other_run_id: str
    receiver: str

    def make_things(self) -> dict[str, str]:
        """Make what a line may change or take back; a user has only so many of them at once."""
        for kind in ("hook", "channel"):
            for old in self.api.get(f"/{kind}s").json():
                self.api.post(f"/{kind}s/{old[f'{kind}_id']}/revoke")
        key = {"name": "a", "user": "ann", "role": "viewer"}
        channel = {"name": "a", "url": self.receiver, "events": ["run_finished"]}
        hook = self._make("/hooks", {"name": "a", "payload": RUN | MAY, "fields": ["symbol"]})
        for old in self.api.get("/watches").json():
            self.api.delete(f"/watches/{old['watch_id']}")
        watch = {"setups": ["IB_raid_v1"], "symbols": ["GER40"], "timeframe": "M15"}
        saved = {"name": "a", "payload": RUN | MAY, "replaces": True}
        schedule = {"name": "a", "payload": RUN | MAY, "every": "1h"}
        pairing = {"user": "ann", "role": "trader"}
        code = self._make("/telegram/codes", pairing)["code"]
        self._make("/telegram/pairings", {"code": code, "telegram_id": 5, "name": "Ann"})
        return {
            "CODE": self._make("/telegram/codes", pairing)["code"],
            "WAITING": self._make("/runs", RUN | MAY)["run_id"],
            "KEY_ID": self._make("/keys", key)["key_id"],
            "CHANNEL": self._make("/channels", channel)["channel_id"],
            "HOOK": hook["hook_id"],
            "TOKEN": hook["token"],
            "SCHEDULE": self._make("/schedules", schedule)["schedule_id"],
            "WATCH": self._make("/watches", watch)["watch_id"],
            "SAVED": self._make("/saved-requests", saved)["saved_id"],
        }

    def _make(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = self.api.post(path, json=said).json()
        return made

    def call(self, line: str) -> tuple[str, str]:
        """Execute a curl line; give the status of the answer, and what was printed before it."""
        done = subprocess.run(
            ["bash", "-c", f"{line} -sS -w '\\n%{{http_code}}'"],  # noqa: S607
            env={
                "PATH": os.defpath,
                "DESK": str(self.api.base_url).rstrip("/"),
                "KEY": "the-key",
                "RUN": self.run_id,
                "OTHER_RUN": self.other_run_id,
                "RECEIVER": self.receiver,
                **self.make_things(),
            },
            cwd=self.folder,
            capture_output=True,
            check=True,
            timeout=60,
        )
        said, _, status = done.stdout.decode(errors="replace").rpartition("\n")
        return status, said


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    home, folder = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("files")
    with serve(now()) as vendor, receiving() as receiver:
        (home / "setupdesk.toml").write_text(
            f'private_channels = ["127.0.0.1:{receiver.port}"]\n'
            f'[feeds.dukascopy]\nfiles_url = "{vendor.address}/datafeed"\n'
            f'api_url = "{vendor.address}/v1"\npause = 0\n'
        )
        with serving(home) as api:
            api.post("/data/simulated", json={"symbol": "GER40", "seed": 1} | MAY)
            api.post("/data/simulated", json={"symbol": "EURUSD", "seed": 1} | MAY)
            content = api.get("/data/GER40/M1/export", params={"form": "csv"}).content
            (folder / "GER40.csv").write_bytes(content)
            (folder / "GER40.toml").write_text(api.get("/symbols/GER40").json()["toml"])
            pushed = {"symbol": "GER40", "timeframe": "M1", "bars": draw_bars(5)}
            (folder / "bars.json").write_text(json.dumps(pushed))
            (folder / "my_setup_v1.yaml").write_text(fill_template("my_setup_v1"))
            inline = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
            run_id, other = (
                inline.ask(RUN | MAY | {"options": one})["run_id"] for one in ({}, {"rr_target": 2})
            )
            yield Shell(api, folder, run_id, other, f"http://127.0.0.1:{receiver.port}/desk")


def test_every_route_has_a_curl_line_and_no_line_is_without_its_route() -> None:
    without = sorted(OPERATIONS.keys() - LINES.keys())
    gone = sorted(LINES.keys() - OPERATIONS.keys())

    assert without == [], "docs/curl_lines.toml needs a line for each of them; then `make openapi`"
    assert gone == [], "these lines of docs/curl_lines.toml have no route"


def test_the_page_is_as_the_description_and_the_lines_have_it() -> None:
    assert PAGE.read_text() == write_page(), "`make openapi` writes it anew"


@pytest.mark.parametrize("route", [route for route in LINES if route in OPERATIONS])
def test_a_curl_line_is_answered_as_it_should_be(shell: Shell, route: str) -> None:
    line, operation = LINES[route], OPERATIONS[route]
    right = [line.status] if line.status else find_right(operation["responses"])

    status, said = shell.call(write_curl(route, operation, line))

    assert status in right, said
    assert '"event": "error"' not in said


def find_right(responses: dict[str, object]) -> list[str]:
    return [status for status in responses if status.startswith(("2", "3"))]


def test_a_line_tells_what_curl_would_not_do_by_itself() -> None:
    keyed: dict[str, Any] = {"security": [{"key": []}]}

    assert write_curl("GET /ping", {}, Line("/ping", "")) == 'curl "$DESK/ping"'
    assert write_curl("DELETE /a", keyed, Line("/a -o b", "")) == (
        'curl -H "Authorization: Bearer $KEY" -X DELETE "$DESK/a" -o b'
    )
    assert "-X" not in write_curl("POST /a", {}, Line("/a --json '{}'", ""))
