#include "replacement.hpp"

#include <pjsip_ua.h>
#include <pjsua-lib/pjsua.h>

#include <pjsua-lib/pjsua_internal.h>  // needs pjsua.h before it

#include <stdexcept>
#include <string>

#include "engine.hpp"
#include "leg.hpp"
#include "message.hpp"

namespace callwright {

namespace {

// After the dialogs (32 and 48) and the gate, before the offers and pjsua's own handlers (64).
constexpr int before_offers = PJSIP_MOD_PRIORITY_APPLICATION - 3;

}  // namespace

void Replacements::install(pjsip_endpoint* endpoint) {
    endpoint_ = endpoint;
    static char name[] = "callwright-replaces";
    module_.name = pj_str(name);
    module_.id = -1;
    module_.priority = before_offers;
    module_.on_rx_request = &Replacements::on_request;
    if (pjsip_endpt_register_module(endpoint, &module_) != PJ_SUCCESS) {
        throw std::runtime_error("the module of replacements cannot be registered");
    }
}

pj_bool_t Replacements::on_request(pjsip_rx_data* rdata) {
    const auto& info = rdata->msg_info;
    if (info.msg->line.req.method.id != PJSIP_INVITE_METHOD || info.to->tag.slen != 0) return PJ_FALSE;
    return Engine::current()->legs().replacements().judge(rdata);
}

// What names no leg of ours is refused here. Of the rest pjsua sees an INVITE like any other: whether the place may be
// taken is Python's to say, and pjsua would take it at once. So is what early-only means for it: who has no right to
// know of a dialog must not be told that it is confirmed.
pj_bool_t Replacements::judge(pjsip_rx_data* rdata) {
    incoming_ = 0;
    const std::string field = "Replaces";
    const pj_str_t name = borrow(field);
    auto* header = static_cast<pjsip_replaces_hdr*>(pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, nullptr));
    if (header == nullptr) return PJ_FALSE;
    early_only_ = header->early_only != PJ_FALSE;
    header->early_only = PJ_FALSE;
    pjsip_dialog* dialog = nullptr;
    pjsip_tx_data* response = nullptr;
    if (pjsip_replaces_verify_request(rdata, &dialog, PJ_FALSE, &response) != PJ_SUCCESS) {
        refuse(rdata, response);
        return PJ_TRUE;
    }
    const auto* call = dialog == nullptr ? nullptr : static_cast<pjsua_call*>(dialog->mod_data[pjsua_var.mod.id]);
    const Leg* leg = call == nullptr ? nullptr : Engine::current()->legs().of_call(call->index);
    if (leg == nullptr) {
        refuse(rdata, nullptr);
        return PJ_TRUE;
    }
    pj_list_erase(header);
    incoming_ = leg->id;
    return PJ_FALSE;
}

void Replacements::refuse(pjsip_rx_data* rdata, pjsip_tx_data* response) const {
    if (response == nullptr) {
        pjsip_endpt_respond_stateless(endpoint_, rdata, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, nullptr, nullptr, nullptr);
        return;
    }
    pjsip_response_addr address;
    if (pjsip_get_response_addr(response->pool, rdata, &address) != PJ_SUCCESS ||
        pjsip_endpt_send_response(endpoint_, &address, response, nullptr, nullptr) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(response);
    }
}

}  // namespace callwright
