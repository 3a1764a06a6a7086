#include "outgoing_module.hpp"

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "outgoing.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace callwright {

namespace {

constexpr double usual_timeout = 32;  // Timer F (RFC 3261 section 17.1.2.2), which ends every transaction
constexpr double longest_timeout = 3600;

std::uint64_t request(Engine& engine, std::string method, std::string uri, Headers headers, std::string content_type,
                      const nb::bytes& body, std::string next_hop, double timeout) {
    const bool fine = timeout > 0 && timeout <= longest_timeout;  // a NaN is neither
    if (!fine) throw std::invalid_argument("timeout: more than 0 s, at most an hour");
    RequestOrder order;
    order.method = std::move(method);
    order.uri = std::move(uri);
    order.headers = std::move(headers);
    order.content_type = std::move(content_type);
    order.body.assign(body.c_str(), body.size());
    order.next_hop = std::move(next_hop);
    order.timeout_ms = static_cast<unsigned>(timeout * 1000) + 1;
    const nb::gil_scoped_release released;
    if (!engine.with_library([&] { check_order(order); })) throw std::runtime_error("the engine is closed");
    return engine.outgoing().request(std::move(order));
}

}  // namespace

void bind_outgoing(nb::class_<Engine>& engine) {
    engine.def("request", &request, "method"_a, "uri"_a, nb::kw_only(), "headers"_a = Headers(), "content_type"_a = "",
               "body"_a = nb::bytes("", 0), "next_hop"_a = "", "timeout"_a = usual_timeout);
}

}  // namespace callwright
