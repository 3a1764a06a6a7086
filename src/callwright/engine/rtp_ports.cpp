#include "rtp_ports.hpp"

#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <algorithm>

namespace callwright {

RtpPorts::RtpPorts(int first, int last) : first_(static_cast<unsigned>(first + first % 2)), span_(0) {
    for (unsigned port = first_; port + 1 <= static_cast<unsigned>(last); port += 2) {
        free_.push_back(port);
        span_ = port - first_;
    }
}

void RtpPorts::aim() const {
    if (free_.empty()) return;
    for (const pjsua_acc_id account : accounts_) {
        pjsua_var.acc[account].next_rtp_port = static_cast<pj_uint16_t>(free_.front());
    }
}

void RtpPorts::take(pjsua_call_id call, unsigned port) {
    const auto found = std::find(free_.begin(), free_.end(), port);
    if (found == free_.end()) return;
    // Those before it could not be bound (another process has them): they go to the back, or every call would try.
    const std::vector<unsigned> skipped(free_.begin(), found);
    free_.erase(free_.begin(), std::next(found));
    free_.insert(free_.end(), skipped.begin(), skipped.end());
    taken_[call].push_back(port);
}

void RtpPorts::release(pjsua_call_id call) {
    const auto found = taken_.find(call);
    if (found == taken_.end()) return;
    free_.insert(free_.end(), found->second.begin(), found->second.end());
    taken_.erase(found);
}

}  // namespace callwright
