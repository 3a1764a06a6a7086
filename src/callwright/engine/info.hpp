// Requests inside a dialog that pjsua leaves without a proper answer: INFO, OPTIONS and unknown methods.
#pragma once

#include <pjsip.h>

namespace callwright {

struct InDialogAnswer {
    int code = 0;           // 0: the stack answers this request itself
    char digit = 0;         // that an INFO carried
    unsigned duration = 0;  // ms
};

InDialogAnswer answer_in_dialog(const pjsip_rx_data* rdata);

}  // namespace callwright
