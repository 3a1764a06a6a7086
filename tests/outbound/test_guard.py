"""Which addresses may be connected to, and that no other is."""

import asyncio

import pytest

from callwright.errors import ApplicationError
from callwright.outbound import Limits, Outbound, private
from callwright.sections import OutboundHttp
from tests.apps.faulty import FaultyServer, Reply

LIMITS = Limits(2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fd00:ec2::254",
        "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    ],
)  # fmt: skip
def test_private(address: str) -> None:
    assert private(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "9.255.255.255", "172.15.0.1", "172.32.0.1", "192.169.0.1", "223.255.255.255", "2606:4700::1111",
     "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)  # fmt: skip
def test_public(address: str) -> None:
    assert not private(address)


class Names:
    """A resolver of known names that counts its lookups."""

    def __init__(self, **names: tuple[str, ...]) -> None:
        self.names = {name.replace("_", "."): addresses for name, addresses in names.items()}
        self.lookups: list[str] = []

    def __call__(self, host: str) -> tuple[str, ...]:
        self.lookups.append(host)
        return self.names[host]


async def refusal(outbound: Outbound, url: str) -> ApplicationError:
    await outbound.start()
    try:
        with pytest.raises(ApplicationError) as caught:
            await outbound.request("GET", url, limits=LIMITS, max_bytes=100)
    finally:
        await outbound.close()
    return caught.value


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]"])
async def test_a_literal_address_is_checked(server: FaultyServer, host: str) -> None:
    error = await refusal(Outbound(OutboundHttp()), server.url("/", host))
    assert error.code == 11210
    assert "set outbound_http.allow_private = true to allow it" in error.message
    assert server.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [("127.0.0.1",), ("::1",), ("93.184.216.34", "127.0.0.1"), ("127.0.0.1", "93.184.216.34"), ("::ffff:127.0.0.1",)],
)
async def test_every_address_of_a_name_is_checked(server: FaultyServer, addresses: tuple[str, ...]) -> None:
    names = Names(app_example=addresses)
    error = await refusal(Outbound(OutboundHttp(), lookup=names), server.url("/", "app.example"))
    assert error.code == 11210
    assert "app.example (" in error.message and "allow_private = true" in error.message
    assert names.lookups == ["app.example"]
    assert server.connections == 0


async def test_the_checked_address_is_the_one_that_is_connected(server: FaultyServer) -> None:
    """A name that answers otherwise the second time finds that nobody asks a second time."""

    class Rebinding(Names):
        def __call__(self, host: str) -> tuple[str, ...]:
            self.lookups.append(host)
            return ("127.0.0.1",) if len(self.lookups) == 1 else ("127.0.0.99",)

    server.routes["/"] = Reply()
    names = Rebinding()
    outbound = Outbound(OutboundHttp(allow_private=True), lookup=names)
    await outbound.start()
    response = await outbound.request("GET", server.url("/", "App.Example"), limits=LIMITS, max_bytes=100)
    await outbound.close()
    assert response.status == 200
    assert server.requests[0].headers["host"] == f"App.Example:{server.port}"
    assert names.lookups == ["app.example"]


async def test_an_origin_of_the_configuration_may_be_private(server: FaultyServer, other: FaultyServer) -> None:
    server.routes["/"] = other.routes["/"] = Reply()
    outbound = Outbound(OutboundHttp(), frozenset({server.url("")}))
    await outbound.start()
    response = await outbound.request("GET", server.url("/"), limits=LIMITS, max_bytes=100)
    assert response.status == 200
    with pytest.raises(ApplicationError) as caught:
        await outbound.request("GET", other.url("/"), limits=LIMITS, max_bytes=100)
    await outbound.close()
    assert caught.value.code == 11210
    assert other.connections == 0


async def test_a_trusted_name_may_resolve_to_a_private_address(server: FaultyServer) -> None:
    server.routes["/"] = Reply()
    names = Names(app_internal=("127.0.0.1",))
    origin = server.url("", "app.internal")
    outbound = Outbound(OutboundHttp(), frozenset({origin}), lookup=names)
    await outbound.start()
    response = await outbound.request("GET", origin, limits=LIMITS, max_bytes=100)
    await outbound.close()
    assert response.status == 200


async def test_names_are_looked_up_once_for_all_who_ask(server: FaultyServer) -> None:
    server.routes["/"] = Reply()
    names = Names(app_example=("127.0.0.1",))
    outbound = Outbound(OutboundHttp(allow_private=True), lookup=names)
    await outbound.start()
    url = server.url("/", "app.example")
    await asyncio.gather(*(outbound.request("GET", url, limits=LIMITS, max_bytes=100) for _ in range(20)))
    await outbound.close()
    assert names.lookups == ["app.example"]
    assert len(server.requests) == 20


async def test_an_unknown_name() -> None:
    outbound = Outbound(OutboundHttp(allow_private=True))
    error = await refusal(outbound, "http://name.invalid/")
    assert error.code == 11210
    assert "name.invalid cannot be resolved" in error.message
