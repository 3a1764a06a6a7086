#include "message.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace callwright {

namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// RFC 3261 section 7.3.1: a line that begins with white space continues the one before, as one space.
std::string unfolded(std::string_view value) {
    std::string line;
    line.reserve(value.size());
    while (!value.empty()) {
        const auto end = std::min(value.find('\n'), value.size());
        const auto part = trimmed(value.substr(0, end));
        if (!line.empty() && !part.empty()) line += ' ';
        line += part;
        value.remove_prefix(std::min(end + 1, value.size()));
    }
    return line;
}

// Where the header line that starts at `start` ends, continuations included.
std::size_t end_of_header(std::string_view text, std::size_t start) {
    std::size_t end = text.find('\n', start);
    while (end != std::string_view::npos && end + 1 < text.size() && (text[end + 1] == ' ' || text[end + 1] == '\t')) {
        end = text.find('\n', end + 1);
    }
    return end == std::string_view::npos ? text.size() : end;
}

std::string value_of(const Headers& headers, std::string_view name) {
    for (const auto& [other, value] : headers) {
        if (equal_names(other, name)) return value;
    }
    return {};
}

// What the stack writes itself; a second one would make the message ambiguous.
constexpr std::array<std::string_view, 14> reserved_names{
    "Via",  "From",         "To",           "Call-ID",       "CSeq",    "Max-Forwards", "Content-Length",
    "Route", "Content-Type", "Record-Route", "Authorization", "Require", "Supported",    "Proxy-Authorization"};

// reserves: its name may be none of the stack's.
void check_header(const std::pair<std::string, std::string>& header, bool reserves) {
    const auto& [name, value] = header;
    if (!is_token(name)) throw std::invalid_argument("not a header name: \"" + name + "\"");
    const auto full = full_name(name);
    for (const auto reserved : reserved_names) {
        if (reserves && equal_names(full, reserved)) throw std::invalid_argument(name + " is written by the SIP stack");
    }
    check_text(value, ("header " + name).c_str());
}

void add_parameter(pj_pool_t* pool, pjsip_media_type& type, const std::string& text) {
    const auto equals = text.find('=');
    const std::string name(trimmed(std::string_view(text).substr(0, equals)));
    if (name.empty()) return;
    const std::string value(equals == std::string::npos ? "" : trimmed(std::string_view(text).substr(equals + 1)));
    auto* parameter = PJ_POOL_ZALLOC_T(pool, pjsip_param);
    const pj_str_t first = borrow(name);
    const pj_str_t second = borrow(value);
    pj_strdup(pool, &parameter->name, &first);
    pj_strdup(pool, &parameter->value, &second);
    pj_list_push_back(&type.param, parameter);
}

}  // namespace

// RFC 3261 section 7.3.3, and the registered ones since.
std::string_view full_name(std::string_view name) {
    if (name.size() != 1) return name;
    switch (std::tolower(static_cast<unsigned char>(name[0]))) {
        case 'a': return "Accept-Contact";
        case 'b': return "Referred-By";
        case 'c': return "Content-Type";
        case 'd': return "Request-Disposition";
        case 'e': return "Content-Encoding";
        case 'f': return "From";
        case 'i': return "Call-ID";
        case 'j': return "Reject-Contact";
        case 'k': return "Supported";
        case 'l': return "Content-Length";
        case 'm': return "Contact";
        case 'n': return "Identity-Info";
        case 'o': return "Event";
        case 'r': return "Refer-To";
        case 's': return "Subject";
        case 't': return "To";
        case 'u': return "Allow-Events";
        case 'v': return "Via";
        case 'x': return "Session-Expires";
        case 'y': return "Identity";
        default: return name;
    }
}

bool equal_names(std::string_view one, std::string_view other) {
    return one.size() == other.size() && std::equal(one.begin(), one.end(), other.begin(), [](char a, char b) {
               return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
           });
}

bool is_token(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("-.!%*_+`'~", c) != nullptr;
    });
}

// A Route of a URI or name-addr that parses.
pjsip_route_hdr* make_route(pj_pool_t* pool, const std::string& text) {
    pj_str_t copy;
    pj_strdup2_with_null(pool, &copy, text.c_str());
    auto* uri = pjsip_parse_uri(pool, copy.ptr, static_cast<pj_size_t>(copy.slen), PJSIP_PARSE_URI_AS_NAMEADDR);
    auto* route = pjsip_route_hdr_create(pool);
    route->name_addr.uri = static_cast<pjsip_uri*>(pjsip_uri_get_uri(uri));
    return route;
}

