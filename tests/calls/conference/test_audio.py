from types import SimpleNamespace
from typing import Any

from callwright.calls.conference.audio import Mix, edges

BUS = 99


def one(node: int, **facts: Any) -> Any:
    usual = {"call_sid": f"CA{node}", "node": node, "joined": True, "muted": False, "hold": False, "coach": ""}
    return SimpleNamespace(**(usual | facts))


def test_all_are_heard_and_hear() -> None:
    assert edges(BUS, [one(1), one(2)]) == {(BUS, 1), (1, BUS), (BUS, 2), (2, BUS)}


def test_muted_on_hold_and_not_there_yet() -> None:
    muted, held, coming, without_leg = one(1, muted=True), one(2, hold=True), one(3, joined=False), one(0)
    assert edges(BUS, [muted, held, coming, without_leg]) == {(BUS, 1)}


def test_a_coach_is_heard_by_the_one_whom_he_coaches() -> None:
    assert edges(BUS, [one(1), one(2, coach="CA1")]) == {(BUS, 1), (1, BUS), (BUS, 2), (2, 1)}
    assert (2, 1) not in edges(BUS, [one(1), one(2, coach="CA1", muted=True)])
    assert edges(BUS, [one(1, hold=True), one(2, coach="CA1")]) == {(BUS, 2)}
    assert edges(BUS, [one(2, coach="CA1")]) == {(BUS, 2)}


def test_only_what_changes_is_commanded() -> None:
    done: list[tuple[str, int, int]] = []
    stopped: list[int] = []
    engine: Any = SimpleNamespace(
        bus=lambda: BUS,
        connect=lambda source, sink: done.append(("+", source, sink)),
        disconnect=lambda source, sink: done.append(("-", source, sink)),
        stop=stopped.append,
    )
    mix = Mix(engine)
    mix.take(frozenset({(1, BUS), (BUS, 1)}))
    assert sorted(done) == [("+", 1, BUS), ("+", BUS, 1)]
    done.clear()
    mix.take(frozenset({(BUS, 1), (BUS, 2)}))
    assert sorted(done) == [("+", BUS, 2), ("-", 1, BUS)]
    done.clear()
    mix.close()
    assert sorted(done) == [("-", BUS, 1), ("-", BUS, 2)] and stopped == [BUS]
