#include "data/loader.h"

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/error.h"
#include "data/loader_options.h"
#include "tests/data/random_set.h"
#include "tests/data/variant_testing.h"

namespace penumbra::data {
namespace {

using ::testing::HasSubstr;
using testing::make_variant;
using testing::random_set;

LoaderOptions small_options() {
  LoaderOptions options;
  options.global_batch = 12;
  options.seed = 3;
  options.prefetch = 3;
  return options;
}

std::vector<Batch> epoch_of(TrainLoader& loader, std::int64_t epoch, std::int64_t first_step = 0) {
  loader.start_epoch(epoch, first_step);
  std::vector<Batch> batches;
  for (std::int64_t step = first_step; step < loader.steps_per_epoch(); ++step) batches.push_back(loader.next());
  return batches;
}

std::vector<Batch> epoch_of(const SampleSet& set, const LoaderOptions& options, std::int64_t epoch, Shard shard = {},
                            const std::vector<StoredVariant>* variants = nullptr) {
  TrainLoader loader(set, options, shard, variants);
  return epoch_of(loader, epoch);
}

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || (a.sizes() == b.sizes() && at::equal(a, b)));
}

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_TRUE(same(a.weak, b.weak));
  EXPECT_TRUE(same(a.ambiguous, b.ambiguous));
  EXPECT_TRUE(same(a.sample, b.sample));
  EXPECT_TRUE(same(a.lambda, b.lambda));
  EXPECT_TRUE(same(a.weak_theta, b.weak_theta));
  EXPECT_TRUE(same(a.ambiguous_theta, b.ambiguous_theta));
  EXPECT_TRUE(same(a.box, b.box));
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.global_size, b.global_size);
}

void expect_same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    SCOPED_TRACE(::testing::Message() << "batch " << i);
    expect_same(a[i], b[i]);
  }
}

