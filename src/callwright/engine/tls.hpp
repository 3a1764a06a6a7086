// Certificates of TLS transports: given as PEM text, changed while connections live.
#pragma once

#include <pjsip.h>

#include <array>
#include <string>

namespace callwright {

// PEM. Without `ca` servers are verified by the system's authorities; clients never without it.
struct TlsSettings {
    std::string certificate;  // with its chain
    std::string private_key;
    std::string ca;
    bool verify_client = false;  // a client must show a certificate of `ca`
};

// Throws std::invalid_argument, naming the setting: it cannot be read, or key and certificate do not belong together.
void check_tls(const TlsSettings& settings);

// The texts as files in memory. pjsip reads them when a connection is new and they have changed, so that a change
// reaches each new connection and no other; a file on disk might be read half written, or with another one's key.
class TlsFiles {
  public:
    // Throws std::system_error.
    explicit TlsFiles(const TlsSettings& settings);
    ~TlsFiles();
    TlsFiles(const TlsFiles&) = delete;
    TlsFiles& operator=(const TlsFiles&) = delete;

    // On the thread that reads them. Throws std::system_error.
    void replace(const TlsSettings& settings);
    // Names are this object's: it must outlive the transport.
    void apply(pjsip_tls_setting& setting) const;

    const std::string& certificate() const { return files_[0].path; }
    const std::string& private_key() const { return files_[1].path; }
    const std::string& ca() const { return files_[2].path; }

  private:
    struct File {
        int descriptor = -1;
        std::string path;  // empty: there is none
    };

    TlsFiles() = default;
    static void write(File& file, const std::string& text);

    std::array<File, 3> files_;
};

// The name that the server of an outbound dialog must prove, and that it is told (RFC 6066 section 3), although the
// dialog is sent to an address. Before the dialog's first request; an empty name changes nothing.
void expect_server(pjsip_dialog* dialog, const std::string& name);

}  // namespace callwright
