"""Several phones ring: one answers, all refuse, or the caller gives up."""

import pytest

from callwright.calls.fork import Fork, Way
from callwright.errors import LegGone
from callwright.sip.leg import Leg, LegState
from tests.calls.fakes import Room
from tests.calls.jumping import after, timers, turns


def fork(room: Room, *uris: str, q: dict[str, float] | None = None, endings: list[int] | None = None) -> Fork:
    """To these addresses, each as preferred as `q` says. `endings` takes the code of each phone's end."""

    def way(uri: str) -> Way:
        def send() -> Leg:
            return room.endpoint.originate(uri, local_uri="<sip:a@b>")

        told = endings if endings is not None else []
        return Way(send, (q or {}).get(uri, 1.0), lambda ending: told.append(ending.code))

    return Fork(room.endpoint, [way(uri) for uri in uris or ("sip:1", "sip:2", "sip:3")], seconds=30)


def nodes(room: Room) -> list[int]:
    return [command.node for command in room.engine.of("originate")]


async def test_the_first_that_answers_is_the_call(room: Room) -> None:
    leg = fork(room)
    one, two, three = nodes(room)
    heard: list[tuple[int, bool]] = []
    keys: list[str] = []
    with leg.progressing(lambda code, early: heard.append((code, early))):
        room.engine.progress(one, 180)
        room.engine.progress(two, 183, early=True)
        room.engine.answer_of(two, ("X-Phone", "2"))
        room.engine.digit(two, "5")
        with leg.digits(lambda digit: keys.append(digit.key)):
            await leg.answered()
    assert heard == [(180, False), (183, False)]
    assert (leg.node, leg.state, leg.rang) == (two, LegState.CONFIRMED, True)
    assert (leg.call_id, leg.answer_headers) == (f"call-{two}", (("X-Phone", "2"),))
    assert keys == ["5"], "what follows the answer in the same breath is the call's"
    assert [command.node for command in room.engine.of("hangup")] == [one, three]
    await turns()
    assert list(room.endpoint.legs) == [two] and not leg.gone
    room.engine.end(two)
    assert (await leg.ended).code == 200
    assert room.endpoint.legs == {}


async def test_two_answer_at_once(room: Room) -> None:
    """The second one gets a BYE."""
    leg = fork(room, "sip:1", "sip:2")
    one, two = nodes(room)
    room.engine.slow = True
    room.engine.answer_of(one)
    room.engine.answer_of(two)
    await leg.answered()
    await turns()
    assert leg.node == one
    assert {command.node for command in room.engine.of("hangup")} == {two}
    room.engine.end(two)
    await turns()
    assert not leg.gone
    leg.hang_up()
    assert room.engine.of("hangup", one)
    room.engine.end(one)
    await leg.ended


@pytest.mark.parametrize(
    ("codes", "best"),
    [
        ((404, 486, 503), 486),
        ((486, 603), 603),
        ((480, 404), 480),
        ((408, 404), 404),
        ((408, 503), 408),
        ((488, 500), 488),
        ((503, 302), 302),
    ],
)
async def test_the_best_refusal(room: Room, codes: tuple[int, ...], best: int) -> None:
    leg = fork(room, *(f"sip:{code}" for code in codes))
    for node, code in zip(nodes(room), codes, strict=True):
        assert not leg.gone
        room.engine.end(node, code, ("X-Code", str(code)), reason=str(code))
        await turns()
    ending = await leg.ended
    assert (ending.code, ending.reason, ending.headers) == (best, str(best), (("X-Code", str(best)),))
    with pytest.raises(LegGone):
        await leg.answered()


async def test_declined_on_one_phone_is_declined(room: Room) -> None:
    """RFC 3261 §16.7, 5: a 6xx is for all of them."""
    leg = fork(room)
    one, two, three = nodes(room)
    room.engine.end(two, 603)
    assert (await leg.ended).code == 603
    assert [command.node for command in room.engine.of("hangup")] == [one, three]


