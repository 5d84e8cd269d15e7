#include "trainer/loop/trial_step.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "comm/gradient_sync_options.h"
#include "comm/timing.h"
#include "data/loader_options.h"
#include "trainer/loop/data_options.h"
#include "trainer/loop/step.h"
#include "trainer/loop/training_options.h"

namespace penumbra::trainer {
namespace {

using Clock = std::chrono::steady_clock;

/// One of two ranks, on a network that takes no time. Writes down when what was sent.
class FreeNetwork : public comm::Collective {
 public:
  int rank() const override { return 0; }
  int world_size() const override { return 2; }
  comm::Work all_reduce_sum(const at::Tensor& tensor, comm::Wire wire) override { return note(tensor, wire); }
  comm::Work reduce_scatter_sum(const at::Tensor& tensor, comm::Wire wire) override { return note(tensor, wire); }
  comm::Work all_gather(const at::Tensor& /*tensor*/) override { return comm::Work::done(); }
  comm::Work broadcast(const at::Tensor& /*tensor*/, int /*root*/) override { return comm::Work::done(); }

  /// A step begins: what was noted is forgotten.
  void begin() {
    start_ = Clock::now();
    sent_ = {};
  }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  const comm::StepProfile& sent() const { return sent_; }

 private:
  comm::Work note(const at::Tensor& tensor, comm::Wire wire) {
    sent_.full_at.push_back(seconds());
    sent_.bytes.push_back(static_cast<double>(tensor.nbytes()) / (wire == comm::Wire::bf16 ? 2 : 1));
    return comm::Work::done();
  }

  Clock::time_point start_ = Clock::now();
  comm::StepProfile sent_;
};

data::SampleSet random_faces(const Config& config, std::int64_t count, int channels) {
  data::SampleSet set;
  std::vector<std::uint8_t> pixels;
  set.info.image_size = config.data->image_size > 0 ? static_cast<int>(config.data->image_size) : 48;
  set.info.channels = channels;
  const std::int64_t classes = config.data->classes > 0 ? config.data->classes : 8;
  for (std::int64_t c = 0; c < classes; ++c) set.info.classes.push_back(std::to_string(c));
  set.info.vote_columns = set.info.classes;
  std::uint32_t state = 1;
  for (std::int64_t i = 0; i < count; ++i) {
    set.labels.push_back(static_cast<std::int32_t>(i % classes));
    for (std::int64_t c = 0; c < classes; ++c) set.votes.push_back(1);
    for (std::size_t p = 0; p < set.image_bytes(); ++p) {
      state = state * 1664525 + 1013904223;
      pixels.push_back(static_cast<std::uint8_t>(state >> 24));
    }
    set.ids.push_back(std::to_string(i));
  }
  set.pixels = std::move(pixels);
  return set;
}

std::int64_t values_of(const std::vector<comm::NamedTensor>& tensors) {
  std::int64_t values = 0;
  for (const auto& named : tensors) values += named.tensor.numel();
  return values;
}

}  // namespace

TrialStep time_steps(const Config& config, std::int64_t images, int channels, int steps) {
  const data::SampleSet faces = random_faces(config, images, channels);
  data::LoaderOptions options = *config.loader;
  options.global_batch = images;
  options.ambiguous = config.train->method != Method::ce_only;
  options.mode = data::AmbiguousMode::online;
  data::TrainLoader loader(faces, options, {});
  FreeNetwork network;
  TrainingState state(config, faces, network);

  std::vector<comm::StepProfile> seen;
  std::vector<double> seconds;
  const auto epochs = static_cast<double>(config.train->epochs);
  const Progress middle{epochs / 2, epochs};   // when every term of the objective is on
  for (int step = -1; step < steps; ++step) {  // the first one only warms up
    loader.start_epoch(step + 1);
    const data::Batch batch = loader.next();
    network.begin();
    training_step(state, batch, config, pace_of(pace_numbers(config, middle, step + 2, images)));
    follow_weights(state);
    if (step < 0) continue;
    seconds.push_back(network.seconds());
    seen.push_back(network.sent());
  }
  TrialStep trial;
  trial.profile.seconds = comm::median(seconds);
  trial.profile.bytes = seen.front().bytes;
  trial.profile.passes = state.ascent ? 2 : 1;
  for (std::size_t bucket = 0; bucket < trial.profile.bytes.size(); ++bucket) {
    std::vector<double> times;
    for (const comm::StepProfile& profile : seen) times.push_back(profile.full_at[bucket]);
    trial.profile.full_at.push_back(std::min(comm::median(times), trial.profile.seconds));
  }
  trial.tail = trial.profile.seconds - trial.profile.full_at.back();
  trial.parameters = state.parameters.size();
  const std::int64_t held = values_of(state.optimizer.state()) + (state.ascent ? state.ascent->kept_values() : 0);
  trial.optimizer_values = held * (config.sync->mode == comm::SyncMode::sharded ? 2 : 1);
  trial.average_values = state.average ? state.parameters.size() : 0;
  trial.images = images;
  return trial;
}

}  // namespace penumbra::trainer
