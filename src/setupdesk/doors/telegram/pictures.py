"""Pictures that the bot sends: a trade of a run on its candles, and the equity of a run."""

from setupdesk.doors.telegram.answer import Answer, Asked, File
from setupdesk.doors.telegram.card import find_run, show_none
from setupdesk.doors.telegram.speech import say, spoken


def send_chart(asked: Asked) -> Answer:
    """Send the candles of a run, with the trade of the number that is said, or its last."""
    # Pillow is loaded where something is drawn.
    from setupdesk.picture.png import Manner, picture_trades

    run_id = find_run(asked)
    if run_id is None:
        return show_none()
    said = asked.words[1] if len(asked.words) > 1 else ""
    trade = int(said) if said.isdecimal() else None
    content = picture_trades(asked.desk, run_id, trade, Manner(language=spoken()))
    return Answer(say("The chart of {run}", run=run_id), file=File(f"{run_id}.png", content))


def send_equity(asked: Asked) -> Answer:
    """Send the equity of a run, with its drawdown."""
    # Pillow is loaded where something is drawn.
    from setupdesk.picture.png import Manner, picture_equity

    run_id = find_run(asked)
    if run_id is None:
        return show_none()
    content = picture_equity(asked.desk, run_id, Manner(language=spoken()))
    return Answer(say("The equity of {run}", run=run_id), file=File(f"{run_id}.png", content))