async def test_the_caller_gives_up(room: Room) -> None:
    leg = fork(room)
    room.engine.end(nodes(room)[0], 486)
    await turns()
    leg.hang_up()
    assert [command.node for command in room.engine.of("hangup")] == nodes(room)[1:]
    ending = await leg.ended
    assert ending.code == 486 and room.endpoint.legs == {}


async def test_all_canceled(room: Room) -> None:
    leg = fork(room)
    leg.hang_up()
    assert ((await leg.ended).code, leg.ended.result().by) == (487, "local")


async def test_an_address_that_cannot_be_used(room: Room) -> None:
    """The others ring."""
    room.engine.refused = "bad"
    leg = fork(room, "sip:bad", "sip:2")
    assert len(nodes(room)) == 1
    with pytest.raises(ValueError, match="not a URI"):
        fork(room, "sip:bad", "sip:bad2")
    leg.hang_up()
    await leg.ended


RANKS = {"sip:desk": 1.0, "sip:old": 1.0, "sip:mobile": 0.5, "sip:mail": 0.1}


def rung(room: Room) -> list[str]:
    return [command.values["uri"] for command in room.engine.of("originate")]


async def test_the_preferred_phones_ring_first(room: Room) -> None:
    """Those of a rank at once; the next when all have refused."""
    endings: list[int] = []
    leg = fork(room, "sip:mail", "sip:desk", "sip:mobile", "sip:old", q=RANKS, endings=endings)
    assert rung(room) == ["sip:desk", "sip:old"]
    desk, old = nodes(room)
    room.engine.end(desk, 486)
    await turns()
    assert len(nodes(room)) == 2
    room.engine.end(old, 430)
    await turns()
    assert rung(room) == ["sip:desk", "sip:old", "sip:mobile"] and leg.node == nodes(room)[2]
    room.engine.answer_of(nodes(room)[2])
    await leg.answered()
    assert endings == [486, 430]
    await after(100)
    assert len(nodes(room)) == 3, "nobody else rings any more"


async def test_a_rank_has_its_share_of_the_time(room: Room) -> None:
    """30 s for three: after 10 its phones get a CANCEL."""
    leg = fork(room, *RANKS, q=RANKS)
    for node in nodes(room):
        room.engine.progress(node, 180)
    await after(9.5)
    assert len(nodes(room)) == 2
    await after(1)
    assert rung(room)[2:] == ["sip:mobile"]
    assert {command.node for command in room.engine.of("hangup")} == set(nodes(room)[:2])
    await after(10)
    assert rung(room)[3:] == ["sip:mail"] and not leg.gone
    await after(20)
    assert len(room.engine.of("hangup")) == 3, "the last one rings until somebody gives up"
    leg.hang_up()
    assert (await leg.ended).code == 487 and room.endpoint.legs == {}


async def test_who_declines_for_all_ranks(room: Room) -> None:
    leg = fork(room, *RANKS, q=RANKS)
    room.engine.end(nodes(room)[0], 603)
    assert (await leg.ended).code == 603
    assert len(nodes(room)) == 2 and timers() == 0


async def test_the_caller_gives_up_before_all_have_rung(room: Room) -> None:
    leg = fork(room, *RANKS, q=RANKS)
    leg.hang_up()
    await leg.ended
    assert len(nodes(room)) == 2 and timers() == 0


async def test_a_rank_that_cannot_be_rung(room: Room) -> None:
    """It is passed over; when it is the last one, those that ring go on."""
    room.engine.refused = "sip:m"
    leg = fork(room, *RANKS, q=RANKS)
    await after(11)
    assert len(nodes(room)) == 2 and room.engine.of("hangup") == []
    for node in nodes(room):
        room.engine.end(node, 480)
    assert (await leg.ended).code == 480
    room.engine.refused = "sip:"
    with pytest.raises(ValueError, match=r"sip:desk.*sip:old"):
        fork(room, *RANKS, q=RANKS)
