"""Updates that Telegram delivers again, over a restart of the bot: each starts its run once."""

import sqlite3
import time
from pathlib import Path

import pytest

from tests.doors.telegram.speaking import talking, working

COUNT = 500


@pytest.mark.faults
def test_updates_that_are_delivered_three_times_start_each_run_once(tmp_path: Path) -> None:
    (tmp_path / "setupdesk.toml").write_text(
        "most_waiting_per_user = 100000\nmost_waiting = 100000"
    )
    with talking(tmp_path) as talk:
        talk.pair()
        with sqlite3.connect(tmp_path / "ledger.db") as ledger:
            ledger.execute("UPDATE api_key SET most_waiting = NULL")
        began = time.monotonic()
        updates = []
        with working(talk):
            updates = [talk.api.hear("/bt IB_raid_v1 GER40 M15 1w") for _ in range(COUNT)]
            for update in updates[: COUNT // 2]:
                talk.api.deliver(update)
            talk.settle(600)
        for update in reversed(updates):
            talk.api.deliver(update)
        (tmp_path / "telegram.db").unlink()  # all that it remembered is lost
        with working(talk):
            talk.settle(600)
        outcomes = talk.desk.get("/audit", params={"limit": 1000}).json()
        accepted = [one for one in outcomes if one["outcome"] == "accepted"]
        print(f"{COUNT} updates, twice more each: {len(accepted)} runs, ", end="")
        print(f"{time.monotonic() - began:.0f} s")

    assert len(accepted) == COUNT
    assert len({one["run_id"] for one in accepted}) == COUNT
