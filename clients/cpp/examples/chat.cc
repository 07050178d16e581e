// A chat between two apps, each beside its own sidecar.
//
//   chat                 prints its peer id, then what comes
//   chat PEER_ID         the same, and sends each line of standard input to that peer
#include <sidecar/sidecar.h>

#include <iostream>
#include <string>
#include <thread>

namespace {

constexpr const char* kChannel = "chat";

int failed(const sidecar::Error& error) {
  std::cerr << error << '\n';
  return 1;
}

void print_what_comes(sidecar::Receiver& inbox) {
  for (auto& item : inbox) {
    if (!item) {
      failed(item.error());
    } else if (const auto* message = std::get_if<sidecar::Received>(&*item)) {
      std::cout << message->peer_id.substr(0, 8) << "> " << message->payload << std::endl;
    } else {
      std::cout << "-- " << std::get<sidecar::Gap>(*item).detail << std::endl;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  auto app = sidecar::Sidecar::open();
  if (!app) return failed(app.error());
  if (auto ready = app->wait_ready(); !ready) return failed(ready.error());
  const auto node = app->node();
  if (!node) return failed(node.error());
  auto inbox = app->receive(kChannel);
  if (!inbox) return failed(inbox.error());
  std::cout << "I am " << node->peer_id() << std::endl;
  if (argc < 2) {
    print_what_comes(*inbox);
    return 0;
  }
  std::thread printing([&] { print_what_comes(*inbox); });
  for (std::string line; std::getline(std::cin, line);) {
    if (auto sent = app->send(argv[1], line, {kChannel}); !sent) failed(sent.error());
  }
  inbox->close();
  printing.join();
  return 0;
}
