// Finds DTMF digits in audio (ITU-T Q.23 tones, received as Q.24 has it).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace callwright {

// A digit is taken once its two tones were alone, steady and in place for 30 ms: digits of 40 ms are always found, those
// below 23 ms never (Q.24 annex A leaves what lies between open). A break of 10 ms does not divide a digit, a pause of
// 40 ms does.
//
// Audio is looked at in steps of 10 ms; two of them together are a window. For each of the eight frequencies a step's
// correlation is taken with an oscillator that never stops, so that the phase between two steps tells by how much the
// tone differs from its nominal frequency.
class DtmfReceiver {
  public:
    // Hz; a multiple of 8000. Frames are 20 ms.
    explicit DtmfReceiver(unsigned clock_rate);

    // The digit that begins to be known in this frame, or '\0'. nullptr: silence.
    char hear(const std::int16_t* frame) noexcept;
    // How long it had been heard then.
    static constexpr unsigned HEARD_MS = 30;

  private:
    static constexpr unsigned TONES = 8;  // four rows, then four columns

    struct Step {
        std::array<float, TONES> real{}, imaginary{};
        std::array<float, TONES> power{};  // of a tone of the nominal frequency: its mean square
        float total = 0;                   // mean square of everything
    };

    // In a window; the mean square is 0 when it is not there.
    struct Tone {
        float power = 0;
        float detuned = 0;  // share of its nominal frequency
    };
    struct Window {
        char digit = 0;
        Tone low, high;
    };

    // The next step: moves the window.
    void look(const std::int16_t* samples) noexcept;
    Tone present(unsigned tone) const noexcept;
    unsigned strongest(unsigned first) const noexcept;
    Window window() const noexcept;
    char follow(const Window& window) noexcept;

    const unsigned size_;            // samples of a step
    std::vector<float> oscillators_;  // for each sample of a step eight cosines and eight sines
    // As all frequencies are whole Hz, the phase of each oscillator at a step's beginning is one of a hundred.
    std::vector<float> cosines_, sines_;
    unsigned step_ = 0;  // of the second
    Step before_, now_;

    Window last_;
    char digit_ = 0;        // that is being pressed
    unsigned missing_ = 0;  // windows since it was last there
};

}  // namespace callwright
