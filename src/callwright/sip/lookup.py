"""From a host to an address, on the loop: the engine's own look-up would hold all signalling while it waits."""

import asyncio
import ipaddress
import socket

LOOKUP_S = 5.0


def is_address(host: str) -> bool:
    """Whether a host is an address already, an IPv6 one with or without brackets."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


async def address_of(host: str) -> str:
    """The first address of a name, by the machine's own resolver.

    Raises:
        OSError: there is none, or none came within 5 s.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except TimeoutError:
        raise OSError(f"no address for {host} within {LOOKUP_S:g} s") from None
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(f"no address for {host}: {error}") from None
    return str(found[0][4][0])
