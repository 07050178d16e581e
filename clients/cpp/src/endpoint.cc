#include "sidecar/endpoint.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace sidecar {
namespace {

tl::unexpected<Error> malformed(const std::string& field, std::string detail) {
  Error error = Error::of(ErrorKind::InvalidField, detail);
  error.fields = {{field, std::move(detail)}};
  return tl::make_unexpected(std::move(error));
}

std::string value_of(const Endpoint::Environment& environment, const char* name) {
  return environment(name).value_or("");
}

// The content of the file that a variable names; empty where it names none.
Result<std::string> file_of(const Endpoint::Environment& environment, const char* name) {
  const std::string path = value_of(environment, name);
  if (path.empty()) return std::string();
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  // An empty file sets failbit on the ostream, which is no error of reading.
  if (!file || (file.peek() != std::ifstream::traits_type::eof() && !(content << file.rdbuf())) || file.bad()) {
    return malformed(name, std::string(name) + "=" + path + ": " + std::strerror(errno != 0 ? errno : EIO));
  }
  const bool key = std::string_view(name) == "SIDECAR_TLS_KEY";
  if (content.str().find(key ? "PRIVATE KEY-----" : "-----BEGIN CERTIFICATE-----") == std::string::npos) {
    return malformed(name, std::string(name) + "=" + path + " holds no " + (key ? "key" : "certificate") + " in PEM");
  }
  return content.str();
}

Result<std::optional<Tls>> tls_of(const Endpoint::Environment& environment) {
  Tls tls;
  for (auto [field, name] : {std::pair(&Tls::ca, "SIDECAR_TLS_CA"), std::pair(&Tls::certificate, "SIDECAR_TLS_CERT"),
                             std::pair(&Tls::key, "SIDECAR_TLS_KEY")}) {
    auto content = file_of(environment, name);
    if (!content) return tl::make_unexpected(std::move(content.error()));
    tls.*field = std::move(*content);
  }
  if (tls.certificate.empty() != tls.key.empty()) {
    return malformed("SIDECAR_TLS_CERT", "SIDECAR_TLS_CERT and SIDECAR_TLS_KEY belong together: set both or neither");
  }
  if (tls.ca.empty()) {
    if (!tls.certificate.empty()) {
      return malformed("SIDECAR_TLS_CA",
                       "SIDECAR_TLS_CERT needs SIDECAR_TLS_CA: the CA that the sidecar's certificate is checked by");
    }
    return std::optional<Tls>();
  }
  tls.server_name = value_of(environment, "SIDECAR_TLS_SERVER_NAME");
  return std::optional<Tls>(std::move(tls));
}

bool fits_a_header(std::string_view token) {
  return std::all_of(token.begin(), token.end(), [](char c) { return c >= ' ' && c <= '~'; }) &&
         (token.empty() || (token.front() != ' ' && token.back() != ' '));
}

}  // namespace

std::optional<std::string> Endpoint::process_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<Endpoint> Endpoint::from_environment(std::string address, std::string token, std::optional<Tls> tls,
                                            const Environment& environment) {
  Endpoint endpoint;
  if (address.empty()) address = value_of(environment, "SIDECAR_ENDPOINT");
  if (!address.empty()) endpoint.address = std::move(address);
  if (auto checked = check_address(endpoint.address); !checked) return tl::make_unexpected(std::move(checked.error()));
  endpoint.token = token.empty() ? value_of(environment, "SIDECAR_TOKEN") : std::move(token);
  if (!fits_a_header(endpoint.token)) {
    return malformed("SIDECAR_TOKEN", "SIDECAR_TOKEN holds blanks at its ends or characters that no HTTP header takes");
  }
  if (tls) {
    if (tls->ca.empty()) return malformed("tls.ca", "tls.ca: give the CA that the sidecar's certificate is checked by");
    if (tls->certificate.empty() != tls->key.empty()) {
      return malformed("tls.certificate", "tls.certificate and tls.key belong together: give both or neither");
    }
    endpoint.tls = std::move(tls);
  } else {
    auto told = tls_of(environment);
    if (!told) return tl::make_unexpected(std::move(told.error()));
    endpoint.tls = std::move(*told);
  }
  return endpoint;
}

Result<void> check_address(std::string_view address) {
  const std::string shown = "endpoint '" + std::string(address) + "': ";
  constexpr std::string_view kUnix = "unix:";
  if (address.substr(0, kUnix.size()) == kUnix) {
    std::string_view path = address.substr(kUnix.size());
    if (path.substr(0, 2) == "//") path.remove_prefix(2);
    if (path.substr(0, 1) != "/") return malformed("SIDECAR_ENDPOINT", shown + "write unix:/absolute/path");
    return {};
  }
  const std::size_t colon = address.rfind(':');
  const std::string_view host = address.substr(0, colon == std::string_view::npos ? 0 : colon);
  const std::string_view digits = colon == std::string_view::npos ? "" : address.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (host.empty() || digits.empty() || error != std::errc() || end != digits.data() + digits.size() || port == 0 ||
      port > 65535 || host.find('/') != std::string_view::npos ||
      (host.find_first_of(":[]") != std::string_view::npos && !bracketed)) {
    return malformed("SIDECAR_ENDPOINT",
                     shown + "write host:port or [v6]:port with a port from 1 to 65535, or unix:/path");
  }
  return {};
}

}  // namespace sidecar
