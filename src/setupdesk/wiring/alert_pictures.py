"""Pictures of alerts, for whoever sends one: drawn of the bars as the watch saw them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from setupdesk.app.watch_desk import WatchDesk
from setupdesk.app.watched_bars import ShowWatchedBars
from setupdesk.core.caller import HOME


@dataclass(frozen=True, slots=True)
class AlertPictures:
    """Draws alerts of all users: each goes to its owner's channel."""

    watch_desk: WatchDesk
    show_watched_bars: ShowWatchedBars

    def draw(self, told: Mapping[str, Any], language: str) -> bytes:
        """Draw an alert as channels are told it; its signal stands as it did then, still open.

        Raises ``NotFoundError`` where its bars are not stored any more.
        """
        # Pillow is loaded where something is drawn.
        from setupdesk.picture.png import Manner, draw_raised

        return draw_raised(self, {**told, "said": told, "outcome": None}, Manner(language=language))

    def watch(self, watch_id: str) -> dict[str, Any]:
        """Give a watch."""
        return self.watch_desk.show(watch_id, HOME)

    def watched_bars(self, watch_id: str, symbol: str, limit: int) -> dict[str, Any]:
        """Give the newest bars of a watch."""
        return self.show_watched_bars(watch_id, symbol, HOME, limit)
