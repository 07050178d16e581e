// A service that answers requests, and a client of it.
//
//   service serve           answers on the channel `upper` until standard input ends
//   service ask PEER_ID WORDS
#include <sidecar/sidecar.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <string>

namespace {

constexpr const char* kChannel = "upper";

int failed(const sidecar::Error& error) {
  std::cerr << error << '\n';
  return 1;
}

sidecar::Answer upper(const sidecar::IncomingRequest& asked) {
  if (asked.payload.empty()) return tl::make_unexpected(sidecar::AnswerError{"empty", "ask something"});
  std::string answer = asked.payload;
  std::transform(answer.begin(), answer.end(), answer.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return sidecar::Replied{answer};
}

int serve(sidecar::Sidecar& app) {
  auto responder = app.reply(upper, kChannel);
  if (!responder) return failed(responder.error());
  std::cout << "serving" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  responder->close();
  const auto ended = responder->wait();
  return ended ? 0 : failed(ended.error());
}

int ask(sidecar::Sidecar& app, const std::string& peer_id, const std::string& words) {
  const auto reply = app.request(peer_id, words, {kChannel}, std::chrono::seconds(10));
  if (!reply) {
    if (reply.error().is(sidecar::ErrorKind::RequestFailed)) {
      std::cout << "the service says " << reply.error().metadata.at("code") << std::endl;
    }
    return failed(reply.error());
  }
  std::cout << reply->payload << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb != "serve" && !(verb == "ask" && argc == 4)) {
    std::cerr << "service serve | service ask PEER_ID WORDS\n";
    return 2;
  }
  auto app = sidecar::Sidecar::open();
  if (!app) return failed(app.error());
  if (auto ready = app->wait_ready(); !ready) return failed(ready.error());
  return verb == "serve" ? serve(*app) : ask(*app, argv[2], argv[3]);
}
