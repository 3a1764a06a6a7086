"""Names and servers that the configuration needs: found, connected to, and nothing asked of them."""

import asyncio
import json
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from urllib.parse import urlsplit

from callwright.cli.checks.certificates import trusting
from callwright.cli.checks.finding import Finding, bad, doubtful, good, reason
from callwright.config import Config
from callwright.sip.lookup import is_address
from callwright.sip.sources import addresses_of
from callwright.sip.trunks import Trunk

CONNECT_S = 5.0
HEALTH_BYTES = 65536


async def named(what: str, host: str) -> Finding:
    """Whether a host of ours has an address."""
    try:
        found = await addresses_of(host)
    except OSError as error:
        return doubtful(what, f"{host}: {_words(error)}", f"Ask the machine's resolver: getent hosts {host}")
    return good(what, f"{host} is {', '.join(found[:4])}")


async def names(config: Config) -> Sequence[Finding]:
    """Of ourselves, as webhooks and media have it."""
    host = urlsplit(config.server.public_url).hostname or ""
    return [] if not host or is_address(host) else [await named("server.public_url", host)]


async def sources(trunk: Trunk, lookup: Callable[[str], Awaitable[Sequence[str]]] = addresses_of) -> Sequence[Finding]:
    """The names in a trunk's `allow`, looked up as the daemon does."""
    return await asyncio.gather(*(_source(f"trunk {trunk.name} allow", name, lookup) for name in trunk.names))


async def _source(what: str, name: str, lookup: Callable[[str], Awaitable[Sequence[str]]]) -> Finding:
    try:
        found = await lookup(name)
    except OSError as error:
        remedy = f"No call is let in by that name. Ask the machine's resolver: getent hosts {name}"
        return bad(what, f"{name}: {_words(error)}", remedy)
    return good(what, f"{name} is {', '.join(found[:4])}")


def _words(error: OSError) -> str:
    """A resolver's fault without its number."""
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error))


async def health(config: Config) -> Finding:
    """What the running daemon says of itself."""
    host, _, port = config.http.listen.rpartition(":")
    host = "127.0.0.1" if host in ("0.0.0.0", "[::]") else host.strip("[]")
    secure = ssl.create_default_context() if config.http.certificate else None
    if secure is not None:  # it is its port that is asked, whatever name its certificate has
        secure.check_hostname, secure.verify_mode = False, ssl.CERT_NONE
    remedy = "Its log tells why"
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(host, int(port), ssl=secure)
            try:
                writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b""
                while len(answer) < HEALTH_BYTES and (piece := await reader.read(4096)):
                    answer += piece
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        return bad("daemon", f"runs, and /health does not answer: {error or 'time is up'}", remedy)
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1].decode(errors="replace") if b" " in head else "?"
    try:
        facts = json.loads(body)
    except ValueError:
        return bad("daemon", f"/health answers {status}, and no JSON", "Is it Callwright that listens there?")
    said = f"/health answers {status}: {facts.get('status')}, {facts.get('live_calls')} calls"
    return good("daemon", said) if status == "200" else bad("daemon", said, remedy)


def origins(config: Config) -> list[str]:
    """Application servers that the file names, by origin; the daemon's own pages are none."""
    own = config.server.public_url.rstrip("/")
    return sorted(origin for origin in config.trusted_origins() if not own.startswith(origin))


async def servers(config: Config) -> Sequence[Finding]:
    """Whether each can be connected to; with TLS, whether its certificate is good. Nothing is requested."""
    return await asyncio.gather(*(_server(origin) for origin in origins(config)))


async def _server(origin: str) -> Finding:
    parts, what = urlsplit(origin), f"application {origin}"
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(CONNECT_S):
            context = trusting("") if secure else None
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=context)
            writer.close()
    except ssl.SSLCertVerificationError as error:
        return bad(what, f"its certificate is not good: {error.verify_message}", "Webhooks to it fail (11237)")
    except (OSError, TimeoutError) as error:
        why = "no connection within 5 s" if isinstance(error, TimeoutError) else reason(error)
        return bad(what, why, "Is it running, and does a fire wall stand between?")
    return good(what, f"connected in {1000 * (loop.time() - began):.0f} ms" + (", certificate good" if secure else ""))


def flat(groups: Iterable[Sequence[Finding]]) -> list[Finding]:
    """One list."""
    return [one for group in groups for one in group]
