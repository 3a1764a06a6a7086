#include "port.hpp"

#include <utility>

namespace callwright {

std::atomic<std::size_t> Port::live_{0};

Port::Port(Engine& engine, std::uint64_t id, Direction direction)
    : engine_(engine), frame_(engine.samples_per_frame()), id_(id), direction_(direction) {
    auto grave = std::make_shared<std::unique_ptr<Port>>();
    grave_ = grave.get();
    bury_job_ = std::make_unique<Engine::Job>();
    bury_job_->run = [grave] { grave->reset(); };
    leave_job_ = std::make_unique<Engine::Job>();
    leave_job_->run = [&engine, id] {
        if (Port* port = engine.find_port(id)) {
            port->end();
        }
    };
    live_.fetch_add(1, std::memory_order_relaxed);
}

Port::~Port() { live_.fetch_sub(1, std::memory_order_relaxed); }

void Port::on_digit(std::uint64_t, char, unsigned) {}

void Port::close() {}

void Port::end() {
    close();
    engine_.remove(id_);
}

void Port::pause(bool, bool) {}

bool Port::read(std::int16_t*) noexcept { return false; }

void Port::write(const std::int16_t*, std::uint64_t) noexcept {}

void Port::gone() noexcept {}

void Port::leave() noexcept {
    if (!leaving_.exchange(true, std::memory_order_acq_rel)) {
        engine_.post(std::move(leave_job_));
    }
}

// A job that comes too late to run is destroyed, and the port in its grave with it.
void Port::left() noexcept {
    gone();
    std::unique_ptr<Engine::Job> job = std::move(bury_job_);
    grave_->reset(this);
    engine_.post(std::move(job));
}

}  // namespace callwright
