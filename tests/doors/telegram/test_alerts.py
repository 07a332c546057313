"""Who is paired is told of alerts by a channel of his, and nobody can be told by another user."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from setupdesk.core.pairing import name_pairing
from setupdesk.core.sign_in import derive_key
from tests.doors.telegram.bot_api import TOKEN, BotApi, serving_bot_api
from tests.service.serving import MANY_WRONG_KEYS, serving


@dataclass(frozen=True)
class Paired:
    api: BotApi
    desk: httpx.Client
    anna: dict[str, str]
    """Headers of her key."""

    channel_id: str


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paired]:
    home = tmp_path_factory.mktemp("desk")
    (home / "api.key").write_text("the-key")
    with serving_bot_api() as api:
        token = {"TELEGRAM_BOT_TOKEN": TOKEN, "SETUPDESK_TELEGRAM_API": api.address}
        with serving(home, {**MANY_WRONG_KEYS, **token}) as desk:
            code = desk.post("/telegram/codes", json={"user": "anna", "role": "trader"}).json()
            said = {"code": code["code"], "telegram_id": 7, "name": "Anna", "language": "ru"}
            made = desk.post("/telegram/pairings", json=said).json()
            key = derive_key("the-key", name_pairing(7))
            yield Paired(api, desk, {"Authorization": f"Bearer {key}"}, made["channel_id"])


def test_a_pairing_makes_a_channel_of_alerts_that_can_be_tried(paired: Paired) -> None:
    [channel] = paired.desk.get("/channels", headers=paired.anna).json()
    tried = paired.desk.post(f"/channels/{paired.channel_id}/test", headers=paired.anna)

    assert (channel["url"], channel["events"]) == ("telegram:7:ru", ["alert"])
    assert tried.json()["answered"] == 200
    assert paired.api.texts()[-1] == "Это проверка."


def test_nobody_else_can_have_a_user_of_telegram_told(paired: Paired) -> None:
    wanted = {"name": "hers", "url": "telegram:7", "events": ["alert"]}
    refused = paired.desk.post("/channels", json=wanted)
    unknown = paired.desk.post("/channels", json=wanted | {"url": "telegram:8"})

    assert refused.json()["problems"][0]["message"].endswith("paired with another user.")
    assert "8 is not paired with this desk" in unknown.json()["problems"][0]["message"]


def test_who_is_unpaired_is_told_nothing_more(paired: Paired) -> None:
    paired.desk.post("/telegram/pairings/7/revoke")
    [channel] = paired.desk.get("/channels").json()

    assert channel["revoked_at"] is not None
