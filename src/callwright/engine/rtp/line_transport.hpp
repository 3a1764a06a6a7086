// The line as pjmedia sees it: a transport below SRTP, and one above it.
#pragma once

#include <pjmedia.h>

namespace callwright {

class Line;

pjmedia_transport_op* bottom_operations() noexcept;
pjmedia_transport_op* top_operations() noexcept;
void set_up(pjmedia_transport& transport, const char* name, pjmedia_transport_op* operations, Line* line,
            pj_grp_lock_t* lock) noexcept;

}  // namespace callwright
