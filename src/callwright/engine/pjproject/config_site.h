/* pjproject's build-time settings for a server. The library's own defaults are those of a phone.
 *
 * scripts/build-pjproject copies this file to pjlib/include/pj/config_site.h and hashes it into the
 * installation's path, so an edit here builds a new library beside the old one. Only what differs
 * from the default stands here; every name was checked against pjproject 2.17.
 */

/* --- Build kind -------------------------------------------------------------------------------- */

/* A failed assertion must end one call, never the daemon: PJ_ASSERT_RETURN keeps returning its error,
 * pj_assert() aborts no more. (The compiler gets -DNDEBUG as well.) */
#define PJ_DEBUG 0

/* Level 5 prints several lines for each packet; leaving it out of the build costs nothing at run time. */
#define PJ_LOG_MAX_LEVEL 4

/* A wire trace shows a whole message: PJSIP_MAX_PKT_LEN and the line before it. */
#define PJ_LOG_MAX_SIZE 9000

/* Source locations of timers are only for a debugger's dump of the timer heap. */
#define PJ_TIMER_DEBUG 0

/* --- Network ----------------------------------------------------------------------------------- */

#define PJ_HAS_IPV6 1

/* TLS on both SIP and (with libsrtp) the DTLS handshake of browser media. */
#define PJ_HAS_SSL_SOCK 1
#define PJSIP_HAS_TLS_TRANSPORT 1

/* Sockets of one I/O queue: RTP and RTCP of every call, or every SIP connection. The epoll queue has no
 * FD_SETSIZE limit (build-pjproject refuses a build that fell back to select); each of the two queues
 * reserves 830 bytes a handle when the process starts, 14 MB at this size. */
#define PJ_IOQUEUE_MAX_HANDLES 16384

/* Events that one poll hands out: a busy SIP or RTP socket set wakes the thread less often. */
#define PJ_IOQUEUE_MAX_EVENTS_IN_SINGLE_POLL 64

/* Connections that may wait in a listener's queue: phones and carriers reconnect all at once. */
#define PJSIP_TCP_TRANSPORT_BACKLOG 511
#define PJSIP_TLS_TRANSPORT_BACKLOG 511

/* Seconds in which a new connection has to bring its first SIP message, or it is closed. */
#define PJSIP_TCP_INITIAL_TIMEOUT 10
#define PJSIP_TRANSPORT_SERVER_IDLE_TIME_FIRST 10

/* Seconds that an accepted connection may be idle: longer than the usual registration of an hour,
 * because calls to a registered phone go down its connection (RFC 5626 section 3.1). */
#define PJSIP_TRANSPORT_SERVER_IDLE_TIME 3900

/* --- SIP --------------------------------------------------------------------------------------- */

/* A transaction lives 32 s after its final response (RFC 3261 section 17): 64 Ki carry 800 calls/s. Both
 * tables hash by these sizes, 2^n - 1 as pj_hash_create() rounds. */
#define PJSIP_MAX_TSX_COUNT (64 * 1024 - 1)
#define PJSIP_MAX_DIALOG_COUNT (64 * 1024 - 1)

/* Slots that the timer heap starts with; it doubles by itself. The default formula would reserve 256 Ki. */
#define PJSIP_MAX_TIMER_COUNT (32 * 1024)

/* Timers that one poll may fire, so that a burst of transactions that end together cannot lag. */
#define PJSIP_MAX_TIMED_OUT_ENTRIES 64

/* Longest SIP message: a browser's INVITE with all its candidates is 4-6 kB. */
#define PJSIP_MAX_PKT_LEN 8192

/* Longest URI: custom headers that ride in a dialled URI may add 1,024 characters (Dial, Sip noun). */
#define PJSIP_MAX_URL_SIZE 2048

/* --- Calls (pjsua) ----------------------------------------------------------------------------- */

/* Upper bounds of static arrays; what a process really takes is [limits] in the configuration. */
#define PJSUA_MAX_CALLS 4096
#define PJSUA_MAX_ACC 512
#define PJSUA_MAX_CONF_PORTS 16384

/* Files are played and recorded by the engine's own ports. */
#define PJSUA_MAX_PLAYERS 4
#define PJSUA_MAX_RECORDERS 4

/* Media lines of one description: a video-conference offer has five. pjsua reserves 1.3 kB a line for each
 * call that it is set to allow, at start (46 MB for 4,096); an answer would lack the lines beyond the limit. */
#define PJMEDIA_MAX_SDP_MEDIA 8

/* Attributes of one media line: candidates of many interfaces stand before the formats in a browser's offer,
 * and what is beyond the limit (68 by default) would be lost without an error. */
#define PJMEDIA_MAX_SDP_ATTR 128

/* --- Media ------------------------------------------------------------------------------------- */

/* PJMEDIA_CONF_THREADS stays undefined: its mere presence selects the parallel bridge, whose workers would
 * compete with the SIP thread on the two cores that a process uses. */

/* Linear samples, as a speech service or another media server on the same network offers them. */
#define PJMEDIA_CODEC_L16_HAS_8KHZ_MONO 1
#define PJMEDIA_CODEC_L16_HAS_16KHZ_MONO 1

/* A bandwidth would be that of the greediest codec that is known, whatever a description offers. */
#define PJMEDIA_ADD_BANDWIDTH_TIAS_IN_SDP 0

/* Events (end of file, digits) that may wait for the event thread before the next is refused. */
#define PJMEDIA_EVENT_MAX_EVENTS 1024

/* SDES and DTLS keys. A client hello is answered only when it comes from the address that the call's
 * description or ICE named, so that nobody else can take the handshake. */
#define PJMEDIA_HAS_SRTP 1
#define PJMEDIA_SRTP_HAS_SDES 1
#define PJMEDIA_SRTP_HAS_DTLS 1
#define PJMEDIA_SRTP_DTLS_CHECK_HELLO_ADDR 1
