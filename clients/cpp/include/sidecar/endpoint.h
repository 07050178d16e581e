// Where the sidecar is.
//
//   SIDECAR_ENDPOINT          host:port, [v6]:port or unix:/path; 127.0.0.1:7401 when unset
//   SIDECAR_TOKEN             sent with every call as `authorization: Bearer TOKEN`
//   SIDECAR_TLS_CA            file with the CA of the sidecar's certificate, in PEM; turns TLS on
//   SIDECAR_TLS_CERT, _KEY    files with this app's own certificate and key, in PEM, where the sidecar asks for one
//   SIDECAR_TLS_SERVER_NAME   the name in the sidecar's certificate where it is not the endpoint's host
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sidecar/error.h"

namespace sidecar {

inline constexpr std::string_view kDefaultEndpoint = "127.0.0.1:7401";

// How the channel is encrypted: PEM, all of it.
struct Tls {
  // The certificates that may have signed the sidecar's.
  std::string ca;
  // This app's certificate chain and private key, where the sidecar asks for them; both or neither.
  std::string certificate;
  std::string key;
  // The name to expect in the sidecar's certificate; empty for the endpoint's host.
  std::string server_name;
};

struct Endpoint {
  std::string address{kDefaultEndpoint};
  // Empty for none.
  std::string token;
  std::optional<Tls> tls;

  // A variable's value, nothing when it is unset.
  using Environment = std::function<std::optional<std::string>(const char* name)>;

  // What is given, else what the environment says, else the default. InvalidField says what is malformed.
  [[nodiscard]] static Result<Endpoint> from_environment(std::string address = {}, std::string token = {},
                                                         std::optional<Tls> tls = std::nullopt,
                                                         const Environment& environment = process_environment);
  // The variables of this process.
  [[nodiscard]] static std::optional<std::string> process_environment(const char* name);
};

// What is wrong with an address, if anything.
[[nodiscard]] Result<void> check_address(std::string_view address);

}  // namespace sidecar
