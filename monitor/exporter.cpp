#include "monitor/exporter.h"

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/address.h"
#include "monitor/credentials.h"
#include "monitor/own_metrics.h"

namespace penumbra::monitor {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Labels = std::vector<ClientMetric::Label>;

prometheus::MetricType type_of(MetricType type) {
  if (type == MetricType::histogram) return prometheus::MetricType::Histogram;
  return type == MetricType::counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
}

ClientMetric number(Labels labels, MetricType type, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (type == MetricType::counter ? metric.counter.value : metric.gauge.value) = value;
  return metric;
}

ClientMetric histogram(Labels labels, const Value& value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  const auto bounds = bucket_bounds();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    count += value.counts[i];
    metric.histogram.bucket.push_back({count, bounds[i]});
  }
  metric.histogram.sample_count = count + value.counts.back();
  metric.histogram.sample_sum = value.number;
  return metric;
}

/// The families under construction, one for each metric.
class Families {
 public:
  Families() {
    for (const Description& d : descriptions())
      runs_.push_back({std::string(d.name), std::string(d.meaning), type_of(d.type), {}});
    for (const OwnDescription& d : own_descriptions())
      own_.push_back({std::string(d.name), std::string(d.meaning), type_of(d.type), {}});
  }

  void add(const std::string& run, const Value& value, const std::string& rank) {
    const Description& d = describe(value.metric);
    Labels labels = {{"run", run}};
    if (d.scope == Scope::rank) labels.push_back({"rank", rank});
    for (std::size_t i = 0; i < d.labels.size(); ++i) labels.push_back({std::string(d.labels[i]), value.labels[i]});
    runs_[static_cast<std::size_t>(d.metric)].metric.push_back(d.type == MetricType::histogram
                                                                   ? histogram(std::move(labels), value)
                                                                   : number(std::move(labels), d.type, value.number));
  }

  void add(OwnMetric metric, const std::vector<std::string>& labels, double value) {
    const OwnDescription& d = own_descriptions()[static_cast<std::size_t>(metric)];
    Labels named;
    for (std::size_t i = 0; i < labels.size(); ++i) named.push_back({std::string(d.labels[i]), labels[i]});
    own_[static_cast<std::size_t>(metric)].metric.push_back(number(std::move(named), d.type, value));
  }

  std::vector<MetricFamily> take() {
    std::vector<MetricFamily> all = std::move(runs_);
    all.insert(all.end(), own_.begin(), own_.end());
    std::erase_if(all, [](const MetricFamily& family) { return family.metric.empty(); });
    return all;
  }

 private:
  std::vector<MetricFamily> runs_, own_;
};

class Scrape : public prometheus::Collectable {
 public:
  explicit Scrape(RunTable& table) : table_(table) {}

  std::vector<MetricFamily> Collect() const override {
    Families families;
    const std::vector<RunView> runs = table_.view();
    for (const RunView& run : runs) {
      for (const Value& value : run.values) families.add(run.name, value, "");
      families.add(OwnMetric::outcome, {run.name, name_of(run.outcome)}, 1);
      for (const RankView& member : run.members) {
        if (member.left) continue;
        const std::string rank = std::to_string(member.rank);
        families.add(OwnMetric::rank_up, {run.name, rank, member.host}, member.up ? 1 : 0);
        families.add(OwnMetric::rank_seen, {run.name, rank}, member.seen);
        families.add(OwnMetric::rank_dropped, {run.name, rank}, static_cast<double>(member.dropped));
        for (const Value& value : member.values) families.add(run.name, value, rank);
      }
    }
    const RunTable::Counts counts = table_.counts();
    families.add(OwnMetric::runs, {}, static_cast<double>(runs.size()));
    families.add(OwnMetric::updates, {}, static_cast<double>(counts.updates));
    for (const auto& [reason, count] : counts.rejected)
      families.add(OwnMetric::rejected, {reason}, static_cast<double>(count));
    return families.take();
  }

 private:
  RunTable& table_;
};

/// Connects to the server again and again while it ends: it waits for connections in rounds of two seconds, and would
/// only then see that it is to end.
class Waker {
 public:
  explicit Waker(int port)
      : thread_([port](const std::stop_token& done) {
          while (!done.stop_requested()) {
            knock(port);
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
        }) {}

 private:
  static void knock(int port) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(static_cast<std::uint16_t>(port));
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    [[maybe_unused]] const int begun = ::connect(connection, reinterpret_cast<const sockaddr*>(&place), sizeof(place));
    ::close(connection);
  }

  std::jthread thread_;
};

}  // namespace

struct Exporter::Impl {
  std::string host;
  std::shared_ptr<Scrape> scrape;
  std::unique_ptr<prometheus::Exposer> exposer;
};

Exporter::Exporter(const ExporterOptions& options, RunTable& table) : impl_(std::make_unique<Impl>()) {
  impl_->host = split_address(options.address).first;
  impl_->scrape = std::make_shared<Scrape>(table);
  try {
    impl_->exposer = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", options.address, "num_threads", "4", "request_timeout_ms", "5000"});
  } catch (const std::exception&) {  // civetweb says the same for every cause
    throw std::runtime_error(
        fmt::format("cannot serve metrics at {}: the port is in use, or the host is not this one", options.address));
  }
  impl_->exposer->RegisterCollectable(impl_->scrape);
  if (!options.token.empty()) {
    impl_->exposer->RegisterAuth([token = options.token](const std::string& user, const std::string& password) {
      return user == "penumbra" && same_secret(password, token);
    });
  }
}

Exporter::~Exporter() {
  const Waker waker(impl_->exposer->GetListeningPorts().at(0));
  impl_->exposer.reset();
}

std::string Exporter::address() const {
  return fmt::format("{}:{}", impl_->host, impl_->exposer->GetListeningPorts().at(0));
}

}  // namespace penumbra::monitor
