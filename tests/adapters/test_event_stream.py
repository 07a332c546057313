from collections.abc import Iterator

from setupdesk.adapters.event_stream import follow_stream, read_events
from setupdesk.core.errors import DeskUnavailableError

LOG = ["event: log", 'data: {"event": "a: b"}', "id: 1:queued:", ""]
END = ["event: end", 'data: {"state": "failed"}', "id: 1:failed::end", ""]


def test_comments_and_events_that_are_cut_short_are_none() -> None:
    lines = [": ping", "", *LOG, *END[:3]]

    assert list(read_events(iter(lines))) == [
        {"event": "log", "id": "1:queued:", "data": {"event": "a: b"}}
    ]


def test_a_stream_is_asked_for_again_from_the_last_event_that_was_heard() -> None:
    asked = []

    def listen(heard: str) -> Iterator[str]:
        asked.append(heard)
        if len(asked) == 1:
            yield from [*LOG, *END[:2]]
        elif len(asked) == 2:
            raise DeskUnavailableError("it is being started anew")
        else:
            yield from END

    told = [event["event"] for event in follow_stream(listen)]

    assert told == ["log", "end"]
    assert asked == ["", "1:queued:", "1:queued:"]
