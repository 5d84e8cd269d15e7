#include "trainer/telemetry/telemetry.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "comm/gpu/cuda.h"
#include "comm/gpu/nvml.h"
#include "monitor/address.h"
#include "trainer/evaluation/measures_json.h"
#include "trainer/exit_code.h"
#include "trainer/loop/device.h"
#include "trainer/loop/training_options.h"
#include "trainer/telemetry/monitor_options.h"
#include "trainer/version.h"

namespace penumbra::trainer {
namespace {

using monitor::Metric;
using monitor::Value;

constexpr std::size_t kMostMembers = 256;  ///< whose lateness is told one by one

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// This rank's card and its number; no card where it trains on CPUs.
struct Card {
  std::string number;
  std::optional<comm::Nvml> nvml;
};

std::shared_ptr<Card> gpu_of(const comm::World& world, const std::string& device) {
  auto card = std::make_shared<Card>();
  if (device != "cuda") return card;
  const std::size_t index = gpu_index(world);
  card->number = std::to_string(index);
  card->nvml.emplace(comm::cuda_driver().gpus[index].uuid);
  return card;
}

/// What needs no training thread.
std::vector<Value> sampled(Card& card) {
  std::vector<Value> values = {{Metric::resident_memory, {}, resident_bytes()}};
  const std::optional<comm::GpuFigures> figures = card.nvml ? card.nvml->read() : std::nullopt;
  if (!figures) return values;
  values.push_back({Metric::gpu_utilization, {card.number}, figures->utilization});
  values.push_back({Metric::gpu_memory, {card.number}, figures->memory_bytes});
  values.push_back({Metric::gpu_power, {card.number}, figures->power_watts});
  values.push_back({Metric::gpu_temperature, {card.number}, figures->temperature_celsius});
  return values;
}

void add_space(std::vector<Value>& out, const std::string& space, const SpaceReport& r) {
  out.push_back({Metric::loss, {"ce_" + space}, r.ce});
  out.push_back({Metric::accuracy, {space}, r.accuracy});
  out.push_back({Metric::uncertainty_mean, {space}, r.uncertainty});
  out.push_back({Metric::attention_norm, {space}, r.attention_norm});
  out.push_back({Metric::attention_spatial_std, {space}, r.attention_spread});
  out.push_back({Metric::gradient_norm, {space}, r.gradient_norm});
}

void add_coupling(std::vector<Value>& out, const IntervalReport& r) {
  out.push_back({Metric::loss, {"attention"}, r.attention});
  out.push_back({Metric::loss, {"alignment"}, r.alignment});
  out.push_back({Metric::agreement, {}, r.agreement});
  if (std::isfinite(r.mix_correlation)) out.push_back({Metric::mix_correlation, {}, r.mix_correlation});
  out.push_back({Metric::empty_attention, {}, r.empty_attention});
  out.push_back({Metric::soft_label_moved, {}, r.moved});
}

void add_progress(std::vector<Value>& out, const IntervalReport& r, std::int64_t steps, double eta_seconds) {
  const auto add = [&](Metric metric, double value) { out.push_back({metric, {}, value}); };
  const double epoch = static_cast<double>(r.epoch) + static_cast<double>(r.step) / static_cast<double>(r.steps);
  add(Metric::epoch, epoch);
  add(Metric::step, static_cast<double>(steps));
  add(Metric::progress, epoch / static_cast<double>(r.epochs));
  add(Metric::eta, eta_seconds);
  add(Metric::images_per_second, r.images_per_second);
  add(Metric::learning_rate, r.learning_rate);
  add(Metric::step_seconds, r.step_seconds);
}

void add_lateness(std::vector<Value>& out, const IntervalReport& r) {
  if (r.lateness.size() > kMostMembers) {
    out.push_back({Metric::lateness, {"latest"}, r.latest_seconds});
    return;
  }
  for (std::size_t member = 0; member < r.lateness.size(); ++member)
    out.push_back({Metric::lateness, {std::to_string(member)}, r.lateness[member]});
}

void add_phases(std::vector<Value>& out, const IntervalReport& r) {
  for (const auto& [phase, seconds] :
       {std::pair{"data", r.wait_seconds}, std::pair{"forward", r.forward_seconds},
        std::pair{"backward", r.backward_seconds}, std::pair{"communication", r.exposed_seconds},
        std::pair{"optimizer", r.optimizer_seconds}}) {
    out.push_back({Metric::phase_seconds, {phase}, seconds});
  }
}

}  // namespace

Telemetry::Telemetry(const Config& config, comm::World& world, const Start& start, const std::string& device,
                     const std::vector<std::string>& classes, const RunFolder& folder, std::function<void()> on_stop)
    : config_(config), rank_(world.rank()), classes_(classes) {
  const auto open_events = [&] {
    if (config.tensorboard && rank_ == 0) events_ = std::make_unique<monitor::EventFile>(folder.path(), world.host());
  };
  world.all_or_none(open_events, exit_code_of);
  if (config.monitor->address != "off") connect(world, start, device, folder, on_stop);
}

void Telemetry::connect(comm::World& world, const Start& start, const std::string& device, const RunFolder& folder,
                        const std::function<void()>& on_stop) {
  const Config& config = config_;
  const std::vector<std::string> hosts = world.all_gather(world.host());
  const bool embedded = config.monitor->address == "embedded";
  const std::string address = embedded ? serve(world, folder) : config.monitor->address;
  bool reaches = !address.empty();
  const auto look = [&] {  // an address that is none is the same on every rank
    if (!reaches) return;
    try {
      const bool alone = embedded && monitor::is_loopback(address);
      const auto others = std::count_if(hosts.begin(), hosts.end(), [&](const auto& host) { return host != hosts[0]; });
      if (rank_ == 0 && alone && others > 0)
        spdlog::info("monitor: the {} ranks on other hosts do not report; see monitor.listen", others);
      reaches = !alone || world.host() == hosts.front();
    } catch (const std::invalid_argument& problem) {
      throw ConfigError(fmt::format("monitor.address: {}", problem.what()));
    }
  };
  world.all_or_none(look, exit_code_of);
  const monitor::Member self{monitor::as_run_name(config.monitor->run.empty() ? config.run_dir : config.monitor->run),
                             world.rank(),
                             world.size(),
                             world.host(),
                             start.incarnation,
                             {{"version", kVersion},
                              {"torch", kTorchVersion},
                              {"method", name_of(config.train->method)},
                              {"device", device},
                              {"ranks", std::to_string(world.size())},
                              {"hosts", std::to_string(std::set<std::string>(hosts.begin(), hosts.end()).size())}}};
  const auto begin_reports = [&] {
    if (!reaches) return;
    monitor::ReporterOptions options;
    options.address = address;
    options.security = config.monitor->security;
    if (embedded && options.security.ca.empty()) options.security.ca = options.security.certificate;  // its own
    const auto on_order = [this, on_stop](monitor::Order order) {
      if (order == monitor::Order::stop) {
        on_stop();
      } else {
        checkpoint_ordered_ = true;
      }
    };
    const auto sample = [this, gpu = gpu_of(world, device)] {
      std::vector<Value> values = sampled(*gpu);
      if (rank_ == 0) values.push_back({Metric::steps, {}, static_cast<double>(taken_)});
      return values;
    };
    try {
      reporter_ = std::make_unique<monitor::Reporter>(self, options, on_order, sample);
    } catch (const std::runtime_error& problem) {
      throw ConfigError(problem.what());
    }
  };
  world.all_or_none(begin_reports, exit_code_of);
  if (reporter_ && rank_ == 0) begin(self, start);
}

Telemetry::~Telemetry() = default;

void Telemetry::close(monitor::Outcome outcome) {
  if (reporter_) reporter_->end(outcome);
  std::error_code ignored;
  const bool gone_well = outcome != monitor::Outcome::failed;  // else Prometheus shall find nobody where it looks
  if (gone_well && !announcement_.empty()) std::filesystem::remove(announcement_, ignored);
}

/// Starts the monitor on rank 0; where ranks find it, on every rank; empty where it could not be had.
std::string Telemetry::serve(comm::World& world, const RunFolder& folder) {
  std::string address;
  const auto start = [&] {
    if (rank_ != 0) return;
    monitor::ServerOptions options;
    options.listen = config_.monitor->listen;
    options.metrics = config_.monitor->metrics;
    options.security = config_.monitor->security;
    try {
      server_ = std::make_unique<monitor::Server>(options);
    } catch (const std::invalid_argument& problem) {
      throw ConfigError(fmt::format("monitor: {}", problem.what()));
    } catch (const std::runtime_error& problem) {
      spdlog::warn("monitor: {}; training goes on without one", problem.what());
      return;
    }
    const auto [host, port] = monitor::split_address(server_->address());
    address = host == "0.0.0.0" || host == "[::]" ? fmt::format("{}:{}", world.host(), port) : server_->address();
    announcement_ = folder.monitor();
    const nlohmann::json targets = {{{"targets", {server_->metrics_address()}}, {"labels", {{"__monitor", address}}}}};
    std::ofstream(announcement_) << targets.dump() << "\n";
  };
  world.all_or_none(start, exit_code_of);
  return world.broadcast(address);
}

/// What is known before the first step.
void Telemetry::begin(const monitor::Member& self, const Start& start) {
  std::vector<std::string> labels;
  for (const std::string_view label : monitor::describe(Metric::run_info).labels)
    labels.push_back(self.details.at(std::string(label)));
  reporter_->push({{Metric::run_info, labels, 1},
                   {Metric::restarts, {}, static_cast<double>(start.incarnation)},
                   {Metric::checkpoint_time, {}, monitor::unix_seconds()},
                   {Metric::checkpoints, {}, 0},
                   {Metric::failed_checkpoints, {}, 0},
                   {Metric::steps, {}, 0},
                   {Metric::non_finite_steps, {}, 0}});
}

void Telemetry::report(const IntervalReport& r, std::int64_t steps, double eta_seconds) {
  if (!is_of_use()) return;
  steps_ = steps;
  std::vector<Value> values;
  add_phases(values, r);
  if (rank_ == 0) {
    const bool both = config_.train->method != Method::ce_only;
    add_progress(values, r, steps, eta_seconds);
    values.push_back({Metric::loss, {"total"}, r.loss});
    values.push_back({Metric::gradient_norm, {"all"}, r.gradient_norm});
    add_space(values, "original", r.original);
    add_faces(values, "original", r.original);
    if (both) {
      add_space(values, "ambiguous", r.ambiguous);
      add_faces(values, "ambiguous", r.ambiguous);
      add_coupling(values, r);
    }
    add_lateness(values, r);
    images_ += r.images_per_second * r.step_seconds * static_cast<double>(r.taken);
    non_finite_ += static_cast<double>(r.skipped);
    values.push_back({Metric::images, {}, images_});
    values.push_back({Metric::non_finite_steps, {}, non_finite_});
  }
  send(std::move(values));
}

void Telemetry::send(std::vector<Value> values) {
  if (events_) {
    try {
      events_->add(steps_, values);
    } catch (const std::runtime_error& problem) {
      spdlog::warn("TensorBoard: {}; training goes on without", problem.what());
      events_.reset();
    }
  }
  if (reporter_) reporter_->push(std::move(values));
}

void Telemetry::add_faces(std::vector<Value>& out, const std::string& space, const SpaceReport& r) {
  Value& total = histograms_[space];
  total.metric = Metric::uncertainty;
  total.labels = {space};
  total.counts.resize(r.histogram.size(), 0);
  double faces = 0;
  for (std::size_t bucket = 0; bucket < r.histogram.size(); ++bucket) {
    total.counts[bucket] += static_cast<std::uint64_t>(r.histogram[bucket]);
    faces += r.histogram[bucket];
  }
  if (faces > 0) total.number += faces * r.uncertainty;
  out.push_back(total);
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const double mean = r.class_uncertainty[c];
    if (std::isfinite(mean)) out.push_back({Metric::class_uncertainty, {space, classes_[c]}, mean});
  }
}

