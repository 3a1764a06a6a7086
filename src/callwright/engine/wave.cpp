#include "wave.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace callwright {

namespace {

constexpr std::size_t RIFF_HEADER = 12;   // "RIFF", size, "WAVE"
constexpr std::size_t CHUNK_HEADER = 8;   // name, size
constexpr std::size_t FORMAT_BYTES = 16;  // PCM
constexpr std::size_t HEADER = RIFF_HEADER + CHUNK_HEADER + FORMAT_BYTES + CHUNK_HEADER;
constexpr std::uint64_t MAX_RIFF = 0xFFFFFFFF;
constexpr std::uint16_t FORMAT_PCM = 1;
constexpr std::uint16_t BITS = 16;
constexpr unsigned MAX_CHUNKS = 64;
constexpr mode_t MODE = 0640;

using FormatBytes = std::array<unsigned char, FORMAT_BYTES>;

template <typename Integer>
void put(unsigned char* at, Integer value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
        at[i] = static_cast<unsigned char>(value >> (8 * i));
    }
}

std::uint32_t get32(const unsigned char* at) {
    return at[0] | at[1] << 8 | at[2] << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

FormatBytes format_bytes(unsigned channels, unsigned rate) {
    FormatBytes format;
    put<std::uint16_t>(format.data(), FORMAT_PCM);
    put<std::uint16_t>(format.data() + 2, static_cast<std::uint16_t>(channels));
    put<std::uint32_t>(format.data() + 4, rate);
    put<std::uint32_t>(format.data() + 8, rate * channels * BITS / 8);
    put<std::uint16_t>(format.data() + 12, static_cast<std::uint16_t>(channels * BITS / 8));
    put<std::uint16_t>(format.data() + 14, BITS);
    return format;
}

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

bool read_exactly(int fd, void* bytes, std::size_t count, std::uint64_t at) {
    return pread(fd, bytes, count, static_cast<off_t>(at)) == static_cast<ssize_t>(count);
}

}  // namespace

WaveFile::WaveFile(const std::string& path, unsigned channels, unsigned sample_rate, bool append)
    : channels_(channels), sample_rate_(sample_rate), data_start_(HEADER) {
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | (append ? 0 : O_TRUNC), MODE);
    if (fd_ < 0) {
        fail(errno, path);
    }
    try {
        struct stat status{};
        if (fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
            fail(EINVAL, path + ": not a regular file");
        }
        if (append && status.st_size > 0) {
            continue_after_chunks();
        }
        if (const int error = write_header()) {
            fail(error, path);
        }
    } catch (const std::system_error&) {
        ::close(fd_);
        throw;
    }
}

WaveFile::~WaveFile() { close(); }

// Its chunks up to "data", which must be the last one. How much data there is, the file's length says: after a crash
// the header may be up to a second behind.
void WaveFile::continue_after_chunks() {
    std::array<unsigned char, RIFF_HEADER> riff;
    bool same = read_exactly(fd_, riff.data(), riff.size(), 0) && std::memcmp(riff.data(), "RIFF", 4) == 0 &&
                std::memcmp(riff.data() + 8, "WAVE", 4) == 0;
    bool formatted = false;
    std::uint64_t at = RIFF_HEADER;
    std::array<unsigned char, CHUNK_HEADER> chunk{};
    for (unsigned count = 0; same && count < MAX_CHUNKS; ++count) {
        same = read_exactly(fd_, chunk.data(), chunk.size(), at);
        at += CHUNK_HEADER;
        if (same && std::memcmp(chunk.data(), "data", 4) == 0) {
            break;
        }
        if (same && std::memcmp(chunk.data(), "fmt ", 4) == 0) {
            FormatBytes format;
            formatted = read_exactly(fd_, format.data(), format.size(), at) &&
                        format == format_bytes(channels_, sample_rate_);
        }
        at += get32(chunk.data() + 4) + (get32(chunk.data() + 4) & 1);
    }
    const off_t end = lseek(fd_, 0, SEEK_END);
    const std::uint64_t data = end > static_cast<off_t>(at) ? static_cast<std::uint64_t>(end) - at : 0;
    const std::uint64_t stated = get32(chunk.data() + 4);
    const bool last = std::memcmp(chunk.data(), "data", 4) == 0 && get32(riff.data() + 4) + CHUNK_HEADER <= at + stated + 1;
    if (!same || !formatted || !last || data < stated) {
        fail(EINVAL, "cannot be continued: not a 16-bit WAV file of this rate and number of channels");
    }
    data_start_ = at;
    data_bytes_ = std::min(data / frame_bytes() * frame_bytes(), (MAX_RIFF - at) / frame_bytes() * frame_bytes());
}

std::uint64_t WaveFile::room() const noexcept {
    return (MAX_RIFF + CHUNK_HEADER - data_start_ - data_bytes_) / frame_bytes();
}

int WaveFile::write_at(const void* bytes, std::size_t count, std::uint64_t at, std::size_t& written) {
    written = 0;
    while (written < count) {
        const ssize_t part = pwrite(fd_, static_cast<const char*>(bytes) + written, count - written,
                                    static_cast<off_t>(at + written));
        if (part > 0) {
            written += static_cast<std::size_t>(part);
        } else if (part == 0 || errno != EINTR) {
            return part == 0 ? ENOSPC : errno;
        }
    }
    return 0;
}

int WaveFile::write_header() {
    std::size_t written = 0;
    std::array<unsigned char, HEADER> header;
    const std::uint64_t riff = data_start_ + data_bytes_ - CHUNK_HEADER;
    std::memcpy(header.data(), "RIFF", 4);
    put(header.data() + 4, static_cast<std::uint32_t>(riff));
    std::memcpy(header.data() + 8, "WAVEfmt ", 8);
    put(header.data() + 16, static_cast<std::uint32_t>(FORMAT_BYTES));
    const FormatBytes format = format_bytes(channels_, sample_rate_);
    std::memcpy(header.data() + 20, format.data(), format.size());
    std::memcpy(header.data() + 36, "data", 4);
    put(header.data() + 40, static_cast<std::uint32_t>(data_bytes_));
    if (data_start_ == HEADER) {
        return write_at(header.data(), header.size(), 0, written);
    }
    const int error = write_at(header.data() + 4, 4, 4, written);  // a continued file keeps its other chunks
    return error != 0 ? error : write_at(header.data() + 40, 4, data_start_ - 4, written);
}

int WaveFile::write(const std::int16_t* samples, std::size_t count) {
    if (error_ != 0) {
        return error_;
    }
    std::size_t written = 0;
    const std::size_t bytes = count * sizeof *samples;
    error_ = write_at(samples, bytes, data_start_ + data_bytes_, written);
    data_bytes_ += written / frame_bytes() * frame_bytes();
    const int header_error = write_header();
    error_ = error_ != 0 ? error_ : header_error;
    return error_;
}

int WaveFile::close() {
    if (fd_ < 0) {
        return error_;
    }
    // What a failed write or a crash left behind the last whole frame.
    if (ftruncate(fd_, static_cast<off_t>(data_start_ + data_bytes_)) != 0 && error_ == 0) {
        error_ = errno;
    }
    if (::close(fd_) != 0 && error_ == 0) {
        error_ = errno;
    }
    fd_ = -1;
    return error_;
}

}  // namespace callwright
