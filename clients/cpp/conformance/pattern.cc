// Payloads, encodings and names that the cases have in common.
#include <openssl/evp.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "driver.h"

namespace driver {

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t index = 0; index < size; ++index) bytes[index] = static_cast<char>((index * 31 + size) & 0xFF);
  return bytes;
}

std::string digest(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), hash.data(), &length, EVP_sha256(), nullptr);
  constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (unsigned int index = 0; index < length; ++index) {
    hex += kHex[hash[index] >> 4];
    hex += kHex[hash[index] & 0xF];
  }
  return hex;
}

std::string to_base64(const std::string& bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string from_base64(const std::string& text) {
  std::string bytes(text.size(), '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) throw std::invalid_argument("not base64: " + text);
  std::size_t size = static_cast<std::size_t>(length);
  for (std::size_t at = text.size(); at > 0 && text[at - 1] == '='; --at) --size;
  bytes.resize(size);
  return bytes;
}

json null_or(const std::optional<sidecar::Time>& time) {
  if (!time) return nullptr;
  return std::chrono::duration<double>(time->time_since_epoch()).count();
}

double seconds(sidecar::Duration duration) { return std::chrono::duration<double>(duration).count(); }

sidecar::Duration duration(double seconds) { return sidecar::Duration(std::llround(seconds * 1e9)); }

std::optional<sidecar::Duration> optional_duration(const json& params, const char* name) {
  const auto found = params.find(name);
  if (found == params.end() || found->is_null()) return std::nullopt;
  return duration(found->get<double>());
}

sidecar::Level level_named(const std::string& name) {
  if (name == "sent") return sidecar::Level::sent;
  if (name == "processed") return sidecar::Level::processed;
  return sidecar::Level::delivered;
}

std::string name_of(sidecar::Level level) {
  switch (level) {
    case sidecar::Level::sent:
      return "sent";
    case sidecar::Level::delivered:
      return "delivered";
    case sidecar::Level::processed:
      return "processed";
  }
  return "";
}

sidecar::Priority priority_named(const std::string& name) {
  if (name == "high") return sidecar::Priority::high;
  if (name == "low") return sidecar::Priority::low;
  return sidecar::Priority::normal;
}

}  // namespace driver
