#include "driver.h"

#include <functional>
#include <iostream>
#include <map>
#include <utility>

namespace driver {
namespace {

using Roles = std::map<std::pair<std::string, std::string>, std::function<json(Case&)>>;

const Roles& roles() {
  static const Roles known = {
      {{"identity", "app"}, identity},
      {{"call", "app"}, call},
      {{"watch", "app"}, watch},
      {{"events", "app"}, events},
      {{"messages", "sender"}, send_messages},
      {{"messages", "receiver"}, receive_messages},
      {{"receipts", "sender"}, send_receipts},
      {{"receipts", "consumer"}, consume_receipts},
      {{"pipelined", "sender"}, send_pipelined},
      {{"pipelined", "receiver"}, receive_pipelined},
      {{"acks", "consumer"}, acks},
      {{"acks", "sender"}, send_messages},
      {{"restart", "consumer"}, restart},
      {{"gap", "receiver"}, gap},
      {{"replies", "responder"}, respond},
      {{"replies", "requester"}, ask},
      {{"streams", "opener"}, open_stream},
      {{"streams", "closer"}, close_stream},
      {{"streams", "acceptor"}, accept_stream},
      {{"stream_reset", "opener"}, reset_stream},
      {{"stream_reset", "acceptor"}, meet_reset},
      {{"datagrams", "sender"}, send_datagrams},
      {{"datagrams", "receiver"}, receive_datagrams},
      {{"bench", "app"}, bench},
      {{"bench", "sink"}, sink},
      {{"bench", "responder"}, respond},
  };
  return known;
}

void write(const json& line) { std::cout << line.dump() << std::endl; }

json own_error(const std::string& kind, const std::string& detail) {
  return {{"kind", kind}, {"reason", ""}, {"detail", detail}, {"fields", json::array()}, {"retry_after", nullptr}};
}

json outcome_of(sidecar::Sidecar& app, const json& command) {
  const std::string name = command.value("case", "");
  const std::string role = command.value("role", "");
  const auto found = roles().find({name, role});
  if (found == roles().end()) {
    return {{"error", own_error("UnknownCase", "no case '" + name + "' with a role '" + role + "'")}};
  }
  Case run(app, command.value("params", json::object()));
  try {
    return {{"result", found->second(run)}};
  } catch (const Failed& failed) {
    return {{"error", error_json(failed.error)}};
  } catch (const std::exception& error) {
    return {{"error", own_error("DriverError", error.what())}};
  }
}

}  // namespace

void Case::event(const json& event) const { write(event); }

void Case::wait() const {
  std::string line;
  std::getline(std::cin, line);
}

json error_json(const sidecar::Error& error) {
  json fields = json::array();
  for (const auto& field : error.fields) fields.push_back(field.field);
  json told = {{"kind", sidecar::name_of(error.kind)},
               {"reason", error.reason},
               {"detail", error.detail},
               {"fields", fields},
               {"retry_after", error.retry_after ? json(seconds(*error.retry_after)) : json()}};
  const auto code = error.metadata.find("code");
  const bool has_code =
      error.kind == sidecar::ErrorKind::RequestFailed || error.kind == sidecar::ErrorKind::StreamReset;
  if (has_code && code != error.metadata.end()) {
    told["code"] = error.kind == sidecar::ErrorKind::StreamReset ? json(std::stoull(code->second)) : json(code->second);
  }
  return told;
}

}  // namespace driver

int main() {
  auto app = sidecar::Sidecar::open();
  if (!app) {
    std::cerr << app.error() << '\n';
    return 2;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto command = driver::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!command.is_object()) {
      std::cerr << "not a JSON object: " << line << '\n';
      return 2;
    }
    driver::write(driver::outcome_of(*app, command));
  }
  return 0;
}
