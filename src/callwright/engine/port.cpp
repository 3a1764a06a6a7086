#include "port.hpp"

#include <cstring>
#include <utility>

namespace callwright {

namespace {

constexpr unsigned BITS_PER_SAMPLE = 16;
constexpr unsigned SIGNATURE = PJMEDIA_SIG_CLASS_PORT_AUD('C', 'W');

pj_str_t literal(const char* text) {
    return pj_str(const_cast<char*>(text));  // pj_str_t knows no const; pjmedia only reads the name
}

}  // namespace

std::atomic<std::size_t> Port::live_{0};

Port::Port(Engine& engine, std::uint64_t id, const char* name, Direction direction)
    : engine_(engine), frame_(engine.samples_per_frame()), id_(id) {
    const pj_str_t label = literal(name);
    pjmedia_port_info_init(&media_.info, &label, SIGNATURE, engine.clock_rate(), 1, BITS_PER_SAMPLE, frame_);
    media_.port_data.pdata = this;
    media_.on_destroy = &Port::on_destroy;
    // The bridge calls put_frame of every port that has one at every tick, so a mere source has none.
    if (direction == Direction::SOURCE) {
        media_.get_frame = &Port::get_frame;
    } else {
        media_.put_frame = &Port::put_frame;
    }
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
void Port::bury() noexcept {
    std::unique_ptr<Engine::Job> job = std::move(bury_job_);
    grave_->reset(this);
    engine_.post(std::move(job));
}

pj_status_t Port::get_frame(pjmedia_port* media, pjmedia_frame* frame) {
    Port* port = static_cast<Port*>(media->port_data.pdata);
    const bool audible = port->read(static_cast<std::int16_t*>(frame->buf));
    frame->type = audible ? PJMEDIA_FRAME_TYPE_AUDIO : PJMEDIA_FRAME_TYPE_NONE;
    frame->size = audible ? port->frame_ * sizeof(std::int16_t) : 0;
    return PJ_SUCCESS;
}

pj_status_t Port::put_frame(pjmedia_port* media, pjmedia_frame* frame) {
    Port* port = static_cast<Port*>(media->port_data.pdata);
    const bool audible = frame->type == PJMEDIA_FRAME_TYPE_AUDIO && frame->size == port->frame_ * sizeof(std::int16_t);
    port->write(audible ? static_cast<const std::int16_t*>(frame->buf) : nullptr, frame->timestamp.u64);
    return PJ_SUCCESS;
}

pj_status_t Port::on_destroy(pjmedia_port* media) {
    Port* port = static_cast<Port*>(media->port_data.pdata);
    port->gone();
    port->bury();
    return PJ_SUCCESS;
}

}  // namespace callwright
