"""`callwright doctor` and `callwright trunk test` beside a daemon that runs, with real calls."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Guard, Phone
from tests.harness.daemon import toml
from tests.harness.dialog import response_to
from tests.harness.message import Request, Response
from tests.harness.nameserver import Nameserver

from .site import NUMBER, Site

pytestmark = pytest.mark.integration

Phones = Callable[..., Awaitable[Phone]]
Sites = Callable[..., Awaitable[Site]]
NAME, PASSWORD = "line1", "line-secret"


@pytest.fixture
async def names() -> AsyncIterator[Nameserver]:
    server = await Nameserver.start()
    yield server
    await server.close()


async def run(*arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines of a command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "callwright", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode().splitlines()


async def test_beside_a_daemon_that_runs(sites: Sites) -> None:
    site = await sites()
    data, file = str(site.daemon.directory / "data"), str(site.daemon.directory / "callwright.toml")
    code, lines = await run("doctor", "--config", file, "--data", data)
    assert code == 0, "\n".join(lines)
    sip = f"{site.daemon.host}:{site.daemon.sip_port}"
    assert lines[:2] == [f"ok   daemon: runs on {data}", "ok   daemon: /health answers 200: ok, 0 calls"]
    assert [f"ok   sip.listen {kind}:{sip}: the running daemon has it" in lines for kind in ("udp", "tcp")] == [
        True
    ] * 2
    assert any(line.startswith(f"ok   application {site.application.base_url}: connected") for line in lines)
    assert any(line.startswith("ok   database ") for line in lines)
    await site.application.close()
    code, lines = await run("doctor", "--config", file, "--data", data)
    assert code == 1
    failed = [line for line in lines if line.startswith("FAIL")]
    assert len(failed) == 1 and failed[0].startswith(f"FAIL application {site.application.base_url}: ")


def tried(site: Site, path: Path, target: str) -> str:
    """A file with a trunk to a target."""
    account = site.daemon.account_sid
    path.write_text(
        f'[media]\naddress = "{site.daemon.host}"\n[[account]]\nsid = "{account}"\n'
        f'[[trunk]]\nname = "carrier"\naccount = "{account}"\ntargets = ["{target}"]\n'
    )
    return str(path)


async def test_a_call_that_echoes(sites: Sites, tmp_path: Path) -> None:
    """The daemon itself is the carrier: its number echoes."""
    site = await sites()
    target = f"sip:{site.daemon.host}:{site.daemon.sip_port}"
    file = tried(site, tmp_path / "trunk.toml", target)
    arguments = ("trunk", "test", "carrier", "--config", file, "--call")
    site.script("/voice", "<Echo/>")
    code, (asked, called) = await run(*arguments, NUMBER)
    assert code == 0 and asked.startswith(f"ok   OPTIONS {target} (udp:{site.daemon.host}:"), (asked, called)
    assert called.startswith(f"ok   call to {NUMBER} by {target}: answered after ") and "the tone came back" in called
    site.serve_tone("/other.wav", 440.0)
    site.script("/voice", "<Play>/other.wav</Play>")
    code, (_, called) = await run(*arguments, NUMBER)
    assert code == 0 and called.startswith("warn ") and "and not the tone that was sent" in called, called
    code, (_, called) = await run(*arguments, "+15559990000")
    assert code == 1 and "not answered: 404" in called, called


async def test_nobody_there(sites: Sites, tmp_path: Path) -> None:
    site = await sites()
    file = tried(site, tmp_path / "trunk.toml", f"sip:{site.carrier.address}:{site.carrier.port}")
    code, (asked,) = await run("trunk", "test", "carrier", "--config", file)
    assert code == 0 and "200 OK after" in asked
    await site.carrier.close()
    code, (asked, called) = await run("trunk", "test", "carrier", "--config", file, "--timeout", "2", "--call", NUMBER)
    assert (
        code == 1
        and asked.startswith("FAIL OPTIONS ")
        and called == (f"FAIL call to {NUMBER}: no gateway answers. See the lines above")
    )


class Carrier:
    """carrier.test: known by SRV only, it registers whoever knows the password, and takes calls."""

    def __init__(self, phone: Phone, names: Nameserver) -> None:
        self.phone, self.names = phone, names
        self.status = 200
        names.add("_sip._udp.carrier.test", "SRV", f"1 1 {phone.port} gw.carrier.test.")
        names.add("gw.carrier.test", "A", phone.address)
        phone.guard = Guard(NAME, PASSWORD, realm="carrier.test")
        phone.handlers["REGISTER"] = self.answer

    def answer(self, request: Request) -> Response:
        contact = request.headers.get("Contact")
        return response_to(request, self.status, headers=[("Contact", f"{contact};expires=600")] if contact else [])

    def trunk(self, **keys: Any) -> dict[str, Any]:
        line = {"server": "sip:carrier.test", "username": NAME, "password": PASSWORD, **keys}
        own = {"username": NAME, "password": PASSWORD, "prefixes": []}
        return {"name": "line", "targets": ["sip:carrier.test"], "register": line, **own}

    @property
    def dns(self) -> dict[str, Any]:
        return {"servers": [self.names.place]}

    def file(self, path: Path, site: Site, **keys: Any) -> str:
        """A configuration of which no daemon runs."""
        account = site.daemon.account_sid
        sections = {"dns": self.dns, "media": {"address": site.daemon.host}, "account": [{"sid": account}]}
        path.write_text(toml({**sections, "trunk": [{"account": account, **self.trunk(**keys)}]}))
        return str(path)


@pytest.fixture
async def carrier(phones: Phones, names: Nameserver) -> Carrier:
    return Carrier(await phones("carrier"), names)


async def test_a_carrier_known_by_srv_only(sites: Sites, carrier: Carrier, tmp_path: Path) -> None:
    """The way there, OPTIONS, the trial REGISTER and a call: all go by [dns]."""
    site = await sites()
    file, data = carrier.file(tmp_path / "trunk.toml", site), str(tmp_path / "var")
    place = f"udp:{carrier.phone.address}:{carrier.phone.port}"
    calling = asyncio.create_task(run("trunk", "test", "line", "--config", file, "--data", data, "--call", NUMBER))
    call = await carrier.phone.incoming(timeout=15.0)
    await call.answer()
    call.media.tone(440.0)
    code, (way, asked, registrar, tried, called) = await calling
    assert code == 0, (way, asked, registrar, tried, called)
    by = f"sip:carrier.test: by SRV _sip._udp.carrier.test: {place} (gw.carrier.test)"
    assert (way, registrar) == (f"ok   trunk line {by}", f"ok   trunk line registrar {by}")
    assert asked.startswith(f"ok   OPTIONS sip:carrier.test ({place}): 200 OK after ")
    assert tried.startswith(f"ok   trunk line REGISTER sip:{NAME}@carrier.test ({place}): 200 OK after ")
    assert tried.endswith(": name and password are good; nobody is registered now")
    assert called.startswith(f"warn call to {NUMBER} by sip:carrier.test: answered after ")


async def test_before_the_start(sites: Sites, carrier: Carrier, tmp_path: Path) -> None:
    """Without a daemon, doctor tries whether it could register; what cannot be found is named."""
    site = await sites()
    data = str(tmp_path / "var")
    file = carrier.file(tmp_path / "a.toml", site, password="no")
    _, lines = await run("doctor", "--config", file, "--data", data)
    (tried,) = [line for line in lines if " REGISTER " in line]
    assert tried.startswith("FAIL trunk line REGISTER ") and "wrong password" in tried
    carrier.names.remove(["_sip._udp.carrier.test"])
    code, lines = await run("doctor", "--config", file, "--data", data)
    assert code == 1 and not any(" REGISTER " in line for line in lines)
    lost = [line for line in lines if "no address for carrier.test: none of " in line]
    assert [line.partition(" sip:")[0] for line in lost] == ["FAIL trunk line", "FAIL trunk line registrar"]


async def test_what_the_daemon_has_registered(sites: Sites, carrier: Carrier) -> None:
    """Beside a daemon, both commands tell its registration and until when; then why it was refused."""
    site = await sites(trunks=[carrier.trunk()], sections={"dns": carrier.dns})
    at = ("--config", str(site.daemon.directory / "callwright.toml"), "--data", str(site.daemon.directory / "data"))
    await site.daemon.logged(rf"trunk=line registration of sip:{NAME}@\S+: registered at")
    what = f"trunk line registration of sip:{NAME}@carrier.test"
    code, lines = await run("doctor", *at)
    assert code == 0, "\n".join(lines)
    assert "ok   trunk line: 0 of 1000 calls now" in lines
    (told,) = [line for line in lines if what in line]
    assert told.startswith(f"ok   {what}: the running daemon is registered until ") and told.endswith(" UTC")
    assert not any(" REGISTER " in line for line in lines), "the daemon's own state tells it"
    code, lines = await run("trunk", "test", "line", *at)
    assert code == 0, "\n".join(lines)
    assert told.partition(" until ")[0] in "\n".join(lines) and any(" REGISTER " in line for line in lines)


async def test_a_daemon_that_was_refused(sites: Sites, carrier: Carrier) -> None:
    carrier.status = 403
    site = await sites(trunks=[carrier.trunk()], sections={"dns": carrier.dns})
    at = ("--config", str(site.daemon.directory / "callwright.toml"), "--data", str(site.daemon.directory / "data"))
    await site.daemon.logged(r"WARNING .*trunk=line registration of \S+ refused: 403")
    code, lines = await run("trunk", "test", "line", *at)
    assert code == 1
    failed = [line for line in lines if line.startswith("FAIL")]
    assert failed[0].partition(": ")[2].startswith("the running daemon is not registered (refused): 403")
    assert len(failed) == 2 and "it knows the request, and forbids it" in failed[1]
