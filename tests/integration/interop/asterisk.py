"""Asterisk in the bench's chroot (`bench/asterisk/setup` makes it) as a carrier of a daemon, with files of its own.

It runs in a mount namespace of its own and leaves nothing behind. Root is needed.

    peer = await Asterisk.start(inside=(host, port), transport="tls", certificate=..., authority=...)
    await peer.call("+15550001000", "tone")          # it calls the daemon, and plays 1000 Hz to whoever answers
    trunk = {"allow": [f"{peer.address}/32"], "targets": [peer.uri], "username": NAME, "password": PASSWORD}

It may be a registrar instead, with which the daemon registers as NAME (`await peer.ring("tone")` calls it there), or a
phone: it registers with the daemon as a user, and who calls that is at ECHO.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.harness.certificates import Certificate
from tests.harness.foreign import ForeignProgram
from tests.harness.ports import free_ports, next_address
from tests.harness.waiting import within

SCRIPTS = Path(__file__).parents[3] / "bench" / "asterisk"
CACHE = Path(os.environ.get("CALLWRIGHT_BENCH_CACHE") or Path.home() / ".cache" / "callwright-bench")
ROOT = CACHE / os.environ.get("SUITE", "sid")
NAME, PASSWORD = "callwright", "interconnection"
ECHO, BUSY, RINGS = "+18880001", "+18880002", "+18880003"
"""Whom the daemon may call there."""

_MAIN = """\
[directories]
astetcdir => {inner}
astmoddir => /usr/lib/x86_64-linux-gnu/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdbdir => {inner}
astkeydir => {inner}
astdatadir => /usr/share/asterisk
astagidir => {inner}
astspooldir => {inner}
astrundir => {inner}
astlogdir => {inner}
astcachedir => {inner}
[options]
verbose = 3
hideconnect = yes
"""
_MODULES = "load = app_milliwatt.so\nload = res_clioriginate.so\n"
_PJSIP = """\
[global]
type = global
user_agent = Asterisk
endpoint_identifier_order = ip
[inside]
type = transport
protocol = {transport}
bind = {address}:{port}
{tls}
[callwright]
type = endpoint
transport = inside
context = callwright
disallow = all
allow = ulaw,alaw
direct_media = no
rtp_symmetric = no
dtmf_mode = rfc4733
media_encryption = {encryption}
timers = yes
aors = callwright
{role}
[callwright]
type = auth
auth_type = userpass
username = {name}
password = {password}
[callwright]
type = aor
{contact}
[callwright]
type = identify
endpoint = callwright
match = {host}
"""
_CARRIER = """\
auth = callwright
from_user = +15557654321
"""
_PHONE = """\
outbound_auth = {user}
from_user = {user}
from_domain = {host}
[{user}]
type = auth
auth_type = userpass
username = {user}
password = {password}
[{user}]
type = registration
transport = inside
outbound_auth = {user}
server_uri = sip:{host}:{inside}{suffix}
client_uri = sip:{user}@{host}
contact_user = {echo}
expiration = 300
retry_interval = 2
"""
_TLS = """\
cert_file = {inner}/certificate.pem
priv_key_file = {inner}/key.pem
ca_list_file = {inner}/ca.pem
method = tlsv1_2
verify_server = yes
verify_client = yes
require_client_cert = yes
"""
_EXTENSIONS = f"""\
[callwright]
exten => {ECHO},1,Answer()
 same => n,Echo()
exten => {BUSY},1,Ringing()
 same => n,Hangup(17)
exten => {RINGS},1,Ringing()
 same => n,Wait(30)
 same => n,Hangup(19)
