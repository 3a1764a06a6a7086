"""Questions to name servers, by dnspython."""

from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.message
import dns.nameserver
import dns.rdatatype
import dns.resolver

from callwright.sip.records import Found

UNKNOWN_TTL_S = 30.0
"""Of an absence whose answer has no SOA (RFC 2308 §5: not to be kept; a little, or each call would ask)."""


class Nameserver:
    """Asks name servers for records; over TCP when an answer does not fit a datagram.

    Args:
        servers: "address:port"; empty for those of /etc/resolv.conf, as it was when this was made.
        timeout: seconds for one question, all servers and repetitions together.
    """

    def __init__(self, servers: Sequence[str] = (), timeout: float = 3.0) -> None:
        self._timeout = timeout
        self._fault = ""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration as error:
            self._resolver = dns.asyncresolver.Resolver(configure=False)
            self._fault = f"no name server: {error}"
        if servers:
            places = [server.rpartition(":") for server in servers]
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(host.strip("[]"), int(port)) for host, _, port in places
            ]
        # the second server gets its turn
        self._resolver.timeout = max(0.1, timeout / (1 + min(2, len(self._resolver.nameservers))))

    async def query(self, name: str, kind: str) -> Found:
        """Records of a name.

        Raises:
            OSError: no server has answered in time, or none can tell.
        """
        if self._fault:
            raise OSError(f"no address for {name}: {self._fault}")
        try:
            answer = await self._resolver.resolve(
                name, kind, raise_on_no_answer=False, lifetime=self._timeout, search=False
            )
        except dns.resolver.NXDOMAIN as error:
            (response,) = error.kwargs["responses"].values()
            return Found((), _negative_ttl(response))
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            raise OSError(f"no {kind} record of {name}: {error}") from None
        if answer.rrset is None:
            return Found((), _negative_ttl(answer.response))
        return Found(tuple(answer.rrset), float(answer.chaining_result.minimum_ttl))


def _negative_ttl(response: dns.message.QueryMessage) -> float:
    """Seconds that an absence may be believed (RFC 2308 §5)."""
    if not any(rrset.rdtype == dns.rdatatype.SOA for rrset in response.authority):
        return UNKNOWN_TTL_S
    return float(response.resolve_chaining().minimum_ttl)
