"""Overhearing: a listener hears whatever a node hears, what comes later as well, and nothing after the node is gone."""

from callwright.engine import EventKind
from tests.engine.bridge import Bridge
from tests.harness import tones


def hz(bridge: Bridge, tap: int, frequency: float) -> bool:
    """Whether the last 100 ms of the tap hold the frequency."""
    return tones.contains(bridge.heard(tap)[-bridge.rate // 10 :], frequency, rate=bridge.rate)


async def test_a_listener_hears_what_the_node_hears(bridge: Bridge) -> None:
    node, listener, stranger = bridge.tap(), bridge.tap(), bridge.tap()
    before = bridge.engine.tone([(440, 0, 60000, 0)], sink=node)
    await bridge.hear(node, 0.2)
    bridge.engine.overhear(node, listener)
    await bridge.pass_time(8)
    assert hz(bridge, listener, 440)

    later = bridge.engine.tone([(880, 0, 60000, 0)], sink=node)
    await bridge.pass_time(8)
    assert hz(bridge, listener, 440) and hz(bridge, listener, 880)

    bridge.engine.disconnect(before, node)
    await bridge.pass_time(8)
    assert not hz(bridge, listener, 440) and hz(bridge, listener, 880)

    bridge.engine.stop(node)
    await bridge.pass_time(8)
    assert not hz(bridge, listener, 880)
    assert not bridge.heard(stranger).any()
    for tone in (before, later):
        bridge.engine.stop(tone)
        await bridge.event(EventKind.PLAYED, tone)


async def test_a_listener_may_go_first(bridge: Bridge) -> None:
    node, listener = bridge.tap(), bridge.tap()
    bridge.engine.overhear(node, listener)
    bridge.engine.stop(listener)
    tone = bridge.engine.tone([(440, 0, 60000, 0)], sink=node)
    await bridge.hear(node, 0.2)
    assert hz(bridge, node, 440)
    bridge.engine.stop(tone)
    bridge.engine.stop(node)
    await bridge.rest()


async def test_listeners_do_not_chain(bridge: Bridge) -> None:
    first, second, third = bridge.tap(), bridge.tap(), bridge.tap()
    bridge.engine.overhear(first, second)
    bridge.engine.overhear(second, third)
    bridge.engine.overhear(first, first)
    bridge.engine.overhear(first, 999_999)
    tone = bridge.engine.tone([(440, 0, 60000, 0)], sink=first)
    await bridge.hear(second, 0.3)
    assert hz(bridge, second, 440) and not bridge.heard(third).any()
    bridge.engine.stop(tone)
