"""Linphone on the console (`linphonec`, package linphone-cli) as a foreign phone: it registers, its sound is in files.

phone = await Linphone.start(tmp_path / "linphone", registrar="127.0.0.1:5060", user="lin", password="...")
await phone.say("call sip:600@127.0.0.1:5060")
await phone.program.said("Call .* connected")
pcm = await phone.recording()                     # of a call that is over, 8000 Hz
"""

import asyncio
import os
from pathlib import Path

from tests.harness import tones
from tests.harness.foreign import ForeignProgram, program
from tests.harness.ports import free_ports, next_address
from tests.harness.tones import Pcm

_CONFIG = """\
[sip]
{listen}
bind_address={address}
guess_hostname=0
contact=sip:{user}@{address}
use_ipv6=0
default_proxy=0
register_only_when_network_is_up=0
{secrets}
[rtp]
audio_rtp_port={rtp}
bind_address={address}
[net]
firewall_policy=0
[proxy_0]
reg_proxy=<sip:{registrar};transport={transport}>
reg_identity=<sip:{user}@{host}>
reg_expires=300
reg_sendregister=1
publish=0
[auth_info_0]
username={user}
passwd={password}
realm={host}
[sound]
echocancellation=0
[video]
enabled=0
[misc]
store_friends=0
"""

_PLAIN = """\
sip_port={port}
sip_tcp_port={port}
"""
_TLS = """\
sip_port=0
sip_tcp_port=0
sip_tls_port={port}
"""
# mbed TLS finds no address among the names of a certificate
_SECRETS = """\
root_ca={directory}/ca.pem
verify_server_certs=1
verify_server_cn=0
media_encryption={encryption}
media_encryption_mandatory=1
"""


class Linphone:
    """Made by `start`, ended by `close`.

    Attributes:
        uri: of its account.
        registrar: where it has registered, host:port.
    """

    def __init__(self, directory: Path, uri: str, registrar: str, program: ForeignProgram) -> None:
        self.directory, self.uri, self.registrar, self.program = directory, uri, registrar, program

    @classmethod
    async def start(
        cls,
        directory: Path,
        *,
        registrar: str,
        user: str,
        password: str,
        hz: float = 600.0,
        transport: str = "udp",
        authority: str = "",
        encryption: str = "srtp",
    ) -> "Linphone":
        """Registers, speaks a tone, records what it hears, and takes every call.

        Args:
            directory: for its files; made here.
            registrar: host:port.
            transport: "udp", "tcp" or "tls".
            authority: PEM; for TLS, who signs the registrar's certificate.
            encryption: for TLS, of media, without which it does not talk: "srtp" (SDES) or "dtls".
        """
        path = program("linphonec", "linphone-cli")
        os.makedirs(directory / ".local/share/linphone")  # of its database
        address = next_address()
        port, rtp = free_ports(2, address)
        host = registrar.rpartition(":")[0]
        secure = transport == "tls"
        (directory / "ca.pem").write_text(authority)
        text = _CONFIG.format(
            address=address, rtp=rtp, user=user, password=password, registrar=registrar, host=host,
            transport=transport, listen=(_TLS if secure else _PLAIN).format(port=port),
            secrets=_SECRETS.format(directory=directory, encryption=encryption) if secure else "",
        )  # fmt: skip
        (directory / "linphonerc").write_text(text)
        tones.write_wav(directory / "source.wav", tones.tone(hz, 30.0))
        running = await ForeignProgram.run(
            *(path, "-c", str(directory / "linphonerc"), "-a", "-d", "0", "-l", str(directory / "linphone.log")),
            directory=directory,
            environment={**os.environ, "HOME": str(directory), "TERM": "dumb"},
            interactive=True,
        )
        phone = cls(directory, f"sip:{user}@{host}", registrar, running)
        await phone.say("soundcard use files")
        await phone.say(f"record {directory}/heard.wav")
        await phone.say(f"play {directory}/source.wav")
        return phone

    async def say(self, command: str) -> None:
        """A line of its console."""
        assert self.program.process.stdin is not None
        self.program.process.stdin.write(command.encode() + b"\n")
        await self.program.process.stdin.drain()

    async def recording(self) -> Pcm:
        """What it heard."""
        pcm, rate = await asyncio.to_thread(tones.read_wav, self.directory / "heard.wav")
        assert rate == 8000, f"{rate} Hz"
        return pcm

    async def close(self) -> None:
        """Ends it."""
        await self.program.close()
