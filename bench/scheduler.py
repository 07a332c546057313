"""How late 200 schedules that are due at the same instant are accepted as runs by START."""

import tempfile
import time
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import numpy as np
from sqlalchemy import select

from setupdesk.adapters.clock import now
from setupdesk.adapters.ledger.database import reading
from setupdesk.adapters.ledger.tables import run, tick
from setupdesk.core.caller import Caller, Role
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk

SCHEDULES, ROUNDS = 200, 2
PAYLOAD = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "10d"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"SETUPDESK_HOME": folder, "SETUPDESK_MOST_WAITING": "100000"})
        Path(folder).mkdir(exist_ok=True)
        desk = build_desk(settings, hands_over=True)
        desk.data_desk.simulate_bars(
            {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
        )
        for number in range(SCHEDULES):
            desk.schedule_desk.add(
                {
                    "name": f"schedule {number}",
                    "payload": PAYLOAD,
                    "at_bar_close": f"M1 + {(now() + timedelta(seconds=20)).second // 10 * 10}s",
                    "only_on_sessions": False,
                    "overlap": "allow",
                },
                Caller(user=f"user {number % 20}", role=Role.TRADER),
            )
        stop = Event()
        worker = Thread(target=desk.schedule_desk.scheduler.run_for_ever, args=(stop,))
        worker.start()
        used = time.process_time()
        time.sleep(60 * ROUNDS)
        used = time.process_time() - used
        stop.set()
        worker.join()
        with reading(desk.outbox.engine) as connection:
            rows = connection.execute(select(tick.c.due_at, tick.c.run_ids, tick.c.outcome)).all()
            found = connection.execute(select(run.c.run_id, run.c.accepted_at)).all()
            accepted = {row.run_id: row.accepted_at for row in found}
        late = np.array(
            [(accepted[row.run_ids[0]] - row.due_at).total_seconds() for row in rows if row.run_ids]
        )
        print(f"{SCHEDULES} schedules due at one instant, {len(late)} ticks of {len(rows)} fired")
        print(
            "accepted after due: "
            + ", ".join(
                f"p{share} {np.percentile(late, share) * 1000:,.0f} ms"
                for share in (50, 90, 99, 100)
            )
        )
        print(f"processor: {used / (60 * ROUNDS):.1%} of a core")


if __name__ == "__main__":
    main()
