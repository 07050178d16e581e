#include "sidecar/endpoint.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

namespace sidecar {
namespace {

using Variables = std::map<std::string, std::string>;

Endpoint::Environment environment(Variables variables) {
  return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

Result<Endpoint> from(Variables variables) {
  return Endpoint::from_environment({}, {}, std::nullopt, environment(std::move(variables)));
}

// A file of its own that is gone with the test.
class File {
 public:
  explicit File(const std::string& content) {
    char name[] = "/tmp/sidecar-client-test-XXXXXX";
    ::close(::mkstemp(name));
    path = name;
    std::ofstream(path) << content;
  }
  ~File() { std::remove(path.c_str()); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::string path;
};

TEST(Endpoint, DefaultsToLoopback) {
  for (const Variables& variables : {Variables{}, Variables{{"SIDECAR_ENDPOINT", ""}}}) {
    const auto endpoint = from(variables);
    ASSERT_TRUE(endpoint);
    EXPECT_EQ("127.0.0.1:7401", endpoint->address);
    EXPECT_EQ("", endpoint->token);
    EXPECT_FALSE(endpoint->tls);
  }
}

TEST(Endpoint, WhatIsGivenCounts) {
  const auto endpoint =
      Endpoint::from_environment("unix:/run/s.sock", "mine", std::nullopt,
                                 environment({{"SIDECAR_ENDPOINT", "x:1"}, {"SIDECAR_TOKEN", "theirs"}}));
  ASSERT_TRUE(endpoint);
  EXPECT_EQ("unix:/run/s.sock", endpoint->address);
  EXPECT_EQ("mine", endpoint->token);
}

TEST(Endpoint, AddressesThatCanBeDialled) {
  for (const char* address : {"localhost:1", "10.0.0.1:65535", "[::1]:7401", "unix:/a", "unix:///a"}) {
    EXPECT_TRUE(check_address(address)) << address;
  }
}

TEST(Endpoint, WhatIsMalformedIsNamed) {
  for (const char* address : {"localhost", "localhost:", ":7401", "localhost:0", "localhost:65536", "a/b:1", "unix:a",
                              "unix:", "localhost:12x", "::1:7401", "[]:7401", "localhost:-1"}) {
    const auto endpoint = from({{"SIDECAR_ENDPOINT", address}});
    ASSERT_FALSE(endpoint) << address;
    EXPECT_EQ(ErrorKind::InvalidField, endpoint.error().kind);
    EXPECT_NE(std::string::npos, endpoint.error().detail.find(address)) << endpoint.error();
    EXPECT_EQ("SIDECAR_ENDPOINT", endpoint.error().fields.at(0).field);
  }
}

TEST(Endpoint, TokensThatNoHeaderTakes) {
  for (const char* token : {" secret", "secret ", "sec\nret", "secr\xc3\xa9t"}) {
    const auto endpoint = from({{"SIDECAR_TOKEN", token}});
    ASSERT_FALSE(endpoint);
    EXPECT_EQ("SIDECAR_TOKEN", endpoint.error().fields.at(0).field);
    EXPECT_EQ(std::string::npos, endpoint.error().detail.find(token)) << "a token is not shown";
  }
}

TEST(Endpoint, TlsComesFromFiles) {
  const File ca("-----BEGIN CERTIFICATE----- CA");
  const File certificate("-----BEGIN CERTIFICATE----- own");
  const File key("-----BEGIN PRIVATE KEY-----");
  const auto endpoint = from({{"SIDECAR_TLS_CA", ca.path},
                              {"SIDECAR_TLS_CERT", certificate.path},
                              {"SIDECAR_TLS_KEY", key.path},
                              {"SIDECAR_TLS_SERVER_NAME", "sidecar"}});
  ASSERT_TRUE(endpoint) << endpoint.error();
  EXPECT_EQ("-----BEGIN CERTIFICATE----- CA", endpoint->tls->ca);
  EXPECT_EQ("-----BEGIN CERTIFICATE----- own", endpoint->tls->certificate);
  EXPECT_EQ("-----BEGIN PRIVATE KEY-----", endpoint->tls->key);
  EXPECT_EQ("sidecar", endpoint->tls->server_name);
}

TEST(Endpoint, TlsThatIsNotWhole) {
  const File file("-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----");
  const File empty("");
  const std::map<std::string, Variables> wrong = {
      {"SIDECAR_TLS_CERT", {{"SIDECAR_TLS_CA", file.path}, {"SIDECAR_TLS_KEY", file.path}}},
      {"SIDECAR_TLS_KEY", {{"SIDECAR_TLS_CA", file.path}, {"SIDECAR_TLS_CERT", file.path}}},
      {"needs SIDECAR_TLS_CA", {{"SIDECAR_TLS_CERT", file.path}, {"SIDECAR_TLS_KEY", file.path}}},
      {"No such file", {{"SIDECAR_TLS_CA", "/nowhere/ca.pem"}}},
      {" holds no certificate in PEM", {{"SIDECAR_TLS_CA", empty.path}}},
      {" holds no key in PEM",
       {{"SIDECAR_TLS_CA", file.path}, {"SIDECAR_TLS_CERT", file.path}, {"SIDECAR_TLS_KEY", empty.path}}},
      {"directory", {{"SIDECAR_TLS_CA", "/tmp"}}},
  };
  for (const auto& [words, variables] : wrong) {
    const auto endpoint = from(variables);
    ASSERT_FALSE(endpoint) << words;
    EXPECT_NE(std::string::npos, endpoint.error().detail.find(words)) << endpoint.error();
  }
  EXPECT_FALSE(Endpoint::from_environment({}, {}, Tls{}, environment({})));
  EXPECT_FALSE(Endpoint::from_environment({}, {}, Tls{"ca", "certificate", "", ""}, environment({})));
}

}  // namespace
}  // namespace sidecar
