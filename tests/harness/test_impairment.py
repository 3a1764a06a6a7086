"""The relay is bad in a way that repeats."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from . import tones
from .impairment import Impairment, ImpairmentRelay, fates
from .rtp import RtpPeer
from .sip import Phone

ROUGH = Impairment(loss=0.05, delay_ms=40, jitter_ms=20, reorder=0.02, duplicate=0.03, seed=7)


def test_the_same_seed_has_the_same_fates() -> None:
    first, second = (list(itertools.islice(fates(ROUGH), 1000)) for _ in range(2))
    assert first == second
    assert first != list(itertools.islice(fates(Impairment(loss=0.05, seed=8)), 1000))


def test_fates_keep_to_their_probabilities() -> None:
    sample = list(itertools.islice(fates(ROUGH), 10000))
    assert sum(fate.lost for fate in sample) / 10000 == pytest.approx(0.05, abs=0.01)
    assert sum(fate.late for fate in sample) / 10000 == pytest.approx(0.02, abs=0.005)
    assert sum(fate.copies == 2 for fate in sample) / 10000 == pytest.approx(0.03, abs=0.01)
    delays = [fate.delay for fate in sample if not fate.late]
    assert 0.0200 <= min(delays) < 0.0205 and 0.0595 < max(delays) <= 0.0600
    assert next(fates(Impairment())) == (False, 0.0, False, 1)


@pytest.fixture
async def relays() -> AsyncIterator[Callable[..., Awaitable[ImpairmentRelay]]]:
    made: list[ImpairmentRelay] = []

    async def start(*impairments: Impairment, **options: object) -> ImpairmentRelay:
        made.append(await ImpairmentRelay.start(*impairments, **options))  # type: ignore[arg-type]  # passed on
        return made[-1]

    yield start
    for relay in made:
        await relay.close()


async def test_tallies_are_what_the_seed_says_and_the_receiver_sees_them(
    rtp_peers: Callable[..., RtpPeer], relays: Callable[..., Awaitable[ImpairmentRelay]]
) -> None:
    impairment = Impairment(loss=0.2, reorder=0.1, reorder_ms=30, duplicate=0.1, seed=3)
    relay = await relays(impairment)
    one, other = rtp_peers(), rtp_peers()
    relay.b = (other.address, other.port)
    one.connect(relay.near)
    await one.play(tones.silence(2.0))
    one.pause()
    await other.silence_heard(0.2)
    tally = relay.a_to_b
    fate = list(itertools.islice(fates(impairment), tally.received))
    kept = [f for f in fate if not f.lost]
    assert tally.received >= 100 and tally.lost == sum(f.lost for f in fate) > 10
    assert tally.late == sum(f.late for f in kept) and tally.duplicated == sum(f.copies == 2 for f in kept)
    assert other.mark() == tally.forwarded == len(kept) + tally.duplicated
    statistics = other.heard.statistics()
    assert statistics.duplicates == tally.duplicated and 0 < statistics.reordered <= 2 * tally.late


async def test_a_call_through_the_relay(
    phones: Callable[..., Awaitable[Phone]], relays: Callable[..., Awaitable[ImpairmentRelay]]
) -> None:
    alice, bob = await phones("alice"), await phones("bob")
    relay = await relays(ROUGH, ROUGH)
    call = await alice.invite(bob.uri, relay=relay)
    incoming = await bob.incoming()
    await incoming.answer()
    await call.answered()
    assert incoming.remote_sdp is not None and (incoming.remote_sdp.address, incoming.remote_sdp.port) == relay.far
    call.media.tone(440)
    incoming.media.tone(700)
    await incoming.media.heard_tone(440)
    await call.media.heard_tone(700)
    await call.media.send_digits("159")
    await incoming.media.heard_digits("159")
    assert relay.a_to_b.received > 0 and relay.b_to_a.received > 0
