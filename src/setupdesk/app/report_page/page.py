"""The HTML of a report page: one template, our styles and scripts, the candle chart, and JSON.

The scripts write whatever came from outside as text, never as markup, and the page's own policy
forbids every network and every script but these.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from setupdesk import __version__

Json = Mapping[str, Any]

PARTS = Path(__file__).with_name("parts")
VENDOR = Path(__file__).with_name("vendor")
SCRIPTS = (
    *("words", "headline", "equity", "bars", "boxes", "candles", "trades"),
    *("breakdowns", "candidates", "making", "page"),
)
"""In the order in which the page reads them."""

_TOLD_OF_RUN = ("run_id", "request", "user", "door", "accepted_at", "finished_at")


def build_page(
    run: Json, report: Json, candles: Json | str, setup: Json | None, still: bytes | None = None
) -> str:
    """Build the page of a run; *candles* is why there are none, if there are none.

    *still* is a PNG of its equity and verdict, for readers whose viewer runs no script.

    A report with NaN or infinity raises ``ValueError``: no browser would read it.
    """
    told = {
        "version": __version__,
        "run": {name: run.get(name) for name in _TOLD_OF_RUN},
        "setup": setup,
        "report": report,
        "candles": candles,
    }
    request = run["request"]
    title = " ".join(str(request[name]) for name in ("setup_id", "symbol", "timeframe"))
    chart, script = _read(VENDOR / "lightweight-charts.js"), _join_scripts()
    parts = {
        "title": escape(f"{title}, {run['run_id']}"),
        "policy": _write_policy((chart, script)),
        "style": _read(PARTS / "page.css"),
        "still": _write_still(still) if still else "",
        "report": _write_json(told),
        "chart": chart,
        "script": script,
    }
    # In one pass, so that nothing in a part is taken for a place.
    template = _read(PARTS / "page.html")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)


def _write_still(picture: bytes) -> str:
    encoded = base64.b64encode(picture).decode()
    size = 'width="1200" height="675" style="max-width:100%;height:auto"'
    return f'<p><img alt="Equity and drawdown" {size} src="data:image/png;base64,{encoded}"></p>'


def _write_json(told: Json) -> str:
    text = json.dumps(told, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    # Else a text of somebody's could end the script element that holds it.
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _write_policy(scripts: Iterable[str]) -> str:
    # lightweight-charts brings a style of its own, so styles cannot be named by their hashes.
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        f"base-uri 'none'; form-action 'none'"
    )


def _join_scripts() -> str:
    text = "\n".join(_read(PARTS / f"{name}.js") for name in SCRIPTS)
    # A page of one script has no modules.
    text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    return f'"use strict";\n(() => {{\n{text}\n}})();\n'


@cache
def _read(path: Path) -> str:
    return path.read_text("utf-8")
