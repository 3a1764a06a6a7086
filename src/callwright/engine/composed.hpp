// A request as it goes on the wire, and the way it takes.
#pragma once

#include <pjsip.h>

#include <string>

#include "outgoing.hpp"

namespace callwright {

class Engine;

// Engine thread. Of From, To, Call-ID, CSeq, Max-Forwards and Contact what the order lacks is made.
class Composed {
  public:
    // Throws std::runtime_error.
    Composed(Engine& engine, const RequestOrder& order);
    ~Composed();
    Composed(const Composed&) = delete;
    Composed& operator=(const Composed&) = delete;

    // Valid as long as this, and longer for who adds a reference.
    pjsip_tx_data* message() const { return message_; }
    const pjsip_tpselector& way() const { return way_; }

  private:
    void start(const RequestOrder& order);
    void add_rest(const RequestOrder& order);
    void add_contact();
    void find_way(const RequestOrder& order);

    Engine& engine_;
    pjsip_tx_data* message_ = nullptr;
    pjsip_tpselector way_{};
    int account_ = -1;  // pjsua's, of the transport
    std::string contact_host_;
};

}  // namespace callwright
