"""Kamailio as a carrier's border: a record-routing proxy between the daemon and a phone, both ways.

proxy = await Kamailio.start(tmp_path / "kamailio", inside=("127.0.0.1", 5060), outside=phone.place, transport="tls")
caller = await phones("caller", proxy=proxy.outer)          # its calls reach the daemon, by that transport
trunk = {"allow": [f"{proxy.address}/32"], "targets": [proxy.inner]}
"""

import asyncio
import os
from pathlib import Path

from .certificates import Certificate
from .foreign import ForeignProgram
from .ports import free_ports, next_address
from .unpacked import unpacked
from .waiting import within

_MODULES = ("tm", "sl", "rr", "pv", "siputils", "textops", "maxfwd")

_CONFIG = """\
debug=2
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
user_agent_header="User-Agent: Kamailio"
{listen}
{modules}
modparam("rr", "enable_double_rr", 1)
modparam("rr", "enable_full_lr", 1)
{tls}
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    t_check_trans();
    record_route();
    if (src_ip == {inside_host}) {{
        $du = "sip:{outside}";
        $fs = "udp:{address}:{outer}";
    }} else {{
        $du = "sip:{inside_host}:{inside_port};transport={transport}";
        $fs = "{transport}:{address}:{inner}";
    }}
    if (!t_relay()) sl_reply_error();
}}
"""
_TLS = """\
modparam("tls", "private_key", "{directory}/key.pem")
modparam("tls", "certificate", "{directory}/certificate.pem")
modparam("tls", "ca_list", "{directory}/ca.pem")
modparam("tls", "verify_certificate", 1)
modparam("tls", "tls_method", "TLSv1.2+")
"""


class Kamailio:
    """Made by `start`, ended by `close`.

    Attributes:
        address: on which it speaks to both sides.
        outer: SIP URI of the side of the phones, UDP.
        inner: SIP URI of the daemon's side.
    """

    def __init__(self, address: str, outer: str, inner: str, program: ForeignProgram) -> None:
        self.address, self.outer, self.inner, self.program = address, outer, inner, program

    @classmethod
    async def start(
        cls,
        directory: Path,
        *,
        inside: tuple[str, int],
        outside: str,
        address: str = "",
        transport: str = "udp",
        certificate: Certificate | None = None,
        authority: str = "",
    ) -> "Kamailio":
        """Writes a configuration and starts it; ready when this returns.

        Args:
            directory: for its files; made here.
            inside: address and port of the daemon, for this transport.
            outside: host:port of the phone that gets what comes from the daemon.
            address: its own; default: the next free one.
            transport: towards the daemon: "udp", "tcp" or "tls".
            certificate: of its address, for TLS.
            authority: PEM; the daemon's certificate must be signed by it.
        """
        program, root = unpacked("kamailio", "usr/sbin/kamailio")
        os.makedirs(directory)
        address = address or next_address()
        outer, inner = free_ports(2, address)
        tls = ""
        if certificate is not None:
            certificate.write(directory)
            (directory / "ca.pem").write_text(authority)
            tls = _TLS.format(directory=directory)
        names = ("tls", *_MODULES) if tls else _MODULES
        listen = [f"listen=udp:{address}:{outer}", f"listen={transport}:{address}:{inner}"]
        text = _CONFIG.format(
            listen="\n".join([*listen, *(["enable_tls=yes"] if tls else [])]),
            modules="\n".join(f'loadmodule "{name}.so"' for name in names),
            tls=tls,
            inside_host=inside[0],
            inside_port=inside[1],
            outside=outside,
            transport=transport,
            address=address,
            outer=outer,
            inner=inner,
        )
        (directory / "kamailio.cfg").write_text(text)
        (libraries,) = (root / "usr/lib").glob("*/kamailio")
        environment = os.environ | {"LD_LIBRARY_PATH": str(libraries)}
        running = await ForeignProgram.run(
            *(str(program), "-DD", "-E", "-f", str(directory / "kamailio.cfg"), "-L", str(libraries / "modules")),
            *("-w", str(directory), "-Y", str(directory), "-P", str(directory / "pid"), "-m", "32", "-M", "8"),
            directory=directory,
            environment=environment,
        )
        try:
            await running.listening(f"udp {address}:{outer}", timeout=10)
            if transport != "udp":  # that socket is not of the first process
                await within(_accepted(running, address, inner), 10, lambda: f"it takes connections\n{running.tail()}")
        except BaseException:
            await running.close()
            raise
        return cls(address, f"sip:{address}:{outer}", f"sip:{address}:{inner};transport={transport}", running)

    async def close(self) -> None:
        """Ends it and its processes."""
        await self.program.close()


async def _accepted(running: ForeignProgram, host: str, port: int) -> None:
    """A connection can be made; tried every 50 ms."""
    ended = asyncio.create_task(running.process.wait())
    try:
        while not ended.done():
            try:
                _, writer = await asyncio.open_connection(host, port)
            except ConnectionRefusedError:
                await asyncio.wait([ended], timeout=0.05)
                continue
            writer.close()
            return
        raise AssertionError(f"it has ended\n{running.tail()}")
    finally:
        ended.cancel()
