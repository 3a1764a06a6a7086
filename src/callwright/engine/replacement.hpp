// INVITEs that are to take another dialog's place (Replaces, RFC 3891).
#pragma once

#include <pjsip.h>

#include <cstdint>

namespace callwright {

// Engine thread.
class Replacements {
  public:
    Replacements() = default;
    Replacements(const Replacements&) = delete;
    Replacements& operator=(const Replacements&) = delete;

    // Throws std::runtime_error.
    void install(pjsip_endpoint* endpoint);
    // Of the INVITE that pjsua is working on: the leg that it names, 0 for none; and whether only while that rings.
    std::uint64_t incoming() const { return incoming_; }
    bool early_only() const { return early_only_; }

  private:
    static pj_bool_t on_request(pjsip_rx_data* rdata);

    pj_bool_t judge(pjsip_rx_data* rdata);
    void refuse(pjsip_rx_data* rdata, pjsip_tx_data* response) const;

    pjsip_endpoint* endpoint_ = nullptr;
    pjsip_module module_{};
    std::uint64_t incoming_ = 0;
    bool early_only_ = false;
};

}  // namespace callwright
