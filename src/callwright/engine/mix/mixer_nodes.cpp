// What the mixer's parties are: lines and ports.
#include <utility>

#include "../port.hpp"
#include "../rtp/line.hpp"
#include "mixer.hpp"

namespace callwright {

namespace {

class LineParty final : public Mixer::Party {
  public:
    explicit LineParty(std::shared_ptr<Line> line) : Party(true, true), line_(std::move(line)) {}

    bool read(std::int16_t* samples) noexcept override { return line_->read(samples); }
    void write(const std::int16_t* samples, std::uint64_t) noexcept override { line_->write(samples); }
    void finish() noexcept override { line_->send_kept(); }
    bool anywhere() const noexcept override { return line_->steady(); }

  private:
    const std::shared_ptr<Line> line_;
};

class PortParty final : public Mixer::Party {
  public:
    explicit PortParty(Port* port)
        : Party(port->direction() == Port::Direction::SOURCE, port->direction() == Port::Direction::SINK),
          port_(port) {}

    bool read(std::int16_t* samples) noexcept override { return port_->read(samples); }
    void write(const std::int16_t* samples, std::uint64_t timestamp) noexcept override {
        port_->write(samples, timestamp);
    }
    void left() noexcept override { port_->left(); }

  private:
    Port* const port_;
};

}  // namespace

void Mixer::add(std::uint64_t node, std::shared_ptr<Line> line) {
    add(node, std::make_unique<LineParty>(std::move(line)));
}

void Mixer::add(std::uint64_t node, Port* port) { add(node, std::make_unique<PortParty>(port)); }

}  // namespace callwright
