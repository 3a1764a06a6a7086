"""Typed stub of the extension `callwright.engine._engine` (C++17 on pjsua-lib, pjsip and pjmedia).

One `Engine` is one SIP user agent with one mixer. Its native threads never run Python and never wait for
the GIL: what happens becomes `Event` records in a lock-free queue behind one eventfd, and every command below only
validates its arguments, queues a job for the engine's own SIP thread and returns. A command about a leg or port that
is already gone is a no-op; one that fails later reports a `FAILED` event with that id.

Ids are unique for the life of the process, never reused; legs and ports share one id space ("nodes"), so that any
node can be connected to any other.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, final

Headers = Sequence[tuple[str, str]]

class EventKind(enum.IntEnum):
    INCOMING = ...
    """A new INVITE for which 100 was sent. id: leg. detail: request_uri, from_uri, from_header, to_uri, to_header,
    contact, call_id, source_host, source_port (int), transport ("UDP" | "TCP" | "TLS"), local_host, local_port, user,
    realm (who has authenticated; both "" for a trunk), headers [(name, value)], offer (bool: it carried SDP), replaced
    (int: the leg whose place it is to take, RFC 3891; 0: none. One that names no leg, or an inbound one that rings, has
    been refused), early_only (bool: of `replaced`, only while it rings)."""
    TRYING = ...
    """Outbound leg got a 100: its next hop lives. id: leg, code 100."""
    PROGRESS = ...
    """Outbound leg got a 1xx (not 100). id: leg, code: SIP code, text: reason. detail: early_media (bool), call_id,
    local_tag, remote_tag (ours, and the peer's; "" without one)."""
    ESTABLISHED = ...
    """Outbound: 200 received and ACKed; inbound: ACK received. id: leg, code 200. detail: headers (of the 200; empty
    for inbound), call_id."""
    MEDIA = ...
    """Media (re)started or stopped. id: leg, code: 1 active, 0 none. detail: codec ("PCMU"), clock_rate (Hz),
    ptime (ms), remote ("host:port"), hold ("none" | "local" | "remote", also when no media runs), srtp ("none" |
    "sdes" | "dtls": how the audio's keys were agreed), telephone_event (bool: whether the peer takes RFC 4733)."""
    DIGIT = ...
    """One DTMF digit received, reported once whatever ways it came, when the key goes down. id: leg,
    text: 0-9 * # A-D. detail: duration (ms heard so far; of INFO: as it says), method ("rfc4733" | "info")."""
    ENDED = ...
    """The leg is gone; nothing more comes with this id. id: leg, code: SIP code (200 after a BYE, 487 after a CANCEL,
    408 when the peer did not acknowledge our answer or did not refresh its session in time),
    text: reason. After `hangup` it comes at once; the transactions end by themselves, 32 s later at the longest.
    detail: by ("local" | "remote"), headers (of the BYE or of the final response), call_id, statistics: one JSON
    object as text, "" when no media ran: {codec, rtt_ms, relayed (packets), verdict (in words what went wrong when one
    way or both carried no audio, or not from the answer to the end, or when the peer reports that nothing of ours came,
    else ""), mos: {rx, tx} (ITU-T G.107, 1 to 4.5; 0: nothing to judge), rx: {packets, bytes, lost, discarded,
    reordered, duplicated, jitter_ms, jitter_max_ms, foreign (from elsewhere, dropped), malformed, unexpected (payload
    type), early (outside a stream), forged (SRTP), jumps, bursts, longest_burst, first_ms, last_ms (-1: none came),
    comfort_noise (packets), source, digits}, tx: {packets, bytes, lost, jitter_ms, jitter_max_ms (as the peer's RTCP
    reports), first_ms, last_ms, refused, reports, reports_without (that told of our packets, or of none), destination},
    jitter_buffer: {size_ms (to which it has fitted itself), min_ms, max_ms, avg_delay_ms (that frames waited), lost,
    discarded, empty (frames)}}."""
    REQUEST = ...
    """A REGISTER, SUBSCRIBE, NOTIFY, MESSAGE or PUBLISH outside a call's dialog waits for `respond` (5 s, then the
    engine answers 503 itself). id: request. text: method. detail: as INCOMING but offer, plus content_type, body
    (bytes), expires (int, -1 absent), cseq, to_tag (that our response will bear: the request's own, or a new one)."""
    PLAYED = ...
    """A player or tone ended and has left the mixer; its id is gone. id: port, text: "finished" | "digit" |
    "stopped". detail: position (ms heard in all), digit (the digit that stopped it, else "")."""
    SILENCE = ...
    """A recorder heard no voice for its silence limit (reported once each time the limit is reached). id: recorder."""
    LIMIT = ...
    """A recorder reached its maximum length and has stopped by itself; RECORDED follows. id: recorder."""
    RECORDED = ...
    """A recorder's file is complete and closed; its ids are gone. id: recorder. text: path. detail: duration (ms),
    voiced (ms of frames above the voice threshold), first_voice, last_voice (ms from the start; -1 when none),
    dropped (frames lost because the writer could not keep up), error ("" or why the file is incomplete)."""
    TAPPED = ...
    """A tap holds at least `notify` ms unread. id: tap. Level-triggered once per `read_tap`."""
    DRAINED = ...
    """A source ring played its last sample. id: source."""
    FAILED = ...
    """A queued command failed. id: leg or port, text: what and why."""
    LOG = ...
    """A line of pjproject's own log, credentials blanked. code: level (1 error, 2 warning, 3 info, 4 debug and every
    SIP message)."""
    SECURITY = ...
    """Something that an operator's fire wall should know, at most 10 a second (bursts of 50; `unreported` counts the
    rest). code: seconds of the block that begins, else 0. detail: kind, source_host, source_port (int), user (as
    claimed, at most 128 characters), method. Kinds: "auth-failed" (a wrong response to our own challenge: its source is
    not forged), "home-auth-failed" (the same, from where others have authenticated), "blocked" (the source, from now
    on), "pair-blocked" (the user, at this source), "user-blocked" (the user, wherever else he comes from),
    "replayed" (a right response for the second time), "scanner" (a User-Agent of the list; once a minute a source;
    over UDP the source may be forged), "rtp-source" (RTP, or a handshake of DTLS, from elsewhere than the peer was
    dropped, once in 10 s for a leg; id: leg, packets: of this occasion; no user)."""
    MEDIA_LOST = ...
    """No RTP came for the media timeout (30 s; 300 s on hold or when the leg does not receive); again each time it
    passes. id: leg. text: what, in words. detail: ever (bool: RTP had come before)."""
    DIGITS_SENT = ...
    """The digits of one `send_digits` have been sent, to the end of the pause after the last one, or answered (INFO).
    One for each, in order, but for those that FAILED. id: leg."""
    RESPONSE = ...
    """A `request` came to its end. id: request, code: final SIP code (408: nothing came in time; 503 without headers:
    it could not be sent), text: reason. detail: headers [(name, value)], content_type, body (bytes), source_host,
    source_port (int), transport; all empty when nothing came."""
    FLOW_CLOSED = ...
    """A TCP or TLS connection is gone, whoever opened or closed it. detail: transport, source_host, source_port (int),
    as the REQUESTs that came through it had them."""
    TRANSFER = ...
    """Something of a `refer` of ours, which may outlive its leg. id: transfer. detail: by ("answer": the final response
    to the REFER, code 408 when none came; "notify": the status line of a NOTIFY's fragment; "end": no more reports will
    come, code 0; "silent": there will be none at all, RFC 4488, code 0), last (bool: nothing follows). code, text: what
    was told."""
    REFER = ...
    """The peer of a leg has asked for a transfer, and has been answered. id: leg, code: 202, or how it was refused:
    400 (no Refer-To that can be read), 416 (no SIP or telephone URI), 603 (`permit` does not allow it). text: the
    Refer-To's URI. detail: transfer (int: id for `notify`; 0: refused, or no reports are wanted), replaced (int: the
    leg whose dialog the URI's Replaces names; 0: none of ours), attended (bool: it names one of ours, or one of nobody
    while transfers to anybody are not permitted), referred_by."""
    HELD = ...
    """A request of an asking realm waits for `judge` (15 s, then nobody can tell), with what comes again of it; at most
    1,000 do, 64 of a source. id: request. text: method. detail: user (as claimed), realm, source_host, source_port
    (int), transport, call_id, user_agent (at most 256 characters)."""

@final
class Event:
    @property
    def kind(self) -> EventKind: ...
    @property
    def id(self) -> int: ...
    @property
    def code(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def detail(self) -> dict[str, Any]: ...

@final
class Sound:
    """An immutable mono 16-bit PCM buffer in native memory, shared by any number of players (one copy)."""

    def __init__(self, samples: bytes, clock_rate: int) -> None:
        """Args: samples: int16 little-endian mono. clock_rate: Hz; must be the engine's when it is played.

        Raises: ValueError: an odd number of bytes, or a rate outside 8000..48000.
        """
    @property
    def duration(self) -> float:
        """Seconds."""
    @property
    def clock_rate(self) -> int: ...

@final
class Engine:
    def __init__(
        self,
        *,
        listen: Sequence[tuple[str, str, int]],
        media_address: str,
        rtp_ports: tuple[int, int],
        clock_rate: int = 16000,
        max_legs: int = 2000,
        user_agent: str = "Callwright",
        log_level: int = 2,
        media_address6: str = "",
        tls: Sequence[tuple[str, str, str, bool]] = (),
        verify_server: bool = True,
        codecs: Sequence[str] = ("PCMU", "PCMA", "G722", "opus"),
        ptime: int = 20,
        opus: Mapping[str, int] = {},
        session_expires: int = 1800,
        min_session_expires: int = 90,
        rtp_io: str = "auto",
        media_timeout: int = 30,
        hold_timeout: int = 300,
        advertised_address: str = "",
        inside: Sequence[str] = (),
        advertised: Sequence[str] = (),
        mixers: int = -1,
        mixing_us: int = 2000,
        their_order: bool = False,
        comfort_noise: bool = False,
        jitter_buffer: tuple[int, int] = (20, 240),
        late_from_anywhere: bool = False,
        media: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Starts pjlib, its transports and threads. At most one Engine lives at a time in a process.

        Args:
            listen: (transport "udp" | "tcp" | "tls", host, port); port 0 takes a free one (see `addresses`). What goes
                out takes the one where its peer, a user's phone, was heard last; else that whose host leads there.
            media_address: address advertised in SDP and bound for RTP. "0.0.0.0" or "::": that at which the call's
                signalling is, and where that is a wildcard too, the one that leads to the peer.
            media: for each of `listen`, in order: (the address of its calls' media, or "" for media_address; what is
                told in its place, or "": with the first, that itself, else as advertised_address says).
            advertised_address: told in SDP in place of the media address of its family (a router translates it to
                that), but to peers whose signalling comes from, or goes to, one of the prefixes of `inside`.
            advertised: for each of `listen`, in order: the address in its Via and Contact; "" or none: its own.
            mixers: threads beside the media thread that decode and encode for it when its mixing takes more than
                mixing_us of the 20 ms, at most 15; -1: as many as there are cores beside one.
            media_address6: the IPv6 one beside it, or "::"; a call's media has the family of the offer, or of its
                signalling.
            tls: for each "tls" transport, in order: (certificate with its chain, private key, authorities,
                verify_client), the first three as PEM text. Servers are verified by the authorities, or by the
                system's when there are none; with verify_client a client must show a certificate of theirs.
            verify_server: whether the certificate of a server that we connect to must be good, and bear its name.
            codecs: by preference: PCMU PCMA G722 opus GSM L16/8000 L16/16000 G729. Of an offer the first of these
                that it has is taken; with their_order the first of its own. A trunk's or a call's list goes before.
            ptime: ms of a packet, 10 to 60 in tens (L16/16000: to 40): asked for, and sent when the peer asks nothing.
            opus: bitrate (bit/s, 0: the encoder's), complexity (0 to 10), fec, dtx (0 | 1; asked of the peer).
            comfort_noise: offered (RFC 3389), not only answered. jitter_buffer: (least, most) ms, within 20 to 400.
            late_from_anywhere: RTP that begins more than 5 s after an answer is taken not only from the peer's hosts.
            session_expires, min_session_expires: RFC 4028, in seconds; 0 without session timers, and the shortest.
            rtp_ports: inclusive range, on each address; even ports carry RTP.
            clock_rate: of the mixer, Hz; frames are 20 ms.
            max_legs: further INVITEs are answered 503. log_level: pjproject lines up to it come as LOG events.
            media_timeout, hold_timeout: seconds without RTP until MEDIA_LOST.
            rtp_io: how RTP is read and sent: "io_uring", "epoll", or "auto": the first where the kernel allows it.

        Raises:
            OSError: a transport cannot be bound (errno and "udp:host:port" in the message).
            ValueError: an argument is out of range.
            RuntimeError: pjproject refused, with its own words.
        """
    @property
    def event_fd(self) -> int:
        """An eventfd, readable while events wait."""
    @property
    def addresses(self) -> list[tuple[str, str, int]]:
        """Transports as bound: (transport, host, port), in the order of `listen`."""
    @property
    def clock_rate(self) -> int: ...
    def drain(self, limit: int = 512) -> list[Event]:
        """The oldest events, in order; clears the eventfd when none is left."""
    def close(self) -> None:
        """Hangs up what lives, ends every thread, frees every native object. Idempotent. Bounded (about 3 s)."""
    def certify(self, transport: int, *, certificate: str, private_key: str, ca: str = "") -> None:
        """What the n-th "tls" transport (from 0) shows and trusts on every new connection; none that lives is touched.

        In force when it returns. Raises: ValueError: no PEM, or no key of the certificate's; the old ones stay.
        """
    def certify_names(self, names: Sequence[tuple[str, str, str]]) -> None:
        """What every "tls" transport shows to a new connection that calls a name (SNI), in place of its own, and of
        what was said before: (name, certificate with its chain, private key), the last two as PEM text. The one that is
        declared for the name goes before those that are issued for it, wildcards too; whom a listener trusts stays.

        In force when it returns.

        Raises: ValueError: a text is no PEM, or key and certificate do not belong together; nothing has changed.
        """
    def counts(self) -> dict[str, int]:
        """Live native objects: legs, ports, sounds, requests (of others, to be answered), transactions (requests of
        ours without their response), bridge_ports, jobs, events, transfers, held (requests that wait for `judge`)."""
    def counters(self) -> dict[str, int]:
        """Since start: invites, refused_source, refused_rate, refused_backlog, refused_full, refused_offer (488 to an
        INVITE whose offer fits nothing), refused_connections (TCP and TLS, beyond 1,024 of one source), requests,
        malformed, authenticated, challenged (401 sent), auth_failed, auth_replayed, blocked (requests of a blocked
        source), scanners, refused_strangers (beyond their rate), unreported (SECURITY events beyond their rate), held,
        stun and pongs (keep-alives answered: Binding requests over UDP, double line ends over TCP and TLS),
        dropped_lines (of the log: beyond 100 a second, or 2,000 undrained events)."""

    def media_facts(self) -> dict[str, str]:
        """io ("io_uring" | "epoll"), why_not_io_uring ("" when it is, or was not asked for), priority (of the media
        thread: "nice -10" | "normal" | "inherited")."""
    def media_counts(self) -> dict[str, int]:
        """Now: legs with media by what feeds them (idle, play, relay, mix), rtp_pairs (of all addresses),
        rtp_pairs_taken, mixing_threads (that shared the last 20 ms), longest_turn_us (of the media thread, since the
        last look), jobs (that wait for it)."""
    def media_addresses(self) -> list[tuple[str, int, int]]:
        """(address, pairs of RTP ports, how many of them are taken) of each address that has or had media."""
    def media_counters(self) -> dict[str, int]:
        """Since start: late_beats (frames begun more than 10 ms late), lost_beats, failed_jobs, rtp_pairs_unrested
        (taken before they had rested for 30 s), system_calls, and datagrams: received, sent, dropped (too long, or no
        memory), refused (by SRTP or the kernel), relayed (leg to leg without decoding). RTP and RTCP that took no
        further part: foreign (from elsewhere than the peer), forged (not let pass by SRTP), malformed, unexpected
        (payload type), early (outside a stream). Frames of jitter buffers: jitter_lost, jitter_discarded,
        jitter_empty."""

    # admission: decided in native code before any event is made
    def admit(
        self, sources: Sequence[str], policies: Sequence[tuple[str, Sequence[str], str, str, Sequence[str]]] = ()
    ) -> None:
        """Addresses or prefixes ("127.0.0.0/8", "::1") of trunks, whose requests are taken; any other gets 403 to all
        but OPTIONS, for which it has limits of its own as in `gate`, or must `authenticate`. Default: none.

        policies: (address or prefix, codecs, srtp, reliable, quirks) of the INVITEs from there, as in `originate`;
        empty for the usual ones. The narrowest prefix wins. An offer that fits nothing is answered 488 with a Warning.

        In force when it returns.

        Raises: ValueError: not an address or prefix; no codec; no policy.
        """
    def trust(self, users: Sequence[tuple[str, str, Sequence[str], str, str, Sequence[str]]]) -> None:
        """(name, realm, codecs, srtp, reliable, quirks) of the INVITEs of users who have proven to be so, as the
        policies of `admit`, before which they go. In place of all; in force when it returns.

        Raises: ValueError: no codec; no policy.
        """
    def gate(self, *, requests_per_second: int, burst: int, backlog: int) -> None:
        """Overload gate for requests outside a call: a token bucket over all sources, and a bound on undrained
        events. Over it: 503 with Retry-After on TCP, silence on UDP. A call's requests always pass. In force when it
        returns; without it there is no limit. Requests that are challenged have a bucket of the same size of their own,
        and one source a tenth of it (50 a second at least).

        Raises: ValueError: a number below 1.
        """
    def authenticate(
        self,
        *,
        realm: str,
        nonce_lifetime: float = 300.0,
        algorithms: Sequence[str] = ("SHA-256", "MD5"),
        silent: bool = False,
        scanners: Sequence[str] = (),
        asking: Sequence[str] = (),
    ) -> None:
        """From now on every request outside a call must authenticate as a user (RFC 3261 §22, RFC 7616, RFC 8760),
        but ACK and CANCEL, and what comes from an admitted source and is no REGISTER, SUBSCRIBE or PUBLISH. In force
        when it returns.

        Without a valid response: 401 with a challenge in each algorithm, the stronger first, quality of protection
        "auth". An unknown user, a wrong password, a blocked user and a number that does not exist get the same answer
        in the same time. Nonces are bound to the source address and the realm; a nonce count serves once; `stale=true`
        for a nonce that is not good any more, or not here. A response that lacks cnonce, nc or qop, or whose URI names
        another user, host or port than the request: 400.

        Args:
            realm: of challenges, unless the From's host is the realm of a user. "": nobody authenticates, and INVITEs
                of sources that are not admitted get 403.
            nonce_lifetime: seconds.
            algorithms: offered and taken: "SHA-256", "MD5" or both. RFC 7616 §3.7 has a phone take the first that it
                knows; one that gives up at what it does not know, like baresip 1.0, needs MD5 alone.
            silent: a source that has not authenticated in the last 24 h gets an answer to REGISTER only (and when there
                are no users, none).
            scanners: requests with one of these in their User-Agent (whatever the case) are dropped, unless their
                source is admitted.
            asking: realms of whose users somebody knows more than `credentials` has: a response that is not right by
                these, to a nonce that is good and was not used with its count, is HELD, whoever it is of.

        Raises: ValueError: not a realm or an algorithm, a lifetime out of range, an empty scanner.
        """
    def lockout(self, *, failures: int = 5, window: float = 60.0, block: float = 60.0, longest: float = 3600.0) -> None:
        """So many wrong responses within the window (seconds) block a source, and likewise a user: first for `block`,
        each further time for twice as long, up to `longest`; so long after its end a block is forgotten.

        Requests of a blocked source are dropped; an admitted source is never blocked. A source from which users have
        authenticated in the last 24 h is blocked after ten times as many; what a user sends from there that has failed
        so often is dropped before, and nobody else's. A blocked user is refused like a
        wrong password, but from where he has authenticated in the last 24 h. An IPv6 source is its /64.

        Raises: ValueError: a number out of range.
        """
    def credentials(self, users: Sequence[tuple[str, str, str, str]]) -> None:
        """All users, in place of those before: (username, realm, H(A1) in MD5, H(A1) in SHA-256), the latter as
        lower-case hexadecimal digits (RFC 7616 §3.4.2). In force, all at once, when it returns.

        Raises: ValueError: a name that is empty, longer than 128 bytes, or holds what a quoted string or H(A1) cannot;
            not an H(A1). Nothing has changed then.
        """
    def add_credential(self, username: str, realm: str, ha1_md5: str, ha1_sha256: str) -> None:
        """One more user, or another password. Raises: as `credentials`."""
    def remove_credential(self, username: str, realm: str) -> None:
        """Unknown: no-op."""
    def judge(self, request: int, *, conclusive: bool = True, delay: float = 0.0) -> None:
        """Decides on a HELD request, by the credentials as they are now: who proves himself is let in at once, all
        others are answered after the delay (seconds, at most 15): conclusive: 401, and it counts as a wrong response.
        Else nobody can tell now: 503 with Retry-After, whoever it is; a guess at one of the credentials counts, but
        whom that blocks gets 503 like all others. Unknown: no-op.

        Raises: ValueError: a delay out of range.
        """

    # signalling
    def originate(
        self,
        uri: str,
        *,
        local_uri: str,
        next_hop: str = "",
        headers: Headers = (),
        username: str = "",
        password: str = "",
        realm: str = "",
        codecs: Sequence[str] = (),
        srtp: str = "",
        srtp_keying: str = "",
        reliable: str = "",
        quirks: Sequence[str] = (),
        offer: bool = True,
        route: Sequence[str] = (),
        keep_hop: bool = False,
        like: int = 0,
    ) -> int:
        """Sends an INVITE; returns the leg's id. local_uri is the From (name-addr allowed).

        codecs: by preference; empty for the engine's. like: a leg whose codec (or that of its answer to come) is the
        first of them, if it is one. srtp: "off" (default) | "optional" | "required"; srtp_keying, of
        our offers: "sdes" (default) | "dtls", which no offer can leave optional. reliable, of provisional responses
        (RFC 3262): "off" | "supported" (default) | "required". offer: False leaves the offer to the peer's answer.
        quirks, what a peer does not bear, or needs: "no-session-timer" (RFC 4028), "symmetric-port" (requests within
        the dialog go where the peer's responses and requests come from, whatever its Contact names, unless proxies have
        put themselves on the way), "dtmf-without-marker" (no RTP packet of an RFC 4733 event bears the marker).

        next_hop is the sip: URI of an address to send to, when `uri` names a host: the engine's own look-up of a
        name would hold all signalling for as long as the name server takes. Over TLS (";transport=tls", sips:) the
        host of `uri` is still the name that is told to the server and that its certificate must bear.

        route: name-addrs of proxies on the way (RFC 3327), shown as Route.
        keep_hop: what follows in the dialog goes to next_hop too, whatever the peer's Contact and Record-Routes name;
        proxies are followed when the nearest has next_hop's address. Over TCP or TLS next_hop is the far end of a
        connection to us, without which the leg ends at once with 430 (RFC 5626).

        Credentials, when given, answer a challenge of this dialog only, and only for `realm`; when that is empty, for
        the first realm that asks.
        Raises: ValueError: a URI or header cannot be parsed or holds CR, LF or NUL; no codec; no policy.
        """
    def answer(
        self, leg: int, code: int, *, reason: str = "", headers: Headers = (), codecs: Sequence[str] = (), like: int = 0
    ) -> None:
        """180, 183 (starts early media), 200. codecs: in place of the leg's own, by preference, before media starts;
        when the offer has none of them the leg ends with 488. like: a leg whose codec is taken if the offer has it.
        Raises: ValueError: no codec.
        """
    def hangup(self, leg: int, *, code: int = 0, reason: str = "", headers: Headers = ()) -> None:
        """By state: final response `code` (300 to 699, default 603) | CANCEL | BYE. ENDED follows at once, also when
        the peer never answers."""
    def hold(self, leg: int, on: bool) -> None:
        """Re-INVITE with sendonly, or sendrecv; again after a while when it meets one of the peer's (491)."""
    def refer(self, leg: int, uri: str, *, headers: Headers = ()) -> int:
        """Asks the peer of an established leg to call a URI (REFER, RFC 3515), which may carry header fields of the
        call to be made; returns the id of the transfer. headers: of the REFER itself. TRANSFER events follow, until one
        is the last, or `forget`.

        Raises: ValueError: the URI or a header cannot be parsed or holds CR, LF or NUL.
        """
    def permit(self, leg: int, *, blind: bool = False, attended: bool = False) -> None:
        """What REFERs of this leg's peer are accepted, one of them: to anybody, or to the peer of another leg (one with
        a Replaces that names it; one that names no leg of ours is one to anybody where that is permitted). Nothing
        before."""
    def notify(self, transfer: int, code: int, *, reason: str = "") -> None:
        """Reports how a transfer of the peer's goes; a final code (200 to 699) is the last. A no-op after it."""
    def forget(self, transfer: int) -> None:
        """No more events of a `refer`."""
    def send_digits(self, leg: int, digits: str, duration: int = 160, *, method: str = "") -> None:
        """Queues digits (0-9 * # A-D), duration 40 to 5000 ms each; at most 128 wait. method: "rfc4733", "info" (one
        request after the other), or "": the first where the peer has agreed to telephone-event. DIGITS_SENT follows.

        Raises: ValueError: not digits, a duration out of range, no method.
        """
    def request_statistics(self, leg: int) -> str:
        """The statistics object of ENDED, as it stands now ("" without media); a locked copy, does not block."""
    def respond(
        self,
        request: int,
        code: int,
        *,
        reason: str = "",
        headers: Headers = (),
        content_type: str = "",
        body: bytes = b"",
    ) -> None:
        """The final response (200 to 699) to a REQUEST; a body needs a content type. A no-op when it was answered."""
    def request(
        self,
        method: str,
        uri: str,
        *,
        headers: Headers = (),
        content_type: str = "",
        body: bytes = b"",
        next_hop: str = "",
        timeout: float = 32.0,
    ) -> int:
        """Sends a request outside INVITE dialogs (OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, PUBLISH) as a client
        transaction; returns its id. RESPONSE follows, once; 503 when 10,000 others wait for theirs.

        Args:
            headers: as they are, Contact, Event and Authorization among them. Of From, To, Call-ID, CSeq and
                Max-Forwards, each at most once, what is missing is made (CSeq: 1), a From without a tag gets one; a
                Contact is made for every method but MESSAGE and PUBLISH, User-Agent when there is none. A To with a
                tag: a request within a dialog that the caller keeps, Routes among its headers.
            next_hop: as in `originate`; needed when the first Route, or without one the URI, names a host. An open
                connection to that address is used again; over TLS only by the name that its server has proved, unless
                the peer opened it or the URI itself names an address.
            timeout: seconds until 408; the transaction's own 32 s end it anyway.

        Raises: ValueError: a URI or header cannot be parsed or holds CR, LF or NUL, or is the stack's own (Via,
            Content-Type, Content-Length); the method belongs to a call; a body without a content type; more than 64
            headers or 7,168 bytes in all; no address to send to.
        """

    # who hears whom
    def connect(self, source: int, sink: int) -> None:
        """Source is heard by sink. Remembered until media of both is there, and across re-negotiation."""
    def disconnect(self, source: int, sink: int) -> None: ...
    def overhear(self, node: int, listener: int) -> None:
        """The listener hears whatever the node hears, from now on: a recording of what a leg is played. A listener
        is not listened to in its turn."""

    # ports; each is in the mixer at once and lives until it ends by itself or `stop`
    def player(self, sounds: Sequence[Sound], *, sink: int, loop: int = 1, stop_on_digit: int = 0) -> int:
        """Plays sounds one after the other, `loop` times (0: for ever), to `sink` (a node). The first digit of leg
        `stop_on_digit` ends it natively, before Python hears of the digit. A digit pressed before the player was
        created does not stop it. An empty list finishes at once."""
    def tone(
        self, segments: Sequence[tuple[float, float, int, int]], *, sink: int, loop: int = 1, level_dbov: float = -13.0
    ) -> int:
        """Segments (hz1, hz2, on ms, off ms); hz2 = 0 for a single tone; loop 0: for ever. Ends with PLAYED."""
    def dtmf_tone(self, digits: str, *, sink: int, on: int = 120, off: int = 80) -> int:
        """In-band DTMF; "w" pauses 500 ms, "W" 1000 ms. Ends with PLAYED."""
    def recorder(
        self,
        path: str,
        *,
        channels: int = 1,
        sample_rate: int = 8000,
        max_duration: float = 0,
        silence: float = 0,
        append: bool = False,
        gain: float = 0,
    ) -> tuple[int, ...]:
        """Writes a 16-bit WAV file from its own thread; the header is true to within a second at any moment.

        Returns one input node per channel; the first is the recorder's id. max_duration and silence in seconds,
        0: none. The silence clock runs from the start. gain: dB, what is too loud then is clipped.
        Raises: OSError: the file cannot be created.
        """
    def pause(self, recorder: int, on: bool, silence: bool = True) -> None:
        """Paused time is written as silence, or left out."""
    def source(self, *, sink: int, capacity: int = 10000) -> int:
        """A ring of PCM at the mixer's clock, capacity in ms, played to `sink`; silence when empty."""
    def write(self, source: int, samples: bytes) -> int:
        """Appends int16 mono; returns the samples taken (fewer when the ring is full). Does not block."""
    def clear(self, source: int) -> None: ...
    def tap(self, *, capacity: int = 2000, notify: int = 100) -> int:
        """A sink whose audio Python may read; capacity and notify in ms. The oldest samples are lost when full."""
    def read_tap(self, tap: int) -> bytes: ...
    def detect_digits(self, leg: int) -> int:
        """DTMF in the audio of a leg is reported as DIGIT with method "inband", beside other ways: never twice. Costs
        the decoding of the leg's audio. One a leg; ends with the leg or by `stop`."""
    def bus(self) -> int:
        """A node that hears many and is heard by many, until `stop`: a conference. What a node hears of a bus leaves
        its own voice out."""
    def stop(self, port: int) -> None:
        """Ends a port: PLAYED "stopped", RECORDED; a source, tap, detector or bus simply goes."""

def digest_response(algorithm: str, ha1: str, *, method: str, uri: str, nonce: str, count: str, cnonce: str) -> str:
    """What the engine takes as the right response (RFC 7616 §3.4.1, quality of protection "auth").

    Args:
        algorithm: "SHA-256" or "MD5".
        count: nc, as it stands in the message.

    Raises: ValueError: another algorithm.
    """
