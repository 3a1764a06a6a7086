// SIP messages to plain values, and back.
#pragma once

#include <pjsip.h>
#include <pjsua-lib/pjsua.h>

#include <memory>
#include <string>
#include <string_view>

#include "event.hpp"

namespace callwright {

// The same text, not a copy: `text` must outlive what it is given to.
pj_str_t borrow(const std::string& text);
std::string text_of(const pj_str_t& text);
std::string text_of(const pjsip_uri* uri, pjsip_uri_context_e context);

// A header's name spelt out: "f" is "From".
std::string_view full_name(std::string_view name);
// Whatever the case.
bool equal_names(std::string_view one, std::string_view other);
// RFC 3261 section 25.1.
bool is_token(std::string_view name);

// "UDP" | "TCP" | "TLS".
std::string transport_name(const pjsip_transport* transport);

// Every header as it came on the wire, in order, folding undone, compact names spelt out.
Headers headers_of(const pjsip_rx_data* rdata);

// request_uri, from_uri, from_header, to_uri, to_header, contact, call_id, source_host, source_port, transport,
// local_host (where its sender reaches us), local_port, headers.
void describe_request(Event& event, const pjsip_rx_data* rdata, std::string local_host);

// headers, content_type, body, source_host, source_port, transport; all empty without a response.
void describe_response(Event& event, const pjsip_rx_data* rdata);

std::string content_type_of(const pjsip_msg_body& body);
// "type/subtype;name=value" taken apart, as pjsip keeps it. Null without a subtype.
pjsip_msg_body* make_body(pj_pool_t* pool, const std::string& content_type, const std::string& content);
// Where a request came from, as a sip: URI of an address.
std::string source_of(const pjsip_rx_data* rdata);

// The message that a transaction event brought, or null.
const pjsip_rx_data* received(const pjsip_event* event);

// Throws std::invalid_argument for a name that is no token or belongs to the stack, or a value with CR, LF or NUL.
void check_headers(const Headers& headers);
// The same of a response outside a dialog: what it requires is not the stack's (RFC 5626 section 6).
void check_response_headers(const Headers& headers);
// Throws std::invalid_argument: `what` names the text.
void check_text(const std::string& text, const char* what);
// Throws std::invalid_argument unless `uri` parses (with `name_addr`: also as "Name" <sip:...>). Any thread.
void check_uri(const std::string& uri, bool name_addr);

// Headers for the next message that pjsua sends. Lives while that call is made: pjsua copies.
class MessageData {
  public:
    explicit MessageData(const Headers& headers);
    const pjsua_msg_data* get() const { return &data_; }
    pjsua_msg_data* operator->() { return &data_; }
    // Where the message goes, whatever host its URI names: a route that is followed and not shown.
    void send_to(const std::string& next_hop);
    // A proxy on the way (a name-addr), behind those before it.
    void send_through(const std::string& proxy);

  private:
    struct Release {
        void operator()(pj_pool_t* pool) const { pj_pool_release(pool); }
    };
    std::unique_ptr<pj_pool_t, Release> pool_;
    pjsua_msg_data data_;
};

void add_headers(pjsip_tx_data* message, const Headers& headers);

// A Route, or what becomes one, of a name-addr or a URI that `check_uri` has let pass.
pjsip_route_hdr* make_route(pj_pool_t* pool, const std::string& text);

// Requests within the dialog go to this hop (a sip: URI of an address), unless its peers have named proxies.
void route_by(pjsip_dialog* dialog, const std::string& hop);

}  // namespace callwright
