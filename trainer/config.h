#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// Each section is declared here and defined beside the component that it configures. A unit includes the headers of the
// sections that it reads. A new key therefore rebuilds only the readers of its section.
namespace penumbra::comm {
struct GradientSyncOptions;  // comm/gradient_sync_options.h
struct WatchdogOptions;      // comm/watchdog/watchdog.h
}  // namespace penumbra::comm
namespace penumbra::data {
struct LoaderOptions;  // data/loader_options.h
struct StoreInfo;
}  // namespace penumbra::data

namespace penumbra::trainer {

struct CheckpointOptions;   // trainer/checkpoint/checkpoint_options.h
struct DataOptions;         // trainer/loop/data_options.h
struct EvaluationOptions;   // trainer/evaluation/evaluation_options.h
struct MonitorOptions;      // trainer/telemetry/monitor_options.h
struct ObjectiveOptions;    // trainer/objective/objective_options.h
struct OptimizerOptions;    // trainer/optim/optimizer_options.h
struct PretrainedOptions;   // trainer/nets/pretrained_options.h
struct ResNetOptions;       // trainer/nets/net_options.h
struct ScheduleOptions;     // trainer/optim/learning_rate.h
struct StopOptions;         // trainer/loop/stop_options.h
struct TrainingOptions;     // trainer/loop/training_options.h
struct UncertaintyOptions;  // trainer/objective/uncertainty_options.h
enum class Head;            // trainer/evaluation/evaluation_options.h
enum class Method;          // trainer/nets/net_options.h

/// A wrong configuration or usage; the message names the key, its value and what is allowed. Exit code 2.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Owns the options of one section, default-constructed. A copy copies them; a const Section gives const access.
/// Reading a key needs the section's own header, holding or copying a Section does not.
template <typename Options>
class Section {
 public:
  Section();
  Section(const Section& other);
  Section& operator=(const Section& other);
  ~Section();

  const Options& operator*() const { return *options_; }
  Options& operator*() { return *options_; }
  const Options* operator->() const { return options_.get(); }
  Options* operator->() { return options_.get(); }

 private:
  std::unique_ptr<Options> options_;  ///< never null
};

enum class SyncPath { automatic, library, pairwise };  ///< comm::Path, or what the World has chosen

/// The whole configuration of a run. docs/configuration.md is printed from it.
struct Config {
  std::string run_dir = "runs/default";
  std::uint64_t seed = 1;
  bool tensorboard = false;
  std::int64_t log_every = 50;  ///< steps between console lines and metrics.jsonl rows
  SyncPath sync_path = SyncPath::automatic;
  Section<DataOptions> data;
  Section<data::LoaderOptions> loader;
  Section<ResNetOptions> net;
  Section<PretrainedOptions> pretrained;
  Section<TrainingOptions> train;
  Section<ObjectiveOptions> objective;
  Section<UncertaintyOptions> uncertainty;
  Section<OptimizerOptions> optimizer;
  Section<ScheduleOptions> schedule;
  Section<comm::GradientSyncOptions> sync;
  Section<comm::WatchdogOptions> watchdog;
  Section<CheckpointOptions> checkpoint;
  Section<StopOptions> stop;
  Section<MonitorOptions> monitor;
  Section<EvaluationOptions> evaluation;
};

/// Defaults, then the TOML files in order, then `sets` ("section.key=value") in order: what comes later wins. Throws
/// ConfigError for unreadable files, unknown keys (suggesting the nearest), wrong types and values out of range.
Config load_config(const std::vector<std::string>& files, const std::vector<std::string>& sets);

/// The resolved tree as TOML that load_config reads back to the same tree.
std::string to_toml(Config config);

/// The heads and methods under the names that users write.
std::vector<std::pair<std::string, Head>> heads();
std::vector<std::pair<std::string, Method>> methods();
std::string name_of(Head head);
std::string name_of(Method method);

/// Signals that may be the wish to stop, by what StopOptions calls them.
const std::map<std::string, int>& signals_by_name();

/// The configured net for images of these channels and classes.
ResNetOptions net_for(const Config& config, const data::StoreInfo& info);

/// Every key with its default, type or range, and meaning, as a Markdown table a section.
std::string config_reference();

}  // namespace penumbra::trainer
