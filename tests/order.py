"""Which process carries out which tests, and in what order: `pytest -n 3 --dist loadfile`."""

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

OF_PREFECT = (
    "tests/faults/test_busy_prefect.py",
    "tests/faults/test_toxic_prefect.py",
    "tests/app/test_adopter.py",
    "tests/test_executor.py",
    "tests/app/test_reconciler.py",
    "tests/adapters/test_prefect_api.py",
    "tests/adapters/test_prefect_server.py",
)
"""Files that share one Prefect server: in one process they start it once, not three times."""

LONGEST = (
    "tests/e2e/test_desk.py",
    *OF_PREFECT,
    "tests/faults/test_killed_watch.py",
    "tests/faults/test_kills.py",
    "tests/doors/test_cli.py",
    "tests/doors/test_fetch_command.py",
    "tests/app/test_live_watch.py",
    "tests/service/test_api.py",
    "tests/adapters/test_formats.py",
    "tests/app/test_parity.py",
    "tests/test_docs.py",
    "tests/faults/test_killed_import.py",
    "tests/doors/test_setups_command.py",
    "tests/doors/test_import_command.py",
    "tests/faults/test_teeth_of_the_engine.py",
    "tests/test_api_page.py",
    "tests/doors/ui/test_sign_in.py",
    "tests/service/test_events.py",
    "tests/faults/test_teeth.py",
    "tests/faults/test_failed_sync.py",
    "tests/faults/test_executors_killed_and_frozen.py",
    "tests/faults/test_full_disk_of_a_desk.py",
    "tests/faults/test_killed_notifiers.py",
    "tests/e2e/test_web_desk.py",
    "tests/adapters/test_ledger.py",
    "tests/faults/test_killed_schedulers.py",
)
"""Files that take longest. They begin first, so that no process is left with one at the end."""


def sort_longest_first(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first; all else keeps its place."""
    ranks = {file: rank for rank, file in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0], len(ranks)))


class SharingOut(LoadFileScheduling):  # type: ignore[misc]
    """Gives the tests of a file to one process, and those of one Prefect server as well."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        super().__init__(config, log)
        # The order is that of the collection, not that of the most tests.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "prefect" if file in OF_PREFECT else file
