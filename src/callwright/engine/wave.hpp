// A 16-bit PCM WAV file that grows, and whose header never claims more than the file holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace callwright {

class WaveFile {
  public:
    // Creates or, with `append`, continues. Blocks on the disc.
    // Throws std::system_error: the file cannot be opened or written, or (EINVAL) is not one that can be continued.
    WaveFile(const std::string& path, unsigned channels, unsigned sample_rate, bool append);
    ~WaveFile();
    WaveFile(const WaveFile&) = delete;
    WaveFile& operator=(const WaveFile&) = delete;

    // Interleaved samples, whole frames, then the header. After an error (an errno; 0: none) nothing more is written.
    int write(const std::int16_t* samples, std::size_t count);
    int close();

    int error() const noexcept { return error_; }
    unsigned channels() const noexcept { return channels_; }
    // Frames (one sample of each channel) in the file, and those that RIFF's 32-bit sizes leave room for.
    std::uint64_t frames() const noexcept { return data_bytes_ / frame_bytes(); }
    std::uint64_t room() const noexcept;

  private:
    std::size_t frame_bytes() const noexcept { return channels_ * sizeof(std::int16_t); }
    void continue_after_chunks();
    int write_header();
    int write_at(const void* bytes, std::size_t count, std::uint64_t at, std::size_t& written);

    const unsigned channels_;
    const unsigned sample_rate_;
    int fd_;
    int error_ = 0;
    std::uint64_t data_start_;
    std::uint64_t data_bytes_ = 0;
};

}  // namespace callwright
