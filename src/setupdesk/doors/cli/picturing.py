"""Draw a run or an alert as a PNG file: candles with a trade, or the equity."""

from pathlib import Path

from setupdesk.doors.cli.access import reach_desk, refuse_usage, say
from setupdesk.doors.cli.files import refuse_to_overwrite, write_file
from setupdesk.doors.cli.speech import speaking


def write_picture(  # noqa: PLR0913 (what is drawn, and how)
    run_id: str | None,
    file: Path,
    *,
    trade: int | None,
    equity: bool,
    alert: str | None,
    theme: str,
    overwrites: bool,
) -> None:
    """Write the picture of a trade, of an equity or of an alert to *file*."""
    if [bool(run_id), bool(alert)].count(True) != 1:
        refuse_usage("Give a RUN, or an alert with --alert: one of the two.")
    if [trade is not None, equity, bool(alert)].count(True) > 1:
        refuse_usage("Give one of --trade, --equity and --alert.")
    if theme not in ("light", "dark"):
        refuse_usage(f"--theme was {theme!r}; it is light or dark.")
    if not overwrites:
        refuse_to_overwrite(file, "--force")
    content = _draw(run_id, trade, alert, equity=equity, theme=theme)
    write_file(file, content)
    say(f"{file}: {len(content):,} bytes")


def _draw(
    run_id: str | None, trade: int | None, alert: str | None, *, equity: bool, theme: str
) -> bytes:
    # Pillow is loaded where something is drawn.
    from setupdesk.picture.inks import Theme
    from setupdesk.picture.png import Manner, picture_alert, picture_equity, picture_trades

    desk, manner = reach_desk(), Manner(Theme(theme), speaking())
    if alert:
        return picture_alert(desk, alert, manner)
    if equity:
        return picture_equity(desk, run_id or "", manner)
    return picture_trades(desk, run_id or "", trade, manner)
