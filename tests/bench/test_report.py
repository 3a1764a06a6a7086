"""What is concluded from measurements."""

from typing import Any

import pytest
from rich.console import Console

from bench.plan import FINISHED, IDLE, OURS, PEER, STORM, TOTAL
from bench.plot import svg
from bench.report import Finding, Results


def line(cost: float, **more: Any) -> dict[str, Any]:
    return {"cost": cost, "clean": True, "gap_max_ms": 20.0, "other_cpu_pct": 1.0, **more}


def results(*lines: tuple[str, str, dict[str, Any]]) -> Results:
    found = Results()
    for row, side, one in lines:
        found.add(row, side, one)
    return found


def finding(found: Results, row: str, work: str) -> Finding:
    (one,) = [each for each in found.findings() if each.row == row and each.work.startswith(work)]
    return one


def test_medians_spread_and_ratio() -> None:
    costs = {OURS: (0.5, 0.4, 0.9), PEER: (1.0, 2.0, 1.1)}
    found = results(*(("P2", side, line(cost, calls=50)) for side, all_ in costs.items() for cost in all_))
    one = finding(found, "P2", "echo")
    assert (one.ours, one.peer) == (0.5, 1.1)
    assert one.ratio == pytest.approx(0.4545, abs=1e-3)
    assert one.met
    assert one.spread == ((0.4, 0.9), (1.0, 2.0))


@pytest.mark.parametrize(
    ("row", "goal"), [("P1", 0.2), ("P2", 0.6), ("P3", 0.35), ("P4", 0.6), ("P5", 0.5), ("P6", 1.0), ("P7", 1.0)]
)
def test_goals_are_on_the_ratio(row: str, goal: float) -> None:
    for factor, met in ((0.99, True), (1.01, False)):
        found = results((row, OURS, line(goal * factor, calls=50)), (row, PEER, line(1.0, calls=50)))
        one = next(each for each in found.findings() if each.row == row)
        assert (one.goal, one.met) == (goal, met)


def test_without_a_peer_nothing_is_told_of_the_goal() -> None:
    assert finding(results(("P2", OURS, line(0.1, calls=50))), "P2", "echo").met is None


def test_the_peer_s_largest_load_stands_in() -> None:
    found = results(("P1", OURS, line(0.1, calls=800)), ("P1", PEER, line(1.0, calls=400)))
    one = finding(found, "P1", "prompt")
    assert (one.peer, one.note.split(",")[0]) == (1.0, "peer at 400")


def test_relays_are_set_beside() -> None:
    found = results(
        *(("P3", side, line(cost, calls=50)) for side, cost in ((OURS, 0.7), ("rtpengine", 1.0), ("floor", 0.5)))
    )
    assert finding(found, "P3", "beside rtpengine").met
    beside_floor = finding(found, "P3", "beside floor")
    assert (beside_floor.ratio, beside_floor.met) == (pytest.approx(1.4), None)


def test_the_largest_clean_load() -> None:
    cleanness = {100: (True,), 250: (True, False, True), 300: (False, True, False), 400: (True,)}
    found = results(
        *(("P5", OURS, line(1, calls=calls) | {"clean": clean}) for calls, all_ in cleanness.items() for clean in all_)
    )
    one = finding(found, "P5", "calls, no gap over 60 ms")
    assert (one.ours, one.met) == (250, True)
    assert "1 of 3 not clean" in next(each.note for each in found.findings() if each.load == "250")


def test_busy_neighbours_are_told() -> None:
    found = results(("P2", OURS, line(1, calls=50, other_cpu_pct=30)), ("P2", OURS, line(1, calls=100)))
    assert found.busy() == 1
    notes = [each.note for each in found.findings()]
    assert "others used 30 %" in notes[0]
    assert "others" not in notes[1]


def growing(side: str, each: float, kb: float, idle: float) -> list[tuple[str, str, dict[str, Any]]]:
    """Costs that are linear but for what an idle server uses."""
    lines = [
        ("P12", side, line(each + idle / calls, calls=calls, rss_kb_per_call=kb)) for calls in (10, 100, 300, 1000)
    ]
    return [*lines, (IDLE, side, line(idle))]


