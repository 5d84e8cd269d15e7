#include "trainer/evaluation/familiarity.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/trainer/tensor_testing.h"

namespace penumbra::trainer {
namespace {

/// Features on the unit circle, in degrees: what is farther along it is farther.
at::Tensor on_circle(const std::vector<double>& degrees) {
  at::Tensor features = at::empty({static_cast<std::int64_t>(degrees.size()), 2}, at::kFloat);
  for (std::size_t i = 0; i < degrees.size(); ++i) {
    const double angle = degrees[i] * std::numbers::pi / 180;
    features[static_cast<std::int64_t>(i)][0] = std::cos(angle);
    features[static_cast<std::int64_t>(i)][1] = std::sin(angle);
  }
  return features;
}

/// A hundred faces, a step apart. The tenth nearest other one of the i-th from an end is 10 - i steps away, of those
/// from the fifth on 5 steps.
Familiarity arc() {
  std::vector<double> degrees(100);
  std::iota(degrees.begin(), degrees.end(), 0);
  return Familiarity(on_circle(degrees));
}

TEST(Familiarity, IsTheShareOfFacesWhoseTenthNeighbourIsFarther) {
  // Their tenth nearest faces are 4.5, 6.5, 9.5 and 11 degrees away; 90 of the faces are at 5, two each at 6 to 10.
  const std::vector<double> shares = arc().of(on_circle({50.5, 2.5, -0.5, -2}));
  EXPECT_DOUBLE_EQ(shares[0], 1);
  EXPECT_DOUBLE_EQ(shares[1], 0.08);
  EXPECT_DOUBLE_EQ(shares[2], 0.02);
  EXPECT_DOUBLE_EQ(shares[3], 0);
}

TEST(Familiarity, DoesNotDependOnTheLengthOfFeatures) {
  const at::Tensor some = on_circle({50.5, 2.5, -0.5, -2});
  EXPECT_EQ(arc().of(7 * some), arc().of(some));
}

TEST(Familiarity, IsBelowAQuantileAsOftenAsItSays) {
  const Familiarity familiarity(testing::normal({2000, 16}, 1));
  const std::vector<double> shares = familiarity.of(testing::normal({2000, 16}, 2));
  for (const double quantile : {0.01, 0.1, 0.5, 0.9}) {
    const auto below = std::count_if(shares.begin(), shares.end(), [&](double share) { return share < quantile; });
    // Four standard deviations of the difference of two samples' shares.
    EXPECT_NEAR(static_cast<double>(below) / 2000, quantile, 4 * std::sqrt(2 * quantile * (1 - quantile) / 2000));
  }
}

TEST(Familiarity, OfWhatIsFarFromAllFacesIsZero) {
  at::Tensor faces = testing::normal({500, 8}, 3), others = testing::normal({50, 8}, 4);
  faces.select(1, 0).add_(20);
  others.select(1, 0).sub_(20);
  others[0].zero_();
  for (const double share : Familiarity(faces).of(others)) EXPECT_EQ(share, 0);
}

TEST(Familiarity, IsThatOfASlowReference) {
  const at::Tensor faces = testing::normal({40, 5}, 5), others = testing::normal({30, 5}, 6);
  const auto distance = [](const at::Tensor& a, const at::Tensor& b) {
    return (a / a.square().sum().sqrt() - b / b.square().sum().sqrt()).square().sum().item<double>();
  };
  const auto tenth = [&](const at::Tensor& face, std::int64_t without) {
    std::vector<double> all;
    for (std::int64_t i = 0; i < 40; ++i)
      if (i != without) all.push_back(distance(face, faces[i]));
    std::sort(all.begin(), all.end());
    return all[9];
  };
  std::vector<double> of_faces;
  for (std::int64_t i = 0; i < 40; ++i) of_faces.push_back(tenth(faces[i], i));
  const std::vector<double> shares = Familiarity(faces).of(others);
  for (std::int64_t row = 0; row < 30; ++row) {
    const double own = tenth(others[row], -1);
    const auto farther = std::count_if(of_faces.begin(), of_faces.end(), [&](double face) { return face > own; });
    EXPECT_DOUBLE_EQ(shares[static_cast<std::size_t>(row)], static_cast<double>(farther) / 40);
  }
}

TEST(Familiarity, TakesTwoFacesAndNoFewer) {
  const Familiarity two(on_circle({0, 10}));
  EXPECT_EQ(two.of(on_circle({5, 11, 21})), (std::vector<double>{1, 1, 0}));
  EXPECT_THROW(Familiarity(on_circle({0})), std::invalid_argument);
}

TEST(Familiarity, IsFoundAmongTheTensorsOfAFileAndTakenOut) {
  std::vector<comm::NamedTensor> tensors = arc().tensors();
  tensors.insert(tensors.begin() + 1, {"original.conv1.weight", at::ones({2})});
  const std::optional<Familiarity> found = Familiarity::take(tensors);
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors[0].name, "original.conv1.weight");
  const at::Tensor some = on_circle({50.5, 2.5, -0.5, -2});
  EXPECT_EQ(found.value().of(some), arc().of(some));
  EXPECT_FALSE(Familiarity::take(tensors));
}

TEST(Familiarity, RefusesTensorsThatDoNotBelongTogether) {
  std::vector<comm::NamedTensor> alone = {arc().tensors()[0]};
  EXPECT_THROW(Familiarity::take(alone), std::invalid_argument);
  std::vector<comm::NamedTensor> unequal = {arc().tensors()[0], {arc().tensors()[1].name, at::ones({3})}};
  EXPECT_THROW(Familiarity::take(unequal), std::invalid_argument);
  std::vector<comm::NamedTensor> whole = {arc().tensors()[0], {arc().tensors()[1].name, at::ones({100}, at::kLong)}};
  EXPECT_THROW(Familiarity::take(whole), std::invalid_argument);
}

}  // namespace
}  // namespace penumbra::trainer
