"""Signers' certificates over real HTTP: fetched once, guarded, never waited for long."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callwright.outbound import Outbound
from callwright.sections import OutboundHttp
from callwright.sip.repository import FAILED_S, KEPT_S, Repository, Unavailable
from tests.harness.application import Answer, ApplicationServer
from tests.harness.attesting import Voucher, voucher

ROOT = voucher("root", authority=True)
LEAF = voucher("carrier", ROOT)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def repository(clock: Clock) -> AsyncIterator[Repository]:
    async for made in opened(clock, allow_private=True):
        yield made


async def opened(clock: Clock, *, allow_private: bool) -> AsyncIterator[Repository]:
    outbound = Outbound(OutboundHttp(allow_private=allow_private))
    await outbound.start()
    made = Repository(outbound, clock)
    yield made
    await made.close()
    await outbound.close()


def serve(application: ApplicationServer, path: str, *chain: Voucher) -> str:
    application.on(path, Answer(b"".join(one.pem for one in chain), content_type="application/pem-certificate-chain"))
    return application.url(path)


async def test_fetched_once_and_again_when_it_is_old(
    repository: Repository, application: ApplicationServer, clock: Clock
) -> None:
    url = serve(application, "/a.pem", LEAF, ROOT)
    chains = await asyncio.gather(*(repository.chain(url, 2.0) for _ in range(5)))
    assert {chain for chain in chains} == {(LEAF.certificate, ROOT.certificate)} and repository.fetched == 1
    clock.now += KEPT_S - 1
    await repository.chain(url, 2.0)
    assert application.count("/a.pem") == 1
    clock.now += 2
    await repository.chain(url, 2.0)
    assert (application.count("/a.pem"), repository.failed) == (2, 0)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer("", 404), "answers 404"),
        (Answer("", 302, headers={"Location": "/b.pem"}), "answers 302"),
        (Answer("nothing of the kind"), "no PEM certificate"),
        (Answer("x" * 70000), "65536"),
    ],
)
async def test_what_cannot_be_had_is_left_alone_for_a_while(
    repository: Repository, application: ApplicationServer, clock: Clock, answer: Answer, why: str
) -> None:
    application.on("/a.pem", answer)
    for _ in range(2):
        with pytest.raises(Unavailable, match=why):
            await repository.chain(application.url("/a.pem"), 2.0)
    assert application.count("/a.pem") == 1
    serve(application, "/a.pem", LEAF)
    clock.now += FAILED_S + 1
    assert await repository.chain(application.url("/a.pem"), 2.0) == (LEAF.certificate,)


async def test_who_is_slow_is_not_waited_for(repository: Repository, application: ApplicationServer) -> None:
    """The next call has it."""
    held = application.hold("/a.pem", LEAF.pem)
    url, loop = application.url("/a.pem"), asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(Unavailable, match=r"has not answered within 0\.2 s"):
        await repository.chain(url, 0.2)
    assert loop.time() - began < 1.5
    held.set()
    assert await repository.chain(url, 5.0) == (LEAF.certificate,)
    assert application.count("/a.pem") == 1


@pytest.mark.parametrize("url", ["", "ftp://a/b", "file:///etc/passwd", "http://", "http://[::1", "nonsense"])
async def test_what_is_no_url(repository: Repository, url: str) -> None:
    with pytest.raises(Unavailable):
        await repository.chain(url, 2.0)


async def test_private_addresses_are_not_asked(application: ApplicationServer, clock: Clock) -> None:
    url = serve(application, "/a.pem", LEAF)
    async for guarded in opened(clock, allow_private=False):
        with pytest.raises(Unavailable):
            await guarded.chain(url, 2.0)
    assert application.count("/a.pem") == 0
