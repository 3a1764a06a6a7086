"""What `callwright doctor` and `callwright trunk test` do."""

import asyncio
import ssl
from collections.abc import Awaitable, Sequence
from pathlib import Path

from callwright import clock
from callwright.cli.checks import certificates, echo, machine, ports, reach, records, registering
from callwright.cli.checks.finding import Finding, Level, bad, doubtful, good, reason
from callwright.cli.checks.live import live
from callwright.cli.checks.question import Answer, Hop, Unanswered, ask, options
from callwright.cli.checks.ways import Way, Ways
from callwright.cli.trunks import Samples, read, samples
from callwright.config import Config, TrunkSection
from callwright.errors import CallwrightError, StartError
from callwright.sip.lookup import is_address
from callwright.sip.registrant import Line
from callwright.sip.trunks import Trunk, declared
from callwright.sip.uri import user_and_host, without_port

ECHO_S = 20.0
ANSWER_S = 8.0


async def examine(config: Config, data_dir: Path) -> list[Finding]:
    """Everything that is looked at without calling anybody."""
    runs = await asyncio.to_thread(ports.running, data_dir)
    found = [good("daemon", f"runs on {data_dir}") if runs else good("daemon", f"does not run on {data_dir}")]
    if runs:
        found.append(await reach.health(config))
    found += await asyncio.to_thread(lambda: list(ports.ports(config, runs)))
    found += await asyncio.to_thread(lambda: list(certificates.certificates(config, clock.now())))
    looks: list[Awaitable[Sequence[Finding]]] = [reach.names(config), _trunks(config, runs), reach.servers(config)]
    found += reach.flat(await asyncio.gather(*looks))
    found += await asyncio.to_thread(lambda: list(machine.machine(config, data_dir.absolute())))
    found.append(await asyncio.to_thread(records.records, data_dir))
    return found


async def _trunks(config: Config, runs: bool) -> Sequence[Finding]:
    """All trunks: the ways to their gateways and registrars, their sources, and what the daemon does with them. Before
    its start the registrars are asked whether it could register."""
    ways = Ways(config)
    now = await _figures(config) if runs else None
    return reach.flat(await asyncio.gather(*(_trunk(config, section, ways, now, runs) for section in config.trunk)))


async def _trunk(
    config: Config, section: TrunkSection, ways: Ways, now: Samples | None, runs: bool
) -> Sequence[Finding]:
    trunk = declared(section)
    what = f"trunk {trunk.name}"
    gateways = await asyncio.gather(*(ways.find(what, one.uri) for one in trunk.targets))
    found = reach.flat(way.findings for way in gateways)
    found += await reach.sources(trunk)
    if now is not None:
        found += live(section, now, clock.now())
    if trunk.line is not None:
        way = await ways.find(f"{what} registrar", trunk.line.registrar)
        found += way.findings
        if not runs and way.hops:
            found.append(await _tried(config, trunk.name, trunk.line, way, ANSWER_S))
    return found


async def _figures(config: Config) -> Samples | None:
    """Those of the daemon that runs; None when it does not tell: that it does not is told by another look."""
    try:
        return samples(await asyncio.to_thread(read, config))
    except StartError:
        return None


async def try_trunk(
    config: Config, section: TrunkSection, number: str, shown: str, seconds: float, data_dir: Path
) -> list[Finding]:
    """The ways to each gateway, and each by OPTIONS; the sources; the registration, as the daemon has it and by a
    trial; then a call through the first gateway that answers."""
    trunk, ways = declared(section), Ways(config)
    what = f"trunk {trunk.name}"
    found: list[Finding] = []
    if not trunk.targets:
        why = "has no targets: it takes calls and carries none out"
        found.append(doubtful(what, why, 'targets = ["sip:gateway:5060"] names its gateways'))
    reached: tuple[str, Hop] | None = None
    for uri in trunk.gateways():
        way = await ways.find(what, uri)
        asked = await asyncio.gather(*(_asked(config, way, hop, seconds) for hop in way.hops))
        found += [*way.findings, *_together(asked)]
        up = [(uri, hop) for hop, one in zip(way.hops, asked, strict=True) if one.level is not Level.FAIL]
        reached = reached or next(iter(up), None)
    found += await reach.sources(trunk)
    found += await _registered(config, section, ways, seconds, data_dir)
    if number and reached:
        found.append(await _called(config, trunk, *reached, number, shown))
    elif number:
        found.append(bad(f"call to {number}", "no gateway answers", "See the lines above"))
    return found


