"""Draw the README's picture: `setupdesk show RUN --json | python docs/draw_report.py`."""

import io
import json
import re
import sys
from pathlib import Path

from rich.console import Console

from setupdesk.doors.cli.report import render_report


def main() -> None:
    """Read a run with its report from standard input and write docs/report.svg."""
    shown = json.load(sys.stdin)
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    render_report({**shown["run"], **shown["report"]}, shown["report"], console)
    picture = console.export_svg(title="setupdesk backtest -s IB_raid_v1 -p GER40 -i M15")

    # The picture must not load anything from anywhere.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    Path(__file__).with_name("report.svg").write_text(picture)


if __name__ == "__main__":
    main()