void Telemetry::validation(const Measures& measures, double temperature, BankReport bank) {
  if (!is_of_use() || rank_ != 0) return;
  std::vector<Value> values = {{Metric::bank_uncertainty_mean, {}, bank.uncertainty},
                               {Metric::label_disagreement_mean, {}, bank.disagreement},
                               {Metric::evaluation, {"temperature"}, temperature}};
  const nlohmann::json all = to_json(measures);
  for (const auto& [name, value] : all.items()) {
    if (value.is_number()) values.push_back({Metric::evaluation, {name}, value.get<double>()});
  }
  send(std::move(values));
}

void Telemetry::checkpoint(const CheckpointReport& checkpoint) {
  if (!is_of_use() || rank_ != 0) return;
  ++(checkpoint.kept ? checkpoints_ : failed_checkpoints_);
  std::vector<Value> values = {{Metric::checkpoints, {}, checkpoints_},
                               {Metric::failed_checkpoints, {}, failed_checkpoints_},
                               {Metric::checkpoint_stall_seconds, {}, checkpoint.stall_seconds}};
  if (checkpoint.kept) {
    values.push_back({Metric::checkpoint_time, {}, monitor::unix_seconds()});
    values.push_back({Metric::checkpoint_bytes, {}, checkpoint.bytes});
    values.push_back({Metric::checkpoint_write_seconds, {}, checkpoint.write_seconds});
  }
  send(std::move(values));
}

}  // namespace penumbra::trainer
