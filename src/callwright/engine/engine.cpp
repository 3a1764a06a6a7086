#include "engine.hpp"

#include <pjmedia.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "flow.hpp"
#include "gate.hpp"
#include "held.hpp"
#include "interfaces.hpp"
#include "keep_alive.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "mix/mixer.hpp"
#include "offers.hpp"
#include "outgoing.hpp"
#include "port.hpp"
#include "ports.hpp"
#include "request.hpp"
#include "rtp/media_thread.hpp"
#include "sound.hpp"

namespace callwright {

namespace {

std::atomic<Engine*> living{nullptr};

// How long one poll may sleep; timers and the wake-up socket end it earlier.
constexpr unsigned poll_ms = 500;
// How long close() waits for the peers to answer CANCEL and BYE, and for the media thread to let go.
constexpr std::chrono::milliseconds farewell{1000};
constexpr std::chrono::milliseconds ports_settle{300};

template <typename Condition>
void poll_until(std::chrono::milliseconds limit, Condition done) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done() && std::chrono::steady_clock::now() < end) pjsua_handle_events(5);
}

}  // namespace

Engine* Engine::current() noexcept { return living.load(std::memory_order_relaxed); }

Engine::Engine(EngineOptions options) : options_(std::move(options)) {
    Engine* nobody = nullptr;
    if (!living.compare_exchange_strong(nobody, this)) throw std::runtime_error("an engine is running already");
    std::promise<void> started;
    std::future<void> outcome = started.get_future();
    try {
        flows_ = std::make_unique<Flows>(*this);
        gate_ = std::make_unique<Gate>(*this);
        held_ = std::make_unique<Held>(*this);
        interfaces_ = std::make_unique<Interfaces>(options_);
        keep_alives_ = std::make_unique<KeepAlives>(*gate_);
        offers_ = std::make_unique<Offers>(*this);
        outgoing_ = std::make_unique<Outgoing>(*this);
        legs_ = std::make_unique<Legs>(*this);
        ports_ = std::make_unique<Ports>(*this);
        requests_ = std::make_unique<Requests>(*this);
        thread_ = std::thread([this, &started] { run(started); });
        outcome.get();
    } catch (...) {
        if (thread_.joinable()) thread_.join();
        jobs_.drop();
        close_wakeup();
        living = nullptr;
        throw;
    }
}

Engine::~Engine() {
    close();
    close_wakeup();
}

void Engine::close() {
    std::lock_guard<std::mutex> lock(close_mutex_);
    if (!thread_.joinable()) return;
    // The order matters: a job that is posted now is still run, none after it.
    post([this] { closing_ = true; });
    thread_.join();
    ended_ = true;
    jobs_.drop();
    living = nullptr;
}

void Engine::run(std::promise<void>& started) {
    pthread_setname_np(pthread_self(), "callwright-sip");
    thread_id_ = std::this_thread::get_id();
    try {
        start();
    } catch (...) {
        stop();
        started.set_exception(std::current_exception());
        return;
    }
    started.set_value();
    while (!closing_) {
        pjsua_handle_events(poll_ms);
        run_jobs();
        patch_.settle();
    }
    stop();
}

void Engine::post(std::unique_ptr<Job> job) noexcept {
    // A full socket wakes the thread just as well.
    if (jobs_.push(std::move(job))) [[maybe_unused]] auto sent = ::send(wakeup_[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (ended_) jobs_.drop();
}

void Engine::run_jobs() {
    Job* oldest = jobs_.take();
    while (oldest != nullptr) {
        std::unique_ptr<Job> job(std::exchange(oldest, oldest->next));
        try {
            job->run();
        } catch (const std::exception& error) {  // memory has run out: this command is lost, the calls are not
            fail(0, std::string("a command failed: ") + error.what());
        }
        jobs_.done();
    }
}

void Engine::fail(std::uint64_t id, std::string why) {
    events_.push(std::make_unique<Event>(EventKind::FAILED, id, 0, std::move(why)));
}

void Engine::stop() noexcept {
    if (library_up_) {
        end_calls();
        end_ports();
    }
    {
        std::lock_guard<std::mutex> lock(library_mutex_);
        library_up_ = false;
    }
    if (wakeup_key_ != nullptr) pj_ioqueue_unregister(std::exchange(wakeup_key_, nullptr));  // closes pjlib's end
    if (pool_ != nullptr) pj_pool_release(std::exchange(pool_, nullptr));
    // Nobody is waited for any more: that has been done. What is left of calls takes its lines out of the media thread.
    dismiss_crew();
    pjsua_destroy2(PJSUA_DESTROY_NO_RX_MSG);
    if (media_) media_->close();
    // The last ports to be freed were freed by the media thread's end.
    run_jobs();
}

// Its threads know pjlib, which is about to end. The media thread lets them go: it is who gives them work.
void Engine::dismiss_crew() {
    if (!media_ || !crew_) return;
    std::promise<void> gone;
    media_->post([this, &gone] {
        crew_->close();
        gone.set_value();
    });
    gone.get_future().wait();
}

// Not in stop(): a thread may be posting.
void Engine::close_wakeup() noexcept {
    for (int& end : wakeup_) {
        if (end >= 0) ::close(std::exchange(end, -1));
    }
}

void Engine::end_calls() {
    gate_->shut();
    legs_->shut();
    legs_->hang_up_all();
    held_->close();
    requests_->close();
    outgoing_->close();
    legs_->transfers().close();
    poll_until(farewell, [] { return pjsua_call_get_count() == 0; });
}

void Engine::end_ports() {
    while (!placed_.empty()) {
        Port* port = placed_.begin()->second;
        const std::uint64_t id = port->id();
        port->close();
        remove(id);
    }
    patch_.settle();
    ports_->close();
    poll_until(ports_settle, [this] {
        run_jobs();
        patch_.settle();
        return Port::live() == 0;
    });
}

void Engine::place(Port* port, std::uint64_t sink) {
    placed_.emplace(port->id(), port);
    patch_.add_port(port->id(), port);
    if (sink != 0) patch_.connect(port->id(), sink);
}

void Engine::remove(std::uint64_t port_id) {
    const auto found = placed_.find(port_id);
    if (found == placed_.end()) return;
    digits_.unwatch(found->second);
    placed_.erase(found);
    patch_.remove(port_id);
}

Port* Engine::find_port(std::uint64_t id) const {
    const auto found = placed_.find(id);
    return found == placed_.end() ? nullptr : found->second;
}

void Engine::connect(std::uint64_t source, std::uint64_t sink) {
    post([this, source, sink] { patch_.connect(source, sink); });
}

void Engine::disconnect(std::uint64_t source, std::uint64_t sink) {
    post([this, source, sink] { patch_.disconnect(source, sink); });
}

void Engine::overhear(std::uint64_t node, std::uint64_t listener) {
    post([this, node, listener] { patch_.overhear(node, listener); });
}

std::uint64_t Engine::add_bus() {
    const std::uint64_t id = next_id();
    post([this, id] { patch_.add_bus(id); });
    return id;
}

void Engine::remove_bus(std::uint64_t bus) {
    post([this, bus] { patch_.remove(bus); });
}

bool Engine::with_library(const std::function<void()>& use) const {
    std::lock_guard<std::mutex> lock(library_mutex_);
    if (!library_up_) return false;
    use();
    return true;
}

}  // namespace callwright
