from collections import Counter
from random import Random
from typing import cast

from callwright.calls.byoc import ByocTrunks
from callwright.store.directory import Directory, Record
from callwright.store.store import Store

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32


def trunks(seed: int = 1) -> tuple[ByocTrunks, str]:
    directory = Directory(cast(Store, None))  # nothing is written
    policy = Record.new("NY", "connection_policies", ONE, {})
    trunk = Record.new("BY", "byoc_trunks", ONE, {"connection_policy_sid": policy.sid})
    targets = [
        Record.new(
            "NE",
            "connection_policy_targets",
            ONE,
            {"target": uri, "priority": priority, "weight": weight, "enabled": enabled},
            parent_sid=policy.sid,
        )
        for uri, priority, weight, enabled in (
            ("sip:last", 20, 10, True),
            ("sip:often", 10, 30, True),
            ("sip:seldom", 10, 10, True),
            ("sip:off", 1, 10, False),
        )
    ]
    directory.declare([policy, trunk, *targets])
    return ByocTrunks(directory, Random(seed).random), trunk.sid


def test_by_priority_then_by_weight() -> None:
    byoc, sid = trunks()
    orders = [byoc.targets(ONE, sid) for _ in range(2000)]
    assert {frozenset(order[:2]) for order in orders} == {frozenset({"sip:often", "sip:seldom"})}
    assert {order[2:] for order in orders} == {("sip:last",)}
    first = Counter(order[0] for order in orders)
    assert 1400 < first["sip:often"] < 1600, "three times in four"


def test_of_nobody_else() -> None:
    byoc, sid = trunks()
    assert byoc.targets(TWO, sid) == () == byoc.targets(ONE, "BY" + "0" * 32)


def test_without_a_policy() -> None:
    directory = Directory(cast(Store, None))
    bare = Record.new("BY", "byoc_trunks", ONE, {"connection_policy_sid": ""})
    directory.declare([bare, Record.new("NE", "connection_policy_targets", ONE, {"target": "sip:x"})])
    assert ByocTrunks(directory).targets(ONE, bare.sid) == ()