[speak]
exten => tone,1,Milliwatt()
exten => digits,1,Wait(1)
 same => n,SendDTMF(159#,150,150)
 same => n,Wait(20)
exten => short,1,Wait(1)
 same => n,Hangup(16)
"""


class Asterisk:
    """Made by `start`, ended by `close`.

    Attributes:
        address: where it speaks from.
        uri: where the daemon's calls go.
    """

    def __init__(self, address: str, uri: str, directory: Path, program: ForeignProgram) -> None:
        self.address, self.uri, self.directory, self.program = address, uri, directory, program

    @classmethod
    async def start(
        cls,
        *,
        inside: tuple[str, int],
        address: str = "",
        transport: str = "udp",
        certificate: Certificate | None = None,
        authority: str = "",
        registrar: bool = False,
        user: str = "",
    ) -> "Asterisk":
        """Fully booted when this returns.

        Args:
            inside: address and port of the daemon, for this transport.
            address: its own; default: the next free one.
            transport: "udp", "tcp" or "tls"; by TLS both sides show certificates, and SRTP (SDES) is required.
            certificate: of its address, for TLS.
            authority: PEM; the daemon's certificate must be signed by it.
            registrar: the daemon is where it has registered, not at `inside`.
            user: of the daemon, with PASSWORD: it registers as this user, and asks for no credentials itself.
        """
        assert (ROOT / "usr/sbin/asterisk").exists(), f"no Asterisk in {ROOT}: scripts/interop makes it"
        address = address or next_address()
        port = free_ports(1, address)[0]
        directory = Path(tempfile.mkdtemp(prefix="interop-", dir=ROOT / "tmp"))
        suffix = "" if transport == "udp" else f";transport={transport}"
        place = {"host": inside[0], "inside": inside[1], "suffix": suffix}
        role = _PHONE.format(user=user, password=PASSWORD, echo=ECHO, **place) if user else _CARRIER
        contact = "max_contacts = 1" if registrar else f"contact = sip:{inside[0]}:{inside[1]}{suffix}"
        inner = f"/tmp/{directory.name}"
        written = {
            "asterisk.conf": _MAIN.format(inner=inner),
            "extensions.conf": _EXTENSIONS,
            "http.conf": "[general]\nenabled = no\n",
            "logger.conf": "[general]\n[logfiles]\nconsole => notice,warning,error\n",
            "modules.conf": (SCRIPTS / "etc/modules.conf").read_text() + _MODULES,
            "pjsip.conf": _PJSIP.format(
                transport=transport, address=address, port=port, host=inside[0], role=role, contact=contact,
                tls=_TLS.format(inner=inner) if certificate else "", encryption="sdes" if certificate else "no",
                name=NAME, password=PASSWORD,
            ),
        }  # fmt: skip
        _write(directory, written, certificate, authority)
        program = await ForeignProgram.run(
            *("unshare", "--mount", "sh", "-c", 'mount -t proc proc "$1/proc" && exec chroot "$1" asterisk -f -C "$2"'),
            *("sh", str(ROOT), f"{inner}/asterisk.conf"),
            directory=directory,
        )
        peer = cls(address, f"sip:{address}:{port}{suffix}", directory, program)
        try:
            await within(peer._booted(), 30, lambda: f"Asterisk is booted\n{program.tail()}")
        except BaseException:
            await peer.close()
            raise
        return peer

    async def _booted(self) -> None:
        """Asks it every 200 ms."""
        ended = asyncio.create_task(self.program.process.wait())
        try:
            while "fully booted" not in await self.command("core waitfullybooted"):
                await asyncio.wait([ended], timeout=0.2)
                assert not ended.done(), f"Asterisk has ended\n{self.program.tail()}"
        finally:
            ended.cancel()

    async def command(self, text: str) -> str:
        """What its command line answers."""
        process = await asyncio.create_subprocess_exec(
            *("chroot", str(ROOT), "asterisk", "-C", f"/tmp/{self.directory.name}/asterisk.conf", "-rx", text),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await within(process.communicate(), 10, f"Asterisk answers {text!r}")
        return said.decode(errors="replace")

    async def call(self, number: str, extension: str) -> None:
        """Calls a number of the daemon; who answers hears the extension: "tone", "digits" or "short"."""
        said = await self.command(f"channel originate PJSIP/{number}@callwright extension {extension}@speak")
        assert "No such" not in said, said

    async def ring(self, extension: str) -> None:
        """Calls the daemon where it has registered."""
        said = await self.command(f"channel originate PJSIP/callwright extension {extension}@speak")
        assert "No such" not in said, said

    async def close(self) -> None:
        """Ends it and removes its files."""
        await self.program.close()
        await asyncio.to_thread(shutil.rmtree, self.directory)


def _write(directory: Path, written: dict[str, str], certificate: Certificate | None, authority: str) -> None:
    for file in (SCRIPTS / "etc").glob("*.conf"):
        shutil.copy(file, directory / file.name)
    for name, text in written.items():
        (directory / name).write_text(text)
    if certificate is not None:
        certificate.write(directory)
        (directory / "ca.pem").write_text(authority)


def version() -> str:
    """Of the Asterisk in the chroot."""
    done = subprocess.run(["chroot", str(ROOT), "asterisk", "-V"], capture_output=True, text=True, timeout=20)
    return done.stdout.strip()