def _together(asked: Sequence[Finding]) -> Sequence[Finding]:
    """Of the hops of one gateway: where another one takes the calls, a silent one costs time only."""
    if all(one.level is Level.FAIL for one in asked):
        return asked
    return [
        one if one.level is not Level.FAIL else doubtful(one.what, one.why, f"Calls take the next. {one.remedy}")
        for one in asked
    ]


async def _registered(
    config: Config, section: TrunkSection, ways: Ways, seconds: float, data_dir: Path
) -> Sequence[Finding]:
    """What the running daemon says of the trunk, and what the carrier says of its credentials."""
    found: list[Finding] = []
    if await asyncio.to_thread(ports.running, data_dir):
        now = await _figures(config)
        found += live(section, now, clock.now()) if now is not None else [await reach.health(config)]
    trunk = declared(section)
    if trunk.line is None:
        return found
    way = await ways.find(f"trunk {trunk.name} registrar", trunk.line.registrar)
    found += way.findings
    if way.hops:
        found.append(await _tried(config, trunk.name, trunk.line, way, seconds))
    return found


async def _tried(config: Config, trunk: str, line: Line, way: Way, seconds: float) -> Finding:
    try:
        tls = _trusting(config, way.hops)
    except OSError as error:
        return _no_authorities(config, error)
    return await registering.trial(trunk, line, way.hops, seconds=seconds, tls=tls, name=way.name)


async def _asked(config: Config, way: Way, hop: Hop, seconds: float) -> Finding:
    what = f"OPTIONS {way.uri} ({hop})"
    try:
        answer = await ask(hop, options(way.uri), seconds=seconds, tls=_trusting(config, [hop]), name=way.name)
    except Unanswered as error:
        remedy = f"Is {hop.transport.upper()} port {hop.port} open there, and does it know this machine's address?"
        return bad(what, str(error), remedy)
    except OSError as error:
        return _no_authorities(config, error)
    return _judged(what, answer)


def _trusting(config: Config, hops: Sequence[Hop]) -> ssl.SSLContext | None:
    """How the daemon verifies TLS servers; None where there is none.

    Raises:
        OSError: the file of authorities cannot be read.
    """
    if all(hop.transport != "tls" for hop in hops):
        return None
    tls = certificates.trusting(config.sip.ca)
    if not config.sip.verify_server:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    return tls


def _no_authorities(config: Config, error: OSError) -> Finding:
    return bad(f"sip.ca {config.sip.ca}", reason(error), "A PEM file of the authorities of carriers is wanted")


def _judged(what: str, answer: Answer) -> Finding:
    if answer.code in (401, 403, 407):
        remedy = "It answers, and does not know us by address: username and password are asked for"
        return doubtful(what, answer.said, remedy)
    if answer.code >= 500:
        return doubtful(what, answer.said, "It answers, and takes no calls now: ask the carrier")
    return good(what, answer.said)


async def _called(config: Config, trunk: Trunk, uri: str, hop: Hop, number: str, shown: str) -> Finding:
    what = f"call to {number} by {uri}"
    bare = without_port(user_and_host(uri)[1])
    try:
        next_hop = "" if is_address(bare) else hop.uri
        heard = await echo.call(
            trunk,
            uri,
            number,
            shown,
            config.media.address,
            next_hop=next_hop,
            seconds=ECHO_S,
            tls=config.sip if hop.transport == "tls" else None,
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
