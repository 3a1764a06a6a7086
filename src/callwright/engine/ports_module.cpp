// The Python side of sounds and ports. Arguments are converted under the GIL, the work is done without it.
#include "ports_module.hpp"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "ports.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace callwright {

namespace {

// What Python holds of a sound. A shared_ptr of nanobind's own would take the GIL when a native thread drops it.
struct SoundHandle {
    SoundPtr sound;
};

using Segments = std::vector<std::tuple<double, double, int, int>>;
using WithoutGil = nb::call_guard<nb::gil_scoped_release>;

void make_sound(SoundHandle* self, const nb::bytes& samples, int clock_rate) {
    const void* data = samples.c_str();
    const std::size_t size = samples.size();
    const nb::gil_scoped_release released;
    new (self) SoundHandle{std::make_shared<const Sound>(data, size, static_cast<unsigned>(clock_rate))};
}

std::uint64_t player(Engine& engine, const std::vector<const SoundHandle*>& handles, std::uint64_t sink, int loop,
                     std::uint64_t stop_on_digit) {
    std::vector<SoundPtr> sounds;
    for (const SoundHandle* handle : handles) {
        if (handle == nullptr) {
            throw nb::type_error("sounds: None is not a Sound");
        }
        sounds.push_back(handle->sound);
    }
    const nb::gil_scoped_release released;  // not before: the handles are Python's
    return engine.ports().player(std::move(sounds), sink, loop, stop_on_digit);
}

std::uint64_t tone(Engine& engine, const Segments& segments, std::uint64_t sink, int loop, double level_dbov) {
    std::vector<ToneSpec> specs;
    for (const auto& [hz1, hz2, on, off] : segments) {
        specs.push_back({hz1, hz2, on, off});
    }
    return engine.ports().tone(specs, sink, loop, level_dbov);
}

std::uint64_t dtmf_tone(Engine& engine, const std::string& digits, std::uint64_t sink, int on, int off) {
    return engine.ports().dtmf_tone(digits, sink, on, off);
}

[[noreturn]] void raise_os_error(const std::system_error& error, const std::string& path) {
    const nb::object type = nb::borrow(PyExc_OSError);
    const std::string message = error.code().message();
    const nb::object raised = type(error.code().value(), message == error.what() ? message : error.what(), path);
    PyErr_SetObject(PyExc_OSError, raised.ptr());
    throw nb::python_error();
}

nb::tuple recorder(Engine& engine, const std::string& path, int channels, int sample_rate, double max_duration,
                   double silence, bool append, double gain) {
    std::vector<std::uint64_t> inputs;
    try {
        const nb::gil_scoped_release released;
        inputs = engine.ports().recorder(path, {channels, sample_rate, max_duration, silence, append, gain});
    } catch (const std::system_error& error) {
        raise_os_error(error, path);
    }
    return nb::tuple(nb::cast(inputs));
}

std::size_t write(Engine& engine, std::uint64_t source, const nb::bytes& samples) {
    const std::size_t size = samples.size();
    if (size % sizeof(std::int16_t) != 0) {
        throw nb::value_error("samples: 16-bit audio has an even number of bytes");
    }
    const auto* data = static_cast<const std::int16_t*>(static_cast<const void*>(samples.c_str()));
    const nb::gil_scoped_release released;
    return engine.ports().write(source, data, size / sizeof(std::int16_t));
}

nb::bytes read_tap(Engine& engine, std::uint64_t tap) {
    std::vector<std::int16_t> samples;
    {
        const nb::gil_scoped_release released;
        samples = engine.ports().read_tap(tap);
    }
    return nb::bytes(reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof samples[0]);
}

void bind_playback(nb::class_<Engine>& engine) {
    engine.def("player", &player, "sounds"_a, nb::kw_only(), "sink"_a, "loop"_a = 1, "stop_on_digit"_a = 0);
    engine.def("tone", &tone, "segments"_a, nb::kw_only(), "sink"_a, "loop"_a = 1, "level_dbov"_a = -13.0, WithoutGil());
    engine.def("dtmf_tone", &dtmf_tone, "digits"_a, nb::kw_only(), "sink"_a, "on"_a = 120, "off"_a = 80, WithoutGil());
    engine.def("stop", [](Engine& self, std::uint64_t port) { self.ports().stop(port); }, "port"_a, WithoutGil());
}

void bind_recording(nb::class_<Engine>& engine) {
    engine.def("recorder", &recorder, "path"_a, nb::kw_only(), "channels"_a = 1, "sample_rate"_a = 8000,
               "max_duration"_a = 0.0, "silence"_a = 0.0, "append"_a = false, "gain"_a = 0.0);
    engine.def(
        "pause",
        [](Engine& self, std::uint64_t id, bool on, bool silence) { self.ports().pause(id, on, silence); },
        "recorder"_a, "on"_a, "silence"_a = true, WithoutGil());
}

void bind_rings(nb::class_<Engine>& engine) {
    engine.def(
        "source", [](Engine& self, std::uint64_t sink, int capacity) { return self.ports().source(sink, capacity); },
        nb::kw_only(), "sink"_a, "capacity"_a = 10000, WithoutGil());
    engine.def("write", &write, "source"_a, "samples"_a);
    engine.def("clear", [](Engine& self, std::uint64_t source) { self.ports().clear(source); }, "source"_a, WithoutGil());
    engine.def(
        "tap", [](Engine& self, int capacity, int notify) { return self.ports().tap(capacity, notify); },
        nb::kw_only(), "capacity"_a = 2000, "notify"_a = 100, WithoutGil());
    engine.def("read_tap", &read_tap, "tap"_a);
    engine.def(
        "detect_digits", [](Engine& self, std::uint64_t leg) { return self.ports().detect_digits(leg); }, "leg"_a,
        WithoutGil());
    engine.def("bus", [](Engine& self) { return self.ports().bus(); }, WithoutGil());
}

}  // namespace

void bind_ports(nb::module_& module, nb::class_<Engine>& engine) {
    nb::class_<SoundHandle>(module, "Sound", nb::is_final(), nb::is_weak_referenceable())
        .def("__init__", &make_sound, "samples"_a, "clock_rate"_a)
        .def_prop_ro("duration", [](const SoundHandle& self) { return self.sound->duration(); })
        .def_prop_ro("clock_rate", [](const SoundHandle& self) { return self.sound->clock_rate(); });
    bind_playback(engine);
    bind_recording(engine);
    bind_rings(engine);
}

}  // namespace callwright
