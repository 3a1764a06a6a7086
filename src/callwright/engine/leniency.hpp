// Header fields that may be malformed without harm to the request that they stand in.
#pragma once

#include <pjsip.h>

namespace callwright {

// Parses a message. An Expires that cannot be read counts as an hour (RFC 3261 section 10.2.1.1), and a REGISTER's Contact
// is read by the registrar, which says what is wrong with it: both are passed over here, and are in what
// `describe_request` tells. Whatever else cannot be read stays a reason to drop the message.
pjsip_msg* parse_leniently(char* text, pj_size_t size, pjsip_rx_data* rdata,
                           pjsip_msg* (*parse)(char*, pj_size_t, pjsip_rx_data*));

}  // namespace callwright
