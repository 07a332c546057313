from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.caller import Caller, Role
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import Desk, build_desk

ANN, BOB = (Caller(user=name, role=Role.TRADER) for name in ("ann", "bob"))
PAYLOAD = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "1m"}


@pytest.fixture(name="desk")
def build(tmp_path: Path) -> Iterator[Desk]:
    desk = build_desk(load_settings({"SETUPDESK_HOME": str(tmp_path)}), hands_over=True)
    desk.data_desk.simulate_bars(
        {"symbol": "GER40", "start": "2025-03-01", "end": "2025-05-30", "seed": 1}
    )
    yield desk
    desk.close()


def save(desk: Desk, name: str, caller: Caller = ANN, **more: Any) -> dict[str, Any]:
    return desk.saved_desk.add({"name": name, "payload": PAYLOAD, **more}, caller)


def find_codes(refused: pytest.ExceptionInfo[InvalidRequestError]) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in refused.value.problems]


def test_what_was_said_is_kept_and_its_period_stays_relative(desk: Desk) -> None:
    made = save(desk, " Morning raid ")

    assert made["name"] == "Morning raid"
    assert made["payload"] == PAYLOAD
    assert desk.saved_desk.show("MORNING RAID", ANN) == made
    assert desk.saved_desk.show(made["saved_id"], ANN) == made


def test_a_name_is_taken_in_upper_and_lower_case_until_it_is_replaced(desk: Desk) -> None:
    first = save(desk, "Рейд")

    with pytest.raises(InvalidRequestError) as refused:
        save(desk, "РЕЙД")
    second = save(desk, "РЕЙД", replaces=True)

    assert find_codes(refused) == [("name", "taken")]
    assert refused.value.problems[0].suggestion == "РЕЙД 2"
    assert [one["saved_id"] for one in desk.saved_desk.list_saved(ANN)] == [second["saved_id"]]
    assert first["saved_id"] != second["saved_id"]


def test_what_start_would_refuse_is_not_saved_and_every_problem_is_placed(desk: Desk) -> None:
    wrong = {"name": "=1", "payload": PAYLOAD | {"symbol": "GER4O"}, "junk": 1}

    with pytest.raises(InvalidRequestError) as refused:
        desk.saved_desk.add(wrong, ANN)

    assert set(find_codes(refused)) == {
        ("name", "formula"),
        ("junk", "unknown_key"),
        ("payload.symbol", "unknown_symbol"),
    }
    assert desk.saved_desk.list_saved(ANN) == []


@pytest.mark.parametrize("said", [{}, {"name": 1, "payload": 2}, {"name": " ", "payload": []}])
def test_what_has_not_the_shape_of_a_saved_request_is_refused(
    desk: Desk, said: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        desk.saved_desk.add(said, ANN)

    assert find_codes(refused) == [("payload", "wrong_type"), ("name", "missing")]


def test_each_user_has_names_of_his_own_and_sees_no_others(desk: Desk) -> None:
    made = save(desk, "raid")
    save(desk, "raid", BOB)

    assert len(desk.saved_desk.list_saved(BOB)) == 1
    with pytest.raises(NotFoundError):
        desk.saved_desk.remove(made["saved_id"], BOB)
    desk.saved_desk.remove("raid", ANN)
    assert desk.saved_desk.list_saved(ANN) == []
    assert len(desk.saved_desk.list_saved(BOB)) == 1


def test_a_user_has_only_so_many_and_may_still_replace_one(desk: Desk) -> None:
    few = replace(desk.saved_desk, most=2)
    said = {"payload": PAYLOAD}
    few.add(said | {"name": "a"}, ANN)
    few.add(said | {"name": "b"}, ANN)

    with pytest.raises(InvalidRequestError) as refused:
        few.add(said | {"name": "c"}, ANN)

    assert find_codes(refused) == [("", "too_many_saved")]
    assert few.add(said | {"name": "B", "replaces": True}, ANN)["name"] == "B"
