"""`callwright doctor` and `callwright trunk test` beside a daemon that runs, with real calls."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from .site import NUMBER, Site

pytestmark = pytest.mark.integration

Sites = Callable[..., Awaitable[Site]]


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
