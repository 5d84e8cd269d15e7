#include "data/probe.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/synth/synth.h"

namespace penumbra::data {
namespace {

// Noise of eight bits; with `separable` one quadrant of the picture is lit, which one tells the class.
SampleSet toy(std::uint32_t which, std::int64_t count, bool separable) {
  SampleSet set;
  set.info = {{"a", "b", "c", "d"}, {}, 8, 1, "toy", "given"};
  std::vector<std::uint8_t> pixels;
  Draws draws(9, Purpose::probe, which, 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::int32_t>(draws.below(4));
    for (int k = 0; k < 64; ++k) {
      const bool lit = separable && (k / 32) * 2 + (k % 8) / 4 == label;
      pixels.push_back(static_cast<std::uint8_t>(draws.below(120) + (lit ? 100 : 0)));
    }
    set.labels.push_back(label);
    set.ids.push_back(std::to_string(i));
  }
  set.pixels = std::move(pixels);
  return set;
}

TEST(LinearProbe, SolvesWhatIsLinearlySeparable) {
  const ProbeResult result = linear_probe(toy(0, 400, true), toy(1, 400, true));
  EXPECT_EQ(result.train_accuracy, 1);
  EXPECT_EQ(result.test_accuracy, 1);
}

TEST(LinearProbe, IsAtChanceWhereThereIsNothingToSee) {
  const ProbeResult result = linear_probe(toy(0, 800, false), toy(1, 1600, false));
  EXPECT_NEAR(result.test_accuracy, .25, 4 * std::sqrt(.25 * .75 / 1600));
}

TEST(LinearProbe, IsDeterministicAndRefusesSetsThatDoNotMatch) {
  const SampleSet train = toy(0, 200, true), test = toy(1, 200, false), other_classes = synthesise({}, 0, 200);
  EXPECT_EQ(linear_probe(train, test).test_accuracy, linear_probe(train, test).test_accuracy);
  EXPECT_THROW(linear_probe(train, SampleSet{}), std::invalid_argument);
  EXPECT_THROW(linear_probe(train, other_classes), std::invalid_argument);
}

TEST(LinearProbe, SeesLittleOfTheSyntheticTask) {
  const SampleSet train = synthesise({}, 0, 2048), test = synthesise({}, 2, 1024);
  const double reached = linear_probe(train, test).test_accuracy;
  EXPECT_LT(reached, .5 * label_ceiling(test));
  EXPECT_GT(reached, .15) << "chance is .125: some of a face is where it usually is";
}

}  // namespace
}  // namespace penumbra::data
