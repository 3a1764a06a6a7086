#include "ports.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "mix/detector.hpp"
#include "player.hpp"
#include "recorder.hpp"
#include "resampler.hpp"

namespace callwright {

namespace {

constexpr int TICK_MS = 20;
constexpr int MAX_RING_MS = 600 * 1000;
constexpr double MAX_GAIN_DB = 40;
constexpr double MAX_RECORDING_SECONDS = 7 * 24 * 3600;
// Sound that may wait for a stalled disc, of all recorders together.
constexpr std::size_t STORE_BYTES = 64U << 20U;
constexpr std::chrono::milliseconds CLOSE_PATIENCE{1500};

void require(bool holds, const char* complaint) {
    if (!holds) {
        throw std::invalid_argument(complaint);
    }
}

std::size_t samples_of(int ms, unsigned clock_rate) { return static_cast<std::size_t>(ms) * clock_rate / 1000; }

std::uint64_t samples_of(double seconds, unsigned clock_rate) {
    return static_cast<std::uint64_t>(std::llround(seconds * clock_rate));
}

bool ordinary_rate(int rate) { return rate == 8000 || rate == 16000 || rate == 32000 || rate == 48000; }

}  // namespace

Ports::Ports(Engine& engine) : engine_(engine) {}

Ports::~Ports() = default;

void Ports::close() {
    {
        const std::lock_guard<std::mutex> lock(nodes_mutex_);
        std::for_each(buses_.begin(), buses_.end(), [this](std::uint64_t bus) { engine_.patch().remove(bus); });
        buses_.clear();
    }
    const std::lock_guard<std::mutex> lock(writer_mutex_);
    closed_.store(true, std::memory_order_release);
    if (writer_) {
        writer_->close(CLOSE_PATIENCE);
    }
}

void Ports::require_open() const {
    if (closed_.load(std::memory_order_acquire)) {
        throw std::runtime_error("the engine is closed");
    }
}

// A port whose sink has gone meanwhile, or that a digit has stopped before it was placed, ends here.
void Ports::place(std::unique_ptr<Port> port, std::uint64_t sink) {
    auto holder = std::make_shared<std::unique_ptr<Port>>(std::move(port));
    engine_.post([this, holder, sink] {
        if ((*holder)->leaving() || (sink != 0 && !engine_.patch().has(sink))) {
            (*holder)->close();
            holder->reset();
            return;
        }
        engine_.place(holder->release(), sink);
    });
}

std::uint64_t Ports::player(std::vector<SoundPtr> sounds, std::uint64_t sink, int loop, std::uint64_t stop_on_digit) {
    require_open();
    require(loop >= 0, "loop: must be 0 (for ever) or more");
    for (const SoundPtr& sound : sounds) {
        require(sound->clock_rate() == engine_.clock_rate(), "sounds: must have the engine's clock rate");
    }
    const std::uint64_t id = engine_.next_id();
    if (std::all_of(sounds.begin(), sounds.end(), [](const SoundPtr& sound) { return sound->size() == 0; })) {
        Playback::report_empty(engine_, id);
        return id;
    }
    auto player = std::make_unique<Player>(engine_, id, std::move(sounds), static_cast<unsigned>(loop));
    if (stop_on_digit != 0) {
        player->stop_on_digit_of(stop_on_digit);
    }
    place(std::move(player), sink);
    return id;
}

std::uint64_t Ports::play(std::vector<ToneSegment> segments, std::uint64_t sink, int loop) {
    require_open();
    require(loop >= 0, "loop: must be 0 (for ever) or more");
    const std::uint64_t id = engine_.next_id();
    if (segments.empty()) {
        Playback::report_empty(engine_, id);
        return id;
    }
    place(std::make_unique<Tone>(engine_, id, std::move(segments), static_cast<unsigned>(loop)), sink);
    return id;
}

std::uint64_t Ports::tone(const std::vector<ToneSpec>& specs, std::uint64_t sink, int loop, double level_dbov) {
    return play(tone_segments(specs, level_dbov, engine_.clock_rate()), sink, loop);
}

std::uint64_t Ports::dtmf_tone(const std::string& digits, std::uint64_t sink, int on, int off) {
    return play(dtmf_segments(digits, on, off, engine_.clock_rate()), sink, 1);
}

std::uint64_t Ports::source(std::uint64_t sink, int capacity_ms) {
    require_open();
    require(capacity_ms >= TICK_MS && capacity_ms <= MAX_RING_MS, "capacity: must be 20 to 600000 ms");
    const std::uint64_t id = engine_.next_id();
    auto ring = std::make_shared<SourceRing>(id, samples_of(capacity_ms, engine_.clock_rate()));
    auto port = std::make_unique<SourcePort>(*this, id, ring);
    {
        const std::lock_guard<std::mutex> lock(rings_mutex_);
        rings_.emplace(id, std::move(ring));
    }
    place(std::move(port), sink);
    return id;
}

std::uint64_t Ports::tap(int capacity_ms, int notify_ms) {
    require_open();
    require(capacity_ms >= TICK_MS && capacity_ms <= MAX_RING_MS, "capacity: must be 20 to 600000 ms");
    require(notify_ms >= 1 && notify_ms <= capacity_ms, "notify: must be 1 ms to the capacity");
    const std::uint64_t id = engine_.next_id();
    const unsigned rate = engine_.clock_rate();
    auto ring = std::make_shared<TapRing>(id, samples_of(capacity_ms, rate), samples_of(notify_ms, rate));
    auto port = std::make_unique<TapPort>(*this, id, ring);
    {
        const std::lock_guard<std::mutex> lock(rings_mutex_);
        rings_.emplace(id, std::move(ring));
    }
    place(std::move(port), 0);
    return id;
}

std::uint64_t Ports::detect_digits(std::uint64_t leg) {
    require_open();
    const std::uint64_t id = engine_.next_id();
    {
        const std::lock_guard<std::mutex> lock(nodes_mutex_);
        if (const std::uint64_t other = detector_of(leg)) {
            return other;
        }
        detectors_.emplace(id, leg);
    }
    auto holder = std::make_shared<std::unique_ptr<Port>>(std::make_unique<Detector>(*this, id, leg));
    engine_.post([this, holder, leg] {
        if (engine_.patch().has(leg)) {
            Port* detector = holder->release();
            engine_.place(detector, 0);
            engine_.patch().connect(leg, detector->id());
        }
    });
    return id;
}

// Under nodes_mutex_. Few legs have one.
std::uint64_t Ports::detector_of(std::uint64_t leg) const {
    const auto found = std::find_if(detectors_.begin(), detectors_.end(),
                                    [leg](const auto& detector) { return detector.second == leg; });
    return found == detectors_.end() ? 0 : found->first;
}

void Ports::forget_detector(std::uint64_t id) {
    const std::lock_guard<std::mutex> lock(nodes_mutex_);
    detectors_.erase(id);
}

void Ports::leg_ended(std::uint64_t leg) {
    std::unique_lock<std::mutex> lock(nodes_mutex_);
    const std::uint64_t id = detector_of(leg);
    lock.unlock();
    if (Port* port = engine_.find_port(id)) {
        port->end();
    }
}

std::uint64_t Ports::bus() {
    require_open();
    const std::uint64_t id = engine_.add_bus();
    const std::lock_guard<std::mutex> lock(nodes_mutex_);
    buses_.insert(id);
    return id;
}

// The file sets the limit when nothing else does: RIFF counts its bytes in 32 bits.
Recording::Options Ports::recording_options(const RecorderOptions& options, const WaveFile& file) {
    const unsigned clock = engine_.clock_rate();
    Recording::Options recording;
    recording.channels = static_cast<unsigned>(options.channels);
    recording.limit = file.room() * clock / static_cast<unsigned>(options.sample_rate);
    if (options.max_duration > 0) {
        recording.limit = std::min(recording.limit, samples_of(options.max_duration, clock));
    }
    recording.silence = samples_of(options.silence, clock);
    return recording;
}

std::vector<std::uint64_t> Ports::recorder(const std::string& path, const RecorderOptions& options) {
    require(options.channels == 1 || options.channels == 2, "channels: must be 1 or 2");
    require(ordinary_rate(options.sample_rate), "sample_rate: must be 8000, 16000, 32000 or 48000 Hz");
    for (const double seconds : {options.max_duration, options.silence}) {
        require(seconds >= 0 && seconds <= MAX_RECORDING_SECONDS, "max_duration and silence: must be 0 s to 7 days");
    }
    require(std::fabs(options.gain) <= MAX_GAIN_DB, "gain: must be -40 to 40 dB");
    require(path.find('\0') == std::string::npos, "path: holds a NUL");
    require_open();
    const unsigned clock = engine_.clock_rate();
    const unsigned rate = static_cast<unsigned>(options.sample_rate);
    auto file = std::make_unique<WaveFile>(path, static_cast<unsigned>(options.channels), rate, options.append);
    Recording::Options recorded = recording_options(options, *file);

    std::vector<std::uint64_t> inputs;
    std::generate_n(std::back_inserter(inputs), options.channels, [this] { return engine_.next_id(); });
    recorded.id = inputs.front();
    const std::lock_guard<std::mutex> lock(writer_mutex_);
    require_open();
    start_writer();
    auto recording = std::make_shared<Recording>(engine_, *frames_, recorded);
    const RecordingFile::Target target{path, clock, rate, options.gain};
    writer_->add(std::make_shared<RecordingFile>(recording, frames_, std::move(file), target,
                                                 ResamplingFilter::between(clock, rate)));
    for (unsigned channel = 0; channel < inputs.size(); ++channel) {
        place(std::make_unique<RecorderInput>(*this, inputs, channel, recording), 0);
    }
    return inputs;
}

// With the first recorder, under writer_mutex_; it stays as long as the engine.
void Ports::start_writer() {
    if (!writer_) {
        const unsigned frame = engine_.samples_per_frame();
        frames_ = std::make_shared<FrameStore>(frame, STORE_BYTES / (frame * sizeof(std::int16_t)));
        writer_ = std::make_unique<Writer>(engine_.events());
    }
}

template <typename Kind>
std::shared_ptr<Kind> Ports::ring(std::uint64_t id) {
    const std::lock_guard<std::mutex> lock(rings_mutex_);
    const auto found = rings_.find(id);
    const auto* ring = found == rings_.end() ? nullptr : std::get_if<std::shared_ptr<Kind>>(&found->second);
    return ring == nullptr ? nullptr : *ring;
}

void Ports::forget(std::uint64_t id) {
    const std::lock_guard<std::mutex> lock(rings_mutex_);
    rings_.erase(id);
}

std::size_t Ports::write(std::uint64_t source, const std::int16_t* samples, std::size_t count) {
    const auto found = ring<SourceRing>(source);
    return found ? found->write(samples, count) : 0;
}

void Ports::clear(std::uint64_t source) {
    if (const auto found = ring<SourceRing>(source)) {
        found->clear();
    }
}

std::vector<std::int16_t> Ports::read_tap(std::uint64_t tap) {
    const auto found = ring<TapRing>(tap);
    return found ? found->read() : std::vector<std::int16_t>();
}

void Ports::pause(std::uint64_t recorder, bool on, bool silence) {
    engine_.post([this, recorder, on, silence] {
        if (Port* port = engine_.find_port(recorder)) {
            port->pause(on, silence);
        }
    });
}

void Ports::stop(std::uint64_t id) {
    {
        const std::lock_guard<std::mutex> lock(nodes_mutex_);
        detectors_.erase(id);  // at once, so that the leg may have another
        if (buses_.erase(id) != 0) {
            engine_.remove_bus(id);
            return;
        }
    }
    engine_.post([this, id] {
        if (Port* port = engine_.find_port(id)) {
            port->end();
        }
    });
}

}  // namespace callwright
