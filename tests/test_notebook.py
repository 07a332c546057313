import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

import setupdesk
from setupdesk.adapters.bar_files import write_bars
from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.errors import InvalidRequestError, MissingBarsError, NotFoundError
from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts
from setupdesk.market.synthetic import simulate_bars
from setupdesk.settings import load_settings

FIRST, LAST = date(2025, 1, 6), date(2025, 9, 30)
START, END = "2025-08-01", "2025-09-30"


@pytest.fixture(scope="module")
def drawn() -> Bars:
    return simulate_bars(load_catalogue()["GER40"], FIRST, LAST, seed=7)


@pytest.fixture(name="home")
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: Bars) -> Path:
    monkeypatch.setenv("SETUPDESK_HOME", str(tmp_path))
    facts = Facts(
        source_file="simulated market",
        source_format="simulated",
        source_sha256="",
        imported_at=datetime(2025, 10, 1, tzinfo=UTC),
        quality={},
        seed=7,
    )
    BarStore(load_settings().bars).save("GER40", drawn, facts)
    return tmp_path


@pytest.mark.usefixtures("home")
def test_a_notebook_gives_the_figures_of_the_desk() -> None:
    run = setupdesk.backtest("IB_raid_v1", setupdesk.load_bars("GER40", "M15"), START, END)

    payload = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15"}
    desk = open_inline(load_settings(), Door.API)
    receipt = desk.ask({**payload, "start": START, "end": END})
    report = desk.result(receipt["run_id"])
    desk.desk.close()
    assert len(run.trades) > 20
    assert run.report["trades"] == report["trades"]
    assert run.report["statistics"] == report["statistics"]


@pytest.mark.usefixtures("home")
def test_the_tables_have_times_and_numbers() -> None:
    run = setupdesk.backtest("IB_raid_v1", setupdesk.load_bars("GER40", "M15"), START, END)

    assert str(run.trades["entry_at"].dtype) == "Datetime(time_unit='us', time_zone='UTC')"
    assert run.trades["r"].sum() == pytest.approx(run.result.trades.r.sum(), abs=1e-4)
    assert run.equity["r"][-1] == pytest.approx(run.trades["r"].sum(), abs=1e-4)
    assert len(run.candidates) == len(run.result.candidates)
    assert "ib.high" in run.sessions.columns
    assert run.to_pandas("trades")["r"].to_list() == run.trades["r"].to_list()
    assert repr(run).startswith("Backtest(")


@pytest.mark.usefixtures("home")
def test_variants_are_tried_in_every_combination_and_give_what_a_backtest_gives() -> None:
    bars = setupdesk.load_bars("GER40", "M15")

    tried = setupdesk.try_variants(
        "IB_raid_v1", [bars], START, END, rr_target=[1, 2.5], stop_buffer=(0, 0.1), max_trades=1
    )

    one = setupdesk.backtest("IB_raid_v1", bars, START, END, rr_target=2.5, stop_buffer=0.1)
    row = tried.row(3, named=True)
    assert len(tried) == 4
    assert (row["symbol"], row["rr_target"], row["stop_buffer"]) == ("GER40", 2.5, 0.1)
    assert row["trades"] == len(one.trades)
    assert row["total_r"] == pytest.approx(one.result.trades.r.sum())
    assert tried["deflated"].is_between(0, 1).all()


@pytest.mark.usefixtures("home")
def test_a_run_without_a_trade_has_its_tables_and_says_why() -> None:
    bars = setupdesk.load_bars("GER40", "M1")

    run = setupdesk.backtest("VWAP_fade_v1", bars, datetime(2025, 9, 1), datetime(2025, 9, 5))  # noqa: DTZ001 - as people write it

    full = setupdesk.backtest("IB_raid_v1", bars, START, END)
    assert run.candidates.columns == full.candidates.columns
    assert run.trades.columns == full.trades.columns
    assert run.equity.columns == full.equity.columns
    why = "Its levels need volume, and the bars have none."
    assert repr(run) == f"Backtest(None of 5 sessions could be judged: {why})"
    assert full.report["look_ahead"]["sentence"].endswith("0 moved")


@pytest.mark.usefixtures("home")
def test_what_cannot_be_tried_is_told() -> None:
    bars = setupdesk.load_bars("GER40", "M15")

    with pytest.raises(ValueError, match="rr_target is an empty list"):
        setupdesk.try_variants("IB_raid_v1", bars, START, END, rr_target=[])
    with pytest.raises(TypeError, match="load the bars first"):
        setupdesk.backtest("IB_raid_v1", "GER40", START, END)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match=r"stop_buffer was 5\. Allowed: 0 to 1"):
        setupdesk.backtest("IB_raid_v1", bars, START, END, stop_buffer=5)
    with pytest.raises(InvalidRequestError, match="rr_target takes the place of target"):
        setupdesk.backtest("IB_raid_v1", bars, START, END, rr_target=2, target="mid")
    assert len(setupdesk.try_variants("IB_raid_v1", bars, START, END, rr_target=[2, 2])) == 1


def test_a_file_is_loaded_without_a_desk(tmp_path: Path, drawn: Bars) -> None:
    file = tmp_path / "bars.parquet"
    file.write_bytes(write_bars(drawn[:5000], "parquet"))

    history = setupdesk.load_bars("DAX40", "M1", file)

    assert history.symbol.name == "GER40"
    assert np.array_equal(history.bars.close, drawn.close[:5000])
    assert history.frame.columns == ["ts", "open", "high", "low", "close", "volume"]


@pytest.mark.usefixtures("home")
def test_every_problem_of_a_call_is_told_at_once() -> None:
    bars = setupdesk.load_bars("GER40", "M15")

    with pytest.raises(InvalidRequestError) as refusal:
        setupdesk.backtest("IB_raid", bars, START, "2026-01-01", stop_bufer=1)

    assert [one.field for one in refusal.value.problems] == ["setup_id", "extra.stop_bufer", "end"]


@pytest.mark.usefixtures("home")
def test_what_there_is_not_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="GER41"):
        setupdesk.load_bars("GER41", "M15")
    with pytest.raises(NotFoundError, match="M2"):
        setupdesk.load_bars("GER40", "M2")
    with pytest.raises(MissingBarsError):
        setupdesk.load_bars("US500", "M15")
    with pytest.raises(AttributeError, match="no attribute 'backtst'"):
        getattr(setupdesk, "backtst")  # noqa: B009 - a name that is not known


def test_the_setups_are_listed() -> None:
    found = setupdesk.setups.find("IB_raid_v1")

    assert len(setupdesk.setups.names()) == 13
    assert found is not None
    assert found.default.title.en == "Initial balance raid"


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = "import sys, setupdesk; print('polars' in sys.modules, 'numba' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "False"]


def test_the_page_about_notebooks_runs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[1] / "docs/notebook.md").read_text()
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert block
    code = block[1].replace("2025-05-01", START).replace("2025-10-03", END)
    monkeypatch.chdir(home)
    m15 = setupdesk.load_bars("GER40", "M15").bars
    (home / "GER40.csv").write_bytes(write_bars(m15, "csv"))
    spoken: dict[str, object] = {}

    exec(code, spoken)  # noqa: S102 - our own page

    assert len(spoken["run"].trades) > 20  # type: ignore[attr-defined]
