import json
import os
import pty
import re
import select
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from socket import create_server
from typing import Any

import pytest
import uvicorn

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.errors import InvalidImportError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars
from setupdesk.service.app import create_app
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk
from tests.commands import SETUPDESK, run_command

GER40 = ("-p", "GER40", "-i", "M15")
BACKTEST = ("backtest", "-s", "IB_raid_v1", *GER40, "--inline")


def draw_rows() -> list[tuple[int, str]]:
    symbol = load_catalogue()["GER40"]
    minutes = simulate_bars(symbol, date(2025, 3, 3), date(2025, 5, 30), 1)
    bars = resample(minutes, Timeframe.M15, symbol.week)
    prices = zip(bars.open, bars.high, bars.low, bars.close, strict=True)
    return [
        (int(at), ",".join(f"{ticks * bars.tick:.1f}" for ticks in row))
        for at, row in zip(bars.time, prices, strict=True)
    ]


ROWS = draw_rows()


def write(path: Path, rows: slice, *, hours: float = 0, zone: str = "Z") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["time,open,high,low,close"]
    for at, prices in ROWS[rows]:
        moment = datetime.fromtimestamp(at / 1000 + 3600 * hours, UTC)
        lines.append(f"{moment:%Y-%m-%dT%H:%M:%S}{zone},{prices}")
    path.write_text("\n".join(lines))
    return path


