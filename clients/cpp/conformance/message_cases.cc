// Cases of messages: sent, received, consumed.
#include <algorithm>
#include <set>
#include <stdexcept>

#include "driver.h"

namespace driver {
namespace {

sidecar::Consumer consumer(Case& run, std::uint32_t credits) {
  sidecar::ConsumeOptions options;
  options.credits = run.param<std::uint32_t>("credits", credits);
  options.ack_deadline = optional_duration(run.params(), "ack_deadline");
  options.max_deliveries = run.param<std::uint32_t>("max_deliveries");
  return value(run.app.consume(run.param<std::string>("channel"), options));
}

}  // namespace

json send_messages(Case& run) {
  sidecar::SendOptions options;
  options.channel = run.param<std::string>("channel");
  options.headers = run.param<sidecar::Headers>("headers");
  options.durable = run.param<bool>("durable");
  json levels = json::array();
  for (const auto size : run.param<std::vector<std::size_t>>("sizes")) {
    levels.push_back(name_of(value(run.app.send(run.param<std::string>("peer_id"), pattern(size), options)).level));
  }
  return {{"levels", levels}};
}

json receive_messages(Case& run) {
  auto inbox = value(run.app.receive(run.param<std::string>("channel")));
  run.ready();
  json messages = json::array();
  for (auto left = run.param<std::size_t>("count"); left > 0; --left) {
    const auto message = next_message(inbox);
    messages.push_back({{"size", message.payload.size()},
                        {"digest", digest(message.payload)},
                        {"headers", message.headers},
                        {"peer_id", message.peer_id},
                        {"channel", message.channel},
                        {"redelivery_count", message.redelivery_count}});
  }
  return {{"messages", messages}};
}

json send_receipts(Case& run) {
  json receipts = json::array();
  for (const auto& level : run.param<std::vector<std::string>>("levels")) {
    sidecar::SendOptions options;
    options.channel = run.param<std::string>("channel");
    options.message_id = "m-" + level;
    options.wait = level_named(level);
    options.durable = run.param<bool>("durable");
    const auto sent = value(run.app.send(run.param<std::string>("peer_id"), level, options));
    receipts.push_back({{"level", name_of(sent.level)},
                        {"message_id", sent.message_id},
                        {"sent_at", null_or(sent.sent_at)},
                        {"delivered_at", null_or(sent.delivered_at)},
                        {"processed_at", null_or(sent.processed_at)}});
  }
  return {{"receipts", receipts}};
}

json consume_receipts(Case& run) {
  auto inbox = consumer(run, 64);
  run.ready();
  const auto count = run.param<std::size_t>("count");
  for (std::size_t index = 0; index < count; ++index) inbox.ack(next_message(inbox));
  inbox.close();
  return {{"count", count}};
}

json send_pipelined(Case& run) {
  sidecar::SenderOptions options;
  options.channel = run.param<std::string>("channel");
  options.wait = level_named(run.param<std::string>("wait", "delivered"));
  auto sender = value(run.app.sender(run.param<std::string>("peer_id"), options));
  const auto count = run.param<std::uint64_t>("count");
  const std::string filled = pattern(run.param<std::size_t>("size"));
  for (std::uint64_t number = 1; number <= count; ++number) {
    std::string payload = filled;
    for (std::size_t byte = 0; byte < std::min<std::size_t>(8, payload.size()); ++byte) {
      payload[byte] = static_cast<char>((number >> (56 - 8 * byte)) & 0xFF);
    }
    value(sender.send(std::move(payload)));
  }
  value(sender.flush());
  value(sender.close());
  return {{"count", count}};
}

json receive_pipelined(Case& run) {
  auto inbox = value(run.app.receive(run.param<std::string>("channel")));
  run.ready();
  const auto count = run.param<std::uint64_t>("count");
  std::string joined;
  for (std::uint64_t number = 0; number < count; ++number) joined += next_message(inbox).payload;
  return {{"count", count}, {"digest", digest(joined)}};
}

json acks(Case& run) {
  auto inbox = consumer(run, 64);
  run.ready();
  json messages = json::array();
  for (const auto& step : run.param<json>("steps", json::array())) {
    const auto message = next_message(inbox);
    messages.push_back({{"digest", digest(message.payload)}, {"redelivery_count", message.redelivery_count}});
    const auto what = step.value("do", "");
    if (what == "ack") {
      inbox.ack(message);
    } else if (what == "nack") {
      inbox.nack(message, optional_duration(step, "delay").value_or(sidecar::Duration::zero()));
    } else if (what == "extend") {
      inbox.extend(message, optional_duration(step, "seconds").value_or(sidecar::Duration::zero()));
      inbox.ack(message);
    } else if (what != "leave") {
      throw std::invalid_argument("no step '" + what + "'");
    }
  }
  inbox.close();
  return {{"messages", messages}};
}

json restart(Case& run) {
  auto inbox = consumer(run, 64);
  run.ready();
  const auto count = run.param<std::size_t>("count");
  std::set<std::string> seen;
  int gaps = 0;
  while (seen.size() < count) {
    const auto item = next_item(inbox);
    const auto* message = std::get_if<sidecar::Received>(&item);
    if (message == nullptr) {
      ++gaps;
      continue;
    }
    const auto hash = digest(message->payload);
    run.event({{"event", "message"}, {"digest", hash}, {"redelivery_count", message->redelivery_count}});
    inbox.ack(*message);
    seen.insert(hash);
  }
  inbox.close();
  return {{"gaps", gaps}};
}

json gap(Case& run) {
  auto inbox = value(run.app.receive(run.param<std::string>("channel")));
  run.ready();
  for (bool after_gap = false;;) {
    const auto item = next_item(inbox);
    if (const auto* broken = std::get_if<sidecar::Gap>(&item)) {
      run.event({{"event", "gap"}, {"restarted", broken->restarted}});
      after_gap = true;
      continue;
    }
    run.event({{"event", "message"}, {"digest", digest(std::get<sidecar::Received>(item).payload)}});
    if (after_gap) return json::object();
  }
}

}  // namespace driver
