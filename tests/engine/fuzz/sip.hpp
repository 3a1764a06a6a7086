// pjsip as the engine sets it up, as far as parsing needs it.
#pragma once

#include <pjlib.h>
#include <pjsip.h>
#include <pjsua-lib/pjsua.h>

#include <cstring>
#include <string>
#include <vector>

#include "input.hpp"

namespace callwright_fuzz {

class Stack {
  public:
    // Made once: a process has one parser.
    static Stack& get() {
        static Stack stack;
        return stack;
    }

    pj_pool_t* pool() { return pjsip_endpt_create_pool(endpoint_, "fuzz", 4000, 4000); }

  private:
    Stack() {
        pj_log_set_level(0);
        REQUIRE(pj_init() == PJ_SUCCESS);
        pj_caching_pool_init(&pools_, nullptr, 0);
        REQUIRE(pjsip_endpt_create(&pools_.factory, "fuzz", &endpoint_) == PJ_SUCCESS);
    }

    pj_caching_pool pools_{};
    pjsip_endpoint* endpoint_ = nullptr;
};

// A message as the transport layer hands it up.
class Received {
  public:
    explicit Received(const std::string& text) : pool_(Stack::get().pool()), buffer_(text.begin(), text.end()) {
        // The parser wants a terminator behind the message, as pjsip's own buffers have it.
        buffer_.push_back('\0');
        std::memset(&rdata_, 0, sizeof rdata_);
        std::memset(&transport_, 0, sizeof transport_);
        transport_.local_name.host = pj_str(const_cast<char*>("127.0.0.1"));
        transport_.local_name.port = 5060;
        rdata_.tp_info.pool = pool_;
        rdata_.tp_info.transport = &transport_;
        rdata_.msg_info.msg_buf = buffer_.data();
        rdata_.msg_info.len = static_cast<int>(text.size());
        pj_list_init(&rdata_.msg_info.parse_err);
        if (!text.empty()) pjsip_parse_rdata(buffer_.data(), text.size(), &rdata_);
    }
    ~Received() { pj_pool_release(pool_); }
    Received(const Received&) = delete;
    Received& operator=(const Received&) = delete;

    const pjsip_rx_data* rdata() const { return &rdata_; }

    // As the transport layer requires before anything of ours sees a request.
    bool is_whole_request() const {
        const auto& info = rdata_.msg_info;
        return pj_list_empty(&info.parse_err) != 0 && info.msg != nullptr && info.msg->type == PJSIP_REQUEST_MSG && info.from != nullptr &&
               info.to != nullptr && info.cid != nullptr && info.cseq != nullptr && info.via != nullptr;
    }

  private:
    pj_pool_t* pool_;
    std::vector<char> buffer_;
    pjsip_rx_data rdata_;
    pjsip_transport transport_;
};

}  // namespace callwright_fuzz
