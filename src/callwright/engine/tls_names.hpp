// Certificates that TLS listeners show to clients that call a name (RFC 6066 section 3), in place of their own.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace callwright {

// A name; its certificate with its chain, and the key: PEM.
using NamedCertificate = std::tuple<std::string, std::string, std::string>;

// Any thread. A change is in force for every handshake that begins after it; none that lives is touched.
class TlsNames {
  public:
    // In place of all. Throws std::invalid_argument, as `check_tls`; then nothing has changed.
    void replace(const std::vector<NamedCertificate>& names);
    // Gives a connection the certificate of the name that its client calls: that which is declared for the name, else
    // the first that is issued for it. It keeps its listener's when there is none; false when it cannot be used.
    bool choose(SSL* connection) const;

  private:
    struct Identity;
    using Table = std::vector<Identity>;

    std::shared_ptr<const Table> table() const;

    mutable std::mutex mutex_;
    std::shared_ptr<const Table> table_;  // under mutex_; null: none
};

}  // namespace callwright
