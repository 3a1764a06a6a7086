"""`callwright trunks`: what it makes of a daemon's figures."""

import asyncio
import ssl
from pathlib import Path

import pytest

from callwright.cli.trunks import read, samples, table
from callwright.config import DEMO_ACCOUNT, validate
from callwright.errors import StartError
from tests.harness.certificates import Authority, Certificate
from tests.harness.ports import daemon_address, free_port

TEXT = r"""
# HELP callwright_trunk_calls Live calls
callwright_calls_live 3.0
callwright_trunk_calls{trunk="carrier"} 2.0
callwright_trunk_calls{trunk="idle"} 0.0
callwright_trunk_target_up{target="sip:192.0.2.1:5070",trunk="carrier"} 0.0
callwright_trunk_target_up{target="sip:192.0.2.9",trunk="carrier"} 1.0
callwright_trunk_registered{state="registered",trunk="carrier"} 1.0
"""


def test_samples() -> None:
    assert samples(r'a{x="1",y="a\"b"} 2.5') == {"a": [({"x": "1", "y": 'a"b'}, 2.5)]}
    assert samples(r'a{x="b\\c"} 1') == {"a": [({"x": "b\\c"}, 1.0)]}
    assert samples('a 1\n# b{x="1"} 2\n') == {}


def test_a_line_for_each_trunk_and_address() -> None:
    carrier = {"name": "carrier", "targets": ["sip:192.0.2.1:5070", "sip:gw.example"], "max_calls": 30}
    config = validate(
        {
            "account": [{"sid": DEMO_ACCOUNT}],
            "trunk": [{"account": DEMO_ACCOUNT, **one} for one in (carrier, {"name": "idle"})],
        }
    )
    assert list(table(config, samples(TEXT))) == [
        "trunk    calls   registration  target              state",
        "carrier  2/30    registered    sip:192.0.2.1:5070  left alone",
        "                               sip:gw.example      -",
        "                               sip:192.0.2.9       up",
        "idle     0/1000  -             -                   -",
    ]


@pytest.mark.parametrize(("state", "value", "shown"), [("registered", 0, "expired"), ("refused", 0, "refused")])
def test_a_registration_that_is_none(state: str, value: int, shown: str) -> None:
    config = validate({"account": [{"sid": DEMO_ACCOUNT}], "trunk": [{"account": DEMO_ACCOUNT, "name": "carrier"}]})
    text = f'callwright_trunk_registered{{state="{state}",trunk="carrier"}} {value}'
    assert list(table(config, samples(text)))[1].split() == ["carrier", "0/1000", shown, "-", "-"]


def test_no_daemon() -> None:
    place = f"{daemon_address()}:{free_port()}"
    config = validate({"account": [{"sid": DEMO_ACCOUNT}], "http": {"listen": place}, "trunk": []})
    with pytest.raises(StartError, match=f"no daemon answers at http://{place}/metrics: "):
        read(config)


class TestHttps:
    """A daemon that speaks HTTPS is asked by its address, and known by just its certificate."""

    async def asked(self, shown: Certificate, trusted: Certificate, directory: Path) -> str:
        """What a daemon that shows one certificate answers to who trusts the file of another."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\na 1\n")
            await writer.drain()
            writer.close()

        trusted.write(directory)
        context = shown.context(ssl.Purpose.CLIENT_AUTH)
        server = await asyncio.start_server(answer, daemon_address(), 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        files = {"certificate": f"{directory}/certificate.pem", "private_key": f"{directory}/key.pem"}
        http = {"listen": f"{daemon_address()}:{port}", **files}
        config = validate({"account": [{"sid": DEMO_ACCOUNT}], "http": http, "trunk": []})
        async with server:
            return await asyncio.to_thread(read, config)

    async def test_its_own(self, tmp_path: Path) -> None:
        own = Authority().issue("pbx.example")
        assert await self.asked(own, own, tmp_path) == "a 1\n"

    async def test_another_one(self, tmp_path: Path) -> None:
        authority = Authority()
        with pytest.raises(StartError, match="certificate verify failed"):
            await self.asked(Authority().issue("pbx.example"), authority.issue("pbx.example"), tmp_path)
