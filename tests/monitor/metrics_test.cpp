#include "monitor/metrics.h"

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "monitor/own_metrics.h"

namespace penumbra::monitor {
namespace {

TEST(Metrics, AreListedInTheOrderOfTheirNumbers) {
  for (std::size_t i = 0; i < descriptions().size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(descriptions()[i].metric), i) << descriptions()[i].name;
  EXPECT_EQ(static_cast<std::size_t>(Metric::gpu_temperature) + 1, descriptions().size());
  for (std::size_t i = 0; i < own_descriptions().size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(own_descriptions()[i].metric), i);
}

TEST(Metrics, FollowPrometheusConventions) {
  std::set<std::string> names;
  const std::regex name("penumbra_[a-z][a-z0-9_]*"), label("[a-z][a-z0-9_]*");
  const auto check = [&](std::string_view text, MetricType type, const std::vector<std::string_view>& labels) {
    EXPECT_TRUE(names.insert(std::string(text)).second) << text << " twice";
    EXPECT_TRUE(std::regex_match(std::string(text), name)) << text;
    EXPECT_EQ(type == MetricType::counter, text.ends_with("_total")) << text;
    for (const std::string_view unit : {"_ms", "_milliseconds", "_minutes", "_mib", "_percent"})
      EXPECT_FALSE(text.ends_with(unit)) << text;
    for (const auto& word : labels) EXPECT_TRUE(std::regex_match(std::string(word), label)) << word;
  };
  for (const Description& d : descriptions()) {
    check(d.name, d.type, d.labels);
    EXPECT_EQ(find_metric(d.name), &d);
  }
  for (const OwnDescription& d : own_descriptions()) check(d.name, d.type, d.labels);
  EXPECT_EQ(find_metric("penumbra_loss_"), nullptr);
}

TEST(Metrics, AreWhatTheManualSays) {
  std::ifstream file(std::string(PENUMBRA_SOURCE_DIR) + "/docs/metrics.md");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(manual.find(metric_reference()), std::string::npos)
      << "docs/metrics.md differs from `penumbra monitor --reference`";
}

}  // namespace
}  // namespace penumbra::monitor
