// How fast, through the wrapper and by the generated stub.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <thread>

#include "driver.h"
#include "sidecar/stubs.h"

namespace driver {
namespace {

namespace pb = overlay::v1;
using Clock = std::chrono::steady_clock;

// Messages of one frame of the raw stub.
constexpr std::uint64_t kBatch = 512;

void check(const grpc::Status& status) {
  if (!status.ok()) throw Failed{sidecar::Error::of_status(status)};
}

void messages_by_wrapper(Case& run, const std::string& payload, std::uint64_t count) {
  sidecar::SenderOptions options;
  options.channel = run.param<std::string>("channel");
  auto sender = value(run.app.sender(run.param<std::string>("peer_id"), options));
  for (std::uint64_t number = 0; number < count; ++number) value(sender.send(payload));
  value(sender.flush());
  value(sender.close());
}

void messages_by_stub(Case& run, const std::string& payload, std::uint64_t count) {
  grpc::ClientContext context;
  run.app.prepare(context);
  const auto call = run.app.stubs().messages->SendStream(&context);
  pb::SendStreamRequest request;
  request.mutable_open()->set_peer_id(run.param<std::string>("peer_id"));
  request.mutable_open()->set_channel(run.param<std::string>("channel"));
  request.mutable_open()->set_level(pb::DELIVERY_LEVEL_DELIVERED);
  call->Write(request);
  std::thread receipts([&] {
    pb::SendStreamResponse response;
    while (call->Read(&response)) {
    }
  });
  for (std::uint64_t sent = 0; sent < count;) {
    request.Clear();
    for (const std::uint64_t batch = std::min(kBatch, count - sent), end = sent + batch; sent < end; ++sent) {
      request.add_messages()->set_payload(payload);
    }
    if (!call->Write(request)) break;
  }
  call->WritesDone();
  receipts.join();
  check(call->Finish());
}

void request_by_stub(Case& run, const std::string& payload) {
  grpc::ClientContext context;
  run.app.prepare(context, std::chrono::seconds(30));
  pb::RequestRequest request;
  request.set_peer_id(run.param<std::string>("peer_id"));
  request.set_channel(run.param<std::string>("channel"));
  request.set_payload(payload);
  pb::RequestResponse response;
  check(run.app.stubs().messages->Request(&context, request, &response));
}

}  // namespace

json bench(Case& run) {
  const auto payload = pattern(run.param<std::size_t>("size"));
  const auto count = run.param<std::uint64_t>("count");
  const bool by_wrapper = run.param<std::string>("kind", "wrapper") == "wrapper";
  const auto begun = Clock::now();
  const auto since = [](Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); };
  if (run.param<std::string>("what", "messages") == "messages") {
    (by_wrapper ? messages_by_wrapper : messages_by_stub)(run, payload, count);
    return {{"seconds", since(begun)}};
  }
  std::vector<double> took;
  for (std::uint64_t number = 0; number < count; ++number) {
    const auto asked = Clock::now();
    if (by_wrapper) {
      value(run.app.request(run.param<std::string>("peer_id"), payload, {run.param<std::string>("channel"), {}}));
    } else {
      request_by_stub(run, payload);
    }
    took.push_back(since(asked));
  }
  const double seconds = since(begun);
  std::sort(took.begin(), took.end());
  const auto quantile = [&](std::size_t percent) { return took.empty() ? 0.0 : took[took.size() * percent / 100]; };
  return {{"seconds", seconds}, {"p50", quantile(50)}, {"p99", quantile(99)}};
}

json sink(Case& run) {
  auto inbox = value(run.app.receive(run.param<std::string>("channel")));
  run.ready();
  const auto count = run.param<std::uint64_t>("count");
  for (std::uint64_t number = 0; number < count; ++number) next_message(inbox);
  return {{"count", count}};
}

}  // namespace driver
