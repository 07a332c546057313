"""The executor's process, of the desk that the environment names."""

from functools import partial

from setupdesk.adapters.event_log import EventLog, log_all_to
from setupdesk.executor.parent import Executor, Limits
from setupdesk.flows import build_flows
from setupdesk.settings import load_settings
from setupdesk.wiring.running import build_flow_body, build_journal, build_workers, warm_up


def main() -> None:
    """Run until SIGTERM, or until it has grown too much."""
    settings = load_settings()
    log_all_to(EventLog("executor", settings.logs, settings.runs, settings.secret_files))
    journal = build_journal(settings, "executor that is not registered yet")
    limits = Limits(
        seconds=settings.run_seconds,
        memory_mb=settings.run_memory_mb,
        growth_mb=settings.executor_growth_mb,
    )
    Executor(
        path=settings.executor_socket,
        journal=journal,
        workers=build_workers(settings),
        flows=build_flows(build_flow_body(settings, journal)),
        warm_up=partial(warm_up, settings),
        limits=limits,
    ).serve()


if __name__ == "__main__":
    main()
