#include "trainer/loop/stepper.h"

#include <cmath>
#include <memory>
#include <stdexcept>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "data/loader_options.h"
#include "tests/trainer/fake_collective.h"
#include "trainer/loop/training_options.h"
#include "trainer/optim/optimizer_options.h"

namespace penumbra::trainer {
namespace {

constexpr std::int64_t kFaces = 24, kBatch = 8;

/// Without a GPU: a launch is the recorded work itself.
class PlainGraph : public comm::DeviceGraph {
 public:
  explicit PlainGraph(int* launches) : launches_(launches) {}
  void record(const std::function<void()>& work) override { work_ = work; }
  void launch() override {
    ++*launches_;
    work_();
  }

 private:
  int* launches_;
  std::function<void()> work_;
};

class RefusingGraph : public comm::DeviceGraph {
 public:
  void record(const std::function<void()>& /*work*/) override { throw std::runtime_error("not with me"); }
  void launch() override { FAIL() << "nothing was recorded"; }
};

Config small_config() {
  Config config;
  config.net->depth = 10;
  config.net->width = 4;
  config.net->stem_stride = 2;
  config.train->epochs = 3;
  config.train->ema_decay = 0.9;
  config.optimizer->kind = OptimizerKind::adamw;
  config.loader->global_batch = kBatch;
  return config;
}

data::SampleSet faces() {
  data::SampleSet set;
  set.info.image_size = 16;
  set.info.channels = 1;
  set.info.classes = {"a", "b", "c"};
  std::vector<std::uint8_t> pixels;
  for (std::int64_t i = 0; i < kFaces; ++i) {
    set.labels.push_back(static_cast<std::int32_t>(i % 3));
    set.ids.push_back(std::to_string(i));
    for (std::int64_t p = 0; p < 256; ++p)
      pixels.push_back(static_cast<std::uint8_t>((i * 37 + p * (1 + i % 5)) % 256));
  }
  set.pixels = std::move(pixels);
  return set;
}

/// A run of one rank that takes its steps through a Stepper.
class SmallRun {
 public:
  explicit SmallRun(std::unique_ptr<comm::DeviceGraph> graph = nullptr)
      : loader_(set_, *config_.loader, {}),
        state_(config_, set_, rank_),
        interval_(rank_),
        stepper_(config_, state_, interval_, rank_, std::move(graph)) {}

  void take(std::int64_t epochs) {
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
      loader_.start_epoch(epoch);
      for (std::int64_t step = 0; step < loader_.steps_per_epoch(); ++step) take(loader_.next(), epoch);
      state_.bank.end_epoch(rank_);
    }
  }

  /// One more batch, of two pairs.
  void take_a_smaller_one() {
    loader_.start_epoch(0);
    take(data::split(loader_.next(), 2).front(), 2);
  }

  bool replays() const { return stepper_.replays(); }
  const at::Tensor& values() { return state_.parameters.values(); }
  const at::Tensor& average() { return state_.average->weights(); }
  double loss() { return interval_.take(kBatch).loss; }

 private:
  void take(const data::Batch& batch, std::int64_t epoch) {
    stepper_.take(batch, {static_cast<double>(epoch) + 0.5, 3}, ++steps_, 0);
  }

  const Config config_ = small_config();
  const data::SampleSet set_ = faces();
  testing::ThreadRanks ranks_{1};
  testing::ThreadRanks::Rank rank_{ranks_, 0};
  data::TrainLoader loader_;
  TrainingState state_;
  Interval interval_;
  Stepper stepper_;
  std::int64_t steps_ = 0;
};

void expect_same(SmallRun& run, SmallRun& other) {
  EXPECT_TRUE(at::equal(run.values(), other.values()));
  EXPECT_TRUE(at::equal(run.average(), other.average()));
  const double loss = run.loss();
  EXPECT_TRUE(std::isfinite(loss));
  EXPECT_EQ(loss, other.loss());
}

TEST(Stepper, ARecordedStepFindsNewBatchesNewRatesAndNewBanks) {
  int launches = 0;
  SmallRun by_operators, recorded(std::make_unique<PlainGraph>(&launches));
  by_operators.take(3);
  recorded.take(3);
  EXPECT_FALSE(by_operators.replays());
  EXPECT_TRUE(recorded.replays());
  EXPECT_EQ(launches, 3 * kFaces / kBatch - 3) << "all but the first three steps";
  expect_same(by_operators, recorded);
}

TEST(Stepper, ABatchOfAnotherShapeIsTakenByOperators) {
  int launches = 0;
  SmallRun by_operators, recorded(std::make_unique<PlainGraph>(&launches));
  for (SmallRun* run : {&by_operators, &recorded}) {
    run->take(2);
    run->take_a_smaller_one();
    run->take(1);
  }
  EXPECT_EQ(launches, 3 * kFaces / kBatch - 3);
  expect_same(by_operators, recorded);
}

TEST(Stepper, GoesOnByOperatorsWhereAStepCannotBeRecorded) {
  SmallRun by_operators, refused(std::make_unique<RefusingGraph>());
  by_operators.take(2);
  refused.take(2);
  EXPECT_FALSE(refused.replays());
  expect_same(by_operators, refused);
}

TEST(GraphFor, SaysWhyThereIsNone) {
  testing::ThreadRanks two(2);
  testing::ThreadRanks::Rank rank(two, 0);
  Config config;
  EXPECT_EQ(graph_for(config, rank, at::kCPU).graph, nullptr);
  EXPECT_NE(graph_for(config, rank, at::kCUDA).problem.find("several ranks"), std::string::npos);
  config.train->graph = GraphChoice::on;
  EXPECT_EQ(graph_for(config, rank, at::kCPU).problem, "there is no GPU");
  EXPECT_EQ(graph_for(config, rank, at::kCUDA).problem, "gradients go through host memory");
  config.train->graph = GraphChoice::off;
  EXPECT_NE(graph_for(config, rank, at::kCUDA).problem.find("off"), std::string::npos);
}

}  // namespace
}  // namespace penumbra::trainer
