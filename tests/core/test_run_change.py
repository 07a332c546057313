import pytest
from hypothesis import given
from hypothesis import strategies as st

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.run import Priority
from setupdesk.core.run_change import FIELDS, parse_run_change


def find_codes(said: dict[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequestError) as caught:
        parse_run_change(said)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_what_is_said_is_changed_and_nothing_else() -> None:
    said = {"name": " First try ", "notes": "a\r\nb\tc", "tags": ["b", "a 1", "b"]}

    change = parse_run_change(said | {"priority": "nightly"})

    assert change.values == {
        "name": "First try",
        "notes": "a\nb\tc",
        "tags": ["b", "a 1"],
        "priority": Priority.NIGHTLY,
    }
    assert parse_run_change({"name": None, "notes": " ", "tags": None}).values == {
        "name": None,
        "notes": None,
        "tags": [],
    }


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, [("", "missing")]),
        ({"nmae": "x"}, [("nmae", "unknown_key")]),
        ({"priority": "urgent"}, [("priority", "unknown_priority")]),
        ({"priority": None}, [("priority", "unknown_priority")]),
        ({"name": 5}, [("name", "wrong_type")]),
        ({"name": "x" * 101}, [("name", "too_long")]),
        ({"notes": "x" * 2_001}, [("notes", "too_long")]),
        ({"name": "a\nb"}, [("name", "wrong_character")]),
        ({"notes": "a\x00b"}, [("notes", "wrong_character")]),
        ({"notes": "a\u202eb"}, [("notes", "wrong_character")]),
        ({"name": "\ud800"}, [("name", "wrong_character")]),
        ({"name": "=1+1"}, [("name", "formula")]),
        ({"notes": "  @SUM(A1)"}, [("notes", "formula")]),
        ({"tags": "a"}, [("tags", "wrong_type")]),
        ({"tags": ["ok", "-x", 5, ["a"]]}, [(f"tags.{place}", "wrong_tag") for place in (1, 2, 3)]),
        ({"tags": ["x" * 31]}, [("tags.0", "wrong_tag")]),
        ({"tags": ["a\n"]}, [("tags.0", "wrong_tag")]),
        ({"tags": [f"t{n}" for n in range(11)]}, [("tags", "too_many")]),
        (
            {"name": "=" * 101, "priority": "x", "tags": 1},
            [
                ("name", "too_long"),
                ("name", "formula"),
                ("priority", "unknown_priority"),
                ("tags", "wrong_type"),
            ],
        ),
    ],
)
def test_every_mistake_is_told_at_once(
    said: dict[str, object], found: list[tuple[str, str]]
) -> None:
    assert find_codes(said) == found


def test_a_flood_of_wrong_tags_is_not_answered_one_by_one() -> None:
    assert len(find_codes({"tags": ["-"] * 10_000})) == 11


@given(st.dictionaries(st.sampled_from((*FIELDS, "other")), st.text() | st.lists(st.text())))
def test_what_passes_drives_no_terminal_and_no_spreadsheet(said: dict[str, object]) -> None:
    try:
        values = parse_run_change(said).values
    except InvalidRequestError:
        return
    texts = [values.get("name"), values.get("notes"), *values.get("tags", ())]
    for text in filter(None, texts):
        assert text[0] not in "=+-@"
        assert text.replace("\n", "").replace("\t", "").encode()
