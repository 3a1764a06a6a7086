// sources: wave.cpp
// A WAV file that is continued: refused, or whole afterwards with the new samples at its end, whatever was in it.

#include "wave.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <system_error>
#include <vector>

#include "input.hpp"

using callwright::WaveFile;

namespace {

constexpr std::array<std::int16_t, 4> SAMPLES{1, -2, 3, -4};
constexpr std::array<unsigned, 4> RATES{8000, 16000, 44100, 48000};

class MemoryFile {
  public:
    explicit MemoryFile(const std::string& content) : fd_(memfd_create("wave", MFD_CLOEXEC)) {
        REQUIRE(fd_ >= 0);
        REQUIRE(write(fd_, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    }
    ~MemoryFile() { ::close(fd_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
    std::vector<unsigned char> content() const {
        struct stat status {};
        REQUIRE(fstat(fd_, &status) == 0);
        std::vector<unsigned char> bytes(static_cast<std::size_t>(status.st_size));
        REQUIRE(pread(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
        return bytes;
    }

  private:
    int fd_;
};

std::uint32_t number(const std::vector<unsigned char>& bytes, std::size_t at) {
    std::uint32_t value = 0;
    REQUIRE(at + sizeof value <= bytes.size());
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

// The sizes in the headers are those of the file, and its last samples are ours.
void require_whole(const std::vector<unsigned char>& bytes, std::uint64_t data_bytes) {
    REQUIRE(bytes.size() >= 44 && std::memcmp(bytes.data(), "RIFF", 4) == 0);
    REQUIRE(number(bytes, 4) + 8ULL == bytes.size());
    REQUIRE(data_bytes + 44 <= bytes.size());
    const std::size_t start = bytes.size() - data_bytes;
    REQUIRE(std::memcmp(bytes.data() + start - 8, "data", 4) == 0);
    REQUIRE(number(bytes, start - 4) == data_bytes);
    REQUIRE(std::memcmp(bytes.data() + bytes.size() - sizeof SAMPLES, SAMPLES.data(), sizeof SAMPLES) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    callwright_fuzz::Input input(data, size);
    const unsigned kind = input.byte();
    const unsigned channels = 1 + (kind & 1), rate = RATES[(kind >> 1) & 3];
    const MemoryFile file(input.rest());
    std::uint64_t frames = 0;
    try {
        WaveFile wave(file.path(), channels, rate, true);
        REQUIRE(wave.room() > SAMPLES.size());
        frames = wave.frames() + SAMPLES.size() / channels;
        REQUIRE(wave.write(SAMPLES.data(), SAMPLES.size()) == 0);
        REQUIRE(wave.frames() == frames);
        REQUIRE(wave.close() == 0);
    } catch (const std::system_error&) {
        return 0;
    }
    require_whole(file.content(), frames * channels * sizeof(std::int16_t));
    return 0;
}
