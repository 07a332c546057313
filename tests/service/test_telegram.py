"""Pairings over the API: a code pairs once, and the key of a pairing is never shown."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from setupdesk.core.pairing import name_pairing, write_name
from setupdesk.core.sign_in import derive_key
from tests.service.serving import serving


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("desk")
    (home / "api.key").write_text("the-key")
    with serving(home) as client:
        yield client


def make_code(api: httpx.Client, user: str = "anna", role: str = "trader") -> str:
    return str(api.post("/telegram/codes", json={"user": user, "role": role}).json()["code"])


def pair(api: httpx.Client, code: str, telegram_id: int) -> httpx.Response:
    said = {"code": code, "telegram_id": telegram_id, "name": "Anna"}
    return api.post("/telegram/pairings", json=said)


def ask_who(api: httpx.Client, telegram_id: int) -> httpx.Response:
    key = derive_key("the-key", name_pairing(telegram_id))
    return api.get("/whoami", headers={"Authorization": f"Bearer {key}"})


def test_a_code_pairs_one_user_once_however_it_is_typed(api: httpx.Client) -> None:
    code = make_code(api)
    first = pair(api, code.lower().replace("-", " "), 11)
    second = pair(api, code, 12)

    paired = {"telegram_id": 11, "name": "Anna", "user": "anna", "role": "trader"}
    assert first.json() == paired | {"channel_id": None}  # the desk has no bot
    assert (second.status_code, second.json()["title"]) == (403, "wrong_code")
    assert [ask_who(api, number).status_code for number in (11, 12)] == [200, 401]
    assert {name: ask_who(api, 11).json()[name] for name in ("user", "role")} == {
        "user": "anna",
        "role": "trader",
    }
    assert api.get("/telegram/pairings/12").status_code == 404


def test_a_name_at_telegram_changes_no_text_around_it() -> None:
    assert write_name("An\u202ena\n\x1b[31m") == "Anna[31m"
    assert write_name("\n") == "--"


def test_who_is_unpaired_is_nobody_until_he_is_paired_again(api: httpx.Client) -> None:
    pair(api, make_code(api), 21)
    done = api.post("/telegram/pairings/21/revoke")
    after = ask_who(api, 21).json()["title"]
    pair(api, make_code(api, "bob", "viewer"), 21)

    assert (done.status_code, after) == (200, "revoked_key")
    assert ask_who(api, 21).json()["user"] == "bob"
    assert api.post("/telegram/pairings/22/revoke").status_code == 404


def test_schedules_are_paused_where_somebody_becomes_another_user(api: httpx.Client) -> None:
    pair(api, make_code(api), 31)
    key = {"Authorization": f"Bearer {derive_key('the-key', name_pairing(31))}"}
    api.post(
        "/data/simulated", json={"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-09"}
    )
    asked = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "1w"}
    plan = {"name": "nightly", "every": "24h", "payload": asked}
    made = api.post("/schedules", json=plan, headers=key).json()
    pair(api, make_code(api), 31)
    kept = api.get(f"/schedules/{made['schedule_id']}").json()["paused"]
    pair(api, make_code(api, "bob"), 31)

    assert not kept
    assert api.get(f"/schedules/{made['schedule_id']}").json()["paused"]


def test_codes_cannot_be_guessed_by_trying(api: httpx.Client) -> None:
    tried = [pair(api, "AAAAA-AAAAA", 41).status_code for _ in range(12)]

    assert set(tried[:10]) == {403}
    assert tried[-1] == 429


def test_a_stranger_is_one_row_an_hour(api: httpx.Client) -> None:
    for _ in range(3):
        api.post("/telegram/strangers", json={"telegram_id": 51})
    [row] = [one for one in api.get("/audit/turned-away").json() if one["address"] == "telegram:51"]

    assert (row["count"], row["reason"]) == (3, "not_paired")


def test_no_answer_and_no_file_has_a_code_or_a_key_of_a_pairing(
    api: httpx.Client, tmp_path: Path
) -> None:
    pair(api, make_code(api), 61)

    assert derive_key("the-key", name_pairing(61)) not in api.get("/telegram/pairings").text
    assert "sha256" not in api.get("/telegram/pairings").text
    assert not list(tmp_path.iterdir())
