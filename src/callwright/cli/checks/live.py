"""What the trunks of the daemon that runs are doing, by its own figures."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from callwright.cli.checks.finding import Finding, bad, doubtful, good
from callwright.cli.trunks import Samples
from callwright.config import TrunkSection
from callwright.sip.trunks import declared

RESTART = "Was the file changed since its start? Restart it"


def live(section: TrunkSection, now: Samples, at: datetime) -> Iterator[Finding]:
    """One trunk: its calls, its gateways that are left alone, its registration.

    Args:
        at: when these figures were told.
    """
    what = f"trunk {section.name}"
    calls = _of(section, now, "calls")
    if not calls:
        yield doubtful(what, "the running daemon does not know it", RESTART)
        return
    yield good(what, f"{sum(calls.values()):.0f} of {section.max_calls} calls now")
    for (target, *_), up in sorted(_of(section, now, "target_up", "target").items()):
        if not up:
            remedy = "Its log tells why: it has failed, or does not answer OPTIONS. It is tried again by itself"
            yield doubtful(f"{what} {target}", "is left alone by the running daemon", remedy)
    if section.registration.registrar:
        yield _registration(section, now, at)


def _of(section: TrunkSection, now: Samples, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """A figure of a trunk, by further labels."""
    found = now.get(f"callwright_trunk_{name}", ())
    return {tuple(one[label] for label in labels): value for one, value in found if one["trunk"] == section.name}


def _registration(section: TrunkSection, now: Samples, at: datetime) -> Finding:
    line = declared(section).line
    what = f"trunk {section.name} registration" + (f" of {line.aor}" if line is not None else "")
    left = _of(section, now, "registration_left_seconds").get((), 0.0)
    states = _of(section, now, "registered", "state")
    if not states:
        return doubtful(what, "the running daemon does not know it", RESTART)
    ((state,), registered), *_ = states.items()
    fault = next((fault for fault, *_ in _of(section, now, "registration_fault", "fault")), "")
    until = f"until {at + timedelta(seconds=left):%H:%M:%S} UTC"
    if registered and not fault:
        return good(what, f"the running daemon is registered {until}")
    remedy = f"callwright trunk test {section.name} asks the carrier now"
    if registered:
        return doubtful(what, f"registered {until}, but its last attempt has failed: {fault}", remedy)
    if fault:
        return bad(what, f"the running daemon is not registered ({state}): {fault}", remedy)
    return doubtful(what, f"the running daemon is not registered yet ({state})", remedy)
