import re
import shlex
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from typer.main import get_command

from setupdesk.core import errors
from setupdesk.doors.cli import app
from setupdesk.engine.drawdowns import Drawdowns
from setupdesk.engine.explain import VERDICTS
from setupdesk.engine.outcomes import Excursions, Outcomes
from setupdesk.engine.sharpe import SharpeOdds, YearlyRatios
from setupdesk.engine.statistics import Expectancy
from setupdesk.setups.registry import load_registry
from tests.commands import run_command, start_command
from tests.conftest import KERNELS

ROOT = Path(__file__).parents[1]
DOCS = "\n".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def find_commands() -> list[str]:
    found = []
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        below = getattr(command, "commands", None)
        if not command.hidden:
            found += [f"{name} {other}" for other in below] if below else [name]
    return found


@pytest.mark.parametrize("command", find_commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"`setupdesk {command}" in DOCS


def test_every_error_code_setup_and_verdict_is_documented() -> None:
    kinds = errors.SetupdeskError.__subclasses__()
    codes = [kind.code for kind in kinds if kind.__module__ == errors.__name__]
    codes.remove(errors.MissingBarsError.code)  # it is the reason of a failed run, never an answer
    verdicts = set(VERDICTS.values()) - {"traded"}

    assert [word for word in (*codes, *verdicts) if f"`{word}`" not in DOCS] == []
    assert [rule.id for rule in load_registry() if f"\n## {rule.id}" not in DOCS] == []


def test_every_test_that_the_page_on_security_names_is_there() -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))

    assert len(named) > 15
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_every_figure_is_defined() -> None:
    parts = (Outcomes, Expectancy, Drawdowns, YearlyRatios, SharpeOdds, Excursions)
    names = [field.name for part in parts for field in fields(part)]
    page = (ROOT / "docs" / "statistics.md").read_text()

    assert [name for name in names if f"`{name}`" not in page] == []


def run_line(
    line: str, home: Path, folder: Path, *, forks: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command of a document in *folder*, on the desk of *home*; it has to end well."""
    words = shlex.split(line.removeprefix("$ "))
    assert words[0] == "setupdesk"
    environment = {
        "SETUPDESK_HOME": str(home),
        "SETUPDESK_KERNELS": KERNELS,
        "PATH": "/usr/bin:/bin",
        "SETUPDESK_PORT": "0",
        "SETUPDESK_PREFECT_PORT": "0",
        "HOME": str(folder),
    }
    run = run_command if forks else start_command
    done = run(*words[1:], environment=environment, folder=folder)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done


def test_the_five_lines_of_the_readme_work(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    assert block
    file = tmp_path / "GER40.csv"
    file.write_text("time,open,high,low,close\n" + "\n".join(draw_rows()))
    lines = [line.removeprefix("$ ") for line in block[1].splitlines()][1:]

    for line in lines:
        run_line(line.replace("FILE", str(file)), tmp_path / "home", tmp_path, forks=False)


def test_the_lines_about_a_first_watch_work(tmp_path: Path) -> None:
    text = (ROOT / "docs/watching.md").read_text()
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    assert block
    shown = {}

    for line in block[1].splitlines():
        done = run_line(line, tmp_path / "home", tmp_path)
        shown[line.split()[2]] = done.stdout + done.stderr

    assert "7200 times as fast" in shown["watch"]
    assert "No desk runs" not in shown["watch"]
    assert "looks no more" in shown["unwatch"]


def test_the_lines_about_a_rule_of_ones_own_work(tmp_path: Path) -> None:
    text = (ROOT / "docs/setups.md").read_text()
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    assert block

    for line in block[1].splitlines():
        run_line(line, tmp_path / "home", tmp_path)
    assert (tmp_path / "home/setups/my_raid_v1.yaml").exists()


def test_the_lines_about_hooks_work(tmp_path: Path) -> None:
    text = (ROOT / "docs/webhooks.md").read_text()
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    template = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert block
    assert template
    simulated = "setupdesk data simulate --start 2025-05-01 --end 2025-05-16"
    shown = ""

    for line in (simulated, *block[1].splitlines()):
        shown += run_line(line, tmp_path, tmp_path).stdout
    assert template[1] in shown


def draw_rows() -> list[str]:
    from datetime import date

    from setupdesk.adapters.catalogue import load_catalogue
    from setupdesk.core.timeframe import Timeframe
    from setupdesk.market.days import from_ms
    from setupdesk.market.resample import resample
    from setupdesk.market.synthetic import simulate_bars

    symbol = load_catalogue()["GER40"]
    minutes = simulate_bars(symbol, date(2024, 10, 1), date(2025, 10, 3), 1)
    bars = resample(minutes, Timeframe.M15, symbol.week)
    columns = (column * bars.tick for column in (bars.open, bars.high, bars.low, bars.close))
    return [
        f"{from_ms(int(time)).isoformat()}," + ",".join(f"{price:.1f}" for price in prices)
        for time, *prices in zip(bars.time, *columns, strict=True)
    ]
