"""Baresip as a user's phone that speaks TLS and SRTP: another TLS, another SDES and another DTLS than ours."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness import tones
from tests.harness.baresip import Baresip
from tests.harness.certificates import Authority
from tests.harness.ports import daemon_address, free_port

from .house import PASSWORD
from .site import Site
from .test_foreign_baresip import holds

pytestmark = pytest.mark.integration

AUTHORITY = Authority()
Sites = Callable[..., Awaitable[Site]]
Baresips = Callable[..., Awaitable[Baresip]]


@pytest.mark.parametrize(
    ("encryption", "srtp"),
    [
        ("srtp", {}),
        ("srtp-mand", {"srtp": "required"}),
        ("dtls_srtp", {"srtp": "required", "srtp_keying": "dtls"}),
    ],
    ids=["sdes-optional", "sdes", "dtls"],
)
async def test_it_calls_and_is_called(
    sites: Sites, baresip: Baresips, tmp_path: Path, encryption: str, srtp: dict[str, str]
) -> None:
    """Registered over TLS, it hears prompts, and what it says is recorded, both ways; the keys are its own."""
    host = daemon_address()
    plain, tls = free_port(host), free_port(host)
    sip = AUTHORITY.section(host, plain, tls, tmp_path, digest=["MD5"])  # it gives up at any other
    user = {"name": "bare", "password": PASSWORD, **srtp}
    site = await sites(strangers=True, users=[user], sections={"sip": sip})
    # its DTLS listens from our answer on, which our first flight is before: a second is heard by nobody
    site.serve_tone("/prompt.wav", 880, 3.0)
    record = '<Record playBeep="false" trim="do-not-trim" maxLength="1" action="/done"/>'
    site.script("/user", f"<Play>/prompt.wav</Play>{record}")
    site.script("/done", "<Hangup/>")
    bare = await baresip(
        user="bare",
        hz=600,
        transport="tls",
        domain=f"{host}:{tls}",
        password=PASSWORD,
        certificate=AUTHORITY.issue("bare.test"),
        authority=AUTHORITY.certificate,
        encryption=encryption,
    )
    await site.daemon.logged(r"registered bare@.*transport=tls", timeout=15)

    await bare.dial(f"sip:600@{host}:{tls};transport=tls")
    assert (await site.application.request("/user")).form["SipUsername"] == "bare"
    await talked(site, bare, encryption)
    await site.create(to=f"sip:bare@{host}", url=site.url("/user"))
    await talked(site, bare, encryption)


async def talked(site: Site, bare: Baresip, encryption: str) -> None:
    """A call of it hears the prompt and nothing else, and is heard, under keys that it has agreed to."""
    assert bare.program is not None
    done = await site.application.request("/done", timeout=15)
    await bare.event("CALL_CLOSED")
    pcm, rate = await site.wav(done.form["RecordingSid"])
    assert tones.contains(pcm, 600, rate=rate)
    heard = await bare.recording()
    assert holds(heard, 880) and not holds(heard, 600)
    agreed = r"DTLS-SRTP complete \(audio/RTP\)" if encryption == "dtls_srtp" else "SRTP is Enabled"
    await bare.program.said(agreed)
    bare.program.output.clear()  # of the next call it has to say it again
