"""The kernels give the very same trades when Python runs them, not the compiler."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.result import Candidates, Trades
from tests.engine.markets import RULES, draw_market

ROOT = Path(__file__).parents[2]
SESSIONS = 15


def test_uncompiled_kernels_trade_the_same() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.engine.test_uncompiled"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},  # noqa: TID251 (passed on)
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()

    assert told == describe_runs()
    assert len(told) == len(RULES)
    assert sum(line.endswith(" 0 trades") for line in told) <= 2


def describe_runs() -> list[str]:
    """A line for each setup: its name, sha256 of all columns, and how many trades."""
    market = draw_market(SESSIONS)
    bars = market.bars(Timeframe.M5)
    lines = []
    for rule in RULES:
        result = run_setup(
            rule.default,
            market.symbol,
            bars,
            market.sessions,
            earlier=market.earlier,
            fine=market.minutes,
        )
        digest = hashlib.sha256()
        for columns in (result.candidates, result.trades):
            digest.update(_as_bytes(columns))
        lines.append(f"{rule.id} {digest.hexdigest()} {len(result.trades)} trades")
    return lines


def _as_bytes(columns: Candidates | Trades) -> bytes:
    values = (getattr(columns, name) for name in type(columns).__dataclass_fields__)
    return b"".join(one.tobytes() for one in values if isinstance(one, np.ndarray)) + (
        repr(list(columns.verdict)).encode() if isinstance(columns, Candidates) else b""
    )


if __name__ == "__main__":
    sys.stdout.write("\n".join(describe_runs()))
