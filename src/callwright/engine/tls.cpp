#include "tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "message.hpp"

namespace callwright {

namespace {

// A peer that connects and says nothing is let go (promise S10).
constexpr long handshake_seconds = 10;
constexpr std::size_t longest_text = 1024 * 1024;

std::string reason() {
    const unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    const char* text = error == 0 ? nullptr : ERR_reason_error_string(error);
    return text == nullptr ? "it cannot be read" : text;
}

struct FreeTls {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

}  // namespace

void check_tls(const TlsSettings& settings) {
    if (settings.certificate.empty() != settings.private_key.empty()) {
        throw std::invalid_argument("tls: certificate and private_key go together");
    }
    if (settings.verify_client && settings.ca.empty()) throw std::invalid_argument("tls: verify_client needs a ca");
    for (const std::string* text : {&settings.certificate, &settings.private_key, &settings.ca}) {
        if (text->size() > longest_text) throw std::invalid_argument("tls: a PEM text is longer than 1 MiB");
    }
    const TlsFiles files(settings);
    const std::unique_ptr<SSL_CTX, FreeTls> context(SSL_CTX_new(TLS_method()));
    if (context == nullptr) throw std::runtime_error("OpenSSL has no TLS: " + reason());
    if (!settings.certificate.empty()) {
        if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate().c_str()) != 1) {
            throw std::invalid_argument("certificate: " + reason());
        }
        if (SSL_CTX_use_PrivateKey_file(context.get(), files.private_key().c_str(), SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(context.get()) != 1) {
            throw std::invalid_argument("private_key: " + reason());
        }
    }
    if (settings.ca.empty()) return;
    if (SSL_CTX_load_verify_locations(context.get(), files.ca().c_str(), nullptr) != 1) {
        throw std::invalid_argument("ca: " + reason());
    }
}

// The destructor runs whatever fails once the other constructor is done.
TlsFiles::TlsFiles(const TlsSettings& settings) : TlsFiles() { replace(settings); }

TlsFiles::~TlsFiles() {
    for (const File& file : files_) {
        if (file.descriptor >= 0) ::close(file.descriptor);
    }
}

void TlsFiles::replace(const TlsSettings& settings) {
    write(files_[0], settings.certificate);
    write(files_[1], settings.private_key);
    write(files_[2], settings.ca);
}

void TlsFiles::write(File& file, const std::string& text) {
    if (text.empty() && file.descriptor < 0) return;
    if (file.descriptor < 0) {
        file.descriptor = ::memfd_create("callwright-tls", MFD_CLOEXEC);
        if (file.descriptor < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
        file.path = "/proc/self/fd/" + std::to_string(file.descriptor);
    }
    const bool written = ::ftruncate(file.descriptor, 0) == 0 &&
                         ::pwrite(file.descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    if (!written) throw std::system_error(errno, std::generic_category(), "a certificate in memory");
    // pjsip sees by the time of its last change that a file is another one: each change has a time of its own.
    static std::atomic<long> changes{0};
    const long change = ++changes;
    const std::array<timespec, 2> times{{{change, 0}, {change, 0}}};
    ::futimens(file.descriptor, times.data());
}

void TlsFiles::apply(pjsip_tls_setting& setting) const {
    setting.cert_file = borrow(certificate());
    setting.privkey_file = borrow(private_key());
    if (ca().empty()) {
        setting.ca_list_path = pj_str(const_cast<char*>(X509_get_default_cert_dir()));
    } else {
        setting.ca_list_file = borrow(ca());
    }
    setting.proto = PJ_SSL_SOCK_PROTO_TLS1_2 | PJ_SSL_SOCK_PROTO_TLS1_3;
    setting.timeout.sec = handshake_seconds;
    setting.initial_timeout = handshake_seconds;
}

void expect_server(pjsip_dialog* dialog, const std::string& name) {
    if (name.empty()) return;
    const pj_str_t text = borrow(name);
    pj_strdup(dialog->pool, &dialog->initial_dest, &text);
}

}  // namespace callwright
