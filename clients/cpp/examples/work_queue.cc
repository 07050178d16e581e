// A queue of work that survives both sidecars: what is not acked comes again.
//
//   work_queue submit PEER_ID JOB...   gives each job to the peer's sidecar, durably
//   work_queue work [COUNT]            does jobs, and ends after so many
#include <sidecar/sidecar.h>

#include <iostream>
#include <set>
#include <string>

namespace {

constexpr const char* kChannel = "jobs";

int failed(const sidecar::Error& error) {
  std::cerr << error << '\n';
  return 1;
}

int submit(sidecar::Sidecar& app, const std::string& peer_id, const std::vector<std::string>& jobs) {
  sidecar::SendOptions options;
  options.channel = kChannel;
  options.durable = true;
  for (const auto& job : jobs) {
    // Submitted again after a failure, a job is not queued twice.
    options.request_id = "job-" + job;
    if (auto sent = app.send(peer_id, job, options); !sent) return failed(sent.error());
    std::cout << "submitted " << job << std::endl;
  }
  return 0;
}

int work(sidecar::Sidecar& app, std::size_t count) {
  sidecar::ConsumeOptions options;
  options.credits = 4;
  options.ack_deadline = std::chrono::seconds(30);
  options.max_deliveries = 5;
  auto jobs = app.consume(kChannel, options);
  if (!jobs) return failed(jobs.error());
  std::cout << "working" << std::endl;
  std::set<std::string> done;
  for (auto& item : *jobs) {
    if (!item) return failed(item.error());
    const auto* job = std::get_if<sidecar::Received>(&*item);
    if (job == nullptr) continue;  // a Gap: what was not acked comes again
    // A second delivery is marked: it may have been done before the ack was lost.
    const bool again = job->redelivery_count > 0 && done.count(job->payload) > 0;
    if (!again) std::cout << "did " << job->payload << std::endl;
    done.insert(job->payload);
    jobs->ack(*job);
    if (done.size() == count) break;
  }
  jobs->close();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool submits = words.size() > 2 && words[0] == "submit";
  if (!submits && (words.empty() || words[0] != "work")) {
    std::cerr << "work_queue submit PEER_ID JOB... | work_queue work [COUNT]\n";
    return 2;
  }
  auto app = sidecar::Sidecar::open();
  if (!app) return failed(app.error());
  if (auto ready = app->wait_ready(); !ready) return failed(ready.error());
  if (submits) return submit(*app, words[1], {words.begin() + 2, words.end()});
  return work(*app, words.size() > 1 ? std::strtoul(words[1].c_str(), nullptr, 10) : 0);
}
