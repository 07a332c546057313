"""The picture of a rule: how it trades on an idealised day, drawn from the rule's own words."""

from collections.abc import Callable, Mapping
from typing import Any

from setupdesk.core.errors import InvalidRuleError
from setupdesk.doors.ui.rule_picture.drawing import Theme, draw
from setupdesk.doors.ui.rule_picture.telling import tell_story
from setupdesk.doors.ui.rule_picture.trade import take_trade
from setupdesk.setups.rule import read_rule


def draw_rule(raw: Mapping[str, Any], say: Callable[[str], str], theme: Theme) -> str | None:
    """Draw the rule *raw* as SVG, its words by *say*; None where it has no picture.

    Stop and target stand where the rule's formulas put them. It is drawn for a long, or for a
    short where the rule trades no other; triggers of plug-ins have no picture.
    """
    try:
        setup = read_rule(str(raw.get("id")), dict(raw)).default
    except InvalidRuleError:
        return None
    for side, name in ((1, "long"), (-1, "short")):
        if name in setup.sides and (story := tell_story(setup, side, say)):
            trade = take_trade(setup, story, side)
            between = " ... ".join(str(raw["window"][end]) for end in ("from", "to"))
            return draw(trade, say, theme, title=setup.title.en, window=between)
    return None
