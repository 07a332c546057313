"""What the desk has and does, in a few lines each."""

from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json, cut
from setupdesk.doors.telegram.card import show_none, tell_run
from setupdesk.doors.telegram.figures import market, moment, seconds
from setupdesk.doors.telegram.speech import name, say, say_many, spoken
from setupdesk.doors.telegram.told import list_channels, tell_mutes
from setupdesk.words.figures import NONE
from setupdesk.words.names import OUTCOMES, ROLES

_USUAL, _MOST = 5, 20


def read_count(asked: Asked) -> int:
    """Read how many somebody wants to see."""
    said = asked.words[0] if asked.words else ""
    return max(1, min(int(said), _MOST)) if said.isdecimal() else _USUAL


def _refresh(line: str) -> tuple[Button, ...]:
    return (Button(say("Refresh"), line),)


def list_runs(asked: Asked) -> Answer:
    """List the newest runs."""
    count = read_count(asked)
    runs = asked.desk.runs(count)["runs"]
    if not runs:
        return show_none()
    buttons = tuple((Button(one["run_id"], f"status {one['run_id']}"),) for one in runs[:_USUAL])
    return Answer(cut("\n".join(map(tell_run, runs))), (*buttons, _refresh(f"runs {count}")))


def show_queue(asked: Asked) -> Answer:
    """Show who runs and who waits."""
    queue = asked.desk.queue(_MOST)
    running = say_many(
        "{count} run is carried out", "{count} runs are carried out", queue["running_count"]
    )
    waiting = say_many("{count} run waits", "{count} runs wait", queue["waiting_count"])
    lines = [f"{running}, {waiting}"]
    lines += [f"🔵 {one['run_id']} {market(one['request'])}" for one in queue["running"]]
    lines += [_tell_waiting(one) for one in queue["waiting"]]
    return Answer(cut("\n".join(lines)), (_refresh("queue"),))


def _tell_waiting(one: Json) -> str:
    starts = one["starts_in_seconds"]
    when = f", {say('starts in {time}', time=seconds(starts))}" if starts is not None else ""
    why = one["waits_for"]["text"]
    return f"{one['position']}. {one['run_id']} {market(one['request'])}: {why}{when}"


def list_schedules(asked: Asked) -> Answer:
    """List the schedules, each with a button that pauses or resumes it."""
    schedules = asked.desk.schedules()
    if not schedules:
        return Answer(say("No schedules. `setupdesk schedule add` or the web desk makes one."))
    lines = [_tell_schedule(one) for one in schedules]
    buttons = tuple((_switch(one),) for one in schedules[:_USUAL])
    return Answer(cut("\n".join(lines)), (*buttons, _refresh("schedules")))


def _tell_schedule(one: Json) -> str:
    if one["paused"]:
        return f"⏸ {one['name']}: {say('paused')}"
    coming = moment(one["next"][0]["at"]) if one["next"] else NONE
    return f"⏰ {one['name']}: {say('next at {at}', at=coming)}"


def _switch(one: Json) -> Button:
    if one["paused"]:
        return Button(f"{say('Resume')}: {one['name']}"[:60], f"resume {one['schedule_id']}")
    return Button(f"{say('Pause')}: {one['name']}"[:60], f"pause {one['schedule_id']}")


def list_setups(asked: Asked) -> Answer:
    """List the setups, each with a button that asks for a backtest of it."""
    setups = asked.desk.setups()
    lines = [f"{one['setup_id']}: {_say_of(one['title'])}" for one in setups]
    buttons = tuple(
        (Button(one["setup_id"], f"step bt setup_id={one['setup_id']}"),) for one in setups[:30]
    )
    return Answer(cut("\n".join(lines)), buttons)


def _say_of(texts: dict[str, str] | str) -> str:
    if isinstance(texts, str):
        return texts
    return texts.get(spoken()) or texts.get("en", "")


def list_symbols(asked: Asked) -> Answer:
    """List the symbols."""
    lines = [f"{one['symbol']}: {one['title']}" for one in asked.desk.symbols()]
    return Answer(cut("\n".join(lines)))


def list_data(asked: Asked) -> Answer:
    """List the stored bars."""
    sets = asked.desk.data_sets()
    if not sets:
        return Answer(say("No bars yet. `setupdesk data import` or the web desk brings some."))
    lines = [
        f"{one['symbol']} {one['timeframe']}: {one['first'][:10]} … {one['last'][:10]}, "
        f"{say_many('{count} bar', '{count} bars', one['rows'])}"
        for one in sets
    ]
    return Answer(cut("\n".join(lines)))


def list_audit(asked: Asked) -> Answer:
    """List the newest requests, accepted and refused."""
    count = read_count(asked)
    rows = asked.desk.audit_log(count)
    lines = [
        f"{moment(one['at'])} {one['user']}, {one['door']}: {name(OUTCOMES, one['outcome'])}"
        f"{' ' + one['run_id'] if one['run_id'] else ''}"
        for one in rows
    ]
    return Answer(
        cut("\n".join(lines)) or say("Nothing was asked yet."), (_refresh(f"audit {count}"),)
    )


def show_whoami(asked: Asked) -> Answer:
    """Say as whom somebody speaks, and which setups he is not told of now."""
    known = asked.desk.whoami()
    said = say("You are {user}, {role}.", user=known["user"], role=name(ROLES, known["role"]))
    lines = [said, say("Your Telegram id: {id}", id=asked.person["telegram_id"])]
    return Answer("\n".join([*lines, *tell_mutes(list_channels(asked))]))


def show_version(asked: Asked) -> Answer:
    """Say which version the desk has."""
    return Answer(f"Setupdesk {asked.desk.version()}")
