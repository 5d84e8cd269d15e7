#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/error.h"
#include "tests/trainer/measures_testing.h"
#include "trainer/report/gallery_choice.h"
#include "trainer/report/page.h"
#include "trainer/report/report_file.h"
#include "trainer/report/training_log.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Reports : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  TrainingLog log_of(const std::string& text) const {
    std::ofstream(folder_ / "metrics.jsonl") << text;
    return TrainingLog(folder_ / "metrics.jsonl");
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / ("report-" + std::to_string(::getpid()));
};

std::vector<std::pair<double, double>> pairs(const std::vector<Point>& points) {
  std::vector<std::pair<double, double>> out;
  for (const Point& point : points) out.emplace_back(point.x, point.y);
  return out;
}

using Pairs = std::vector<std::pair<double, double>>;

TEST_F(Reports, LogIsReadOverTheEpochsDone) {
  const TrainingLog log = log_of(R"({"kind":"train","epoch":0,"step":2,"loss":3.0,"step_seconds":0.5}
{"kind":"train","epoch":0,"step":4,"loss":null,"step_seconds":0.5}
{"kind":"validation","epoch":0,"accuracy":0.25}
{"kind":"tuning","threads":2}
{"kind":"train","epoch":1,"step":4,"loss":1.0,"step_seconds":2}
)");
  EXPECT_EQ(pairs(log.values("train", "loss")), (Pairs{{0.5, 3}, {2, 1}}));
  EXPECT_EQ(pairs(log.values("validation", "accuracy")), (Pairs{{1, 0.25}}));
  EXPECT_TRUE(log.values("train", "unknown").empty());
  EXPECT_DOUBLE_EQ(log.seconds().value(), 2 * 0.5 + 2 * 0.5 + 4 * 2);
}

TEST_F(Reports, LogThatIsNotThereIsEmpty) {
  const TrainingLog log(folder_ / "none.jsonl");
  EXPECT_TRUE(log.values("train", "loss").empty());
  EXPECT_FALSE(log.seconds());
}

TEST_F(Reports, LogThatIsDamagedIsNamedWithItsLine) {
  for (const char* bad : {"{\"kind\":\"train\"}\n{\"kind\":", "{}\n[1, 2]\n", "{}\n\xff\n"}) {
    try {
      log_of(bad);
      FAIL() << bad;
    } catch (const data::DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("metrics.jsonl: line 2"));
    }
  }
}

TEST_F(Reports, FileAppearsWhenItIsWholeAndReplacesAnOlderOne) {
  const fs::path path = folder_ / "report.html";
  { const ReportFile given_up(path); }
  EXPECT_TRUE(fs::is_empty(folder_));
  for (const std::string text : {"first", "second"}) {
    ReportFile file(path);
    file.commit(text);
    std::ifstream written(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(written), {}), text);
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
  EXPECT_THROW(ReportFile{folder_}, data::DataError);
  EXPECT_THROW(ReportFile{folder_ / "none" / "report.html"}, data::DataError);
}

TEST(GalleryChoice, IsThatOfASort) {
  const Measured faces = random_measured(90, 4, 8);
  const FaceColumns columns(faces.posterior, faces.set);
  std::vector<double> entropy(90), confidence(90);
  for (std::size_t i = 0; i < 90; ++i) {
    const auto row = std::span(faces.posterior).subspan(i * 4, 4);
    for (const float p : row) entropy[i] -= p > 0 ? p * std::log(static_cast<double>(p)) : 0;
    confidence[i] = *std::max_element(row.begin(), row.end());
  }
  const auto sorted = [&](const auto& before) {
    std::vector<std::int64_t> rows(90);
    std::iota(rows.begin(), rows.end(), 0);
    std::stable_sort(rows.begin(), rows.end(), before);
    return rows;
  };
  const auto first = [](std::vector<std::int64_t> rows, std::size_t count) {
    rows.resize(std::min(rows.size(), count));
    return rows;
  };
  const GalleryChoice choice = choose_faces(columns, 12);
  EXPECT_EQ(choice.least_uncertain, first(sorted([&](auto a, auto b) { return entropy[a] < entropy[b]; }), 12));
  EXPECT_EQ(choice.most_uncertain, first(sorted([&](auto a, auto b) { return entropy[a] > entropy[b]; }), 12));
  auto wrong = sorted([&](auto a, auto b) { return confidence[a] > confidence[b]; });
  std::erase_if(wrong, [&](std::int64_t row) { return columns.wrong[row] == 0; });
  EXPECT_EQ(choice.confidently_wrong, first(wrong, 12));
  EXPECT_EQ(choose_faces(columns, 1000).most_uncertain.size(), 90U);
  EXPECT_EQ(choose_faces(columns, 1000).confidently_wrong.size(), wrong.size());
}

