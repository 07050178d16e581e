// The conformance driver: tests/conformance/README.md is its contract.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "sidecar/sidecar.h"

namespace driver {

using nlohmann::json;

// One case in one role, as it was asked for.
class Case {
 public:
  Case(sidecar::Sidecar& app, json params) : app(app), params_(std::move(params)) {}

  sidecar::Sidecar& app;

  // A parameter, or `otherwise` where it is left out or null.
  template <class T>
  T param(const char* name, T otherwise = {}) const {
    const auto found = params_.find(name);
    return found == params_.end() || found->is_null() ? otherwise : found->get<T>();
  }
  [[nodiscard]] json params() const { return params_; }
  // Writes an event.
  void event(const json& event) const;
  void ready() const { event({{"event", "ready"}}); }
  // Reads the line that lets the case go on.
  void wait() const;

 private:
  json params_;
};

// What a case does not handle: it becomes the outcome `error`. (The wrapper throws nothing; this is the driver's own
// way out of a case.)
struct Failed {
  sidecar::Error error;
};

template <class T>
T value(sidecar::Result<T> result) {
  if (!result) throw Failed{std::move(result.error())};
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The next message of a subscription; the end of the subscription is a failure.
template <class Subscription>
sidecar::Item next_item(Subscription& subscription) {
  auto item = value(subscription.next());
  if (!item) throw Failed{sidecar::Error::of(sidecar::ErrorKind::SidecarError, "the subscription ended")};
  return std::move(*item);
}
template <class Subscription>
sidecar::Received next_message(Subscription& subscription) {
  for (;;) {
    auto item = next_item(subscription);
    if (auto* message = std::get_if<sidecar::Received>(&item)) return std::move(*message);
  }
}

json error_json(const sidecar::Error& error);
json null_or(const std::optional<sidecar::Time>& time);
double seconds(sidecar::Duration duration);
sidecar::Duration duration(double seconds);
std::optional<sidecar::Duration> optional_duration(const json& params, const char* name);

std::string pattern(std::size_t size);
std::string digest(const std::string& bytes);
std::string to_base64(const std::string& bytes);
std::string from_base64(const std::string& text);

sidecar::Level level_named(const std::string& name);
std::string name_of(sidecar::Level level);
sidecar::Priority priority_named(const std::string& name);

// Each runs one case; `role` is known to be one of the case's.
json identity(Case& run);
json call(Case& run);
json watch(Case& run);
json events(Case& run);
json send_messages(Case& run);
json receive_messages(Case& run);
json send_receipts(Case& run);
json consume_receipts(Case& run);
json send_pipelined(Case& run);
json receive_pipelined(Case& run);
json acks(Case& run);
json restart(Case& run);
json gap(Case& run);
json respond(Case& run);
json ask(Case& run);
json open_stream(Case& run);
json close_stream(Case& run);
json accept_stream(Case& run);
json reset_stream(Case& run);
json meet_reset(Case& run);
json send_datagrams(Case& run);
json receive_datagrams(Case& run);
json bench(Case& run);
json sink(Case& run);

}  // namespace driver
