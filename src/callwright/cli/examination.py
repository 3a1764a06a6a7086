"""What `callwright doctor` and `callwright trunk test` do."""

import asyncio
import ssl
from collections.abc import Awaitable, Sequence
from pathlib import Path

from callwright import clock
from callwright.cli.checks import certificates, echo, machine, ports, reach, records
from callwright.cli.checks.finding import Finding, Level, bad, doubtful, good, reason
from callwright.cli.checks.options import Answer, Hop, Unanswered, options
from callwright.config import Config, TrunkSection
from callwright.errors import CallwrightError
from callwright.sip.lookup import is_address
from callwright.sip.trunks import Trunk, declared
from callwright.sip.uri import is_reliable, user_and_host, without_port

ECHO_S = 20.0
SIP_PORT, SIPS_PORT = 5060, 5061


async def examine(config: Config, data_dir: Path) -> list[Finding]:
    """Everything that is looked at without calling anybody."""
    runs = await asyncio.to_thread(ports.running, data_dir)
    found = [good("daemon", f"runs on {data_dir}") if runs else good("daemon", f"does not run on {data_dir}")]
    if runs:
        found.append(await reach.health(config))
    found += await asyncio.to_thread(lambda: list(ports.ports(config, runs)))
    found += await asyncio.to_thread(lambda: list(certificates.certificates(config, clock.now())))
    looks: list[Awaitable[Sequence[Finding]]] = [reach.names(config), reach.servers(config)]
    found += reach.flat(await asyncio.gather(*looks))
    found += await asyncio.to_thread(lambda: list(machine.machine(config, data_dir.absolute())))
    found.append(await asyncio.to_thread(records.records, data_dir))
    return found


async def try_trunk(config: Config, section: TrunkSection, number: str, shown: str, seconds: float) -> list[Finding]:
    """Each gateway by OPTIONS; then a call through the first that answers."""
    trunk = declared(section)
    if not trunk.targets:
        why = "has no targets: it takes calls and carries none out"
        return [doubtful(f"trunk {trunk.name}", why, 'targets = ["sip:gateway:5060"] names its gateways')]
    found: list[Finding] = []
    reached = ""
    for uri in trunk.gateways():
        try:
            hop = await _hop(uri)
        except OSError as error:
            host = without_port(user_and_host(uri)[1])
            found.append(bad(uri, reason(error), f"Ask the name server: getent hosts {host}"))
            continue
        one = await _asked(config, uri, hop, seconds)
        found.append(one)
        reached = reached or (uri if one.level is not Level.FAIL else "")
    if number and reached:
        found.append(await _called(config, trunk, reached, number, shown))
    elif number:
        found.append(bad(f"call to {number}", "no gateway answers", "See the lines above"))
    return found


def is_tls(uri: str) -> bool:
    """Whether a URI asks for TLS."""
    return uri.lower().startswith("sips:") or ";transport=tls" in uri.lower()


async def _hop(uri: str) -> Hop:
    """Raises OSError when its name has no address."""
    host = user_and_host(uri)[1]
    bare = without_port(host)
    secure = is_tls(uri)
    transport = "tls" if secure else "tcp" if is_reliable(uri) else "udp"
    port = int(host[len(bare) + 1 :] or (SIPS_PORT if secure else SIP_PORT))
    address = bare.strip("[]") if is_address(bare) else (await reach.addresses(bare))[0]
    return Hop(address, port, transport)


async def _asked(config: Config, uri: str, hop: Hop, seconds: float) -> Finding:
    name = without_port(user_and_host(uri)[1]).strip("[]")
    what = f"OPTIONS {uri} ({hop})"
    tls = certificates.trusting(config.sip.ca) if hop.transport == "tls" else None
    if tls is not None and not config.sip.verify_server:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    try:
        answer = await options(hop, uri, seconds=seconds, tls=tls, name=name)
    except Unanswered as error:
        remedy = f"Is {hop.transport.upper()} port {hop.port} open there, and does it know this machine's address?"
        return bad(what, str(error), remedy)
    return _judged(what, answer)


def _judged(what: str, answer: Answer) -> Finding:
    said = f"{answer.code} {answer.reason} after {1000 * answer.seconds:.0f} ms"
    if answer.code in (401, 403, 407):
        return doubtful(what, said, "It answers, and does not know us by address: username and password are asked for")
    if answer.code >= 500:
        return doubtful(what, said, "It answers, and takes no calls now: ask the carrier")
    return good(what, said)


async def _called(config: Config, trunk: Trunk, uri: str, number: str, shown: str) -> Finding:
    what = f"call to {number} by {uri}"
    bare = without_port(user_and_host(uri)[1])
    try:
        next_hop = "" if is_address(bare) else (await _hop(uri)).uri
        heard = await echo.call(
            trunk,
            uri,
            number,
            shown,
            config.media.address,
            next_hop=next_hop,
            seconds=ECHO_S,
            tls=config.sip if is_tls(uri) else None,
        )
    except (ValueError, OSError, CallwrightError) as error:
        return bad(what, str(error), "The call could not even be sent")
    if heard.answered < 0:
        why = f"not answered: {heard.code} {heard.reason}"
        return bad(what, why, "The carrier says why: number format, caller ID (--from), credentials")
    took = f"answered after {heard.answered:.1f} s"
    if heard.heard >= echo.HEARD_S:
        return good(what, f"{took}, the tone came back after {1000 * heard.delay:.0f} ms")
    if heard.other > 0:
        why = f"{took}, {heard.other:.1f} s of sound came, and not the tone that was sent"
        return doubtful(what, why, "Sound comes in. To prove the way out, call a number that echoes")
    return bad(
        what, f"{took}, and not a sound came back", f"RTP to {config.media.address} does not arrive: NAT, fire wall?"
    )