constexpr const char* kEvil = "<script>alert(\"x\")</script>";

/// Of two methods with two runs of one and a run of the other, whose every text is hostile.
Report hostile_report() {
  const Measured faces = random_measured(60, 3, 4);
  Report report;
  report.files = {kEvil};
  report.classes = {kEvil, "b", "c"};
  report.split = report.source = report.label_rule = kEvil;
  report.labels.assign(faces.set.labels.begin(), faces.set.labels.end());
  report.human = vote_distribution(faces.set);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const std::vector<float> posterior = random_posterior(faces.set, 0.5, seed);
    ReportedRun run;
    run.name = run.folder = run.trained_as = run.host = run.version = kEvil;
    run.method = seed / 3;
    run.config = {{"run.seed", std::to_string(seed)}, {"net.width", kEvil + std::to_string(seed / 3)}};
    run.posterior = posterior;
    const ReportedFace face{kEvil, 0, 1, {1, 0, 0}, {0.5, 0.25, 0.25}, 1, 0.5, "QUJD"};
    run.galleries.push_back({"Most uncertain", {face}});
    report.plain.emplace_back(posterior, faces.set);
    report.calibrated.emplace_back(posterior, faces.set);
    run.intervals = run.calibrated_intervals = measure_intervals(report.plain.back(), {20, 1, 1});
    report.runs.push_back(std::move(run));
  }
  report.methods = {{kEvil, 0, 2, {}, {}}, {kEvil, 2, 1, {}, {}}};
  const auto all = std::span(report.plain);
  report.methods[1].differences = report.methods[1].calibrated_differences =
      compare_runs(all.subspan(2), all.first(2), {20, 1, 1});
  return report;
}

TEST(Page, EscapesWhatFilesSay) {
  const std::string html = page(hostile_report());
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"));
}

TEST(Page, AsksForNothingElse) {
  const std::string html = page(hostile_report());
  for (const char* outside : {"http:", "https:", "url(", "@import", "src=\"/", "<link", "<iframe"})
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  EXPECT_THAT(html, HasSubstr("default-src &#39;none&#39;"));
  EXPECT_THAT(html, HasSubstr("src=\"data:image/png;base64,QUJD\""));
}

TEST(Page, IsTheSameEachTime) { EXPECT_EQ(page(hostile_report()), page(hostile_report())); }

TEST(Page, HasNoPictureWhereNoFaceIsToBeShown) {
  Report report = hostile_report();
  report.shows_faces = false;
  for (ReportedRun& run : report.runs) run.galleries[0].faces[0].picture.clear();
  const std::string html = page(report);
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("data:image")));
  EXPECT_THAT(html, HasSubstr("entropy 1.000, disagreement 0.500"));
}

TEST(Page, SaysWhichKeysDiffer) {
  const std::string html = page(hostile_report());
  EXPECT_THAT(html, HasSubstr("<code>net.width</code>"));
  Report report = hostile_report();
  for (ReportedRun& run : report.runs) run.config[1].second = "64";
  EXPECT_THAT(page(report), Not(HasSubstr("<code>net.width</code>")));
}

}  // namespace
}  // namespace penumbra::trainer
