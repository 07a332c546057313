"""The page of schedules: without any, with the ticks of one, and the form of another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from setupdesk.core.run import Door
from setupdesk.doors.ui.schedule_form import tell_rhythm
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings
from tests.doors.ui.asking import looking_at, open_pages, press, read

PAYLOAD = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "10d"}
NIGHTLY = {"name": "nightly", "cron": "30 22 * * 1-5", "payload": PAYLOAD}
WATCH = {"setups": ["IB_raid_v1"], "symbols": ["GER40"], "timeframe": "M15", "feed": "replay"}


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", name="desk")
def serve(
    tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch
) -> Iterator[InlineDesk]:
    """Serve a desk with the schedule of a watch."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2024-11-01", "end": "2025-05-30", "seed": 1})
    desk.add_watch(WATCH | {"name": "mine"})
    with looking_at(home, patch):
        yield desk


def test_without_bars_or_schedules_the_page_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with looking_at(tmp_path, monkeypatch):
        empty, unknown = (
            read(open_pages("schedules.py")),
            open_pages("schedules.py", schedule="x/y"),
        )

    assert "No schedules yet." in empty
    assert "There are no bars to run anything on yet." in empty
    assert "There is no schedule x/y, or it is not yours." in read(unknown)


def test_the_form_shows_the_next_ticks_as_it_changes_and_makes_a_schedule(
    desk: InlineDesk,
) -> None:
    app = open_pages("schedules.py")
    usual = str(app.dataframe[-1].value.to_dict("list"))
    app.text_input(key="plan_cron").set_value("15 7 * * *").run()
    changed = str(app.dataframe[-1].value.to_dict("list"))
    text = read(press(app, "Run it regularly"))

    assert "22:30 Europe/Berlin" in usual
    assert "07:15 Europe/Berlin" in changed
    assert app.query_params["schedule"].startswith("sched_")
    assert r"each day at 07\:15 Europe/Berlin \(15 7 \* \* \*\): IB\_raid\_v1" in text or (
        r"each day at 07\:15 Europe/Berlin \(15 7 \* \* \*\): IB_raid_v1 GER40 M15 6m" in text
    )
    assert "No tick was due yet." in text
    made = desk.schedule(app.query_params["schedule"])
    assert (made["catch_up"], made["overlap"]) == ("last", "queue_one")
    assert made["only_on_sessions"]


def test_a_form_that_is_sent_twice_makes_one_schedule(desk: InlineDesk) -> None:
    app = open_pages("schedules.py")

    def make() -> str:
        return str(press(app, "Run it regularly").query_params["schedule"])

    first, again = make(), make()
    desk.remove_schedule(first)
    after_its_removal = make()

    assert first == again
    assert after_its_removal != first


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("30 22 * * mon-fri", "each weekday at 22:30 Europe/Berlin (30 22 * * mon-fri)"),
        ("0 7 * * SUN,3", "Sun, Wed at 07:00 Europe/Berlin (0 7 * * SUN,3)"),
        ("*/5 9-17 * * 1-5", "*/5 9-17 * * 1-5 Europe/Berlin"),
        ("30 22 1 * *", "30 22 1 * * Europe/Berlin"),
    ],
)
def test_what_a_simple_cron_says_stands_before_it(cron: str, words: str) -> None:
    assert tell_rhythm({"cron": cron, "timezone": "Europe/Berlin"}) == words


@pytest.mark.usefixtures("desk")
def test_a_wrong_rhythm_stands_at_its_field_and_is_mended() -> None:
    app = open_pages("schedules.py")
    app.text_input(key="plan_cron").set_value("0 25 * * *").run()
    wrong, is_held = read(app), app.button(key="plan_make").disabled
    app.segmented_control(key="plan_rhythm").set_value("every").run()
    app.text_input(key="plan_every").set_value("5s").run()
    press(app, "Take 1m")

    assert "cron was '0 25 &#42; &#42; &#42;'" in wrong
    assert "It cannot be made" in wrong
    assert is_held
    assert app.text_input(key="plan_every").value == "1m"
    assert not app.button(key="plan_make").disabled


def test_a_schedule_is_run_now_paused_resumed_and_removed(desk: InlineDesk) -> None:
    schedule_id = desk.add_schedule(NIGHTLY)["schedule_id"]
    app = open_pages("schedules.py", schedule=schedule_id)
    coming = app.dataframe[1].value

    press(app, "Run now")
    ran = read(open_pages("schedules.py", schedule=schedule_id))
    paused = read(press(app, "Pause"))
    going_on = read(press(app, "Resume"))
    press(press(app, "Remove"), "No, keep it")
    kept = desk.schedule(schedule_id)["removed_at"]
    press(press(app, "Remove"), "Yes, remove it")

    assert len(coming) == 10
    assert set(coming["Market time"].str[11:16]) == {"22:30"}
    assert "'What became of it': ['fired']" in ran
    assert "run now, asked by" in ran
    assert ":gray-badge[paused]" in paused
    assert "Nothing comes while it is paused." in paused
    assert ":green-badge[active]" in going_on
    assert kept is None
    assert schedule_id not in [one["schedule_id"] for one in desk.schedules()]
    assert "schedule" not in app.query_params


def test_the_schedule_of_a_watch_leads_to_the_watch_and_is_not_removed(desk: InlineDesk) -> None:
    [watch] = desk.watches()
    app = open_pages("schedules.py", schedule=watch["schedule_id"])

    text, labels = read(app), [one.label for one in app.button]
    press(app, "Open the watch")

    assert f"poll of a watch {watch['watch_id']}" in text
    assert "Remove" not in labels
    assert app.query_params["watch"] == watch["watch_id"]


def test_the_page_is_there_in_russian(desk: InlineDesk) -> None:
    [watch] = desk.watches()
    text = read(open_pages("schedules.py", schedule=watch["schedule_id"], lang="ru"))

    assert "Ближайшие сроки" in text
    assert f"опрос наблюдения {watch['watch_id']}" in text
