"""``setupdesk data fetch`` as its user has it: a real process, killed and resumed."""

import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters.clock import now
from setupdesk.settings import FeedSettings, load_settings
from tests.adapters.dukascopy_server import Vendor, serve
from tests.commands import SETUPDESK, run_command

SPAN = ("--start", "2025-01-06", "--end", "2025-03-06")
"""With the Berlin midnight before it these are 61 days in UTC."""

FETCH = ("data", "fetch", "GER40", "--from", "dukascopy", *SPAN)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serve(now()) as vendor:
        yield vendor


def make_home(folder: Path, vendor: Vendor) -> Path:
    folder.mkdir()
    (folder / "setupdesk.toml").write_text(
        f'[feeds.dukascopy]\nfiles_url = "{vendor.address}/datafeed"\n'
        f'api_url = "{vendor.address}/v1"\npause = 0\n'
    )
    return folder


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SETUPDESK, *words],
        env={**os.environ, "SETUPDESK_HOME": str(home)},  # noqa: TID251 (passed on)
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def call(home: Path, *words: str, exit_code: int = 0) -> tuple[str, str]:
    environment = {**os.environ, "SETUPDESK_HOME": str(home)}  # noqa: TID251 (passed on)
    done = run_command(*words, environment=environment)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout, done.stderr


def ask(home: Path, *words: str, exit_code: int = 0) -> Any:
    return json.loads(call(home, *words, "--json", exit_code=exit_code)[0])


def wait_until(is_true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < 60, "it never came true"
        time.sleep(0.005)


def test_a_fetch_tells_how_far_it_is_and_what_was_stored(vendor: Vendor, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", vendor)

    output, told = call(home, *FETCH)

    lines = told.splitlines()
    assert len(lines) == 10
    assert lines[-1].startswith("2025-03-06  61 of 61 days, ")
    assert output.startswith("GER40 M1: created, ")
    assert "from dukascopy (DEUIDXEUR, bid prices)" in output
    (stored,) = ask(home, "data", "list")
    assert stored["source_file"] == "dukascopy DEUIDXEUR, 2025-01-05 to 2025-03-06"


def test_a_fetch_that_is_killed_again_and_again_ends_with_the_same_bars(
    vendor: Vendor, tmp_path: Path
) -> None:
    whole = ask(make_home(tmp_path / "whole", vendor), *FETCH)
    home = make_home(tmp_path / "killed", vendor)
    draw = random.Random(5)  # noqa: S311 (moments, no secret)
    vendor.slowness = 0.02
    vendor.asked.clear()
    kills = 0

    while len(vendor.asked) < 61 and kills < 30:
        process = start(home, *FETCH)
        target = len(vendor.asked) + draw.randrange(4, 12)
        wait_until(lambda: len(vendor.asked) >= target or process.poll() is not None)  # noqa: B023
        time.sleep(draw.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    done = ask(home, *FETCH)

    assert kills >= 5
    assert len(vendor.asked) <= 61 + kills
    assert done["fingerprint"] == whole["fingerprint"]
    assert done["source_sha256"] == whole["source_sha256"]


def test_ctrl_c_says_how_it_goes_on(vendor: Vendor, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", vendor)
    vendor.slowness = 0.05
    process = start(home, *FETCH)
    wait_until(lambda: len(vendor.asked) >= 5)

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)

    assert process.returncode == 130
    assert told.endswith("Stopped. The same command goes on where this one was.\n")


def test_a_vendor_that_fails_is_said_in_words_and_in_the_exit_code(
    vendor: Vendor, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home", vendor)
    vendor.faults = {"/10/BID": ["always 403"]}

    answer = ask(home, *FETCH, exit_code=5)

    assert answer["code"] == "feed_failed"
    assert "setupdesk data fetch GER40 --from dukascopy" in answer["message"]
    assert ask(home, "data", "list")[0]["last"] == "2025-01-09T23:59:00+00:00"


def test_a_feed_that_is_not_known_is_refused_with_the_nearest(
    vendor: Vendor, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "home", vendor)

    answer = ask(
        home, "data", "fetch", "GER40", "--from", "dukascopi", "--start", "2025-01-06", exit_code=3
    )

    (problem,) = answer["problems"]
    assert problem["suggestion"] == "dukascopy"
    assert "dukascopy" in problem["allowed"]


def test_the_end_is_now_when_left_out(vendor: Vendor, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", vendor)
    done = ask(
        home, "data", "fetch", "GER40", "--from", "dukascopy", "--start", str(vendor.now.date())
    )

    assert done["days"] in (1, 2)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("[feeds.dukascopy]\nfile_url = 'http://x'", "feeds.dukascopy.file_url"),
        ("[feeds.dukascopy]\nfiles_url = 'x'", "it has to be an http or https address"),
        ("[feeds.dukascopy]\nhistory = 'ticks'", "it has to be files or api"),
        ("[feeds.dukascopy]\npause = -1", "it has to be seconds from 0 to 60"),
        ("[feeds]\ndukascopy = 3", "it has to be a table"),
    ],
    ids=["unknown", "address", "history", "pause", "table"],
)
def test_a_wrong_setting_of_a_feed_is_refused(tmp_path: Path, entry: str, words: str) -> None:
    (tmp_path / "setupdesk.toml").write_text(entry)

    answer = ask(tmp_path, "status", exit_code=2)

    assert words in answer["message"]


def test_the_settings_of_feeds_are_documented_with_their_defaults(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/data.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (block,) = [block for block in blocks if "[feeds.dukascopy]" in block]
    (tmp_path / "setupdesk.toml").write_text(block)
    documented = set(re.findall(r"^(?:# )?(\w+) =", block, re.MULTILINE))

    settings = load_settings({"SETUPDESK_HOME": str(tmp_path)})

    assert settings.feeds == FeedSettings()
    assert documented == {field.name.split("_", 1)[1] for field in fields(FeedSettings)}
