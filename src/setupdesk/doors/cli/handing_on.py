"""Hand a run on: its report as an HTML file, as JSON, or its trades as CSV."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from setupdesk.client.tables import write_csv
from setupdesk.doors.cli.access import clear_errors, hand_over, reach_desk, refuse_usage, say
from setupdesk.doors.cli.files import refuse_to_overwrite, write_file

if TYPE_CHECKING:
    from setupdesk.doors.cli.access import Access

STDOUT = "-"


def hand_on(run_id: str, file: str | None, forms: list[str], *, overwrites: bool) -> None:
    """Write a run in one form: HTML goes to RUN.html, the others to standard output."""
    if len(forms) > 1:
        refuse_usage(f"Give one of --html, --json and --csv, not {len(forms)} of them.")
    form = forms[0] if forms else "html"
    place = file or (f"{run_id}.html" if form == "html" else STDOUT)
    with clear_errors(as_json=form == "json"):
        text = _write(reach_desk(), run_id, form)
    if place == STDOUT:
        hand_over(text.rstrip("\n"))
        return
    if not overwrites:
        refuse_to_overwrite(Path(place), "--force")
    write_file(Path(place), text.encode())
    say(f"{place}: {len(text.encode()):,} bytes")


def _write(desk: "Access", run_id: str, form: str) -> str:
    if form == "html":
        return desk.report_page(run_id)
    if form == "csv":
        return write_csv(desk.trades(run_id))
    return json.dumps(desk.result(run_id), indent=2, ensure_ascii=False) + "\n"
