from hypothesis import given
from hypothesis import strategies as st

from setupdesk.core.printing import escape, tell, tell_story

ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from("\n\r\x1b\x7f\x85\u202e\u2028\u2029\u2066\ufeff\ud800a\u044f")
)


@given(ANY_TEXT)
def test_no_character_of_any_text_drives_a_terminal_or_begins_a_line(text: str) -> None:
    escaped = escape(text)

    assert escaped.isprintable()
    assert escaped.encode().decode() == escaped
    assert escape(escaped) == escaped
    if text.isprintable():
        assert escaped == text


def test_letters_stay_readable_and_what_is_invisible_is_named() -> None:
    assert escape("Прибыль +2R, 金") == "Прибыль +2R, 金"
    assert escape("a\nb\x1b[31m\u202e\x7f") == r"a\nb\u001b[31m\u202e\u007f"


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_an_event_is_one_line_whatever_it_holds(event: str, name: str, value: str) -> None:
    story = tell_story([{name: value, "at": value, "process": value, "event": event}])

    assert story.isprintable()


def test_an_event_is_told_with_its_fields_and_its_traceback_below() -> None:
    told = tell(
        {
            "at": "2025-10-31T09:00:00.123Z",
            "level": "error",
            "event": "task failed",
            "pid": 12,
            "problems": ["a", "b"],
            "traceback": "Traceback:\n  line 1\x1b",
        }
    )

    assert told.splitlines() == [
        'task failed  pid=12  problems=["a", "b"]',
        "    Traceback:",
        r"      line 1\u001b",
    ]


def test_a_story_says_when_and_by_which_process() -> None:
    events = [
        {"at": "2025-10-31T09:00:00.123456Z", "process": "run", "event": "task started"},
        {"event": "half a line"},
    ]

    assert tell_story(events).splitlines() == [
        "2025-10-31 09:00:00.123  run       task started",
        f"{'':35}half a line",
    ]
