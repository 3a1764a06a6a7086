"""Baresip as a foreign phone: headless, driven over its JSON control connection, heard through its own recordings.

phone = await Baresip.start(tmp_path / "bare", hz=440)
await phone.dial("sip:+15550001000@127.0.0.1:5060")
await phone.event("CALL_ESTABLISHED")
await phone.send_digits("12#")
await phone.hangup()
assert tones.contains(await phone.recording(), 1000)
"""

import asyncio
import errno
import json
import os
from pathlib import Path
from typing import Any

from . import tones
from .certificates import Certificate
from .foreign import ForeignProgram, program
from .ports import free_port, next_address
from .tones import Pcm
from .waiting import Changes, within

MODULES = Path("/usr/lib/baresip/modules")
_LOADED = ("g711", "aufile", "aubridge", "sndfile")

_CONFIG = """\
poll_method epoll
sip_listen {address}:{port}
net_interface {address}
call_max_calls 4
audio_path {directory}
audio_source aufile,{directory}/source.wav
audio_player aubridge,nowhere
audio_alert aubridge,alert
audio_level no
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
ringback_disabled yes
jitter_buffer_delay 2-10
module_path {modules}
{loaded}
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {address}:{control}
snd_path {directory}
"""


class Baresip:
    """Made by `start`, ended by `close`.

    Attributes:
        uri: where it can be called.
        events: everything that it reported, as dictionaries with a "type".
        digits: DTMF that it has received.
    """

    def __init__(self, directory: Path, user: str, address: str, port: int, transport: str) -> None:
        self.directory, self.user, self.address, self.port = directory, user, address, port
        self.transport = transport
        self.events: list[dict[str, Any]] = []
        self.digits = ""
        self.watches, self.mailbox = "", False
        self.program: ForeignProgram | None = None
        self._changes = Changes()
        self._claimed: set[int] = set()
        self._answers: dict[str, dict[str, Any]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._commands = 0

    @classmethod
    async def start(
        cls,
        directory: Path,
        *,
        user: str = "bare",
        hz: float = 440.0,
        sound: Pcm | None = None,
        transport: str = "udp",
        codecs: str = "PCMU/8000/1,PCMA/8000/1",
        auto_answer: bool = True,
        domain: str = "",
        password: str = "",
        account: str = "",
        watches: str = "",
        mailbox: bool = False,
        certificate: Certificate | None = None,
        authority: str = "",
        encryption: str = "",
    ) -> "Baresip":
        """Writes a configuration and starts it.

        Args:
            directory: for its files; made when missing.
            user: user part of its URI.
            hz: the tone that it speaks, for half a minute.
            sound: at 8000 Hz, instead of the tone.
            transport: "udp", "tcp" or "tls".
            codecs: baresip's `audio_codecs`.
            auto_answer: takes incoming calls by itself; otherwise `accept` does.
            domain: host[:port] of a registrar, where it registers `user` with `password`; "" registers nowhere.
            password: for authentication.
            account: further account parameters, as ";dtmfmode=info".
            watches: URI of whose presence it subscribes to and tells of in its output; "" publishes none either.
            mailbox: it subscribes to the messages that wait for its user: event "MWI_NOTIFY".
            certificate: of its own, for TLS.
            authority: PEM; who signs the certificates of the servers that it trusts.
            encryption: of media: "srtp" (SDES, may be left), "srtp-mand" (SDES), "dtls_srtp", or none.
        """
        path = program("baresip", "baresip-core")
        os.makedirs(directory, exist_ok=True)
        phone = cls(directory, user, next_address(), 0, transport)
        phone.port, control = free_port(phone.address), free_port(phone.address)
        tones.write_wav(directory / "source.wav", tones.tone(hz, 30.0) if sound is None else sound)
        parameters = f";audio_codecs={codecs};regint={60 if domain else 0}{account}"
        parameters += ";answermode=auto" if auto_answer else ";answermode=manual"
        parameters += f";auth_user={user};auth_pass={password}" if password else ""
        parameters += f";mediaenc={encryption}" if encryption else ""
        phone.watches, phone.mailbox = watches, mailbox
        if certificate is not None:
            (directory / "identity.pem").write_text(certificate.certificate + certificate.private_key)
            (directory / "ca.pem").write_text(authority)
        phone._configure(control, domain or f"{phone.address}:{phone.port}", parameters)
        phone.program = await ForeignProgram.run(path, "-f", str(directory), "-v", directory=directory)
        await phone.program.said("baresip is ready")
        reader, phone._writer = await asyncio.open_connection(phone.address, control)
        phone._listener = asyncio.create_task(phone._listen(reader))
        return phone

    def _configure(self, control: int, host: str, parameters: str) -> None:
        loaded = "\n".join(f"module {name}.so" for name in _LOADED)
        text = _CONFIG.format(
            address=self.address,
            port=self.port,
            control=control,
            directory=self.directory,
            modules=MODULES,
            loaded=loaded,
        )
        text += "module_app contact.so\nmodule_app presence.so\n" if self.watches else ""
        text += "module_app mwi.so\n" if self.mailbox else ""
        if self.transport == "tls":
            text += f"sip_certificate {self.directory}/identity.pem\nsip_cafile {self.directory}/ca.pem\n"
            text += "module srtp.so\nmodule dtls_srtp.so\n"
        (self.directory / "config").write_text(text)
        (self.directory / "accounts").write_text(f"<sip:{self.user}@{host};transport={self.transport}>{parameters}\n")
        contacts = f'"Watched" <{self.watches}>;presence=p2p\n' if self.watches else ""
        (self.directory / "contacts").write_text(contacts)

    @property
    def uri(self) -> str:
        """Where it can be called."""
        suffix = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{self.user}@{self.address}:{self.port}{suffix}"

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Netstrings of JSON: events and responses."""
        while True:
            try:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads((await reader.readexactly(length + 1))[:-1])
            except asyncio.IncompleteReadError:
                return
            if message.get("response"):
                self._answers[message.get("token", "")] = message
            else:
                self.events.append(message)
                if message["type"] == "CALL_DTMF_START":
                    self.digits += message["param"]
            self._changes.notify()

    def describe(self) -> str:
        """Its events and the end of its output."""
        seen = ", ".join(event["type"] for event in self.events)
        return f"events: {seen}\n{self.program.tail() if self.program else ''}"

    async def command(self, name: str, parameters: str = "", timeout: float = 5.0) -> str:
        """One command of baresip's menu; returns what it printed.

        Raises:
            AssertionError: baresip refused it.
        """
        answer = await self._ask(name, parameters, timeout)
        assert answer["ok"], f"{name} {parameters}: {answer}"
        return str(answer.get("data", ""))

    async def _ask(self, name: str, parameters: str = "", timeout: float = 5.0) -> dict[str, Any]:
        """The response to a command, whatever it says."""
        assert self._writer is not None
        self._commands += 1
        token = str(self._commands)
        text = json.dumps({"command": name, "params": parameters, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        return await self._changes.until(
            lambda: self._answers.get(token), timeout, lambda: f"the response to {name}\n{self.describe()}"
        )

    async def event(self, kind: str, timeout: float = 5.0) -> dict[str, Any]:
        """The next event of a type ("CALL_ESTABLISHED", "CALL_CLOSED", ...) that was not returned before."""

        def probe() -> dict[str, Any] | None:
            for at, event in enumerate(self.events):
                if event["type"] == kind and at not in self._claimed:
                    self._claimed.add(at)
                    return event
            return None

        return await self._changes.until(probe, timeout, lambda: f"{kind}\n{self.describe()}")

    async def dial(self, uri: str) -> None:
        """Begins a call."""
        await self.command("dial", uri)

    async def accept(self) -> None:
        """Takes the incoming call."""
        await self.command("accept")

    async def refuse(self) -> None:
        """Answers the incoming call with 486 and waits until it is closed."""
        await self.hangup()

    async def hangup(self) -> None:
        """Ends the call and waits until it is closed."""
        await self.command("hangup")
        await self.event("CALL_CLOSED")

    async def hold(self) -> None:
        """Puts the call on hold."""
        await self.command("hold")

    async def resume(self) -> None:
        """Takes the call back; its own word for it counts.

        Baresip 1.1 first holds the call that is active now, reports EINVAL when there is none, and resumes all the same
        (`uag_hold_resume`): only that error is let pass.
        """
        assert self.program is not None
        said = len(self.program.output)
        answer = await self._ask("resume")
        assert answer["ok"] or answer["data"] == os.strerror(errno.EINVAL), f"resume: {answer}"
        await self.program.said("call: resume ", since=said)

    async def send_digits(self, digits: str) -> None:
        """Sends DTMF, by RFC 4733 unless the account says otherwise."""
        for digit in digits:
            await self.command("sndcode", digit)

    async def heard_digits(self, digits: str, timeout: float = 5.0) -> None:
        """Waits until it has received exactly these."""
        await self._changes.until(
            lambda: self.digits == digits,
            timeout,
            lambda: f"digits {digits!r}; it heard {self.digits!r}\n{self.describe()}",
        )

    async def recording(self, call: int = -1) -> Pcm:
        """What it heard in a call that is over: the last, or the n-th from 0; 8000 Hz."""
        await self.command("reginfo")  # an answer means that the closing of the call is done
        files = sorted(self.directory.glob("dump-*-dec.wav"))
        assert files, f"baresip recorded nothing\n{self.describe()}"
        pcm, rate = tones.read_wav(files[call])
        assert rate == 8000, f"{rate} Hz"
        return pcm

    async def close(self) -> None:
        """Ends it."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        if self._writer is not None:
            self._writer.close()
            await within(self._writer.wait_closed(), 2, "the control connection is closed")
        if self.program is not None:
            await self.program.close()
