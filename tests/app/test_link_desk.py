"""Links that sign in: each lets in once, within five minutes, while its key opens the desk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from setupdesk.app.link_desk import LinkDesk
from setupdesk.core.caller import Caller, Quota, Role
from setupdesk.core.errors import NoLinkError, WrongLinkError
from setupdesk.core.run import Door

ANNA = Caller(user="anna", role=Role.TRADER, quota=Quota(key_id="telegram:7"))


@dataclass
class Home:
    """Whose each key is, what was written down, and what time it is."""

    now: datetime = datetime(2026, 1, 5, 12, tzinfo=UTC)
    callers: dict[str, Caller] = field(default_factory=lambda: {"telegram:7": ANNA})
    noted: list[tuple[Any, ...]] = field(default_factory=list)

    def load_caller(self, key_id: str) -> Caller | None:
        return self.callers.get(key_id)

    def note(
        self, at: datetime, user: str, deed: str, subject: str, said: Mapping[str, Any]
    ) -> None:
        self.noted.append((at, user, deed, subject, dict(said)))


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def desk(home: Home) -> LinkDesk:
    return LinkDesk(home, home, lambda: home.now, "https://desk.example.org", is_local=False)


def draw(desk: LinkDesk, caller: Caller = ANNA) -> str:
    address: str = desk.add(caller, Door.TELEGRAM)["address"]
    assert address.startswith("https://desk.example.org/link/")
    return address.rpartition("/")[2]


def test_a_link_lets_in_once_and_looking_at_it_uses_nothing_up(desk: LinkDesk, home: Home) -> None:
    token = draw(desk)
    seen = [desk.find(token) for _ in range(3)]
    used = desk.use(token, Door.UI)

    assert all((one["user"], one["role"]) == ("anna", "trader") for one in seen)
    assert used == {"key_id": "telegram:7", **seen[0]}
    for again in (desk.find, lambda token: desk.use(token, Door.UI)):
        with pytest.raises(WrongLinkError):
            again(token)
    assert [one[1:] for one in home.noted] == [
        ("anna", "link made", "telegram:7", {"door": "telegram", "role": "trader"}),
        ("anna", "link used", "telegram:7", {"door": "ui", "role": "trader"}),
    ]
    assert token not in repr((desk, home.noted))


def test_a_link_is_void_after_five_minutes_and_when_another_is_made(
    desk: LinkDesk, home: Home
) -> None:
    first, second = draw(desk), draw(desk)
    home.now += timedelta(seconds=299)
    seen = desk.find(second)
    home.now += timedelta(seconds=1)

    assert seen["expires_at"] == "2026-01-05T12:05:00Z"
    for token in (first, second):
        with pytest.raises(WrongLinkError):
            desk.use(token, Door.UI)


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"telegram:7": Caller(user="bob", role=Role.TRADER)},
        {"telegram:7": Caller(user="anna", role=Role.ADMIN)},
    ],
)
def test_a_link_whose_key_ended_or_is_of_somebody_else_now_is_void(
    desk: LinkDesk, home: Home, now: dict[str, Caller]
) -> None:
    token = draw(desk)
    home.callers = now

    with pytest.raises(WrongLinkError):
        desk.find(token)
    with pytest.raises(WrongLinkError):
        desk.use(token, Door.UI)


def test_who_has_a_key_to_show_gets_no_link_nor_is_there_one_without_a_web_desk(
    desk: LinkDesk, home: Home
) -> None:
    given = Caller(user="eve", role=Role.VIEWER, quota=Quota(key_id="key_12345678"))
    without = LinkDesk(home, home, lambda: home.now, "", is_local=True)

    with pytest.raises(NoLinkError, match=r"your key at https://desk\.example\.org"):
        desk.add(given, Door.CLI)
    with pytest.raises(NoLinkError, match="ui = false"):
        without.add(ANNA, Door.TELEGRAM)
