#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "comm/gradient_sync.h"
#include "comm/watchdog/watchdog.h"
#include "data/loader.h"
#include "data/store/class_map.h"
#include "monitor/credentials.h"
#include "trainer/nets/dual_net.h"
#include "trainer/nets/pretrained.h"
#include "trainer/objective/objective.h"
#include "trainer/optim/flat_optimizer.h"
#include "trainer/optim/learning_rate.h"

namespace penumbra::trainer {

/// A wrong configuration or usage; the message names the key, its value and what is allowed. Exit code 2.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What becomes of a step whose gradient is not finite.
enum class NonFinite {
  stop,       ///< the run ends at the end of the log interval; no such state reaches a checkpoint
  skip,       ///< it changes nothing
  roll_back,  ///< weights, moments and banks of the newest checkpoint; the batches since then stay behind
};
enum class Labels { hard, votes };
enum class Norm { batch, sync };  ///< batch statistics: the rank's own, or those of all ranks
enum class DeviceChoice { automatic, cpu, cuda };
enum class GraphChoice { automatic, on, off };  ///< automatic: where one rank trains
enum class Precision { fp32, bf16 };
enum class SyncPath { automatic, library, pairwise };  ///< comm::Path, or what the World has chosen
enum class Head { original, ambiguous, mean };
enum class Best { accuracy, majority_accuracy, nll };

struct DataConfig {
  std::vector<std::string> files;  ///< stores, concatenated in order
  data::ClassMap class_map;        ///< what their classes become
  std::int64_t classes = 0;        ///< expected number; 0: as in the files
  std::int64_t image_size = 0;     ///< expected side of the stored images; 0: as in the files
  std::int64_t memory_limit = 0;  ///< MiB of a host's memory for the images of a set; 0: three quarters of what is free
};

struct TrainingConfig {
  Method method = Method::full;
  std::int64_t epochs = 12;
  DeviceChoice device = DeviceChoice::automatic;
  GraphChoice graph = GraphChoice::automatic;
  bool deterministic = false;  ///< on a GPU
  Precision precision = Precision::fp32;
  Labels labels = Labels::hard;
  Convolutions convolutions = Convolutions::shared;
  ClassBalanceOptions balance;
  double label_smoothing = 0;  ///< [0, 1): share of a given label that is spread over all classes
  Norm norm = Norm::batch;
  NonFinite non_finite = NonFinite::stop;
  std::int64_t accumulate = 1;  ///< parts that a rank's share of a batch is taken in
  double ema_decay = 0;         ///< a step; 0: no weight averaging, or by the half-life
  double ema_half_life = 0;     ///< epochs; 0: no weight averaging, or by the decay
  std::int64_t threads = 0;     ///< compute threads a rank; 0: the cores it has
  std::int64_t tune_steps = 0;  ///< steps that each bucket size and thread count is tried for; 0: as configured
};

struct CheckpointOptions {
  std::int64_t every_steps = 0;  ///< 0: not by steps
  double every_minutes = 10;     ///< by rank 0's clock; 0: not by time
  std::int64_t keep = 2;         ///< the newest so many
  bool best = true;              ///< one more after each best validation, kept until there is a better one
};

struct MonitorOptions {
  std::string address = "embedded";  ///< on rank 0; "off"; or HOST:PORT of one that is there already
  std::string run;                   ///< what it calls the run; empty: run.dir
  std::string listen = "127.0.0.1:0", metrics = "127.0.0.1:0";  ///< of an embedded one; port 0: any
  monitor::Security security;
};

struct StopOptions {
  double after_minutes = 0;                             ///< of this start; 0: no limit
  std::vector<std::string> signals = {"USR1", "USR2"};  ///< beside SIGTERM; also "HUP", "INT"
  double before_end_seconds = 60;  ///< this long before a Slurm job's time is over (SLURM_JOB_END_TIME)
};

struct EvaluationConfig {
  std::int64_t every = 1;    ///< epochs; 0: only at the end
  std::int64_t batch = 256;  ///< faces a forward pass on each rank
  Head head = Head::original;
  bool flip = true;  ///< average over the mirrored face
  Best best = Best::accuracy;
  std::int64_t patience = 0;  ///< epochs without a better `best` before stopping; 0: never
};

/// The whole tree of a run: each room's own options, composed. docs/configuration.md is printed from it.
struct Config {
  std::string run_dir = "runs/default";
  std::uint64_t seed = 1;
  bool tensorboard = false;
  std::int64_t log_every = 50;  ///< steps between console lines and metrics.jsonl rows
  DataConfig data;
  data::LoaderOptions loader;
  ResNetOptions net;
  TrainingConfig train;
  ObjectiveOptions objective;
  UncertaintyOptions uncertainty;
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  comm::GradientSyncOptions sync;
  SyncPath sync_path = SyncPath::automatic;
  comm::WatchdogOptions watchdog;
  CheckpointOptions checkpoint;
  StopOptions stop;
  MonitorOptions monitor;
  EvaluationConfig evaluation;
  PretrainedOptions pretrained;
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