template <typename Make>
std::string error_of(const Make& make) {
  try {
    make();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(TrainLoader, GivesTheSameBatchesForAnyNumberOfThreadsAndAnyPrefetch) {
  const auto set = random_set(101, 16, 3);
  auto options = small_options();
  const auto one = epoch_of(set, options, 4);
  ASSERT_EQ(one.size(), 8u);
  options.threads = 3;
  expect_same(one, epoch_of(set, options, 4));
  options.prefetch = 1;
  expect_same(one, epoch_of(set, options, 4));
  options.prefetch = 100;
  expect_same(one, epoch_of(set, options, 4));
}

TEST(TrainLoader, ShowsARepeatedSampleInAnotherViewEachTime) {
  auto set = random_set(60, 16, 1, 2);
  std::fill(set.labels.begin(), set.labels.end(), 0);
  set.labels[7] = 1;
  auto options = small_options();
  options.plan.most_repeats = 3;
  std::vector<at::Tensor> weak, ambiguous;
  for (const Batch& batch : epoch_of(set, options, 0)) {
    for (std::int64_t row = 0; row < batch.sample.size(0); ++row) {
      if (batch.sample[row].item<std::int64_t>() != 7) continue;
      weak.push_back(batch.weak[row].clone());
      ambiguous.push_back(batch.ambiguous[row].clone());
    }
  }
  ASSERT_GE(weak.size(), 2u);
  EXPECT_FALSE(at::equal(weak[0], weak[1]));
  EXPECT_FALSE(at::equal(ambiguous[0], ambiguous[1]));
}

TEST(TrainLoader, OfAllRanksTogetherGivesTheGlobalBatch) {
  const auto set = random_set(70, 16, 1);
  auto options = small_options();
  options.strong.mix = Mix::cutmix;
  options.global_batch = 14;
  const auto global = epoch_of(set, options, 1);
  for (const int ranks : {2, 3}) {
    std::vector<std::vector<Batch>> shares;
    for (int rank = 0; rank < ranks; ++rank) shares.push_back(epoch_of(set, options, 1, {rank, ranks}));
    for (std::size_t step = 0; step < global.size(); ++step) {
      Batch joined = global[step];
      const auto join = [&](at::Tensor Batch::*field) {
        std::vector<at::Tensor> parts;
        for (const auto& share : shares) parts.push_back(share[step].*field);
        joined.*field = at::cat(parts);
      };
      for (const auto field : {&Batch::weak, &Batch::ambiguous, &Batch::sample, &Batch::lambda, &Batch::weak_theta,
                               &Batch::ambiguous_theta, &Batch::box}) {
        join(field);
      }
      expect_same(joined, global[step]);
      for (const auto& share : shares) EXPECT_EQ(share[step].global_size, 14);
    }
  }
}

TEST(TrainLoader, PutsPartnersSideBySideInPlanOrder) {
  const auto set = random_set(60, 8, 1);
  const auto options = small_options();
  const EpochPlan plan(options.seed, 2, 2, set.labels, options.global_batch);
  for (const Batch& batch : epoch_of(set, options, 2)) {
    const auto pairs = plan.batch(batch.step);
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      const auto row = static_cast<std::int64_t>(2 * k);
      EXPECT_EQ(batch.sample[row].item<std::int64_t>(), pairs[k].first);
      EXPECT_EQ(batch.sample[row + 1].item<std::int64_t>(), pairs[k].second);
    }
  }
}

TEST(TrainLoader, FillsChannelsLastViewsAndFieldsFromTheRecipes) {
  const auto set = random_set(24, 16, 3);
  auto options = small_options();
  options.view_size = 20;
  options.norm = {0.3f, 0.5f};
  options.strong.mix = Mix::cutmix;
  TrainLoader loader(set, options, {});
  loader.start_epoch(1, 1);
  const Batch batch = loader.next();
  ASSERT_EQ(batch.weak.sizes(), (at::IntArrayRef{12, 3, 20, 20}));
  EXPECT_TRUE(batch.weak.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(batch.ambiguous.is_contiguous(at::MemoryFormat::ChannelsLast));
  for (std::int64_t row = 0; row < 12; ++row) {
    const auto sample = batch.sample[row].item<std::int64_t>(), partner = batch.sample[row ^ 1].item<std::int64_t>();
    const Recipe weak = draw_weak(options.weak, 3, 1, sample);
    const Recipe strong = draw_ambiguous(options.strong, 3, 1, sample, partner, 16, 20, 3);
    std::vector<float> view(1200);
    const auto expect_view = [&](const at::Tensor& views, const Recipe& recipe) {
      render_view(stored_pair(set, recipe.source, recipe.partner), recipe, 20, options.norm, view);
      const auto expected = at::from_blob(view.data(), {20, 20, 3}).permute({2, 0, 1});
      EXPECT_TRUE(at::equal(views[row], expected)) << "row " << row;
    };
    expect_view(batch.weak, weak);
    expect_view(batch.ambiguous, strong);
    EXPECT_EQ(batch.lambda[row].item<float>(), strong.lambda);
    EXPECT_EQ(batch.weak_theta[row][0][2].item<float>(), weak.theta.m[2]);
    EXPECT_EQ(batch.ambiguous_theta[row][1][0].item<float>(), strong.theta.m[3]);
    const auto box = (batch.box[row] + 1) * 8;  // normalised -> pixels of 16
    EXPECT_EQ(box[0].item<float>(), static_cast<float>(strong.box.x0));
    EXPECT_EQ(box[3].item<float>(), static_cast<float>(strong.box.y1));
  }
}

TEST(TrainLoader, HasNoAmbiguousViewsWhenNoneAreAskedFor) {
  const auto set = random_set(24, 8, 1);
  auto options = small_options();
  const auto with = epoch_of(set, options, 0);
  options.ambiguous = false;
  const auto without = epoch_of(set, options, 0);
  for (std::size_t i = 0; i < with.size(); ++i) {
    EXPECT_FALSE(without[i].ambiguous.defined());
    EXPECT_FALSE(with[i].box.defined());
    EXPECT_TRUE(same(without[i].weak, with[i].weak));
    EXPECT_TRUE(at::equal(without[i].lambda, at::ones({12})));
  }
}

TEST(TrainLoader, ResumesWithinAnEpochAtTheSameBatches) {
  const auto set = random_set(101, 8, 1);
  TrainLoader loader(set, small_options(), {});
  const auto whole = epoch_of(loader, 1);
  loader.start_epoch(6);
  loader.next();  // what was rendered ahead of epoch 6 must not leak
  const auto rest = epoch_of(loader, 1, 5);
  expect_same({whole.begin() + 5, whole.end()}, rest);
  EXPECT_TRUE(epoch_of(loader, 1, 8).empty());
}

TEST(TrainLoader, GivesStoredVariantsTheSameBitsAsTheOnlineSetOfTheirKey) {
  const auto set = random_set(51, 16, 3);
  auto options = small_options();
  std::vector<StoredVariant> variants;
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch)
    variants.push_back(make_variant(set, options.strong, options.seed, epoch));
  auto stored = options;
  stored.mode = AmbiguousMode::stored;
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    expect_same(epoch_of(set, options, epoch), epoch_of(set, stored, epoch, {}, &variants));
  }
}

