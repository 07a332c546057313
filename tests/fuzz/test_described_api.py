"""A whole desk against its own description, by schemathesis; `make fuzz` installs that."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from setupdesk.settings import load_settings
from setupdesk.supervisor import await_service

pytestmark = pytest.mark.fuzz

SETUPDESK = Path(sys.executable).with_name("setupdesk")
SCHEMATHESIS = Path(__file__).parents[2] / ".venv-fuzz/bin/schemathesis"
LEAST_CASES = 5_000
RUN = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
ENDLESS = r"/events$"
"""A stream, of which the end is waited for; it has tests of its own."""

FAR = r"/data/fetch$"
"""Asks the hosts of vendors."""

CONFIG = """
hooks = "bodies.py"
continue-on-failure = true

[generation]
database = "none"

[dictionaries.runs]
values = {runs}
[dictionaries.symbols]
values = ["GER40", "DE40", "EURUSD", "GER4O"]
[dictionaries.timeframes]
values = ["M1", "M15", "15m", "D1"]
[dictionaries.tokens]
values = {tokens}

[parameters]
run_id = {{ dictionary = "runs", probability = 0.7 }}
symbol = {{ dictionary = "symbols", probability = 0.7 }}
timeframe = {{ dictionary = "timeframes", probability = 0.7 }}
token = {{ dictionary = "tokens", probability = 0.7 }}

# A description has no words for "bars of that symbol are stored" or "the end is not before the
# start": what breaks such a rule is a 422 with Problems, which is one more right answer.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 413, 415, 422, 429, 502]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("desk")
    own = {key: text for key, text in os.environ.items() if not key.startswith("PREFECT")}  # noqa: TID251
    environment = {
        **own,
        "SETUPDESK_HOME": str(home),
        "SETUPDESK_PORT": "0",
        "SETUPDESK_PREFECT_PORT": "0",
        "SETUPDESK_WRONG_KEYS_PER_MINUTE": "1000000",
    }
    subprocess.run([SETUPDESK, "up", "--detach"], env=environment, check=True, timeout=120)
    try:
        settings = load_settings(environment)
        key = settings.api_key_file.read_text()
        with httpx.Client(
            base_url=f"{await_service(settings)}/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        ) as client:
            yield client
    finally:
        subprocess.run([SETUPDESK, "down"], env=environment, check=True, timeout=120)


def test_the_api_is_as_described(desk: httpx.Client, tmp_path: Path) -> None:
    config = prepare(desk, tmp_path)
    origin = str(desk.base_url).removesuffix("/api/v1/")

    done = subprocess.run(
        [
            *(SCHEMATHESIS, "--config-file", config, "run", f"{origin}/api/v1/openapi.json"),
            *("--url", origin, "-H", f"Authorization: {desk.headers['authorization']}"),
            *("--exclude-path-regex", f"{ENDLESS}|{FAR}", "--checks", "all"),
            *("--phases", "examples,coverage,fuzzing,stateful", "-n", "90", "--seed", "1"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )

    print(done.stdout[-6_000:])
    [cases] = re.findall(r"(\d+) generated", done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(cases) >= LEAST_CASES
    assert desk.get("/audit/check").json()["whole"]
    assert desk.get("/health").status_code == 200


def wait_until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def prepare(desk: httpx.Client, folder: Path) -> Path:
    """Make what can be asked for, and the configuration that names it."""
    market = {"symbol": "GER40", "start": "2024-12-01", "end": "2025-05-30", "seed": 1}
    desk.post("/data/simulated", json=market)
    run_ids = [desk.post("/runs", json=RUN).json()["run_id"] for _ in range(3)]
    wait_until(lambda: desk.get("/health").status_code == 200)
    wait_until(lambda: desk.get(f"/runs/{run_ids[-1]}").json()["state"] == "completed")
    hook = desk.post("/hooks", json={"name": "tv", "payload": RUN, "fields": ["symbol"]}).json()
    shutil.copy(Path(__file__).with_name("bodies.py"), folder)
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(runs=json.dumps(run_ids), tokens=json.dumps([hook["token"]])))
    return config
