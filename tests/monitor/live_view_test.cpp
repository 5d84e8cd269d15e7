#include "monitor/live_view.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace penumbra::monitor {
namespace {

using testing::HasSubstr;
using testing::Not;

RunView run() {
  RunView view;
  view.name = "runs/a";
  view.ranks = 2;
  view.incarnation = 1;
  view.details = {{"device", "cpu"}, {"method", "full"}};
  view.values = {{Metric::progress, {}, 0.25},
                 {Metric::epoch, {}, 3},
                 {Metric::step, {}, 1200},
                 {Metric::eta, {}, 3725},
                 {Metric::loss, {"total"}, 1.5},
                 {Metric::loss, {"attention"}, 0.125},
                 {Metric::uncertainty_mean, {"original"}, 0.4},
                 {Metric::lateness, {"0"}, 0.001},
                 {Metric::lateness, {"1"}, 0.25},
                 {Metric::checkpoints, {}, 2},
                 {Metric::checkpoint_time, {}, 1000},
                 {Metric::checkpoint_bytes, {}, 3 << 20},
                 {Metric::failed_checkpoints, {}, 1}};
  view.history = {{Metric::loss, {"total"}, {3, 2, 1}}};
  view.members = {{0, "node0", true, false, 0.5, 0, 0, {{Metric::resident_memory, {}, 7}}},
                  {1, "node1", false, false, 63, 0, 0, {}}};
  return view;
}

TEST(LiveView, TellsHowARunIs) {
  const std::string text = live_view({run()}, 1090);
  EXPECT_THAT(text, HasSubstr("runs/a  running  2 ranks on cpu  full  restarts 1"));
  EXPECT_THAT(text, HasSubstr("25.0 %  epoch 3.00  step 1200  eta 1:02:05"));
  EXPECT_THAT(text, HasSubstr("loss         1.5000 █▅▁  attention 0.125"));
  EXPECT_THAT(text, HasSubstr("late ranks   1 250.0 ms  0 1.0 ms"));
  EXPECT_THAT(text, HasSubstr("SILENT       rank 1 on node1 for 1:03"));
  EXPECT_THAT(text, HasSubstr("checkpoints  2  the last 1:30 ago, 3.0 MiB  FAILED 1"));
  EXPECT_THAT(text, Not(HasSubstr("accuracy"))) << "nothing is known of it";
}

TEST(LiveView, SaysThatThereIsNothing) { EXPECT_EQ(live_view({}, 0), "no runs\n"); }

TEST(LiveView, JsonHasEveryValue) {
  const auto json = nlohmann::json::parse(to_json({run()}));
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["run"], "runs/a");
  EXPECT_EQ(json[0]["values"].size(), 13U);
  EXPECT_EQ(json[0]["values"][4]["metric"], "penumbra_loss");
  EXPECT_EQ(json[0]["values"][4]["labels"]["term"], "total");
  EXPECT_EQ(json[0]["members"][0]["values"][0]["value"], 7);
  EXPECT_FALSE(json[0]["members"][1]["up"]);
}

TEST(Sparkline, ScalesToItsOwnRange) {
  EXPECT_EQ(sparkline({0, 7, 3.5}), "▁█▅");
  EXPECT_EQ(sparkline({2, 2}), "▁▁");
  EXPECT_EQ(sparkline({1}), "");
  EXPECT_EQ(sparkline({2, 3, 50, std::nan(""), 2.5, 2.6}), "▁▁█?▁▁");
}

}  // namespace
}  // namespace penumbra::monitor
