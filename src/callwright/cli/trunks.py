"""What a running daemon's trunks are doing: its own figures, beside what the configuration says of them."""

import re
import ssl
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException

from callwright.cli.tables import aligned
from callwright.config import Config, TrunkSection
from callwright.errors import StartError
from callwright.sip.trunks import declared
from callwright.sip.uri import place_of

HEAD = ("trunk", "calls", "registration", "target", "state")
TIMEOUT_S = 5.0
MOST_BYTES = 4 << 20
_SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)\Z")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
STATES = {1.0: "up", 0.0: "left alone"}

Samples = Mapping[str, Sequence[tuple[Mapping[str, str], float]]]


def read(config: Config) -> str:
    """The /metrics of the daemon that runs with this configuration.

    Raises:
        StartError: none answers.
    """
    host, _, port = config.http.listen.rpartition(":")
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    secured: ssl.SSLContext | None = None
    if config.http.certificate:
        secured = ssl.create_default_context(cafile=config.http.certificate)
        # it is asked by its address, and is whoever has just this certificate
        secured.check_hostname = False
        secured.verify_flags = secured.verify_flags & ~ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    url = f"{'https' if secured else 'http'}://{host}:{port}/metrics"
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), *([urllib.request.HTTPSHandler(context=secured)] if secured else [])
    )
    try:
        with opener.open(url, timeout=TIMEOUT_S) as response:
            return str(response.read(MOST_BYTES).decode())
    except (OSError, HTTPException, ValueError) as error:
        raise StartError(f"no daemon answers at {url}: {error}") from None


def samples(text: str) -> Samples:
    """Samples with labels, by name, of the text format of Prometheus."""
    found: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for line in text.splitlines():
        if (match := _SAMPLE.match(line)) is not None:
            labels = {name: _ESCAPED.sub(r"\1", value) for name, value in _LABEL.findall(match[2])}
            found.setdefault(match[1], []).append((labels, float(match[3])))
    return found


def table(config: Config, now: Samples) -> Iterator[str]:
    """The lines of a table: a trunk in each, and below it the further addresses that calls or pings have tried."""
    return aligned([HEAD, *(row for section in config.trunk for row in _rows(section, now))])


def _rows(section: TrunkSection, now: Samples) -> Iterator[tuple[str, ...]]:
    def of(name: str) -> Sequence[tuple[Mapping[str, str], float]]:
        return [one for one in now.get(f"callwright_trunk_{name}", ()) if one[0]["trunk"] == section.name]

    calls = f"{sum(value for _, value in of('calls')):.0f}/{section.max_calls}"
    lines = [
        labels["state"] if value or labels["state"] != "registered" else "expired" for labels, value in of("registered")
    ]
    states = {labels["target"]: STATES[value] for labels, value in of("target_up")}
    targets = [(uri, states.pop(place_of(uri, ""), "-")) for uri in declared(section).gateways()]
    first = section.name, calls, lines[0] if lines else "-"
    shown = [*targets, *sorted(states.items())] or [("-", "-")]
    for number, target in enumerate(shown):
        yield (*first, *target) if number == 0 else ("", "", "", *target)
