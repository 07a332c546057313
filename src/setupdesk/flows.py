"""The two flows: what Prefect runs for a run. Both hand it to the same body."""

from collections.abc import Callable

from prefect import Flow, State, flow
from prefect.states import Failed

Flows = dict[str, Flow[[str], State[None] | None]]


def build_flows(carry_out: Callable[[str], None]) -> Flows:
    """Build both flows, by name, around the function that carries out a run."""

    def end(run_id: str) -> State[None] | None:
        try:
            carry_out(run_id)
        except Exception as error:  # noqa: BLE001 (the run ends here; the ledger has the traceback)
            # Prefect would pickle an exception into its storage; this state needs no file.
            return Failed(message=f"{type(error).__name__}: {error}")
        return None

    @flow(name="backtest_flow", persist_result=False, validate_parameters=False)
    def backtest_flow(run_id: str) -> State[None] | None:
        """Carry out one backtest."""
        return end(run_id)

    @flow(name="live_scan_flow", persist_result=False, validate_parameters=False)
    def live_scan_flow(run_id: str) -> State[None] | None:
        """Look at a market once."""
        return end(run_id)

    return {each.name: each for each in (backtest_flow, live_scan_flow)}
