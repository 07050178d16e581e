// Cases of requests, byte streams and datagrams.
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "driver.h"

namespace driver {

json respond(Case& run) {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t answered = 0;
  std::uint64_t cancelled = 0;
  const auto counted = [&](std::uint64_t& what) {
    const std::lock_guard<std::mutex> lock(mutex);
    ++what;
    changed.notify_all();
  };
  auto responder = value(run.app.reply(
      [&](const sidecar::IncomingRequest& asked) -> sidecar::Answer {
        const auto found = asked.headers.find("do");
        const std::string what = found == asked.headers.end() ? "echo" : found->second;
        if (what == "wait") {
          run.event({{"event", "asked"}});
          asked.cancelled.wait();
          counted(cancelled);
          return sidecar::Replied{};
        }
        counted(answered);
        if (what == "fail") return tl::make_unexpected(sidecar::AnswerError{"empty", "ask something"});
        return sidecar::Replied{asked.payload, asked.headers};
      },
      run.param<std::string>("channel")));
  run.ready();
  const auto count = run.param<std::uint64_t>("count");
  // Whatever ends the call wakes this up too.
  std::optional<sidecar::Result<void>> ended;
  std::thread watching([&] {
    auto outcome = responder.wait();
    const std::lock_guard<std::mutex> lock(mutex);
    ended = std::move(outcome);
    changed.notify_all();
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    changed.wait(lock, [&] { return answered + cancelled >= count || ended; });
  }
  // Returns when the last answer is with the sidecar.
  responder.close();
  watching.join();
  value(std::move(*ended));
  return {{"answered", answered}, {"cancelled", cancelled}};
}

json ask(Case& run) {
  json replies = json::array();
  for (const auto& step : run.param<json>("steps", json::array())) {
    sidecar::RequestOptions options;
    options.channel = run.param<std::string>("channel");
    if (step.contains("headers") && !step["headers"].is_null())
      options.headers = step["headers"].get<sidecar::Headers>();
    options.headers["do"] = step.value("do", "");
    sidecar::CallOptions call;
    call.timeout = optional_duration(step, "timeout");
    const sidecar::Cancellation taken_back;
    std::thread taking_back;
    if (step.value("take_back", false)) {
      call.cancellation = taken_back;
      taking_back = std::thread([&] {
        run.wait();
        taken_back.cancel();
      });
    }
    const auto reply =
        run.app.request(run.param<std::string>("peer_id"), from_base64(step.value("b64", "")), options, call);
    if (taking_back.joinable()) taking_back.join();
    if (reply) {
      replies.push_back({{"b64", to_base64(reply->payload)}, {"headers", reply->headers}});
    } else {
      replies.push_back({{"raised", error_json(reply.error())}});
    }
  }
  return {{"replies", replies}};
}

json open_stream(Case& run) {
  auto stream = value(run.app.open_stream(run.param<std::string>("peer_id"), run.param<std::string>("name"),
                                          {run.param<sidecar::Headers>("headers"), std::nullopt}));
  value(stream.write(pattern(run.param<std::size_t>("size"))));
  stream.finish();
  const auto back = value(stream.read_all());
  value(stream.close());
  return {{"size", back.size()}, {"digest", digest(back)}};
}

json close_stream(Case& run) {
  auto stream = value(run.app.open_stream(run.param<std::string>("peer_id"), run.param<std::string>("name")));
  value(stream.write(pattern(run.param<std::size_t>("size"))));
  value(stream.close());
  return json::object();
}

json accept_stream(Case& run) {
  run.ready();
  auto stream = value(run.app.accept_stream(run.param<std::string>("name")));
  const auto came = value(stream.read_all());
  value(stream.write(pattern(run.param<std::size_t>("back"))));
  value(stream.close());
  return {
      {"size", came.size()}, {"digest", digest(came)}, {"headers", stream.headers()}, {"peer_id", stream.peer_id()}};
}

json reset_stream(Case& run) {
  auto stream = value(run.app.open_stream(run.param<std::string>("peer_id"), run.param<std::string>("name")));
  value(stream.write(pattern(1)));
  run.wait();
  stream.reset(run.param<std::uint64_t>("code"));
  return json::object();
}

json meet_reset(Case& run) {
  run.ready();
  auto stream = value(run.app.accept_stream(run.param<std::string>("name")));
  value(stream.read(1));
  run.event({{"event", "opened"}});
  const auto rest = stream.read_all();
  if (rest) throw std::runtime_error("the stream ended without a reset");
  return {{"raised", error_json(rest.error())}};
}

json send_datagrams(Case& run) {
  for (const auto size : run.param<std::vector<std::size_t>>("sizes")) {
    value(run.app.send_datagram(run.param<std::string>("peer_id"), pattern(size),
                                {run.param<std::string>("channel"), std::nullopt}));
  }
  return json::object();
}

json receive_datagrams(Case& run) {
  auto datagrams = value(run.app.datagrams(run.param<std::string>("channel")));
  run.ready();
  json sizes = json::array();
  json peer_ids = json::array();
  for (auto left = run.param<std::size_t>("count"); left > 0; --left) {
    const auto came = value(datagrams.next());
    if (!came) break;
    sizes.push_back(came->payload.size());
    peer_ids.push_back(came->peer_id);
  }
  return {{"sizes", sizes}, {"peer_ids", peer_ids}};
}

}  // namespace driver
