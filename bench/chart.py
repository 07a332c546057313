"""The candle chart on a page of the web desk, beside Lightweight Charts alone on a bare page.

Both are loaded in one Chromium with an empty cache, in turns. It needs what `make browser` has
installed: `.venv-browser/bin/python -m bench.chart`, about two minutes.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from setupdesk.app.report_page.page import VENDOR
from setupdesk.core.timeframe import Timeframe
from setupdesk.picture.run import draw_run
from tests.browser.served_pages import FLAGS, await_pages
from tests.conftest import find_free_port

SIZES = {5_000: 5, 50_000: 3}
"""How many bars, and how often each page of so many is loaded."""

TRADES, WHEELS = 60, 15
SYMBOL = {"session": "09:00-17:30", "zone": "Europe/Berlin", "tick": 0.1}
M15_MS = 900_000
LAST = datetime(2025, 10, 31, tzinfo=UTC)

BARE = """<!doctype html><meta charset="utf-8"><div class="chart" style="height: 480px"></div>
<script src="lightweight-charts.js"></script>
<script>
const began = performance.now();
const { createChart, createSeriesMarkers, CandlestickSeries } = LightweightCharts;
const holder = document.querySelector(".chart");
const chart = createChart(holder, { autoSize: true });
const series = chart.addSeries(CandlestickSeries);
const { bars, marks } = JSON.parse(document.querySelector("#told").textContent);
series.setData(bars);
createSeriesMarkers(series, marks);
chart.timeScale().setVisibleLogicalRange({ from: bars.length - 240, to: bars.length + 4 });
requestAnimationFrame(() => requestAnimationFrame(() => {
  const now = performance.now();
  Object.assign(holder.dataset, { drawn: now, took: now - began });
}));
</script>"""

WHEEL = """async (node) => {
  const canvas = node.querySelector("canvas:nth-of-type(2)");
  const box = canvas.getBoundingClientRect();
  const began = performance.now();
  canvas.dispatchEvent(new WheelEvent("wheel", {
    deltaY: 120, clientX: box.x + 300, clientY: box.y + 100, bubbles: true, cancelable: true,
  }));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""


def main() -> None:
    """Measure both pages with each number of bars, and print the figures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for count, times in SIZES.items():
            measure(browser, Path(folder), count, times)
        measure_empty(browser)
        browser.close()


def measure(browser: Any, folder: Path, count: int, times: int) -> None:
    """Load both pages in turns and print the medians."""
    columns = make_bars(count)
    report = {"zone": SYMBOL["zone"], **make_sessions(columns), "trades": make_trades(columns)}
    picture = draw_run(columns, report, SYMBOL, Timeframe.M15)
    (folder / "picture.json").write_text(json.dumps(picture))
    write_bare_page(folder, columns, picture["trades"])
    with serving_files(folder) as bare, serving_chart(folder / "picture.json") as ours:
        load(browser, ours)  # the first one compiles
        pairs = [(load(browser, bare), load(browser, ours)) for _ in range(times)]
    print(f"{count:,} bars, {TRADES} trades; Lightweight Charts alone, and the web desk's page")
    for name, title in TITLES.items():
        alone, own = (median(one[name] for one in side) for side in zip(*pairs, strict=True))
        print(f"  {title}: {alone:,.0f} ms, {own:,.0f} ms, ratio {own / alone:.2f}")


def measure_empty(browser: Any) -> None:
    """Load a page of Streamlit with a word on it: whatever is drawn there cannot come sooner."""
    with serving_chart() as address:
        took = [load_empty(browser, address) for _ in range(6)][1:]
    print(
        f"a page of Streamlit with one word, from the address to the word: {median(took):,.0f} ms"
    )


def load_empty(browser: Any, address: str) -> float:
    """Load the page with the word in a browser that knows nothing of it."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(address)
    page.get_by_text("Empty").wait_for()
    took = float(page.evaluate("performance.now()"))
    page.close()
    return took


TITLES = {
    "drawn": "from the address to drawn",
    "before": "of these, before the chart begins",
    "took": "and from there to drawn",
    "wheel": "a step of the wheel",
}


def load(browser: Any, address: str) -> dict[str, float]:
    """Load a page in a browser that knows nothing of it, and zoom out with the wheel."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(address)
    page.wait_for_selector(".chart[data-drawn]", state="attached", timeout=60_000)
    chart = page.locator(".chart")
    told = chart.evaluate("(node) => ({ ...node.dataset })")
    steps = [chart.evaluate(WHEEL) for _ in range(WHEELS)]
    page.close()
    drawn, took = float(told["drawn"]), float(told["took"])
    return {"drawn": drawn, "before": drawn - took, "took": took, "wheel": median(steps)}


def make_bars(count: int) -> dict[str, list[float]]:
    """Make a random walk of M15 bars without pauses."""
    random = np.random.default_rng(1)
    close = 20_000 + np.cumsum(random.normal(0, 8, count))
    opened = np.concatenate([[20_000.0], close[:-1]])
    wick = np.abs(random.normal(0, 5, (2, count)))
    first = round(LAST.timestamp() * 1000) - count * M15_MS
    prices = {
        "open": opened,
        "high": np.maximum(opened, close) + wick[0],
        "low": np.minimum(opened, close) - wick[1],
        "close": close,
    }
    times: list[float] = [first + M15_MS * row for row in range(count)]
    return {"time": times, **{name: column.round(1).tolist() for name, column in prices.items()}}


def make_sessions(columns: dict[str, list[float]]) -> dict[str, Any]:
    """Make a session with two levels for each day of the bars."""
    days = len(columns["time"]) // 96
    sessions = []
    for place in range(1, days):
        day = (LAST - timedelta(days=place)).date().isoformat()
        price = columns["close"][-96 * place]
        levels = {"ib.high": price + 20, "ib.low": price - 20}
        sessions.append({"day": day, "levels": levels, "known_at": f"{day}T09:00:00Z"})
    return {"sessions": sessions}


def make_trades(columns: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Make trades of eight bars, spread over the bars."""
    count = len(columns["time"])
    rows = [count * (place + 1) // (TRADES + 2) for place in range(TRADES)]
    return [make_trade(columns, number, row) for number, row in enumerate(rows, 1)]


def make_trade(columns: dict[str, list[float]], number: int, row: int) -> dict[str, Any]:
    """Make a long trade that is entered at a row."""
    entry = columns["close"][row]
    at = [datetime.fromtimestamp(columns["time"][one] / 1000, UTC) for one in (row, row + 8)]
    prices = {"entry": entry, "stop": entry - 30, "target": entry + 60, "exit": entry - 30}
    told = {"number": number, "side": "long", "exit_reason": "stop", "r": -1.0}
    return told | prices | {"entry_at": at[0].isoformat(), "exit_at": at[1].isoformat()}


def write_bare_page(folder: Path, columns: dict[str, Any], trades: list[dict[str, Any]]) -> None:
    """Write the page of the library alone, with the same bars and the markers of the trades."""
    seconds = [one // 1000 for one in columns["time"]]
    names = ("open", "high", "low", "close")
    rows = zip(seconds, *(columns[name] for name in names), strict=True)
    bars = [dict(zip(("time", *names), row, strict=True)) for row in rows]
    mark = {"position": "belowBar", "shape": "arrowUp", "color": "#2a62d9"}
    marks = [
        {**mark, "time": seconds[one[end]], "text": f"#{one['number']}"}
        for one in trades
        for end in ("from", "to")
    ]
    told = json.dumps({"bars": bars, "marks": marks})
    data = f'<script type="application/json" id="told">{told}</script>'
    (folder / "index.html").write_text(BARE.replace("<script src", f"{data}\n<script src"))
    shutil.copy(VENDOR / "lightweight-charts.js", folder)


class Silent(SimpleHTTPRequestHandler):
    """Serve files and say nothing of it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """Serve a folder; give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def serving_chart(*picture: Path) -> Iterator[str]:
    """Serve the page with the chart alone, as the web desk is served; give its address."""
    port = find_free_port()
    page = Path(__file__).with_name("chart_page.py")
    flags = ("--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}")
    others = ("--server.fileWatcherType=none", "--browser.gatherUsageStats=false")
    run = (sys.executable, "-m", "streamlit", "run", str(page), *flags, *others)
    with subprocess.Popen([*run, "--", *map(str, picture)]) as process:
        address = f"http://127.0.0.1:{port}"
        await_pages(address)
        yield address
        process.terminate()


if __name__ == "__main__":
    main()
