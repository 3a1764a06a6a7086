"""Hosts of SIP URIs."""

import ipaddress


def is_address(host: str) -> bool:
    """Whether a host is an address already, an IPv6 one with or without brackets."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
