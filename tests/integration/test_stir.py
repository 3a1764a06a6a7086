"""STIR/SHAKEN on a whole daemon, with certificates of the test's own (call-control reference §7.6)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.harness import ApplicationServer, Phone
from tests.harness.application import Answer
from tests.harness.attesting import opened, passport, voucher
from tests.harness.daemon import TOKEN, Daemon

from .line import document
from .site import CALLEE, CALLER, NUMBER, Site

pytestmark = pytest.mark.integration

ROOT = voucher("root", authority=True)
BETWEEN = voucher("between", ROOT, authority=True)
LEAF = voucher("carrier", BETWEEN)


@pytest.fixture
async def site(
    daemon: Callable[..., Awaitable[Daemon]],
    applications: Callable[..., Awaitable[ApplicationServer]],
    phones: Callable[..., Awaitable[Phone]],
    tmp_path: Path,
) -> Site:
    """A daemon whose trunk signs and verifies; the application server has the certificates as well."""
    certificate, key = LEAF.write(tmp_path, "leaf")
    roots, _ = ROOT.write(tmp_path, "roots")
    application, carrier = await applications(TOKEN), await phones(CALLER)
    application.on("/chain.pem", Answer(LEAF.pem + BETWEEN.pem, content_type="application/pem-certificate-chain"))
    application.on("/voice", document("<Hangup/>"))
    application.on("/status", "")
    trunk = {
        "name": "carrier",
        "targets": [f"sip:{carrier.address}:{carrier.port}"],
        "allow": ["127.0.0.0/8"],
        "stir_sign": "policy",
        "stir_certificate": certificate,
        "stir_private_key": key,
        "stir_x5u": application.url("/chain.pem"),
        "stir_verify": True,
    }
    number = {"number": NUMBER, "voice_url": application.url("/voice"), "status_callback": application.url("/status")}
    running = await daemon(numbers=[number], trunks=[trunk], sections={"sip": {"stir_roots": roots}})
    return Site(running, application, carrier)


async def told(site: Site, *identities: str) -> dict[str, str]:
    """What the first document's request says of a call with these Identity headers."""
    call = await site.dial_in(headers=[("Identity", one) for one in identities])
    request = await site.application.request("/voice")
    await call.until_ended()
    return request.form


def identity(site: Site, path: str = "/chain.pem", **changes: Any) -> str:
    facts: dict[str, Any] = {"by": LEAF, "url": site.url(path), "caller": CALLER[1:], "called": NUMBER[1:]}
    return passport(**(facts | changes))


async def test_calls_in_are_checked_before_the_first_document(site: Site) -> None:
    good = identity(site, level="B")
    form = await told(site, good)
    assert (form["StirVerstat"], form["StirPassportToken"]) == ("TN-Validation-Passed-B", good.partition(";")[0])
    final = await site.application.request("/status")
    assert final.form["StirVerstat"] == "TN-Validation-Passed-B"
    assert (await told(site))["StirVerstat"] == "No-TN-Validation"
    for wrong in (
        identity(site, caller="15550000000"),
        identity(site, issued=1_700_000_000),
        identity(site, by=BETWEEN),
    ):
        assert (await told(site, wrong))["StirVerstat"] == "TN-Validation-Failed-A"
    assert (await told(site, "eyJ.x.y;info=<http://127.0.0.1/>"))["StirVerstat"] == "TN-Validation-Failed"
    assert site.application.count("/chain.pem") == 1, "it was kept"
    path = f"Calls/{form['CallSid']}/Events.json?Kind=all"
    status, _, body = await site.get(site.path(path))
    assert status == 200 and b"TN-Validation-Passed-B" in body


async def test_a_certificate_that_does_not_come_is_not_waited_for(site: Site) -> None:
    held = site.application.hold("/slow.pem", LEAF.pem)
    loop = asyncio.get_running_loop()
    began = loop.time()
    form = await told(site, identity(site, "/slow.pem"))
    assert form["StirVerstat"] == "No-TN-Validation" and loop.time() - began > 1.4, "it was waited for, in bounds"
    assert (await told(site, identity(site, "/none.pem")))["StirVerstat"] == "No-TN-Validation"
    held.set()


async def test_calls_out_are_signed(site: Site) -> None:
    placed = await site.create()
    incoming = await site.carrier.incoming()
    assert isinstance(LEAF.key, ec.EllipticCurvePrivateKey)
    value = incoming.invite.headers.get("Identity")
    claim = opened(value, LEAF.key.public_key())
    assert (claim["attest"], claim["orig"]["tn"], claim["dest"]["tn"]) == ("A", NUMBER[1:], [CALLEE[1:]])
    assert f"info=<{site.url('/chain.pem')}>" in value
    await incoming.answer()
    over = await site.over(placed.sid)
    assert over.form["StirStatus"] == "A"


async def test_a_key_that_is_another_ones_stops_the_start(
    daemon: Callable[..., Awaitable[Daemon]], tmp_path: Path
) -> None:
    certificate, _ = LEAF.write(tmp_path, "leaf")
    _, key = BETWEEN.write(tmp_path, "between")
    keys = {"stir_sign": "A", "stir_certificate": certificate, "stir_private_key": key, "stir_x5u": "http://a.example/"}
    trunk = {"name": "carrier", "allow": ["127.0.0.0/8"], **keys}
    with pytest.raises(AssertionError, match=r"trunk\.0\.stir_private_key: .*between\.key is not the key of"):
        await daemon(trunks=[trunk])
