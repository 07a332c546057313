"""`setupdesk chart` draws what a desk has, and says what is missing; no desk has to run."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from setupdesk.core.errors import NotFoundError
from setupdesk.core.run import Door
from setupdesk.doors.cli import app
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.picture.frame import BOTTOM, RIGHT, TOP
from setupdesk.picture.inks import Theme, find_inks
from setupdesk.picture.paper import HEIGHT, WIDTH
from setupdesk.picture.png import Manner, picture_equity, picture_trades
from setupdesk.settings import load_settings
from tests.picture.pixels import look_at

MARKET = {"symbol": "GER40", "start": "2025-01-02", "end": "2025-05-30", "seed": 1}
ASKED = {"mode": "backtest", "setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
MAY = {"start": "2025-05-01", "end": "2025-05-30"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    open_desk(home).simulate_bars(MARKET)
    return home


@pytest.fixture(scope="module")
def run_id(home: Path) -> str:
    return backtest(home, **MAY)


def open_desk(home: Path) -> InlineDesk:
    return open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)


def backtest(home: Path, **period: str) -> str:
    run_id: str = open_desk(home).ask(ASKED | period)["run_id"]
    return run_id


@pytest.fixture
def call(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("SETUPDESK_HOME", str(home))
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["chart", *words])
        return done.exit_code, done.stderr

    return call


def test_a_trade_and_the_equity_are_drawn_in_both_themes(
    call: Any, run_id: str, tmp_path: Path
) -> None:
    asked = ((), ("--trade", "2"), ("--trade", "2", "--theme", "dark"), ("--equity",))

    answers = [call(run_id, "--png", f"{n}.png", *words) for n, words in enumerate(asked)]

    files = [(tmp_path / f"{n}.png").read_bytes() for n in range(len(asked))]
    assert answers == [(0, f"{n}.png: {len(one):,} bytes\n") for n, one in enumerate(files)]
    pictures = [look_at(one) for one in files]
    assert {one.shape for one in pictures} == {(HEIGHT, WIDTH, 3)}
    assert len({one.tobytes() for one in pictures}) == len(asked)
    assert tuple(pictures[2][0, 0]) == find_inks(Theme.DARK).ground[:3]


def test_a_file_that_is_there_is_overwritten_only_by_force(
    call: Any, run_id: str, tmp_path: Path
) -> None:
    file = tmp_path / "kept.png"
    file.write_text("kept")

    refused, kept = call(run_id, "--png", "kept.png"), file.read_bytes()
    forced = call(run_id, "--png", "kept.png", "--force")

    assert refused == (2, "kept.png exists already; --force overwrites it.\n")
    assert kept == b"kept"
    assert forced[0] == 0
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give a RUN, or an alert with --alert: one of the two."),
        (("RUN", "--alert", "x"), "Give a RUN, or an alert with --alert: one of the two."),
        (("RUN", "--equity", "--trade", "1"), "Give one of --trade, --equity and --alert."),
        (("RUN", "--theme", "blue"), "--theme was 'blue'; it is light or dark."),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(
    call: Any, run_id: str, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    answer = call(*(run_id if word == "RUN" else word for word in words), "--png", "no.png")

    assert answer == (2, f"{said}\n")
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_said(home: Path, run_id: str) -> None:
    desk = open_desk(home)

    with pytest.raises(NotFoundError, match="There is no trade '999'"):
        picture_trades(desk, run_id, 999)
    with pytest.raises(NotFoundError, match="There is no run"):
        picture_trades(desk, "run_2020_01_01_001")


def test_a_picture_speaks_the_language_that_is_asked_for(home: Path, run_id: str) -> None:
    desk = open_desk(home)

    for draw in (picture_trades, picture_equity):
        english, russian = (
            look_at(draw(desk, run_id, manner=Manner(language=one))) for one in ("en", "ru")
        )
        assert not np.array_equal(english[55:90, :600], russian[55:90, :600])


def test_a_run_without_trades_shows_its_last_bars_and_has_no_equity(home: Path) -> None:
    desk = open_desk(home)
    traded = {one["day"] for one in desk.trades(backtest(home, **MAY))}
    free = next(day for day in (f"2025-05-{n:02}" for n in range(5, 30)) if day not in traded)
    run_id = backtest(home, start=free, end=free)

    png = picture_trades(desk, run_id)

    assert look_at(png).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(NotFoundError, match="trade"):
        picture_equity(desk, run_id)


def test_a_look_shows_no_bar_after_it_and_its_trade_as_still_open(home: Path) -> None:
    desk = open_desk(home)
    trade = desk.trades(backtest(home, **MAY))[-1]
    pictures = []
    for name in ("entry_at", "exit_at"):
        at = datetime.fromisoformat(trade[name]) + timedelta(minutes=30)
        run_id = desk.ask({**ASKED, "mode": "live", "at": at.isoformat()})["run_id"]
        pictures.append(look_at(picture_trades(desk, run_id)))
        with pytest.raises(NotFoundError, match="no backtest"):
            picture_equity(desk, run_id)

    # An open trade reaches to the edge, where the grounds of its stop and its target are.
    grounds = [(one[TOP:BOTTOM, RIGHT - 1] != 255).any(axis=1).sum() for one in pictures]
    assert grounds[0] > grounds[1] + 100


def test_a_run_whose_bars_were_deleted_has_only_its_equity(
    home: Path, run_id: str, tmp_path: Path
) -> None:
    shutil.copytree(home, tmp_path / "copy")
    desk = open_desk(tmp_path / "copy")
    desk.delete_bars("GER40", "M1")

    with pytest.raises(NotFoundError):
        picture_trades(desk, run_id)
    assert look_at(picture_equity(desk, run_id)).shape == (HEIGHT, WIDTH, 3)
