"""Draw the README's picture: `setupdesk report RUN --html - | python docs/draw_page.py TRADE`.

TRADE is the number of the trade to show, RUN one on the simulated market, such as that of
`make demo`. Chromium has to be installed.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

WIDTH, HEIGHT = 1280, 1430
LIGHT = "--blink-settings=preferredColorScheme=1"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--virtual-time-budget=3000", f"--window-size={WIDTH},{HEIGHT}", LIGHT),
)


def main() -> None:
    """Read a page from standard input and write docs/report.png."""
    picture = Path(__file__).with_name("report.png")
    with TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(sys.stdin.read())
        subprocess.run(
            [  # noqa: S607 (wherever Debian has it)
                "chromium",
                *FLAGS,
                f"--user-data-dir={folder}/profile",
                f"--screenshot={picture}",
                f"{page.as_uri()}#trade-{sys.argv[1]}",
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    main()
