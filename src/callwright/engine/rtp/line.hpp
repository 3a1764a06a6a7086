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

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "datagrams.hpp"
#include "egress.hpp"
#include "events_rx.hpp"
#include "events_tx.hpp"
#include "figures.hpp"
#include "media_thread.hpp"
#include "packet.hpp"
#include "reception.hpp"
#include "report.hpp"
#include "source_lock.hpp"

namespace callwright {

class Engine;
class LegAudio;
class Player;

class Line : public Datagrams::Receiver, public Beat, public std::enable_shared_from_this<Line> {
  public:
    // What leaves the line.
    enum class Egress {
        IDLE,    // silence
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

    // What was agreed on beside the codec and the payload type of telephone-event.
    struct Beside {
        unsigned event_rate = 0;  // of telephone-event, Hz; 0: that of the codec
        int noise_sent = -1, noise_received = -1;  // payload types of comfort noise (RFC 3389); -1: not agreed
    };
    // After each negotiation, with the stream that was made; before the stream goes, close_stream(). `leg`: the id that
    // DIGIT and further events carry.
    void open_stream(std::uint64_t leg, pjmedia_stream* stream, const pjmedia_stream_info& info, const Beside& beside);
    void close_stream();

    // What the planner (engine thread) must know of the negotiated media.
    struct Format {
        std::string codec;           // "PCMU"
        unsigned clock_rate = 0;     // of the RTP timestamp, Hz
        unsigned channels = 1;
        unsigned tx_payload_type = 0, rx_payload_type = 0;
        int tx_event_type = -1, rx_event_type = -1;  // RFC 4733; -1: not negotiated
        unsigned event_rate = 0;     // Hz of its durations; its timestamps are the sound's (RFC 7160 section 4.2)
        int tx_noise_type = -1, rx_noise_type = -1;  // RFC 3389; -1: not negotiated
        unsigned ptime = 20;         // ms that we send in a packet
        unsigned longest = 0;        // ms that the peer takes in one (a=maxptime); 0: it does not say
        unsigned bytes_per_second = 0;  // of the codec; 0: it varies
        bool sends = false, receives = false;  // by the direction that was negotiated
        // G.711, whose packets may be made without the stream.
        bool g711() const { return codec == "PCMU" || codec == "PCMA"; }
    };
    Format format() const;  // clock_rate 0: no stream

    // RFC 4733 whatever the egress; digits wait for one another. False: telephone-event was not negotiated, or too many
    // wait. DIGITS_SENT follows.
    bool send_digits(const std::string& digits, unsigned duration_ms);
    // A host from which the peer's signalling comes: behind a NAT its media comes from there too.
    void know_host(const Address& host);
    // The call has been answered, and that was acknowledged.
    void establish();
    // Whether the first packet of an event bears the marker, as it should (RFC 4733 section 2.5.1.1); it does.
    void mark_events(bool on);
    // Any thread: figures so far as one JSON object (the stub's ENDED documents it); "" when no media ran.
    std::string statistics() const;

    // ---------------------------------------------------------------- media thread
    // Changes of egress. Each takes effect without a gap: relay -> mix keeps relaying until the mixer has audio for
    // the line (100 ms at most), mix -> relay goes on mixing until a packet to relay has come (100 ms at most).
    void idle();
    void play(std::shared_ptr<Player> player);  // ended by itself or by the planner's next change
    void mix();
    // This line's packets leave by `to` from now on (to == this: echo); `to` changes its egress to RELAY.
    // events: RFC 4733 digits with them (they are reported in any case).
    void relay_to(const std::shared_ptr<Line>& to, bool events = true);
    // Whether packets go up into the stream (somebody in the mixer hears this leg).
    void listen(bool on);

    // The mixer's: 20 ms at the engine's clock rate. read: false is silence. write: nullptr is silence. Of a steady
    // line a thread of the mixer's crew may call them; what it encodes is kept until the media thread sends it.
    bool read(std::int16_t* samples) noexcept;
    void write(const std::int16_t* samples) noexcept;
    bool steady() const noexcept { return egress_ == wanted_; }
    void send_kept() noexcept;

    void on_datagram(int channel, Datagram datagram, Nanos now) noexcept override;
    void beat(Nanos now, unsigned frames) noexcept override;

    // Seconds without RTP after which MEDIA_LOST is sent, again and again while nothing comes: of a call that talks,
    // and of one that is on hold or does not receive. Before the first Line.
    static inline unsigned media_timeout_s = 30;
    static inline unsigned hold_timeout_s = 300;

