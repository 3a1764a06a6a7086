#include "report.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "packet.hpp"

namespace callwright {

namespace {

constexpr Nanos SECOND = 1'000'000'000;
constexpr std::uint64_t NTP_OF_1970 = 2'208'988'800;
enum PacketType : std::uint8_t { SENDER = 200, RECEIVER = 201, DESCRIPTION = 202, GOODBYE = 203 };
constexpr std::size_t HEAD = 8;          // header and SSRC
constexpr std::size_t SENDER_INFO = 20;
constexpr std::size_t BLOCK = 24;
constexpr std::uint32_t UNIT = 65536;    // of delays, a second
constexpr double MAX_ROUND_TRIP_MS = 30'000;

void write_head(std::uint8_t* data, unsigned count, PacketType type, std::size_t size, std::uint32_t ssrc) {
    data[0] = static_cast<std::uint8_t>(0x80 | count);
    data[1] = type;
    put16(data + 2, static_cast<std::uint16_t>(size / 4 - 1));
    put32(data + 4, ssrc);
}

std::size_t write_description(std::uint8_t* data, std::uint32_t ssrc, const std::string& cname) {
    const std::size_t length = std::min<std::size_t>(cname.size(), 255);
    const std::size_t size = (HEAD + 2 + length + 1 + 3) / 4 * 4;  // ended by at least one zero byte
    std::memset(data, 0, size);
    write_head(data, 1, DESCRIPTION, size, ssrc);
    data[HEAD] = 1;  // CNAME
    data[HEAD + 1] = static_cast<std::uint8_t>(length);
    std::memcpy(data + HEAD + 2, cname.data(), length);
    return size;
}

std::uint32_t middle(std::uint64_t ntp) { return static_cast<std::uint32_t>(ntp >> 16); }

}  // namespace

std::uint64_t ntp_time(Nanos now) noexcept {
    using std::chrono::duration_cast;
    using std::chrono::nanoseconds;
    // Once: a clock that is set while a call runs must not show as delay.
    static const Nanos offset =
        duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count() - monotonic_now();
    const auto since_1970 = static_cast<std::uint64_t>(now + offset);
    const std::uint64_t seconds = since_1970 / SECOND + NTP_OF_1970;
    return seconds << 32 | ((since_1970 % SECOND) << 32) / SECOND;
}

std::size_t Report::write(std::uint8_t* data, const Sent& sent, Reception& reception, const std::string& cname,
                          bool bye, Nanos now) noexcept {
    const bool sender = sent.packets != reported_packets_;
    const unsigned blocks = reception.heard() ? 1 : 0;
    std::size_t size = HEAD;
    if (sender) {
        const std::uint64_t ntp = ntp_time(now);
        put32(data + size, static_cast<std::uint32_t>(ntp >> 32));
        put32(data + size + 4, static_cast<std::uint32_t>(ntp));
        put32(data + size + 8, sent.timestamp);
        put32(data + size + 12, static_cast<std::uint32_t>(sent.packets));
        put32(data + size + 16, static_cast<std::uint32_t>(sent.bytes));
        size += SENDER_INFO;
        reported_packets_ = sent.packets;
    }
    if (blocks != 0) size += write_block(data + size, reception, now);
    write_head(data, blocks, sender ? SENDER : RECEIVER, size, sent.ssrc);
    size += write_description(data + size, sent.ssrc, cname);
    if (bye) {
        write_head(data + size, 1, GOODBYE, HEAD, sent.ssrc);
        size += HEAD;
    }
    return size;
}

std::size_t Report::write_block(std::uint8_t* data, Reception& reception, Nanos now) const noexcept {
    const std::int64_t lost = std::max<std::int64_t>(-0x800000, std::min<std::int64_t>(reception.series_lost(), 0x7FFFFF));
    put32(data, reception.ssrc());
    put32(data + 4, static_cast<std::uint32_t>(lost) & 0xFFFFFF);
    data[4] = reception.take_fraction();
    put32(data + 8, reception.extended_sequence());
    put32(data + 12, reception.jitter_ticks());
    put32(data + 16, sender_time_);
    const Nanos held = now - sender_at_;
    const bool known = sender_time_ != 0 && held < 65'000 * SECOND;
    put32(data + 20, known ? static_cast<std::uint32_t>(held / 1000 * UNIT / 1'000'000) : 0);
    return BLOCK;
}

bool Report::read(const std::uint8_t* data, std::size_t size, std::uint32_t own_ssrc, unsigned rate,
                  Nanos now) noexcept {
    bool known = false, reports = false;
    const std::uint64_t before = heard_.reports;
    while (size >= HEAD && data[0] >> 6 == 2) {
        const std::size_t length = 4 * (std::size_t{get16(data + 2)} + 1);
        if (length > size) break;
        reports |= data[1] == SENDER || data[1] == RECEIVER;
        if (data[1] == SENDER) {
            read_sender(data, length, now);
            if (length >= HEAD + SENDER_INFO) {
                read_blocks(data, length, own_ssrc, rate, now);
            }
        } else if (data[1] == RECEIVER) {
            read_blocks(data, length, own_ssrc, rate, now);
        } else if (data[1] == GOODBYE) {
            heard_.bye = true;
        }
        known = true;
        data += length;
        size -= length;
    }
    if (reports && heard_.reports == before) ++heard_.without;
    return known;
}

void Report::read_sender(const std::uint8_t* data, std::size_t size, Nanos now) noexcept {
    if (size < HEAD + SENDER_INFO) return;
    sender_time_ = get32(data + HEAD) << 16 | get32(data + HEAD + 4) >> 16;
    sender_at_ = now;
}

void Report::read_blocks(const std::uint8_t* data, std::size_t size, std::uint32_t own_ssrc, unsigned rate,
                         Nanos now) noexcept {
    std::size_t at = data[1] == SENDER ? HEAD + SENDER_INFO : HEAD;
    for (unsigned count = data[0] & 0x1F; count != 0 && at + BLOCK <= size; --count, at += BLOCK) {
        if (get32(data + at) == own_ssrc) read_block(data + at, rate, now);
    }
}

void Report::read_block(const std::uint8_t* block, unsigned rate, Nanos now) noexcept {
    ++heard_.reports;
    const std::uint32_t lost = get32(block + 4) & 0xFFFFFF;
    heard_.lost = (lost & 0x800000) != 0 ? std::int64_t{lost} - 0x1000000 : std::int64_t{lost};
    heard_.fraction = block[4] / 256.0;
    heard_.worst_fraction = std::max(heard_.worst_fraction, heard_.fraction);
    heard_.highest = get32(block + 8);
    heard_.jitter_ms = rate == 0 ? 0 : get32(block + 12) * 1000.0 / rate;
    heard_.jitter_max_ms = std::max(heard_.jitter_max_ms, heard_.jitter_ms);
    const std::uint32_t report = get32(block + 16);
    if (report == 0) return;
    const auto delay = static_cast<std::int32_t>(middle(ntp_time(now)) - report - get32(block + 20));
    const double round_trip = std::max(delay, 0) * 1000.0 / UNIT;  // a hair below zero when the peer's clock runs fast
    if (delay < -static_cast<std::int32_t>(UNIT) || round_trip > MAX_ROUND_TRIP_MS) return;
    heard_.round_trip_ms = round_trip;
    heard_.round_trip_max_ms = std::max(heard_.round_trip_max_ms, round_trip);
}

}  // namespace callwright