pj_str_t borrow(const std::string& text) {
    return {const_cast<char*>(text.data()), static_cast<pj_ssize_t>(text.size())};
}

std::string text_of(const pj_str_t& text) {
    return text.slen > 0 ? std::string(text.ptr, static_cast<std::size_t>(text.slen)) : std::string();
}

std::string text_of(const pjsip_uri* uri, pjsip_uri_context_e context) {
    if (uri == nullptr) return {};
    std::array<char, PJSIP_MAX_URL_SIZE> buffer;
    const auto* inner = static_cast<const pjsip_uri*>(pjsip_uri_get_uri(uri));
    const auto length = pjsip_uri_print(context, inner, buffer.data(), buffer.size());
    return length > 0 ? std::string(buffer.data(), static_cast<std::size_t>(length)) : std::string();
}

std::string transport_name(const pjsip_transport* transport) {
    if ((transport->flag & PJSIP_TRANSPORT_SECURE) != 0) return "TLS";
    return (transport->flag & PJSIP_TRANSPORT_RELIABLE) != 0 ? "TCP" : "UDP";
}

Headers headers_of(const pjsip_rx_data* rdata) {
    Headers headers;
    if (rdata == nullptr || rdata->msg_info.msg_buf == nullptr) return headers;
    const std::string_view text(rdata->msg_info.msg_buf, static_cast<std::size_t>(rdata->msg_info.len));
    headers.reserve(16);
    std::size_t start = std::min(text.find('\n'), text.size() - 1) + 1;
    while (start < text.size() && text[start] != '\r' && text[start] != '\n') {
        const std::size_t end = end_of_header(text, start);
        const auto line = text.substr(start, end - start);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos) {
            headers.emplace_back(full_name(trimmed(line.substr(0, colon))), unfolded(line.substr(colon + 1)));
        }
        start = end + 1;
    }
    return headers;
}

void describe_request(Event& event, const pjsip_rx_data* rdata, std::string local_host) {
    const auto& info = rdata->msg_info;
    auto headers = headers_of(rdata);
    const auto* transport = rdata->tp_info.transport;
    event.detail.reserve(20);
    event.with("request_uri", text_of(info.msg->line.req.uri, PJSIP_URI_IN_REQ_URI));
    // The context "other" keeps the port, which RFC 3261 section 19.1.1 does not want in From and To, but peers write.
    event.with("from_uri", text_of(info.from->uri, PJSIP_URI_IN_OTHER));
    event.with("from_header", value_of(headers, "From"));
    event.with("to_uri", text_of(info.to->uri, PJSIP_URI_IN_OTHER));
    event.with("to_header", value_of(headers, "To"));
    event.with("contact", value_of(headers, "Contact"));
    event.with("call_id", text_of(info.cid->id));
    event.with("source_host", std::string(rdata->pkt_info.src_name));
    event.with("source_port", std::int64_t{rdata->pkt_info.src_port});
    event.with("transport", transport_name(transport));
    event.with("local_host", std::move(local_host));
    event.with("local_port", std::int64_t{transport->local_name.port});
    event.with("headers", std::move(headers));
}

void describe_response(Event& event, const pjsip_rx_data* rdata) {
    const pjsip_msg_body* body = rdata == nullptr ? nullptr : rdata->msg_info.msg->body;
    event.with("headers", headers_of(rdata));
    event.with("content_type", body == nullptr ? std::string() : content_type_of(*body));
    event.with("body", body == nullptr ? std::string() : std::string(static_cast<const char*>(body->data), body->len));
    event.with("source_host", rdata == nullptr ? std::string() : std::string(rdata->pkt_info.src_name));
    event.with("source_port", std::int64_t{rdata == nullptr ? 0 : rdata->pkt_info.src_port});
    event.with("transport", rdata == nullptr ? std::string() : transport_name(rdata->tp_info.transport));
}

