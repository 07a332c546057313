"""The pages of the audit log and of the desk itself: searched, verified, examined, keys."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from setupdesk import __version__
from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.doors.ui.asking import looking_at, open_pages, press, read

REQUEST = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "10d"}
WATCH = {"setups": ["IB_raid_v1"], "symbols": ["GER40"], "timeframe": "M15"}
HOOK = {"name": "raids", "kind": "tradingview", "payload": REQUEST}


@pytest.fixture(scope="module", name="viewer")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a desk that accepted one request and refused another; give the key of a viewer."""
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1})
    desk.ask(REQUEST | {"options": {"dry_run": True}})
    desk.ask(REQUEST | {"symbol": "GER4O"})
    watch_id = desk.add_watch(WATCH)["watch_id"]
    desk.ask({"mode": "live", "watch": watch_id})
    desk.add_hook({**HOOK, "fields": [], "senders": []})
    wanted = {"name": "wall", "user": "ann", "role": "viewer", "days": 1}
    key: str = desk.add_key(wanted)["key"]
    desk.desk.close()
    with pytest.MonkeyPatch.context() as patch, looking_at(home, patch):
        yield key


def choose(app: AppTest, table: str, row: int) -> AppTest:
    app.session_state[table] = {"selection": {"rows": [row]}}
    return app.run()


def open_part(page: str, key: str, part: str) -> AppTest:
    return open_pages(page).segmented_control(key=key).set_value(part).run()


@pytest.mark.usefixtures("viewer")
def test_every_request_is_listed_and_one_is_read_whole() -> None:
    app = open_pages("audit.py")
    listed = read(app)
    chosen = read(choose(app, "audit_table_None_2", 0))

    assert "'Outcome': ['refused', 'accepted']" in listed
    assert "Choose a row to read the whole of its receipt." in listed
    assert "'GER4O' is not known, did you mean 'GER40'?" in chosen
    assert "Suggested: GER40" in chosen
    assert "Seal of the row before" in chosen


@pytest.mark.usefixtures("viewer")
def test_requests_are_searched_and_none_is_found() -> None:
    app = open_pages("audit.py")
    app.selectbox(key="audit_outcome").set_value("accepted").run()
    accepted = app.dataframe[0].value
    app.text_input(key="audit_search").set_value("GER4O").run()

    assert list(accepted["#"]) == [1]
    assert "No request is as searched for." in read(app)


@pytest.mark.usefixtures("viewer")
def test_the_chain_is_verified_by_a_button() -> None:
    text = read(press(open_pages("audit.py"), "Verify the chain"))

    assert "The chain is whole: 3 rows, anchored up to 3." in text


@pytest.mark.usefixtures("viewer")
def test_polls_of_watches_are_left_out_unless_asked_for() -> None:
    app = open_pages("audit.py")
    without = list(app.dataframe[0].value["#"])
    app.toggle(key="audit_polls").set_value(True).run()

    assert without == [2, 1]
    assert list(app.dataframe[0].value["#"]) == [3, 2, 1]


@pytest.mark.usefixtures("viewer")
def test_changes_and_what_was_turned_away_are_shown() -> None:
    changes = read(open_part("audit.py", "audit_part", "changes"))
    away = read(open_part("audit.py", "audit_part", "turned_away"))

    assert "watch made" in changes
    assert "Nothing came without a right key." in away


@pytest.mark.usefixtures("viewer")
def test_the_desk_is_examined_by_a_button() -> None:
    app = open_pages("system.py")
    now = read(app)
    examined = read(press(app, "Examine"))

    assert "Prefect does not answer" in now
    assert "this desk was not started by `up`" in now
    assert "Prefect" in now
    assert "ledger.db" in now
    assert "whole, 2 runs" not in now
    assert "audit log" in examined


@pytest.mark.usefixtures("viewer")
def test_a_key_is_made_shown_once_and_taken_back_when_sure() -> None:
    app = open_part("system.py", "system_part", "keys")
    app.text_input[0].set_value("no/name")
    refused = read(press(app, "Make it"))
    app.text_input[0].set_value("notebook")
    made = read(press(app, "Make it"))
    press(app, "I have it")
    gone = read(app)
    rows = app.dataframe[0].value
    choose(app, "keys_table", list(rows["Name"]).index("notebook"))
    press(app, "Revoke")
    asked = read(app)
    revoked = read(press(app, "Yes, take it back for good"))

    assert "name was 'no/name'" in refused
    assert "sdk_" in made
    assert "sdk_" not in gone
    assert "'revoked'" not in asked
    assert "'revoked'" in revoked


@pytest.mark.usefixtures("viewer")
def test_webhooks_are_listed_and_revoked_and_channels_say_that_there_is_none() -> None:
    hooks = open_part("system.py", "system_part", "hooks")
    listed = read(hooks)
    choose(hooks, "hooks_table", 0)
    press(hooks, "Revoke")
    revoked = read(press(hooks, "Yes, take it back for good"))
    channels = read(open_part("system.py", "system_part", "channels"))

    assert "raids" in listed
    assert "'State': ['active']" in listed
    assert "'State': ['revoked " in revoked
    assert "No channels yet" in channels


def test_a_viewer_sees_his_own_and_nothing_of_the_whole_desk(
    viewer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETUPDESK_KEY", viewer)
    audit, system = open_pages("audit.py"), open_part("system.py", "system_part", "keys")
    seen = read(open_pages("system.py"))
    asked, watch = open_pages(), open_pages()
    watch.segmented_control(key="form_template").set_value("watch").run()
    plan = read(open_pages("schedules.py"))

    assert "No requests yet." in read(audit)
    assert not [one for one in audit.button if one.label == "Verify the chain"]
    assert "You are ann; your role is viewer." in read(system)
    assert list(system.dataframe[0].value["Name"]) == ["wall"]
    assert f"'Version': ['{__version__}']" in seen
    assert "Light or dark" in seen
    assert asked.button(key="start").disabled
    for page in (read(asked), read(watch), plan):
        assert "Your role is viewer: you see what there is, and start nothing." in page


def test_a_desk_that_is_down_is_said_in_words_on_these_pages_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SETUPDESK_SERVER", "http://127.0.0.1:1")
    monkeypatch.setenv("SETUPDESK_KEY", "a-key")
    for page in ("audit.py", "system.py"):
        assert "The desk cannot be reached now." in read(open_pages(page))
