// Cases of one app alone: identity and the watches.
#include <google/protobuf/descriptor.h>

#include "driver.h"

namespace driver {
namespace {

sidecar::Readiness readiness_named(const std::string& name) {
  if (name == "live") return sidecar::Readiness::live;
  if (name == "overlay") return sidecar::Readiness::overlay;
  return sidecar::Readiness::api;
}

std::string state_name(overlay::v1::PeerState state) {
  return overlay::v1::PeerState_Name(state).substr(std::string("PEER_STATE_").size());
}

}  // namespace

json identity(Case& run) {
  const auto timeout = optional_duration(run.params(), "timeout").value_or(std::chrono::seconds(30));
  value(run.app.wait_ready(timeout, readiness_named(run.param<std::string>("level", "api"))));
  const auto node = value(run.app.node());
  return {{"peer_id", node.peer_id()}, {"network_id", node.network_id()},
          {"version", node.version()}, {"engine", node.engine()},
          {"front", node.front()},     {"max_message_bytes", node.limits().max_message_bytes()}};
}

json watch(Case& run) {
  auto news = value(run.app.watch_peers());
  for (auto left = run.param<int>("count", 1); left > 0; --left) {
    const auto each = value(news.next());
    if (!each) break;
    if (const auto* snapshot = std::get_if<sidecar::PeersSnapshot>(&*each)) {
      json ids = json::array();
      for (const auto& peer : snapshot->peers) ids.push_back(peer.peer_id());
      run.event({{"event", "snapshot"}, {"peers", ids}});
    } else if (const auto* change = std::get_if<sidecar::PeerChange>(&*each)) {
      run.event({{"event", "change"},
                 {"peer_id", change->peer.peer_id()},
                 {"state", state_name(change->peer.state())},
                 {"removed", change->removed}});
    }
  }
  return json::object();
}

json events(Case& run) {
  auto news = value(run.app.events());
  const auto until = run.param<std::string>("until");
  while (const auto each = value(news.next())) {
    const auto* event = std::get_if<overlay::v1::Event>(&*each);
    if (event == nullptr) {
      run.event({{"event", "gap"}});
      continue;
    }
    const auto* field = overlay::v1::Event::descriptor()->FindFieldByNumber(static_cast<int>(event->kind_case()));
    const std::string kind = field == nullptr ? "" : field->name();
    run.event({{"event", "event"}, {"kind", kind}});
    if (kind == until) break;
  }
  return json::object();
}

}  // namespace driver
