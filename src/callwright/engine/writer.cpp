#include "writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>

namespace callwright {

namespace {

constexpr int INTERVAL_MS = 50;
// A file is written in pieces of this length, and its header with each of them.
constexpr unsigned PIECES_PER_SECOND = 2;

std::int64_t milliseconds(std::uint64_t samples, unsigned rate) {
    return static_cast<std::int64_t>(samples * 1000 / rate);
}

std::int64_t moment(std::int64_t samples, unsigned rate) {
    return samples < 0 ? -1 : milliseconds(static_cast<std::uint64_t>(samples), rate);
}

}  // namespace

RecordingFile::RecordingFile(std::shared_ptr<Recording> recording, std::shared_ptr<FrameStore> store,
                             std::unique_ptr<WaveFile> file, Target target,
                             std::shared_ptr<const ResamplingFilter> filter)
    : recording_(std::move(recording)),
      store_(std::move(store)),
      file_(std::move(file)),
      target_(std::move(target)),
      factor_(static_cast<float>(std::pow(10.0, target_.gain / 20.0))),
      frames_before_(file_->frames()),
      resamplers_(file_->channels(), Resampler(std::move(filter))),
      pending_(file_->channels()) {}

bool RecordingFile::advance() {
    const bool sealed = recording_->sealed();  // read before the ring, so that nothing can come after the last tick
    Tick tick;
    while (recording_->next(tick)) {
        take_silence(std::uint64_t{tick.lost} * recording_->frame());
        take(tick);
        flush(target_.sample_rate / PIECES_PER_SECOND);
    }
    if (sealed) {
        finish();
        return true;
    }
    recording_->refill();
    return false;
}

void RecordingFile::take(const Tick& tick) {
    for (unsigned channel = 0; channel < pending_.size(); ++channel) {
        const std::uint32_t frame = tick.frames[channel];
        const bool silent = frame == FrameStore::NONE;
        resamplers_[channel].push(silent ? nullptr : store_->at(frame), tick.count, pending_[channel]);
        if (!silent) {
            store_->give(frame);
        }
    }
    taken_ += tick.count;
}

void RecordingFile::take_silence(std::uint64_t samples) {
    const std::uint64_t count = std::min(samples, recording_->options().limit - taken_);
    for (unsigned channel = 0; channel < pending_.size(); ++channel) {
        resamplers_[channel].push(nullptr, count, pending_[channel]);
    }
    taken_ += count;
}

// Clipped where it is too much.
std::int16_t RecordingFile::amplified(std::int16_t sample) const noexcept {
    if (factor_ == 1.0F) {
        return sample;
    }
    return static_cast<std::int16_t>(std::lrint(std::clamp(static_cast<float>(sample) * factor_, -32768.0F, 32767.0F)));
}

// Writes what is pending when it is at least that many samples. After an error it is thrown away: the file ends there.
void RecordingFile::flush(std::size_t least) {
    const std::size_t count = pending_.front().size();
    if (count == 0 || count < least) {
        return;
    }
    const std::size_t channels = pending_.size();
    interleaved_.resize(count * channels);
    for (std::size_t channel = 0; channel < channels; ++channel) {
        for (std::size_t i = 0; i < count; ++i) {
            interleaved_[i * channels + channel] = amplified(pending_[channel][i]);
        }
        pending_[channel].clear();
    }
    file_->write(interleaved_.data(), interleaved_.size());
}

void RecordingFile::finish() {
    take_silence(std::uint64_t{recording_->finish()} * recording_->frame());
    const std::uint64_t total = taken_ * target_.sample_rate / target_.clock_rate;
    for (unsigned channel = 0; channel < pending_.size(); ++channel) {
        resamplers_[channel].finish(total, pending_[channel]);
    }
    flush(0);
    file_->close();
}

std::unique_ptr<Event> RecordingFile::report() const {
    const std::string error = file_->error() != 0 ? std::generic_category().message(file_->error()) : "";
    return report(file_->frames() - frames_before_, error);
}

std::unique_ptr<Event> RecordingFile::report_abandoned() const { return report(0, "the disc did not answer in time"); }

std::unique_ptr<Event> RecordingFile::report(std::uint64_t frames, const std::string& error) const {
    const Voice& voice = recording_->voice();
    const unsigned clock = target_.clock_rate;
    auto event = std::make_unique<Event>(EventKind::RECORDED, id(), 0, target_.path);
    event->with("duration", milliseconds(frames, target_.sample_rate))
        .with("voiced", milliseconds(voice.voiced(), clock))
        .with("first_voice", moment(voice.first(), clock))
        .with("last_voice", moment(voice.last(), clock))
        .with("dropped", static_cast<std::int64_t>(recording_->dropped()))
        .with("error", error);
    return event;
}

// Shared with the thread, so that one which hangs on a disc owns all that it will touch.
struct Writer::State {
    explicit State(EventQueue& queue) : events(&queue), fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd < 0) {
            throw std::system_error(errno, std::generic_category(), "eventfd");
        }
    }
    ~State() { ::close(fd); }

    std::mutex mutex;  // never held while a disc is waited for
    std::condition_variable changed;
    EventQueue* events;  // nullptr: the engine no longer listens
    std::vector<std::shared_ptr<RecordingFile>> files;
    bool closing = false;
    bool ended = false;
    const int fd;
};

Writer::Writer(EventQueue& events) : state_(std::make_shared<State>(events)), thread_(&Writer::run, state_) {
    pthread_setname_np(thread_.native_handle(), "recorder");
}

Writer::~Writer() {
    close(std::chrono::milliseconds(0));
    if (state_->ended) {
        thread_.join();
    } else {
        thread_.detach();
    }
}

void Writer::add(std::shared_ptr<RecordingFile> file) {
    {
        const std::lock_guard<std::mutex> lock(state_->mutex);
        state_->files.push_back(std::move(file));
    }
    wake();
}

void Writer::wake() noexcept {
    const std::uint64_t one = 1;
    // A full counter means that the thread is to wake already.
    [[maybe_unused]] const ssize_t written = ::write(state_->fd, &one, sizeof one);
}

void Writer::close(std::chrono::milliseconds patience) {
    std::unique_lock<std::mutex> lock(state_->mutex);
    state_->closing = true;
    wake();
    state_->changed.wait_for(lock, patience, [this] { return state_->ended; });
    if (EventQueue* events = std::exchange(state_->events, nullptr)) {
        for (const auto& file : state_->files) {
            events->push(file->report_abandoned());
        }
    }
}

// False when nothing is left to do, ever; `idle` when nothing is by now.
bool Writer::advance_all(State& state, bool& idle) {
    std::unique_lock<std::mutex> lock(state.mutex);
    const std::vector<std::shared_ptr<RecordingFile>> files = state.files;
    lock.unlock();
    for (const auto& file : files) {
        if (!file->advance()) {
            continue;
        }
        lock.lock();
        state.files.erase(std::find(state.files.begin(), state.files.end(), file));
        if (state.events != nullptr) {
            state.events->push(file->report());
        }
        lock.unlock();
    }
    lock.lock();
    idle = state.files.empty();
    state.ended = state.closing && idle;
    state.changed.notify_all();
    return !state.ended;
}

void Writer::run(std::shared_ptr<State> state) {
    bool idle = true;
    do {
        pollfd wakeup{state->fd, POLLIN, 0};
        poll(&wakeup, 1, idle ? -1 : INTERVAL_MS);
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t size = read(state->fd, &count, sizeof count);  // a timeout leaves nothing to read
    } while (advance_all(*state, idle));
}

}  // namespace callwright
