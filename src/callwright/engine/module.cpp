// The Python module. Commands validate, release the GIL, queue a job and return.
#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "auth_module.hpp"
#include "engine.hpp"
#include "gate.hpp"
#include "leg.hpp"
#include "message.hpp"
#include "offers.hpp"
#include "outgoing_module.hpp"
#include "ports_module.hpp"
#include "request.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace callwright {

namespace {

using Released = nb::call_guard<nb::gil_scoped_release>;

// A peer may send anything: what is no UTF-8 is replaced, never an error.
nb::object to_python(const std::string& text) {
    PyObject* object = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
    if (object == nullptr) throw nb::python_error();
    return nb::steal(object);
}

nb::object to_python(const Headers& headers) {
    nb::list list;
    for (const auto& [name, value] : headers) list.append(nb::make_tuple(to_python(name), to_python(value)));
    return list;
}

nb::dict detail_of(const Event& event) {
    nb::dict detail;
    for (const auto& [key, field] : event.detail) {
        detail[key] = std::visit(
            [&](const auto& value) -> nb::object {
                using Value = std::decay_t<decltype(value)>;
                if constexpr (std::is_same_v<Value, std::string>) {
                    // The body of a request is bytes: it may be anything, compressed too.
                    if (std::strcmp(key, "body") == 0) return nb::bytes(value.data(), value.size());
                    return to_python(value);
                } else if constexpr (std::is_same_v<Value, Headers>) {
                    return to_python(value);
                } else {
                    return nb::cast(value);
                }
            },
            field);
    }
    return detail;
}

nb::list drain(Engine& engine, std::size_t limit) {
    nb::list list;
    for (auto& event : engine.events().drain(limit)) {
        list.append(nb::cast(event.release(), nb::rv_policy::take_ownership));
    }
    return list;
}

template <typename Value>
nb::dict to_dict(const std::vector<std::pair<const char*, Value>>& values) {
    nb::dict dict;
    for (const auto& [name, value] : values) dict[name] = value;
    return dict;
}

void check_code(int code, int first, int last) {
    if (code < first || code > last) throw std::invalid_argument("SIP code out of range: " + std::to_string(code));
}

Reply make_reply(int code, std::string reason, Headers headers) {
    check_text(reason, "reason");
    check_headers(headers);
    return {code, std::move(reason), std::move(headers)};
}

// Runs `command` with the legs on the engine thread.
template <typename Command>
void command(Engine& engine, Command command) {
    engine.post([&engine, command = std::move(command)] { command(engine.legs()); });
}

using SourcePolicy =
    std::tuple<std::string, std::vector<std::string>, std::string, std::string, std::vector<std::string>>;

// (name, realm, codecs, srtp, reliable, quirks)
using UserPolicy = std::tuple<std::string, std::string, std::vector<std::string>, std::string, std::string,
                              std::vector<std::string>>;

void trust(Engine& engine, const std::vector<UserPolicy>& users) {
    UserPolicies policies;
    policies.reserve(users.size());
    for (const auto& [name, realm, codecs, srtp, reliable, quirks] : users) {
        const PolicyText policy{codecs, srtp, {}, reliable, quirks};
        policies.insert_or_assign(Offers::key_of(name, realm), policy.amend(engine.offers().usual()));
    }
    engine.offers().trust_users(std::move(policies));
}

void admit(Engine& engine, const std::vector<std::string>& sources, const std::vector<SourcePolicy>& policies) {
    std::vector<Prefix> prefixes;
    prefixes.reserve(sources.size());
    for (const std::string& source : sources) prefixes.push_back(Prefix::parse(source));
    std::vector<std::pair<Prefix, Policy>> trusted;
    trusted.reserve(policies.size());
    for (const auto& [source, codecs, srtp, reliable, quirks] : policies) {
        const PolicyText policy{codecs, srtp, {}, reliable, quirks};
        trusted.emplace_back(Prefix::parse(source), policy.amend(engine.offers().usual()));
    }
    engine.offers().trust(std::move(trusted));
    engine.gate().admit(std::move(prefixes));
}

void limit(Engine& engine, int requests_per_second, int burst, int backlog) {
    if (requests_per_second < 1 || burst < 1 || backlog < 1) throw std::invalid_argument("limits are positive");
    engine.gate().limit(static_cast<unsigned>(requests_per_second), static_cast<unsigned>(burst),
                        static_cast<std::size_t>(backlog));
}

std::uint64_t originate(Engine& engine, std::string uri, std::string local_uri, std::string next_hop, Headers headers,
                        std::string username, std::string password, std::string realm,
                        std::vector<std::string> codecs, std::string srtp, std::string srtp_keying,
                        std::string reliable, std::vector<std::string> quirks, bool offer,
                        std::vector<std::string> route, bool keep_hop, std::uint64_t like) {
    const PolicyText policy{std::move(codecs), std::move(srtp), std::move(srtp_keying), std::move(reliable),
                            std::move(quirks)};
    Order order{std::move(uri),
                std::move(local_uri),
                std::move(next_hop),
                std::move(headers),
                {std::move(username), std::move(password), std::move(realm)},
                policy.amend(engine.offers().usual()),
                offer,
                std::move(route),
                keep_hop,
                like};
    if (keep_hop && order.next_hop.empty()) throw std::invalid_argument("there is no hop to keep");
    check_headers(order.headers);
    const bool up = engine.with_library([&] {
        check_uri(order.uri, false);
        check_uri(order.local_uri, true);
        if (!order.next_hop.empty()) check_uri(order.next_hop, false);
        for (const std::string& proxy : order.route) check_uri(proxy, true);
    });
    if (!up) throw std::runtime_error("the engine is closed");
    const std::uint64_t id = engine.next_id();
    command(engine, [id, order = std::move(order)](Legs& legs) { legs.originate(id, order); });
    return id;
}

void answer(Engine& engine, std::uint64_t leg, int code, std::string reason, Headers headers,
            const std::vector<std::string>& codecs, std::uint64_t like) {
    check_code(code, 101, 299);
    auto reply = make_reply(code, std::move(reason), std::move(headers));
    command(engine, [leg, reply = std::move(reply), codecs = codecs_of(codecs), like](Legs& legs) {
        legs.answer(leg, reply, codecs, like);
    });
}

void hang_up(Engine& engine, std::uint64_t leg, int code, std::string reason, Headers headers) {
    if (code != 0) check_code(code, 300, 699);
    auto reply = make_reply(code, std::move(reason), std::move(headers));
    command(engine, [leg, reply = std::move(reply)](Legs& legs) { legs.hang_up(leg, reply); });
}

void hold(Engine& engine, std::uint64_t leg, bool on) {
    command(engine, [leg, on](Legs& legs) { legs.hold(leg, on); });
}

std::uint64_t refer(Engine& engine, std::uint64_t leg, const std::string& uri, Headers headers) {
    check_headers(headers);
    const bool up = engine.with_library([&] { check_uri(uri, false); });
    if (!up) throw std::runtime_error("the engine is closed");
    const std::uint64_t id = engine.next_id();
    command(engine, [id, leg, target = "<" + uri + ">", headers = std::move(headers)](Legs& legs) {
        legs.transfers().refer(id, leg, target, headers);
    });
    return id;
}

void permit(Engine& engine, std::uint64_t leg, bool blind, bool attended) {
    command(engine, [leg, blind, attended](Legs& legs) { legs.permit(leg, {blind, attended}); });
}

void notify(Engine& engine, std::uint64_t transfer, int code, std::string reason) {
    check_code(code, 100, 699);
    check_text(reason, "reason");
    command(engine, [transfer, code, reason = std::move(reason)](Legs& legs) {
        legs.transfers().notify(transfer, code, reason);
    });
}

void forget(Engine& engine, std::uint64_t transfer) {
    command(engine, [transfer](Legs& legs) { legs.transfers().forget(transfer); });
}

void send_digits(Engine& engine, std::uint64_t leg, std::string digits, int duration, const std::string& method) {
    if (digits.find_first_not_of("0123456789*#ABCDabcd") != std::string::npos) {
        throw std::invalid_argument("digits are 0-9 * # A-D");
    }
    if (duration < 40 || duration > 5000) throw std::invalid_argument("a digit lasts 40 to 5000 ms");
    if (digits.empty()) throw std::invalid_argument("there are no digits");
    if (!method.empty() && method != "rfc4733" && method != "info") {
        throw std::invalid_argument("a digit is sent by \"rfc4733\" or \"info\"");
    }
    command(engine, [leg, digits = std::move(digits), duration, method](Legs& legs) {
        legs.send_digits(leg, digits, static_cast<unsigned>(duration), method);
    });
}

void respond(Engine& engine, std::uint64_t request, int code, std::string reason, Headers headers,
             std::string content_type, const nb::bytes& body) {
    check_code(code, 200, 699);
    check_text(reason, "reason");
    check_text(content_type, "content_type");
    check_response_headers(headers);
    if (body.size() != 0 && content_type.find('/') == std::string::npos) {
        throw std::invalid_argument("a body needs a content type");
    }
    Response response{code, std::move(reason), std::move(headers), std::move(content_type),
                      std::string(body.c_str(), body.size())};
    const nb::gil_scoped_release released;
    engine.post([&engine, request, response = std::move(response)] { engine.requests().respond(request, response); });
}

// certificate, private key, CA (PEM), verify_client.
using Tls = std::tuple<std::string, std::string, std::string, bool>;

OpusSettings opus_of(const std::map<std::string, int>& values) {
    OpusSettings settings;
    for (const auto& [name, value] : values) {
        if (value < 0) throw std::invalid_argument("opus: " + name + " is negative");
        if (name == "bitrate") {
            settings.bitrate = static_cast<unsigned>(value);
        } else if (name == "complexity") {
            settings.complexity = static_cast<unsigned>(value);
        } else if (name == "fec") {
            settings.fec = value != 0;
        } else if (name == "dtx") {
            settings.dtx = value != 0;
        } else {
            throw std::invalid_argument("opus: \"" + name + "\" is no setting");
        }
    }
    return settings;
}

void construct(Engine* self, const std::vector<std::tuple<std::string, std::string, int>>& listen,
               std::string media_address, std::pair<int, int> rtp_ports, unsigned clock_rate, unsigned max_legs,
               std::string user_agent, int log_level, std::string media_address6, const std::vector<Tls>& tls,
               bool verify_server, const std::vector<std::string>& codecs, unsigned ptime,
               const std::map<std::string, int>& opus, unsigned session_expires, unsigned min_session_expires,
               std::string rtp_io, unsigned media_timeout, unsigned hold_timeout, std::string advertised_address,
               std::vector<std::string> inside, const std::vector<std::string>& advertised, int mixers, unsigned mixing_us,
               bool their_order, bool comfort_noise, std::pair<unsigned, unsigned> jitter_buffer,
               bool late_from_anywhere,
               const std::vector<std::pair<std::string, std::string>>& media) {

    EngineOptions options;
    if (!advertised.empty() && advertised.size() != listen.size()) {
        throw std::invalid_argument("advertised: one entry for each transport, or none");
    }
    if (!media.empty() && media.size() != listen.size()) {
        throw std::invalid_argument("media: one entry for each transport, or none");
    }
    for (const auto& [transport, host, port] : listen) {
        const std::size_t place = options.listen.size();
        Listen& one = options.listen.emplace_back(Listen{transport, host, port, {}, {}, {}});
        if (!advertised.empty()) one.advertised = advertised[place];
        if (!media.empty()) std::tie(one.media, one.media_advertised) = media[place];
    }
    options.advertised_address = std::move(advertised_address);
    options.inside = std::move(inside);
    options.mixers = mixers;
    options.mixing_us = mixing_us;
    options.media_address = std::move(media_address);
    options.rtp_first = rtp_ports.first;
    options.rtp_last = rtp_ports.second;
    options.clock_rate = clock_rate;
    options.max_legs = max_legs;
    options.user_agent = std::move(user_agent);
    options.log_level = log_level;
    options.rtp_io = std::move(rtp_io);
    options.media_timeout = media_timeout;
    options.hold_timeout = hold_timeout;
    options.media_address6 = std::move(media_address6);
    for (const auto& [certificate, private_key, ca, verify_client] : tls) {
        options.tls.push_back({certificate, private_key, ca, verify_client});
    }
    options.verify_server = verify_server;
    options.policy.codecs = codecs_of(codecs);
    options.policy.their_order = their_order;
    options.comfort_noise = comfort_noise;
    options.late_from_anywhere = late_from_anywhere;
    std::tie(options.jitter_least, options.jitter_most) = jitter_buffer;
    options.ptime = ptime;
    options.opus = opus_of(opus);
    options.session_expires = session_expires;
    options.min_session_expires = min_session_expires;
    check_options(options);
    const nb::gil_scoped_release released;
    new (self) Engine(std::move(options));
}

void bind_events(nb::module_& module) {
    nb::enum_<EventKind>(module, "EventKind", nb::is_arithmetic())
        .value("INCOMING", EventKind::INCOMING)
        .value("TRYING", EventKind::TRYING)
        .value("PROGRESS", EventKind::PROGRESS)
        .value("ESTABLISHED", EventKind::ESTABLISHED)
        .value("MEDIA", EventKind::MEDIA)
        .value("DIGIT", EventKind::DIGIT)
        .value("ENDED", EventKind::ENDED)
        .value("REQUEST", EventKind::REQUEST)
        .value("PLAYED", EventKind::PLAYED)
        .value("SILENCE", EventKind::SILENCE)
        .value("LIMIT", EventKind::LIMIT)
        .value("RECORDED", EventKind::RECORDED)
        .value("TAPPED", EventKind::TAPPED)
        .value("DRAINED", EventKind::DRAINED)
        .value("FAILED", EventKind::FAILED)
        .value("LOG", EventKind::LOG)
        .value("SECURITY", EventKind::SECURITY)
        .value("MEDIA_LOST", EventKind::MEDIA_LOST)
        .value("DIGITS_SENT", EventKind::DIGITS_SENT)
        .value("RESPONSE", EventKind::RESPONSE)
        .value("FLOW_CLOSED", EventKind::FLOW_CLOSED)
        .value("TRANSFER", EventKind::TRANSFER)
        .value("REFER", EventKind::REFER)
        .value("HELD", EventKind::HELD);
    nb::class_<Event>(module, "Event", nb::is_final())
        .def_prop_ro("kind", [](const Event& event) { return event.kind; })
        .def_prop_ro("id", [](const Event& event) { return event.id; })
        .def_prop_ro("code", [](const Event& event) { return event.code; })
        .def_prop_ro("text", [](const Event& event) { return to_python(event.text); })
        .def_prop_ro("detail", &detail_of);
}

void bind_life(nb::class_<Engine>& engine) {
    const std::vector<std::string> usual_codecs{"PCMU", "PCMA", "G722", "opus"};
    engine
        .def("__init__", &construct, nb::kw_only(), "listen"_a, "media_address"_a, "rtp_ports"_a,
             "clock_rate"_a = 16000, "max_legs"_a = 2000, "user_agent"_a = "Callwright", "log_level"_a = 2,
             "media_address6"_a = "", "tls"_a = std::vector<Tls>(), "verify_server"_a = true,
             "codecs"_a = usual_codecs, "ptime"_a = 20, "opus"_a = std::map<std::string, int>(),
             "session_expires"_a = 1800, "min_session_expires"_a = 90,
             "rtp_io"_a = "auto", "media_timeout"_a = 30, "hold_timeout"_a = 300,
             "advertised_address"_a = "", "inside"_a = std::vector<std::string>(),
             "advertised"_a = std::vector<std::string>(), "mixers"_a = -1,
             "mixing_us"_a = 2000, "their_order"_a = false, "comfort_noise"_a = false,
             "jitter_buffer"_a = std::pair<unsigned, unsigned>(20, 240), "late_from_anywhere"_a = false,
             "media"_a = std::vector<std::pair<std::string, std::string>>())
        .def_prop_ro("event_fd", [](Engine& self) { return self.events().fd(); })
        .def_prop_ro("addresses",
                     [](const Engine& self) {
                         nb::list list;
                         for (const Listen& bound : self.addresses()) {
                             list.append(nb::make_tuple(bound.transport, bound.host, bound.port));
                         }
                         return list;
                     })
        .def_prop_ro("clock_rate", &Engine::clock_rate)
        .def("drain", &drain, "limit"_a = 512)
        .def("close", &Engine::close, Released())
        .def("certify", &Engine::certify, "transport"_a, nb::kw_only(), "certificate"_a, "private_key"_a, "ca"_a = "",
             Released())
        .def("certify_names", &Engine::certify_names, "names"_a, Released())
        .def("counts", [](const Engine& self) { return to_dict(self.counts()); })
        .def("counters", [](const Engine& self) { return to_dict(self.counters()); })
        .def("media_facts", [](const Engine& self) { return to_dict(self.media_facts()); })
        .def("media_counts", [](const Engine& self) { return to_dict(self.media_counts()); })
        .def("media_counters", [](const Engine& self) { return to_dict(self.media_counters()); })
        .def("media_addresses", &Engine::media_addresses);
}

void bind_signalling(nb::class_<Engine>& engine) {
    engine
        .def("admit", &admit, "sources"_a, "policies"_a = std::vector<SourcePolicy>(), Released())
        .def("trust", &trust, "users"_a, Released())
        .def("gate", &limit, nb::kw_only(), "requests_per_second"_a, "burst"_a, "backlog"_a, Released())
        .def("originate", &originate, "uri"_a, nb::kw_only(), "local_uri"_a, "next_hop"_a = "",
             "headers"_a = Headers(), "username"_a = "", "password"_a = "", "realm"_a = "",
             "codecs"_a = std::vector<std::string>(), "srtp"_a = "", "srtp_keying"_a = "", "reliable"_a = "",
             "quirks"_a = std::vector<std::string>(), "offer"_a = true, "route"_a = std::vector<std::string>(),
             "keep_hop"_a = false, "like"_a = 0, Released())
        .def("answer", &answer, "leg"_a, "code"_a, nb::kw_only(), "reason"_a = "", "headers"_a = Headers(),
             "codecs"_a = std::vector<std::string>(), "like"_a = 0, Released())
        .def("hangup", &hang_up, "leg"_a, nb::kw_only(), "code"_a = 0, "reason"_a = "", "headers"_a = Headers(),
             Released())
        .def("hold", &hold, "leg"_a, "on"_a, Released())
        .def("refer", &refer, "leg"_a, "uri"_a, nb::kw_only(), "headers"_a = Headers(), Released())
        .def("permit", &permit, "leg"_a, nb::kw_only(), "blind"_a = false, "attended"_a = false, Released())
        .def("notify", &notify, "transfer"_a, "code"_a, nb::kw_only(), "reason"_a = "", Released())
        .def("forget", &forget, "transfer"_a, Released())
        .def("send_digits", &send_digits, "leg"_a, "digits"_a, "duration"_a = 160, nb::kw_only(), "method"_a = "",
             Released())
        .def("request_statistics",
             [](Engine& self, std::uint64_t leg) { return self.legs().statistics(leg); }, "leg"_a, Released())
        .def("respond", &respond, "request"_a, "code"_a, nb::kw_only(), "reason"_a = "", "headers"_a = Headers(),
             "content_type"_a = "", "body"_a = nb::bytes("", 0))
        .def("connect", &Engine::connect, "source"_a, "sink"_a, Released())
        .def("disconnect", &Engine::disconnect, "source"_a, "sink"_a, Released())
        .def("overhear", &Engine::overhear, "node"_a, "listener"_a, Released());
}

}  // namespace

}  // namespace callwright

NB_MODULE(_engine, module) {
    using namespace callwright;
    // A process that ends by an exception holds its engine in the traceback: nothing that an operator can act on.
    nb::set_leak_warnings(false);
    nb::register_exception_translator([](const std::exception_ptr& raised, void*) {
        try {
            std::rethrow_exception(raised);
        } catch (const BindError& error) {
            const std::string text = std::string(error.what()) + ": " + std::strerror(error.error);
            // OSError picks its subclass by errno only when it is called with two arguments.
            const nb::object value = nb::steal(PyObject_CallFunction(PyExc_OSError, "is", error.error, text.c_str()));
            if (value.is_valid()) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(value.ptr())), value.ptr());
        }
    });
    bind_events(module);
    nb::class_<Engine> engine(module, "Engine", nb::is_final(), nb::is_weak_referenceable());
    bind_life(engine);
    bind_signalling(engine);
    bind_auth(module, engine);
    bind_outgoing(engine);
    bind_ports(module, engine);
}