TEST(TrainLoader, GivesStoredVariantsOverAgainInAnotherOrderWithFreshWeakViews) {
  const auto set = random_set(48, 8, 1);
  auto options = small_options();
  options.mode = AmbiguousMode::stored;
  const std::vector<StoredVariant> variants = {make_variant(set, options.strong, 21, 7),
                                               make_variant(set, options.strong, 21, 9)};
  const auto gather = [&](std::int64_t epoch) {
    std::vector<at::Tensor> weak, ambiguous, sample;
    for (const Batch& batch : epoch_of(set, options, epoch, {}, &variants)) {
      weak.push_back(batch.weak);
      ambiguous.push_back(batch.ambiguous);
      sample.push_back(batch.sample);
      for (std::int64_t row = 0; row < 12; ++row) {
        const auto& recipe = variants[static_cast<std::size_t>(epoch % 2)]
                                 .recipes[static_cast<std::size_t>(batch.sample[row].item<std::int64_t>())];
        EXPECT_EQ(recipe.partner, batch.sample[row ^ 1].item<std::int64_t>());
        EXPECT_EQ(recipe.lambda, batch.lambda[row].item<float>());
      }
    }
    const auto order = at::cat(sample).argsort();
    Batch all;
    all.weak = at::cat(weak).index_select(0, order);
    all.ambiguous = at::cat(ambiguous).index_select(0, order);
    all.sample = at::cat(sample);
    return all;
  };
  const auto first = gather(0), again = gather(2), other = gather(1);
  EXPECT_TRUE(same(first.ambiguous, again.ambiguous));
  EXPECT_FALSE(same(first.sample, again.sample));
  EXPECT_FALSE(same(first.weak, again.weak));
  EXPECT_FALSE(same(first.ambiguous, other.ambiguous));
}

TEST(TrainLoader, SplitsABatchIntoRunsOfWholePairs) {
  const auto set = random_set(48, 8, 1);
  auto options = small_options();
  options.strong.mix = Mix::cutmix;  // with every field of a batch
  const Batch batch = epoch_of(set, options, 0).front();
  for (const std::int64_t parts : {1, 2, 4, 6, 7}) {
    const std::vector<Batch> split_batch = split(batch, parts);
    ASSERT_EQ(split_batch.size(), static_cast<std::size_t>(std::min<std::int64_t>(parts, 6)));
    Batch joined = batch;
    const auto join = [&](at::Tensor Batch::*field) {
      std::vector<at::Tensor> rows;
      for (const Batch& part : split_batch) {
        rows.push_back(part.*field);
        EXPECT_EQ(rows.back().size(0) % 2, 0);
        EXPECT_LE(rows.back().size(0), 2 * ((6 + parts - 1) / parts));
      }
      joined.*field = at::cat(rows);
    };
    for (const auto field : {&Batch::weak, &Batch::ambiguous, &Batch::sample, &Batch::lambda, &Batch::weak_theta,
                             &Batch::ambiguous_theta, &Batch::box}) {
      join(field);
    }
    expect_same(joined, batch);
    EXPECT_EQ(split_batch.back().global_size, 12);
  }
}

TEST(TrainLoader, RefusesVariantsThatDoNotFit) {
  const auto set = random_set(48, 8, 1);
  auto options = small_options();
  options.mode = AmbiguousMode::stored;
  const auto error = [&](const SampleSet& train, const std::vector<StoredVariant>& variants) {
    return error_of([&] { TrainLoader(train, options, {}, &variants); });
  };
  const std::vector<StoredVariant> variants = {make_variant(set, {}, 1, 0)};
  EXPECT_EQ(error(set, variants), "no error");
  EXPECT_THAT(error(set, {}), HasSubstr("holds no stored variants"));
  auto relabelled = set;
  relabelled.labels[3] = 0;
  EXPECT_THAT(error(relabelled, variants), HasSubstr("other labels"));
  options.view_size = 16;
  EXPECT_THAT(error(set, variants), HasSubstr("8 pixels, training asks for 16"));
}

