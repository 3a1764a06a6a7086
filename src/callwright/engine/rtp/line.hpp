// One leg's RTP. Below: two sockets (RTP, RTCP) as a pjmedia transport, which pjsua may wrap into SRTP. Above: the
// transport that the leg's pjmedia stream (codec, jitter buffer, concealment) attaches to. In between everything that
// works without decoding: the source lock, statistics and RTCP, RFC 4733 digits, prompts that were encoded
// beforehand, and the relay to another line. One sequence, timestamp and SSRC leave it, whatever feeds it.
//
//   sockets <-> bottom transport [<-> SRTP] <-> THE LINE <-> top transport <-> pjmedia stream <-> mixer
//
// Threads: the engine thread makes, attaches and closes it and posts changes; all packets and beats are the media
// thread's. What both touch (the stream's callbacks and its LegAudio) stands under one mutex, held for a frame at most.
#pragma once

#include <pjmedia.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "datagrams.hpp"
#include "media_thread.hpp"

namespace callwright {

class Engine;
class LegAudio;
class Player;

class Line : public Datagrams::Receiver, public Beat, public std::enable_shared_from_this<Line> {
  public:
    // What leaves the line.
    enum class Egress {
        IDLE,    // nothing but a packet of silence each 5 s, which keeps NAT and the peer's patience alive
        PLAY,    // a player's sounds, encoded beforehand (G.711)
        RELAY,   // another line's packets, or its own (echo)
        MIX,     // what the mixer writes, encoded by the stream
    };

    // ---------------------------------------------------------------- engine thread
    // The sockets are bound (even port, odd port above it).
    static std::shared_ptr<Line> make(Engine& engine, int rtp_socket, int rtcp_socket, const Address& rtp,
                                      const Address& rtcp);
    // The transport for pjsua; its destroy() ends the line.
    pjmedia_transport* bottom() noexcept;
    // The transport for the stream, above `base`: bottom(), or the SRTP transport around it.
    pjmedia_transport* top(pjmedia_transport* base) noexcept;
    static Line* of_bottom(pjmedia_transport* transport) noexcept;  // nullptr: another kind of transport
    static Line* of_top(pjmedia_transport* transport) noexcept;

    // After each negotiation, with the stream that was made; before the stream goes, close_stream(). `leg`: the id that
    // DIGIT and further events carry.
    void open_stream(std::uint64_t leg, pjmedia_stream* stream, const pjmedia_stream_info& info);
    void close_stream();

    // What the planner (engine thread) must know of the negotiated media.
    struct Format {
        std::string codec;           // "PCMU"
        unsigned clock_rate = 0;     // of the RTP timestamp, Hz
        unsigned channels = 1;
        unsigned tx_payload_type = 0, rx_payload_type = 0;
        int tx_event_type = -1, rx_event_type = -1;  // RFC 4733; -1: not negotiated
        unsigned ptime = 20;         // ms that we send in a packet
        bool sends = false, receives = false;  // by the direction that was negotiated
        // G.711, whose packets may be made without the stream.
        bool g711() const { return codec == "PCMU" || codec == "PCMA"; }
    };
    Format format() const;  // clock_rate 0: no stream

    // RFC 4733 whatever the egress; digits wait for one another. False: telephone-event was not negotiated.
    bool send_digits(const std::string& digits, unsigned duration_ms);
    // Any thread: figures so far as one JSON object (the stub's ENDED documents it); "" when no media ran.
    std::string statistics() const;

    // ---------------------------------------------------------------- media thread
    // Changes of egress. Each takes effect without a gap: relay -> mix keeps relaying until the mixer has audio for
    // the line (100 ms at most), mix -> relay goes on mixing until a packet to relay has come (100 ms at most).
    void idle();
    void play(std::shared_ptr<Player> player);  // ended by itself or by the planner's next change
    void mix();
    // This line's packets leave by `to` from now on (to == this: echo); `to` changes its egress to RELAY.
    void relay_to(const std::shared_ptr<Line>& to);
    void stop_relay();  // this line's packets are relayed no more; the other's egress is changed by its own call
    // Whether packets go up into the stream (somebody in the mixer hears this leg).
    void listen(bool on);

    // The mixer's: 20 ms at the engine's clock rate. read: false is silence. write: nullptr is silence.
    bool read(std::int16_t* samples) noexcept;
    void write(const std::int16_t* samples) noexcept;

    void on_datagram(int channel, Datagram datagram, Nanos now) noexcept override;
    void beat(Nanos now, unsigned frames) noexcept override;
};

}  // namespace callwright