    // For make() only.
    struct Sockets {
        int rtp, rtcp;
        Address rtp_address, rtcp_address;
    };
    Line(Engine& engine, const Sockets& sockets);
    ~Line() override;

  private:
    friend struct BottomTransport;  // pjmedia's tables of functions
    friend struct TopTransport;
    enum Channel { RTP, RTCP };

    // Once a second: reports, time limits, packets that keep NAT open.
    struct Seconds : Beat {
        explicit Seconds(Line& line_) : line(line_) {}
        void beat(Nanos now, unsigned seconds) noexcept override { line.second(now, seconds); }
        Line& line;
    };
    // Who has the bottom transport: SRTP, or the line itself.
    struct Attachment {
        void* user = nullptr;
        void (*rtp)(void*, void*, pj_ssize_t) = nullptr;
        void (*rtp2)(pjmedia_tp_cb_param*) = nullptr;
        void (*rtcp)(void*, void*, pj_ssize_t) = nullptr;
    };
    // The line's lock; the thread that moves packets may come back into the line through SRTP while it holds it.
    class Hold {
      public:
        explicit Hold(const Line& line);
        ~Hold();
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;

      private:
        const Line& line_;
        const bool media_thread_;
        bool nested_ = false;
    };
    enum class Content { SOUND, EVENT, NOISE };
    // A packet on its way to another line (or back out of this one), carried out when this line's lock is free.
    struct Forward {
        Line* to = nullptr;
        Datagram datagram;
        std::uint8_t* data = nullptr;  // the packet in it
        RtpPacket packet;
        EgressClock::Series series = 0;
        Content content = Content::SOUND;
    };
    // A packet on its way through SRTP.
    struct Passing {
        Channel channel;
        Datagram* datagram;
        Forward* forward;
        Nanos now;
    };
    // life (line.cpp)
    void join();
    void leave() noexcept;
    void end();
    void say_goodbye();
    struct Leaving;
    static void on_destroyed(void* line);
    void apply(const pjmedia_stream_info& info, const Beside& beside);

    // ingress (line_ingress.cpp)
    void pass_up(Channel channel, Datagram& datagram, Nanos now, Forward& forward) noexcept;
    static void on_upper_rtp(pjmedia_tp_cb_param* param);
    static void on_upper_rtcp(void* user, void* packet, pj_ssize_t size);
    void hand_on(Forward& forward, Nanos now) noexcept;
    void receive_rtp(Datagram& datagram, std::uint8_t* data, std::size_t size, Nanos now, Forward& forward) noexcept;
    void receive_event(const RtpPacket& packet, const std::uint8_t* data) noexcept;
    void receive_rtcp(const std::uint8_t* data, std::size_t size, const Address& from, bool shared, Nanos now) noexcept;
    void receive_noise(const RtpPacket& packet, const std::uint8_t* data, Nanos now) noexcept;
    void note_arrival(Nanos now) noexcept;
    void note_report(std::uint64_t before) noexcept;
    bool may_shake_hands(const Address& from) const noexcept;
    void refuse_foreign(const Address& from) noexcept;
    void refuse_malformed() noexcept;
    void refuse_early() noexcept;
    void to_stream(std::uint8_t* data, std::size_t size) noexcept;
    void forward_packet(Datagram& datagram, std::uint8_t* data, std::size_t size, const RtpPacket& packet,
                        Content content, Forward& forward) noexcept;
    Content content_of(unsigned payload_type) const noexcept;

    // egress (line_egress.cpp)
    bool sending() const noexcept;
    void become(Egress egress) noexcept;
    void change(Egress egress) noexcept;
    void update_beat() noexcept;
    bool take_forward(const Line* from, Forward& forward, Nanos now) noexcept;
    int type_of(Content content) const noexcept;
    bool too_long(const std::uint8_t* payload, std::size_t size) const noexcept;
    void tell_too_long() noexcept;
    void send_next(Nanos now) noexcept;
    void encode_silence() noexcept;
    bool play_packet(bool withheld, Nanos now) noexcept;
    bool send_event(Nanos now) noexcept;
    void send_silence(Nanos now) noexcept;
    pj_status_t take_encoded(const void* packet, std::size_t size) noexcept;
    pj_status_t send_encoded(const void* packet, std::size_t size) noexcept;
    void keep_encoded(const void* packet, std::size_t size) noexcept;
    void send(Datagram datagram, std::size_t payload, const EgressClock::Stamp& stamp, unsigned payload_type,
              Nanos now) noexcept;
    void put_out(Channel channel, const void* packet, std::size_t size, const Address& to) noexcept;
    void drop_relay() noexcept;