def test_growth_is_of_what_calls_add() -> None:
    found = results(*growing(OURS, 0.5, 90, 20), *growing(PEER, 2.0, 130, 5))
    processor, memory = finding(found, "P12", "CPU"), finding(found, "P12", "memory: exponent")
    assert processor.ours == pytest.approx(1)
    assert memory.ours == pytest.approx(1)
    assert processor.met and memory.met
    each = finding(found, "P12", "memory: kB a live call")
    assert (each.ours, each.peer) == (pytest.approx(90), pytest.approx(130))


def test_growth_that_is_more_than_linear() -> None:
    found = results(*(("P12", OURS, line(calls**0.2, calls=calls, rss_kb_per_call=1)) for calls in (10, 100, 1000)))
    one = finding(found, "P12", "CPU")
    assert (one.ours, one.met) == (pytest.approx(1.2), False)


def test_memory_of_finished_calls() -> None:
    found = results(
        (FINISHED, OURS, line(50, calls=2000, kept_kb_per_call=1)),
        (FINISHED, PEER, line(95, calls=2000, kept_kb_per_call=90)),
    )
    assert finding(found, FINISHED, "memory: kB a finished call").met
    assert finding(found, FINISHED, "memory: the same").peer == 90


@pytest.mark.parametrize(("mb", "met"), [(0.0, True), (100.0, False)])
def test_a_long_run_is_judged_after_its_beginning(mb: float, met: bool) -> None:
    points = [(0, 100.0), (5000, 300.0), (10_000, 400.0), (55_000, 400 + mb / 2), (100_000, 400 + mb)]
    found = results(*((TOTAL, OURS, line(rss, calls=calls)) for calls, rss in points))
    one = finding(found, TOTAL, OURS)
    assert (one.met, one.load) == (met, "10000 to 100000")
    assert one.ours == pytest.approx(1024 * mb / 90_000)


def test_table_and_plot_hold_every_row() -> None:
    found = results(
        *growing(OURS, 0.5, 90, 20),
        *growing(PEER, 2.0, 130, 5),
        ("P3", "rtpengine", line(1.0, calls=50)),
        *((row, side, line(1.0, calls=50)) for row in ("P1", "P2", "P3", "P4", "P5") for side in (OURS, PEER)),
        (TOTAL, OURS, line(100, calls=0)),
        (TOTAL, OURS, line(110, calls=20_000)),
    )
    console = Console(width=200, record=True, file=None, quiet=True)
    console.print(found.table())
    drawn = svg(found)
    for title in (
        "P1: ",
        "P2: ",
        "P3: ",
        "P4: ",
        "P5: ",
        "P12: growth: prompt",
        "P12: growth: memory",
        "P12: memory after",
    ):
        assert f">{title}" in drawn
    assert "P6" not in drawn
    assert drawn.count("rtpengine") == 1


def stormed(seconds: float, clean: bool, phones: int = 10_000) -> tuple[str, str, dict[str, Any]]:
    more = {"phones": phones, "seconds": seconds, "register_p99_ms": 9, "answer_p99_ms": 12, "clean": clean}
    return STORM, OURS, line(0.4, **more)


@pytest.mark.parametrize(("seconds", "clean", "met"), [(20, True, (True, True)), (70, False, (False, False))])
def test_phones_that_register_again(seconds: float, clean: bool, met: tuple[bool, bool]) -> None:
    found = results(stormed(seconds, clean))
    absorbed, calls = finding(found, STORM, "phones register again"), finding(found, STORM, "phones, all calls clean")
    assert (absorbed.ours, absorbed.goal) == (seconds, 60)
    assert (absorbed.met, calls.met) == met
    assert "INVITE p99 12 ms" in absorbed.note
    assert finding(found, STORM, "the same").ours == 0.4


def test_fewer_phones_than_the_goal_do_not_meet_it() -> None:
    assert finding(results(stormed(2, True, phones=1000)), STORM, "phones, all calls clean").met is False
