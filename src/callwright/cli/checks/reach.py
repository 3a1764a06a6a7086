"""Names and servers that the configuration needs: found, connected to, and nothing asked of them."""

import asyncio
import json
import socket
import ssl
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from callwright.cli.checks.certificates import trusting
from callwright.cli.checks.finding import Finding, bad, doubtful, good, reason
from callwright.config import Config
from callwright.sip.lookup import is_address
from callwright.sip.uri import user_and_host, without_port

LOOKUP_S = 5.0
CONNECT_S = 5.0
HEALTH_BYTES = 65536


async def addresses(host: str) -> list[str]:
    """Every address of a name.

    Raises:
        OSError: it has none, or nobody says so in time.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await loop.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise OSError(f"no name server has answered within {LOOKUP_S:g} s") from None
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def named(what: str, host: str, *, needed: bool) -> Finding:
    """Whether a host has an address. `needed`: calls fail without it."""
    try:
        found = await addresses(host)
    except OSError as error:
        verdict = bad if needed else doubtful
        return verdict(what, f"{host}: {reason(error)}", f"Ask the name server: getent hosts {host}")
    return good(what, f"{host} is {', '.join(found[:4])}")


async def names(config: Config) -> Sequence[Finding]:
    """Of trunks' gateways, and of ourselves."""
    wanted = [("server.public_url", urlsplit(config.server.public_url).hostname or "", False)]
    for trunk in config.trunk:
        hosts = dict.fromkeys(without_port(user_and_host(target.uri)[1]) for target in trunk.targets)
        wanted += [(f"trunk {trunk.name}", host, True) for host in hosts]
    looked = [named(what, host, needed=needed) for what, host, needed in wanted if host and not is_address(host)]
    return await asyncio.gather(*looked)


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