TEST(TrainLoader, RefusesBatchesThatCannotBeShared) {
  const auto set = random_set(48, 8, 1);
  const auto error = [&](std::int64_t batch, Shard shard = {}) {
    auto options = small_options();
    options.global_batch = batch;
    return error_of([&] { TrainLoader(set, options, shard); });
  };
  EXPECT_THAT(error(7), HasSubstr("train.batch 7 must be even"));
  EXPECT_THAT(error(0), HasSubstr("train.batch 0 must be even and at least 2"));
  EXPECT_THAT(error(50), HasSubstr("train.batch 50 is larger than the training set of 48"));
  EXPECT_THAT(error(4, {0, 3}),
              HasSubstr("train.batch 4 has 2 pairs for 3 ranks: use at most 2 ranks or a batch of at least 6"));
  EXPECT_EQ(error(48), "no error");
  EXPECT_EQ(error(6, {2, 3}), "no error");
}

TEST(TrainLoader, RethrowsWhatARendererThreadThrowsAtItsStep) {
  auto set = random_set(60, 8, 1);
  auto options = small_options();
  options.threads = 2;
  const EpochPlan plan(options.seed, 0, 0, set.labels, options.global_batch);
  // Only row 59 loses its image, so only its batch fails.
  std::int64_t bad_step = -1;
  for (std::int64_t step = 0; step < plan.steps(); ++step) {
    for (const Pair& pair : plan.batch(step)) bad_step = pair.first == 59 || pair.second == 59 ? step : bad_step;
  }
  const auto all = set.pixels.bytes();
  set.pixels = std::vector<std::uint8_t>(all.begin(), all.begin() + 59 * 64);
  TrainLoader loader(set, options, {});
  loader.start_epoch(0);
  for (std::int64_t step = 0; step < bad_step; ++step) EXPECT_EQ(loader.next().step, step);
  EXPECT_THROW(loader.next(), std::out_of_range);
  EXPECT_THROW(loader.next(), std::out_of_range);
  loader.start_epoch(0, bad_step + 1);
  for (std::int64_t step = bad_step + 1; step < loader.steps_per_epoch(); ++step) EXPECT_EQ(loader.next().step, step);
}

TEST(TrainLoader, StopsCleanlyInTheMiddleOfAnEpoch) {
  const auto set = random_set(240, 32, 1);
  auto options = small_options();
  options.threads = 3;
  for (int taken = 0; taken < 8; ++taken) {
    TrainLoader loader(set, options, {});
    if (taken > 0) loader.start_epoch(taken);
    for (int i = 1; i < taken; ++i) EXPECT_EQ(loader.next().step, i - 1);
  }
}

TEST(TrainLoader, RefusesToGoBeyondTheEpoch) {
  const auto set = random_set(24, 8, 1);
  TrainLoader loader(set, small_options(), {});
  EXPECT_THROW(loader.next(), std::logic_error);
  epoch_of(loader, 0);
  EXPECT_THROW(loader.next(), std::logic_error);
  EXPECT_THROW(loader.start_epoch(0, 3), std::out_of_range);
  EXPECT_THROW(loader.start_epoch(-1), std::out_of_range);
}

TEST(TrainLoader, CountsTheSecondsThatItWaitedOnce) {
  const auto set = random_set(24, 8, 1);
  TrainLoader loader(set, small_options(), {});
  epoch_of(loader, 0);
  EXPECT_GT(loader.take_wait_seconds(), 0);
  EXPECT_EQ(loader.take_wait_seconds(), 0);
}

TEST(PlainViews, AreTheNormalisedImages) {
  const auto set = random_set(5, 8, 3);
  const auto views = plain_views(set, 1, 4, 0, {0.4f, 0.2f});
  EXPECT_TRUE(views.is_contiguous(at::MemoryFormat::ChannelsLast));
  std::vector<float> expected(3 * set.image_bytes());
  normalise(set.pixels.bytes().subspan(set.image_bytes(), expected.size()), {0.4f, 0.2f}, expected);
  EXPECT_TRUE(at::equal(views, at::from_blob(expected.data(), {3, 8, 8, 3}).permute({0, 3, 1, 2})));
  EXPECT_EQ(plain_views(set, 2, 2, 0, {}).size(0), 0);
  EXPECT_THROW(plain_views(set, 2, 6, 0, {}), std::out_of_range);
}

// At half the size every view pixel lies amid four stored ones.
TEST(PlainViews, AtHalfTheSizeAverageFourPixels) {
  const auto set = random_set(1, 8, 1);
  const auto views = plain_views(set, 0, 1, 4, {0, 1});
  const auto image =
      at::from_blob(const_cast<std::uint8_t*>(set.pixels.bytes().data()), {1, 1, 8, 8}, at::kByte).to(at::kFloat);
  EXPECT_TRUE(at::allclose(views, at::round(at::avg_pool2d(image, 2)) / 255.0f, 0, 1e-6));
}

}  // namespace
}  // namespace penumbra::data
