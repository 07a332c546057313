"""The report page in a real Chromium, by ``make browser``."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from setupdesk.app.report_page.page import build_page
from tests.app.test_report_page import HOSTILE, RUN, report_of
from tests.engine.results import MIXED

pytestmark = pytest.mark.browser

SETUPDESK = Path(sys.executable).with_name("setupdesk")
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1400, "height": 1000}
WEBSITE = "https://example.com/"


class Opened:
    """A page that notes what it says to the console and asks of the network."""

    def __init__(
        self, browser: Any, file: Path, viewport: dict[str, int], place: str = "", **how: Any
    ) -> None:
        self.page = browser.new_page(viewport=viewport, **how)
        self.page.set_default_timeout(20_000)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri() + place)
        self.page.wait_for_selector("html[data-ready]", state="attached")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the page of a run on the simulated market."""
    home = tmp_path_factory.mktemp("home")
    call(home, "data", "simulate", "--start", "2024-10-01", "--end", "2025-06-30")
    words = ("backtest", "-s", "IB_raid_v1", "-p", "GER40", "-i", "M15", "--inline", "--json")
    done = json.loads(call(home, *words, "--start", "2025-05-01", "--end", "2025-06-30"))
    page = home / "page.html"
    call(home, "report", done["run"]["run_id"], "--html", str(page))
    return page


def call(home: Path, *words: str) -> str:
    environment = {**os.environ, "SETUPDESK_HOME": str(home)}  # noqa: TID251 (passed on)
    done = subprocess.run(
        [SETUPDESK, *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def write(folder: Path, report: dict[str, Any], candles: Any = "none", **how: Any) -> Path:
    file = folder / "page.html"
    file.write_text(build_page(RUN | how, report, candles, None))
    return file


def test_a_viewer_that_runs_no_script_has_the_equity_and_the_verdict(
    chromium: Any, file: Path
) -> None:
    page = chromium.new_context(java_script_enabled=False, viewport=PHONE).new_page()
    page.goto(file.as_uri())
    still = page.get_by_alt_text("Equity and drawdown")
    box = still.bounding_box()

    assert "allow scripts to read it" in page.inner_text("body")
    assert box["width"] < PHONE["width"] < 2 * box["width"]
    assert round(box["width"] / box["height"], 1) == round(1200 / 675, 1)


@pytest.mark.parametrize("viewport", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_without_complaint_network_or_overflow(
    chromium: Any, file: Path, viewport: dict[str, int], scheme: str
) -> None:
    opened = Opened(chromium, file, viewport, color_scheme=scheme)

    assert opened.said == []
    assert opened.asked == [file.as_uri()]
    wider = "document.documentElement.scrollWidth - innerWidth"
    assert opened.page.evaluate(wider) <= 0
    words = opened.page.inner_text("main").split()
    assert not {"NaN", "null", "undefined", "Infinity", "[object"} & set(words)


def test_a_click_on_a_trade_shows_its_candles(chromium: Any, file: Path) -> None:
    opened = Opened(chromium, file, DESK)
    row = opened.page.locator(".list tbody tr").first
    day = row.locator("td").nth(1).inner_text()
    before = opened.page.locator(".candles").screenshot()
    assert opened.page.locator(".candles").get_attribute("data-day") != day

    row.click()
    opened.page.wait_for_timeout(300)

    assert opened.page.locator(".candles").get_attribute("data-day") == day
    assert opened.page.locator(".candles").screenshot() != before
    assert opened.page.locator(".toolbar .readout").inner_text().startswith(f"#1 {day}")
    assert (
        opened.page.locator(".candles a")
        .get_attribute("href")
        .startswith("https://www.tradingview.com/")
    )
    assert opened.said == []


def test_a_link_opens_at_its_trade_with_the_candles_in_sight(chromium: Any, file: Path) -> None:
    opened = Opened(chromium, file, DESK, "#trade-3")

    assert opened.page.locator(".list tr.chosen td").first.inner_text() == "3"
    box = opened.page.locator(".candles").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= DESK["height"]


def test_the_list_is_sorted_by_a_click_and_back(chromium: Any, file: Path) -> None:
    opened = Opened(chromium, file, DESK)

    for wanted in ("ascending", "descending"):
        opened.page.locator(".list thead th:last-child button").click()
        shown = opened.page.locator(".list tbody tr td:last-child").all_inner_texts()
        results = [float(text.replace("\u2212", "-").rstrip("R")) for text in shown]

        assert len(results) > 10
        assert results == sorted(results, reverse=wanted == "descending")
        assert opened.page.locator(f"th[aria-sort={wanted}]").inner_text().startswith("R")


def test_the_evidence_of_a_candidate_is_unfolded_and_leads_to_its_candles(
    chromium: Any, file: Path
) -> None:
    opened = Opened(chromium, file, DESK)
    opened.page.locator(".chip[data-code=traded]").click()

    opened.page.locator(".candidates summary").first.click()
    opened.page.locator(".evidence button").click()

    assert opened.page.locator(".evidence li.met").count() > 5
    assert opened.page.locator(".evidence li.unmet").count() == 0
    assert opened.page.locator(".list tr.chosen td").first.inner_text() == "1"
    assert opened.page.locator(".list tr.chosen").count() == 1


def test_hostile_text_stays_text(chromium: Any, tmp_path: Path) -> None:
    note = {"code": "x", "severity": "alarm", "sentence": HOSTILE}
    report = report_of(MIXED) | {"notes": [note], "fill_rules": [HOSTILE]}

    opened = Opened(chromium, write(tmp_path, report, user=HOSTILE), DESK)

    assert opened.said == []
    assert opened.page.locator("img").count() == 0
    assert "<script>alert(1)</script>" in opened.page.inner_text("main")


def test_the_policy_of_a_page_forbids_every_network_and_other_scripts(
    chromium: Any, file: Path
) -> None:
    opened = Opened(chromium, file, DESK)

    fetched = f"fetch('{WEBSITE}').then(() => 'came', () => 'refused')"
    image = (
        f"new Promise((done) => {{ const image = new Image(); image.onload = () => done('came');"
        f" image.onerror = () => done('refused'); image.src = '{WEBSITE}x.png'; }})"
    )
    assert opened.page.evaluate(fetched) == "refused"
    assert opened.page.evaluate(image) == "refused"
    complaints = [said for said in opened.said if "Content Security Policy" in said]
    assert len(complaints) >= 2


@pytest.mark.parametrize("results", [(), (1.5,), (0.0,) * 40, (-1.0,) * 40])
def test_a_page_without_candles_says_so_and_shows_the_rest(
    chromium: Any, tmp_path: Path, results: tuple[float, ...]
) -> None:
    why = "There are no candles: the bars of this run are not stored any more."

    opened = Opened(chromium, write(tmp_path, report_of(results), why), PHONE)

    text = opened.page.inner_text("main")
    assert opened.said == []
    assert why in text
    assert "Why candidates were refused" in text
    assert not re.search(r"NaN|undefined|\bnull\b|Infinity", text)


def test_a_page_on_paper_is_white_whatever_the_screen_was(chromium: Any, file: Path) -> None:
    opened = Opened(chromium, file, DESK, color_scheme="dark")

    sheet = opened.page.pdf(format="A4")

    assert sheet.startswith(b"%PDF")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    pixel = "document.querySelector('.paper canvas').getContext('2d').getImageData(2, 2, 1, 1).data"
    assert opened.page.evaluate(f"[...{pixel}].slice(0, 3).every((part) => part > 230)")