def call(home: Path, *words: str | Path, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SETUPDESK_HOME": str(home)}  # noqa: TID251 (passed on)
    done = run_command(*words, environment=environment)
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def ask(home: Path, *words: str | Path, exit_code: int = 0) -> Any:
    return json.loads(call(home, *words, "--json", exit_code=exit_code).stdout)


def talk(home: Path, answers: dict[str, str], *words: str | Path) -> tuple[str, int]:
    """Type *answers* to the questions that a command asks on a terminal; give what it showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(SETUPDESK_HOME=str(home), COLUMNS="200")  # noqa: TID251 (for the child)
        os.execv(SETUPDESK, [str(SETUPDESK), *map(str, words)])  # noqa: S606 (our own program)
    shown, deadline = "", time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            shown += os.read(terminal, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            break
        for question in [question for question in answers if question in shown]:
            os.write(terminal, answers.pop(question).encode() + b"\n")
    os.close(terminal)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown), os.waitstatus_to_exitcode(
        os.waitpid(child, 0)[1]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder of two files that overlap, and of what lies about in such folders."""
    folder = tmp_path / "dax"
    write(folder / "2025/03.csv", slice(2000))
    write(folder / "2025/04.csv", slice(1990, None))
    (folder / "README.md").write_text("Bars of the DAX.")
    (folder / ".DS_Store").write_bytes(b"\0")
    return folder


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """Serve a desk and give a client of it."""
    settings = load_settings(
        {"SETUPDESK_HOME": str(tmp_path / "served"), "SETUPDESK_PREFECT_PORT": "1"}
    )
    desk = build_desk(settings, hands_over=True)
    desk.keys.keep_own("the-key", settings.owner)
    app = create_app(desk)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", "the-key") as client:
            yield client
        server.should_exit = True
        thread.join()


def test_a_folder_is_one_data_set_and_what_was_skipped_is_named(
    tmp_path: Path, folder: Path
) -> None:
    done = ask(tmp_path / "home", "data", "import", folder, *GER40)
    again = call(
        tmp_path / "home", "data", "import", folder / "2025/03.csv", folder / "2025", *GER40
    )

    assert (done["outcome"], done["rows"], done["figure"]) == ("created", len(ROWS), 100.0)
    assert done["file"]["quality"]["duplicates"] == 10
    assert done["source_file"] == "dax (2 files)"
    assert done["skipped"] == [
        {"file": ".DS_Store", "reason": "hidden"},
        {"file": "README.md", "reason": "not a file of bars"},
    ]
    assert "unchanged" in again.stdout
    assert "nothing: all of these bars were stored already" in again.stdout


def test_a_folder_is_sent_to_a_running_desk_as_it_is_read_inline(
    tmp_path: Path, folder: Path, client: Client
) -> None:
    told: list[str] = []

    sent = client.import_bars(folder, "DE40", "15m", {}, lambda stage, *_: told.append(stage))
    read = ask(tmp_path / "home", "data", "import", folder, *GER40)

    for answer in (sent, read):
        for part in (answer, *answer["sources"]):
            del part["imported_at"]
    assert sent == read
    assert list(dict.fromkeys(told)) == ["reading", "sending", "parsing and storing"]


def test_a_file_is_sent_in_pieces_that_are_counted(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path / "a.csv", slice(None))
    with file.open("a") as longer:
        longer.write("\n" * 3 * 2**20)
    told: list[tuple[str, int, int]] = []

    client.import_bars(file, "GER40", "M15", {}, lambda *each: told.append(each))

    size = file.stat().st_size
    assert told[:-1] == [
        ("sending", min(size, number * 2**20), size) for number in range(1, size // 2**20 + 2)
    ]
    assert told[-1] == ("parsing and storing", 0, 0)


def test_a_client_is_refused_with_the_error_of_the_desk(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path / "a.csv", slice(400))
    client.import_bars(file, "GER40", "M15", {})
    shifted = write(tmp_path / "b.csv", slice(400), hours=2)

    with pytest.raises(DeskAnswerError, match="stored 2 hours earlier") as refused:
        client.import_bars(shifted, "GER40", "M15", {})
    done = client.import_bars(shifted, "GER40", "M15", {"replace": True})

    assert refused.value.code == "bars_disagree"
    assert done["outcome"] == "replaced"


def test_a_client_sends_nothing_that_is_too_large(tmp_path: Path, client: Client) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(2**28 + 1)

    with pytest.raises(InvalidImportError, match="more than the 256 MiB"):
        client.import_bars(tmp_path / "large.csv", "GER40", "M15", {})


@pytest.mark.parametrize(
    ("path", "exit_code", "says"),
    [
        ("nowhere", 2, "There is no file and no folder"),
        ("empty", 3, "empty was not imported: it is empty"),
        ("noise", 3, "it has no files of bars, only README.md"),
        ("zero.csv", 3, "It is empty: 0 bytes"),
        ("mixed", 3, "A data set is of one symbol"),
        ("broken", 3, "broken/b.csv was not imported: Its format is not known"),
        ("/dev/null", 2, "There is no file and no folder"),
    ],
)
def test_what_cannot_be_imported_is_said_and_changes_nothing(
    tmp_path: Path, path: str, exit_code: int, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise/README.md").touch()
    (tmp_path / "zero.csv").touch()
    write(tmp_path / "mixed/GER40.csv", slice(100))
    write(tmp_path / "mixed/UK100.csv", slice(100, 200))
    write(tmp_path / "broken/a.csv", slice(100))
    (tmp_path / "broken/b.csv").write_text("no bars here\n")

    done = call(tmp_path / "home", "data", "import", tmp_path / path, *GER40, exit_code=exit_code)

    assert says in done.stderr
    assert done.stdout == ""
    assert ask(tmp_path / "home", "data", "list") == []


def test_the_command_that_replaces_is_given_and_works(tmp_path: Path) -> None:
    home, file = tmp_path / "home", write(tmp_path / "the dax.csv", slice(400))
    call(home, "data", "import", file, *GER40)
    shifted = write(tmp_path / "the dax, again.csv", slice(400), hours=1)

    refused = call(home, "data", "import", shifted, *GER40, exit_code=3)
    as_json = ask(home, "data", "import", shifted, *GER40, exit_code=3)

    command = refused.stderr.splitlines()[-1].strip()
    assert as_json["code"] == "bars_disagree"
    assert as_json["message"].endswith(command)
    assert "stored 1 hour earlier" in as_json["message"]
    assert "replaced" in call(home, *shlex.split(command)[1:]).stdout


def test_a_few_bars_that_disagree_are_merged_and_their_days_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    file = write(tmp_path / "a.csv", slice(400))
    call(home, "data", "import", file, *GER40)
    lines = file.read_text().splitlines()
    lines[200] = re.sub(r"(\d+\.\d)$", lambda last: f"{float(last[1]) + 0.1:.1f}", lines[200])
    at, opened, high, low, close = lines[200].split(",")
    prices = [float(price) for price in (opened, high, low, close)]
    lines[200] = f"{at},{opened},{max(prices)},{min(prices)},{close}"
    file.write_text("\n".join(lines))

    done = call(home, "data", "import", file, *GER40)
    back = ask(home, "data", "import", write(tmp_path / "a.csv", slice(400)), *GER40)

    assert "1 had other prices; those of this file stand" in done.stdout
    assert f"on the days      {at[:10]}" in done.stdout
    assert (back["outcome"], back["disagreeing"]) == ("merged", 1)
    assert back["disagreeing_days"] == [at[:10]]


def test_every_source_of_a_merged_set_is_seen_in_show_list_and_report(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write(tmp_path / "first.csv", slice(3000))
    write(tmp_path / "UK100.csv", slice(2990, None), hours=3, zone="")
    call(home, "data", "import", tmp_path / "first.csv", *GER40)
    merged = call(home, "data", "import", tmp_path / "UK100.csv", *GER40, "--clock", "NY+7")

    says = "UK100.csv has bars of UK100 by its name, but was imported as GER40."
    shown = call(home, "data", "show", "GER40", "M15").stdout
    [listed] = ask(home, "data", "list")
    answer = ask(home, *BACKTEST, "--start", "2025-04-01", "--end", "2025-05-28")
    report = call(home, "show", answer["receipt"]["run_id"]).stdout

    assert says in merged.stderr
    assert "from 2 sources" in " ".join(merged.stdout.split())
    assert says in " ".join(shown.split())
    assert "first.csv" in shown
    assert [each["clock"] for each in listed["sources"]] == ["UTC", "NY+7"]
    provenance = answer["report"]["provenance"]
    assert provenance["bars_source"] == "first.csv, UK100.csv"
    assert provenance["bars_clock"] == "UTC, NY+7"
    assert [each["rows"] for each in provenance["bars_sources"]] == [3000, len(ROWS) - 3000]
    assert f"UK100.csv: {says}" in answer["report"]["data_quality"]["warnings"]
    assert f"WARNING  UK100.csv: {says}"[:60] in report
    assert "first.csv, UK100.csv" in report


def test_aliases_with_a_slash_work_at_the_terminal_and_by_the_client(
    tmp_path: Path, client: Client
) -> None:
    file = tmp_path / "btc.csv"
    file.write_text("time,open,high,low,close\n2025-05-05T00:00:00Z,80000,80009,79990,80001\n")

    client.import_bars(file, "BTC/USD", "D1", {})
    ask(tmp_path / "home", "data", "import", file, "-p", "BTC/USD", "-i", "D1")
    shown = ask(tmp_path / "home", "data", "show", "BTC/USD", "D1")

    assert client.data_set("BTC/USD", "D1")["fingerprint"] == shown["fingerprint"]
    assert client.quality("BTC/USD", None)[0]["symbol"] == "BTCUSD"
    assert client.export_bars("BTC/USDT", "D1", "csv").startswith(b"open_time,")
    assert client.delete_bars("BTC/USD", "D1")["versions"] == 1
    assert ask(tmp_path / "home", "data", "delete", "BTC/USD", "D1", "--yes")["versions"] == 1


def test_on_a_terminal_the_clock_of_a_folder_is_asked_for_with_progress(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write(tmp_path / "dax/a.csv", slice(3000), zone="")
    write(tmp_path / "dax/b.csv", slice(3000, None), zone="")

    refused, code = talk(home, {"clock? [y/N]": "n"}, "data", "import", tmp_path / "dax", *GER40)
    shown, taken = talk(home, {"clock? [y/N]": "y"}, "data", "import", tmp_path / "dax", *GER40)

    assert (code, taken) == (3, 0)
    assert "Proposed clock:" in refused
    assert re.search(r"reading .* of 0\.\d MiB", shown)
    assert re.search(r"storing .* \d:\d\d:\d\d", shown)
    assert "created" in shown
    assert "proposed and accepted." in shown


def test_on_a_terminal_an_unsure_clock_has_to_be_typed(tmp_path: Path) -> None:
    home, file = tmp_path / "home", write(tmp_path / "a.csv", slice(60), zone="")

    refused = call(home, "data", "import", file, *GER40, "--accept-clock", exit_code=3)
    shown, taken = talk(home, {"clock is it?": "UTC"}, "data", "import", file, *GER40)

    assert taken == 0
    assert "UTC, declared" in shown
    assert "there is no weekend in these bars" in refused.stderr


def test_on_a_terminal_it_is_asked_before_a_file_replaces_the_stored_bars(tmp_path: Path) -> None:
    home, file = tmp_path / "home", write(tmp_path / "a.csv", slice(400))
    call(home, "data", "import", file, *GER40)
    shifted = write(tmp_path / "b.csv", slice(400), hours=3)

    kept, refused = talk(home, {"[y/N]": "n"}, "data", "import", shifted, *GER40)
    done, taken = talk(home, {"[y/N]": "y"}, "data", "import", shifted, *GER40)

    assert (refused, taken) == (3, 0)
    assert "stored 3 hours earlier" in " ".join(kept.split())
    assert "replaced" in done