std::string source_of(const pjsip_rx_data* rdata) {
    std::array<char, PJ_INET6_ADDRSTRLEN + 10> address{};
    pj_sockaddr_print(&rdata->pkt_info.src_addr, address.data(), address.size(), 3);
    std::string transport = transport_name(rdata->tp_info.transport);
    std::transform(transport.begin(), transport.end(), transport.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::string("sip:") + address.data() + ";transport=" + transport;
}

const pjsip_rx_data* received(const pjsip_event* event) {
    if (event == nullptr || event->type != PJSIP_EVENT_TSX_STATE) return nullptr;
    return event->body.tsx_state.type == PJSIP_EVENT_RX_MSG ? event->body.tsx_state.src.rdata : nullptr;
}

std::string content_type_of(const pjsip_msg_body& body) {
    std::array<char, 256> text;
    const int length = pjsip_media_type_print(text.data(), text.size(), &body.content_type);
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string();
}

// "type/subtype;name=value" taken apart, as pjsip keeps it.
pjsip_msg_body* make_body(pj_pool_t* pool, const std::string& content_type, const std::string& content) {
    auto semicolon = content_type.find(';');
    const std::string_view type = std::string_view(content_type).substr(0, semicolon);
    const auto slash = type.find('/');
    const std::string major(trimmed(type.substr(0, slash)));
    const std::string minor(slash == std::string::npos ? "" : trimmed(type.substr(slash + 1)));
    const pj_str_t first = borrow(major);
    const pj_str_t second = borrow(minor);
    const pj_str_t text = borrow(content);
    auto* body = pjsip_msg_body_create(pool, &first, &second, &text);
    while (body != nullptr && semicolon != std::string::npos) {
        const auto next = content_type.find(';', semicolon + 1);
        add_parameter(pool, body->content_type, content_type.substr(semicolon + 1, next - semicolon - 1));
        semicolon = next;
    }
    return body;
}

void check_text(const std::string& text, const char* what) {
    if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        throw std::invalid_argument(std::string(what) + " holds CR, LF or NUL");
    }
}

void check_headers(const Headers& headers) {
    for (const auto& header : headers) check_header(header, true);
}

void check_response_headers(const Headers& headers) {
    for (const auto& header : headers) check_header(header, !equal_names(header.first, "Require"));
}

void check_uri(const std::string& uri, bool name_addr) {
    check_text(uri, "URI");
    if (uri.empty() || uri.size() >= PJSIP_MAX_URL_SIZE) throw std::invalid_argument("URI is empty or too long");
    // A pool in this frame: the caller need not be a thread that pjlib knows.
    std::array<char, 16384> memory;
    pj_pool_t* pool = pj_pool_create_on_buf("uri", memory.data(), memory.size());
    std::string text = uri;  // the parser wants a terminated buffer of its own
    pjsip_uri* parsed =
        pjsip_parse_uri(pool, text.data(), text.size(), name_addr ? PJSIP_PARSE_URI_AS_NAMEADDR : 0);
    if (parsed == nullptr) throw std::invalid_argument("not a URI: " + uri);
    auto* inner = static_cast<pjsip_uri*>(pjsip_uri_get_uri(parsed));
    const bool sip = PJSIP_URI_SCHEME_IS_SIP(inner) || PJSIP_URI_SCHEME_IS_SIPS(inner);
    if (!sip || reinterpret_cast<pjsip_sip_uri*>(inner)->host.slen == 0) {
        throw std::invalid_argument("not a SIP URI: " + uri);
    }
}

MessageData::MessageData(const Headers& headers) : pool_(pjsua_pool_create("message", 1024, 1024)) {
    pjsua_msg_data_init(&data_);
    for (const auto& [name, value] : headers) {
        const pj_str_t key = borrow(name);
        const pj_str_t text = borrow(value);
        auto* header = pjsip_generic_string_hdr_create(pool_.get(), &key, &text);
        pj_list_push_back(&data_.hdr_list, header);
    }
}

void MessageData::send_to(const std::string& next_hop) {
    pj_list_push_back(&data_.hdr_list, make_route(pool_.get(), next_hop + ";lr;hide"));
}

void MessageData::send_through(const std::string& proxy) {
    pj_list_push_back(&data_.hdr_list, make_route(pool_.get(), proxy));
}

void route_by(pjsip_dialog* dialog, const std::string& hop) {
    if (hop.empty() || !pj_list_empty(&dialog->route_set)) return;
    // A hop that is not sips: would end a dialog that is.
    const bool plain = dialog->secure && hop.compare(0, 4, "sip:") == 0;
    const std::string uri = (plain ? "sips:" + hop.substr(4) : hop) + ";lr;hide";
    pj_list_push_back(&dialog->route_set, make_route(dialog->pool, uri));
}

void add_headers(pjsip_tx_data* message, const Headers& headers) {
    for (const auto& [name, value] : headers) {
        const pj_str_t key = borrow(name);
        const pj_str_t text = borrow(value);
        auto* header = pjsip_generic_string_hdr_create(message->pool, &key, &text);
        pjsip_msg_add_hdr(message->msg, reinterpret_cast<pjsip_hdr*>(header));
    }
}

}  // namespace callwright
