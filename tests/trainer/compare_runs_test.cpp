#include "trainer/evaluation/compare_runs.h"

#include <algorithm>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/trainer/measures_testing.h"

namespace penumbra::trainer {
namespace {

Difference find(const std::vector<Difference>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [name](const Difference& d) { return d.name == name; });
  if (found == all.end()) throw std::out_of_range(std::string(name));
  return *found;
}

FaceColumns run_of(const Measured& faces, double skill, std::uint64_t seed) {
  return {random_posterior(faces.set, skill, seed), faces.set, faces.bank};
}

TEST(CompareRuns, ARunDoesNotDifferFromItself) {
  const Measured faces = random_measured(100, 4, 1);
  const std::vector<FaceColumns> run{faces.columns()};
  for (const Difference& d : compare_runs(run, run, {100, 1, 1})) {
    EXPECT_EQ(d.difference, 0) << d.name;
    EXPECT_EQ(d.interval.low, 0) << d.name;
    EXPECT_EQ(d.interval.high, 0) << d.name;
    EXPECT_EQ(d.p, 1) << d.name;
  }
}

TEST(CompareRuns, EqualsDifferencesOfTheResampledFacesWrittenOut) {
  const Measured faces = random_measured(90, 4, 2);
  const Measured other{faces.set, random_posterior(faces.set, 0.8, 77), random_measured(90, 4, 3).bank};
  const std::vector<FaceColumns> a{faces.columns()};
  const std::vector<FaceColumns> b{other.columns()};
  const auto compared = compare_runs(a, b, {60, 5, 2});
  std::vector<std::vector<double>> expected(compared.size());
  for (std::uint32_t r = 0; r < 60; ++r) {
    const auto rows = drawn_rows(90, r, 5);
    const Measured of_a = taken(faces, rows), of_b = taken(other, rows);
    const auto ma = scalars(measure(of_a.columns())), mb = scalars(measure(of_b.columns()));
    for (std::size_t k = 0; k < ma.size(); ++k) expected[k].push_back(ma[k].value - mb[k].value);
  }
  const auto ma = scalars(measure(a[0])), mb = scalars(measure(b[0]));
  for (std::size_t k = 0; k < compared.size(); ++k) {
    const ConfidenceInterval interval = percentile_interval(expected[k]);
    EXPECT_EQ(compared[k].a, ma[k].value);
    EXPECT_EQ(compared[k].b, mb[k].value);
    EXPECT_EQ(compared[k].difference, ma[k].value - mb[k].value);
    EXPECT_NEAR(compared[k].interval.low, interval.low, 1e-12) << compared[k].name;
    EXPECT_NEAR(compared[k].interval.high, interval.high, 1e-12) << compared[k].name;
  }
}

TEST(CompareRuns, PairingTakesOutWhatBothFindHard) {
  // B is A but for one face that it gets wrong: hardly any of the faces' own variance is left.
  const Measured faces = random_measured(400, 4, 3);
  Measured other = faces;
  for (std::size_t c = 0; c < 4; ++c) other.posterior[c] = 0.25F;
  const std::vector<FaceColumns> a{faces.columns()};
  const std::vector<FaceColumns> b{other.columns()};
  const ConfidenceInterval interval = find(compare_runs(a, b, {300, 1, 1}), "nll").interval;
  EXPECT_LT(interval.high - interval.low, 0.02);
}

TEST(CompareRuns, UnderTheNullThePValueIsHalfOnTheMeanAndSmallAsOftenAsItSays) {
  constexpr int kRepeats = 200;
  double sum = 0, small = 0;
  for (std::uint64_t repeat = 0; repeat < kRepeats; ++repeat) {
    const Measured faces = random_measured(150, 3, 1000 + repeat);
    const std::vector<FaceColumns> a{run_of(faces, 0.6, 5000 + repeat)};
    const std::vector<FaceColumns> b{run_of(faces, 0.6, 9000 + repeat)};
    const double p = find(compare_runs(a, b, {200, 1, 1}), "brier").p;
    sum += p;
    small += p < 0.2;
  }
  EXPECT_NEAR(sum / kRepeats, 0.5, 0.08);    // four standard errors
  EXPECT_NEAR(small / kRepeats, 0.2, 0.12);  // likewise
}

TEST(CompareRuns, SeesATrueDifferenceAndSaysWhichSideIsBetter) {
  const Measured faces = random_measured(500, 4, 4);
  const std::vector<FaceColumns> a{run_of(faces, 0.8, 1)}, b{run_of(faces, 0.5, 2)};
  const auto compared = compare_runs(a, b, {});
  EXPECT_LT(find(compared, "accuracy").p, 0.01);
  EXPECT_GT(find(compared, "accuracy").interval.low, 0.1);
  EXPECT_LT(find(compared, "nll").interval.high, 0);
  const auto turned = compare_runs(b, a, {});
  EXPECT_DOUBLE_EQ(find(turned, "accuracy").interval.high, -find(compared, "accuracy").interval.low);
}

TEST(CompareRuns, SeedsThatDifferWidenTheInterval) {
  const Measured faces = random_measured(300, 4, 5);
  const std::vector<FaceColumns> unequal{run_of(faces, 0.95, 1), run_of(faces, 0.2, 2)};
  const std::vector<FaceColumns> equal{run_of(faces, 0.6, 3), run_of(faces, 0.6, 4)};
  const Difference d = find(compare_runs(unequal, equal, {400, 1, 1}), "accuracy");
  EXPECT_DOUBLE_EQ(d.a, (measure(unequal[0]).accuracy + measure(unequal[1]).accuracy) / 2);
  // One resample in four takes the better seed twice, one the worse one.
  EXPECT_GT(d.interval.high, measure(unequal[0]).accuracy - d.b - 0.1);
  EXPECT_LT(d.interval.low, measure(unequal[1]).accuracy - d.b + 0.1);
  EXPECT_GT(d.p, 0.2);
}

TEST(CompareRuns, DoesNotDependOnThreads) {
  const Measured faces = random_measured(100, 3, 6);
  const std::vector<FaceColumns> a{run_of(faces, 0.7, 1), run_of(faces, 0.6, 2)};
  const std::vector<FaceColumns> b{run_of(faces, 0.5, 3)};
  const auto alone = compare_runs(a, b, {50, 1, 1}), together = compare_runs(a, b, {50, 1, 3});
  for (std::size_t k = 0; k < alone.size(); ++k) {
    EXPECT_EQ(alone[k].interval.low, together[k].interval.low);
    EXPECT_EQ(alone[k].p, together[k].p);
  }
}

TEST(CompareRuns, RefusesRunsOfDifferentFaces) {
  const Measured one = random_measured(50, 3, 7), other = random_measured(50, 3, 8);
  const std::vector<FaceColumns> a{one.columns()}, b{other.columns()};
  EXPECT_THROW(compare_runs(a, b, {}), std::invalid_argument);
  EXPECT_THROW(compare_runs(a, {}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::trainer
