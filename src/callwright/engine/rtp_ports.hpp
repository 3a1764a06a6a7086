// Which RTP port the next leg takes: the one that has rested longest, so that a late packet of an ended call finds
// nobody for as long as the range allows.
#pragma once

#include <pjsua-lib/pjsua.h>

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace callwright {

// Engine thread only. pjsua binds the sockets itself and takes an account's "next port" first.
class RtpPorts {
  public:
    // Even ports of the range whose odd neighbour (RTCP) is in it too.
    RtpPorts(int first, int last);

    bool empty() const { return free_.empty(); }
    // Even port, and the distance to the last one, as pjsua wants it.
    unsigned first() const { return first_; }
    unsigned span() const { return span_; }
    void add_account(pjsua_acc_id account) { accounts_.push_back(account); }
    // The next media transport that pjsua makes tries this port first.
    void aim() const;
    void take(pjsua_call_id call, unsigned port);
    void release(pjsua_call_id call);

  private:
    unsigned first_;
    unsigned span_;
    std::deque<unsigned> free_;
    std::vector<pjsua_acc_id> accounts_;
    std::unordered_map<pjsua_call_id, std::vector<unsigned>> taken_;
};

}  // namespace callwright