    // once a second (line_report.cpp)
    void second(Nanos now, unsigned seconds) noexcept;
    void watch_timeout(Nanos now) noexcept;
    void report_foreign(Nanos now) noexcept;
    std::size_t write_report(std::uint8_t* data, bool bye, Nanos now) noexcept;
    void send_report(Nanos now) noexcept;
    Address report_destination() const noexcept;
    LineFigures figures() const;
    void note_jitter_buffer(LineFigures::JitterBuffer& total) const;
    void count_jitter_buffer() noexcept;
    void count_feed() noexcept;

    Engine& engine_;
    const Sockets sockets_;
    pjmedia_transport bottom_{};
    pjmedia_transport top_{};
    std::shared_ptr<Line> transport_self_;  // until pjmedia has let go of the transports
    std::shared_ptr<Line> thread_self_;     // while the media thread has it
    Seconds seconds_{*this};

    mutable std::mutex mutex_;
    mutable bool held_ = false;  // the media thread's: by itself
    // --- under mutex_ from here on ---
    pjmedia_transport* base_ = nullptr;
    bool direct_ = false;  // the line itself is attached to bottom
    Attachment upper_;     // to bottom: SRTP
    Attachment stream_callbacks_;
    pjmedia_stream* stream_ = nullptr;
    std::unique_ptr<LegAudio> audio_;
    bool started_ = false;  // by media_start
    bool ended_ = false;
    bool mux_offered_ = false;
    bool mux_ = false;      // RTCP comes and goes by the RTP socket
    unsigned media_options_ = 0;
    Address described_rtcp_;
    Address rtcp_source_;
    std::uint64_t leg_ = 0;
    bool open_ = false;     // a stream was negotiated
    bool ever_open_ = false;
    Format format_;
    std::string cname_;
    std::uint32_t ssrc_;

    SourceLock lock_;
    Reception reception_;
    EgressClock::Series arrivals_ = 0;  // renewed when what comes begins anew
    EventReceiver digits_in_;
    LineFigures::Refused refused_;
    std::uint64_t digits_heard_ = 0;
    Address foreign_;                   // the last one
    std::uint64_t foreign_reported_ = 0;
    Nanos foreign_reported_at_ = 0;
    Nanos opened_at_ = 0, described_at_ = 0, established_at_ = 0;
    Nanos first_at_ = 0, last_at_ = 0, silent_since_ = 0;  // of RTP that came
    Nanos comfort_at_ = 0;
    std::uint64_t comfort_ = 0;
    std::uint64_t passed_up_ = 0, came_back_ = 0;  // through SRTP
    bool listening_ = false;

    EgressClock clock_;
    EventSender digits_out_;
    bool marks_events_ = true;
    bool rests_ = false;             // the encoder has nothing to say (DTX)
    bool insists_ = false;           // and what it has is sent all the same
    Egress egress_ = Egress::IDLE;   // now ... (written by the media thread alone)
    Egress wanted_ = Egress::IDLE;   // ... and as soon as it has something to send
    unsigned waited_ = 0;            // frames that the mixer has offered since
    EgressClock::Series outgoing_ = 0;
    std::shared_ptr<Player> player_;
    unsigned credit_ms_ = 0;         // time that is to be filled with packets
    bool writing_ = false;           // the stream encodes, and its packets come to the top transport
    std::vector<std::uint8_t> kept_; // packets, each behind its length in two bytes
    std::uint64_t tx_packets_ = 0, tx_bytes_ = 0, relayed_ = 0, tx_refused_ = 0;
    Nanos tx_first_at_ = 0, tx_last_at_ = 0;

    Report report_;
    std::uint64_t tx_reported_ = 0;  // packets that had been sent when its last report came
    std::uint64_t first_reported_ = 0;   // the same of the first one that told of them,
    std::uint32_t first_highest_ = 0;    // and the highest sequence number that it had
    LineFigures::JitterBuffer jitter_buffers_;  // of the streams before
    LineFigures::JitterBuffer counted_buffers_;  // as far as the totals have them
    int counted_feed_ = -1;          // the egress as which the totals have it; -1: not at all
    unsigned frame_ms_ = 20;         // of the codec
    int report_in_ = 2;              // seconds
    std::uint32_t random_;

    // --- media thread only ---
    Line* relays_to_ = nullptr;
    Line* relayer_ = nullptr;        // whose packets leave here
    bool relay_events_ = false;
    bool told_too_long_ = false;     // of what is relayed here now
    bool beating_ = false;
    bool joined_ = false;
    unsigned given_ = 0, added_ = 0;  // sockets that were given to the media thread, and those that it took
    const Passing* passing_ = nullptr;
};

}  // namespace callwright
