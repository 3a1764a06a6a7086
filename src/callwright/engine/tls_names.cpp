#include "tls_names.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

#include "engine.hpp"
#include "tls.hpp"

namespace callwright {

namespace {

struct Free {
    void operator()(X509* one) const { X509_free(one); }
    void operator()(EVP_PKEY* one) const { EVP_PKEY_free(one); }
    void operator()(BIO* one) const { BIO_free(one); }
    void operator()(STACK_OF(X509) * all) const { sk_X509_pop_free(all, X509_free); }
};
template <typename Type>
using Owned = std::unique_ptr<Type, Free>;

// An empty password: without one OpenSSL would ask for it on the terminal.
int no_password(char*, int, int, void*) { return 0; }

Owned<BIO> reader(const std::string& text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string lower(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!name.empty() && name.back() == '.') name.pop_back();
    return name;
}

}  // namespace

struct TlsNames::Identity {
    std::string name;  // in lower case
    Owned<X509> certificate;
    Owned<STACK_OF(X509)> chain;
    Owned<EVP_PKEY> key;

    explicit Identity(const NamedCertificate& named) : name(lower(std::get<0>(named))) {
        const auto& [_, text, key_text] = named;
        if (name.empty() || text.empty()) throw std::invalid_argument("names: a name and its certificate are wanted");
        check_tls({text, key_text, {}, false});
        const auto certificates = reader(text), keys = reader(key_text);
        certificate.reset(PEM_read_bio_X509_AUX(certificates.get(), nullptr, no_password, nullptr));
        chain.reset(sk_X509_new_null());
        while (X509* issuer = PEM_read_bio_X509(certificates.get(), nullptr, no_password, nullptr)) {
            sk_X509_push(chain.get(), issuer);
        }
        key.reset(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_password, nullptr));
        ERR_clear_error();  // the end of the chain is one
        if (certificate == nullptr || key == nullptr) throw std::invalid_argument("names: " + name + " cannot be read");
    }

    bool is_for(const std::string& host) const {
        return X509_check_host(certificate.get(), host.data(), host.size(), 0, nullptr) == 1;
    }
};

void TlsNames::replace(const std::vector<NamedCertificate>& names) {
    auto fresh = std::make_shared<Table>();
    fresh->reserve(names.size());
    for (const NamedCertificate& named : names) fresh->emplace_back(named);
    const std::lock_guard<std::mutex> lock(mutex_);
    table_ = std::move(fresh);
}

std::shared_ptr<const TlsNames::Table> TlsNames::table() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return table_;
}

bool TlsNames::choose(SSL* connection) const {
    const char* called = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    const auto known = table();
    if (called == nullptr || known == nullptr) return true;
    const std::string host = lower(called);
    auto found = std::find_if(known->begin(), known->end(), [&](const Identity& one) { return one.name == host; });
    if (found == known->end()) {
        found = std::find_if(known->begin(), known->end(), [&](const Identity& one) { return one.is_for(host); });
    }
    if (found == known->end()) return true;
    // A certificate of another kind of key would stay beside it, and might be preferred.
    SSL_certs_clear(connection);
    return SSL_use_cert_and_key(connection, found->certificate.get(), found->key.get(), found->chain.get(), 1) == 1;
}

}  // namespace callwright

// pjsip knows one certificate of a listener, and lets nobody at its connections before their handshake. So each of its
// contexts asks us which certificate it is to show: the linker puts this function in the place of OpenSSL's (--wrap).
extern "C" {

SSL_CTX* __real_SSL_CTX_new(const SSL_METHOD* method);
SSL_CTX* __wrap_SSL_CTX_new(const SSL_METHOD* method);

static int on_certificate(SSL* connection, void*) {
    callwright::Engine* engine = callwright::Engine::current();
    // Of our connections to others, and of media, it is what it is.
    if (engine == nullptr || SSL_is_server(connection) == 0 || SSL_is_dtls(connection) != 0) return 1;
    // pjsip asks every client for a certificate, also where none is wanted; some phones then ask their users.
    const bool wanted = (SSL_get_verify_mode(connection) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0;
    if (!wanted) SSL_set_verify(connection, SSL_VERIFY_NONE, nullptr);
    return engine->tls_names().choose(connection) ? 1 : 0;
}

SSL_CTX* __wrap_SSL_CTX_new(const SSL_METHOD* method) {
    SSL_CTX* made = __real_SSL_CTX_new(method);
    if (made != nullptr) SSL_CTX_set_cert_cb(made, &on_certificate, nullptr);
    return made;
}

}  // extern "C"
