#include "detector.hpp"

#include "../ports.hpp"

namespace callwright {

Detector::Detector(Ports& ports, std::uint64_t id, std::uint64_t leg)
    : Port(ports.engine(), id, Direction::SINK), ports_(ports), leg_(leg), receiver_(ports.engine().clock_rate()) {}

Detector::~Detector() { ports_.forget_detector(id()); }

void Detector::write(const std::int16_t* samples, std::uint64_t) noexcept {
    if (const char digit = receiver_.hear(samples)) {
        engine_.digits().receive_inband(leg_, digit, DtmfReceiver::HEARD_MS);
    }
}

}  // namespace callwright
