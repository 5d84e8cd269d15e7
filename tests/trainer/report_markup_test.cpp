#include <gtest/gtest.h>

#include "trainer/report/markup.h"
#include "trainer/report/run_names.h"

namespace penumbra::trainer {
namespace {

TEST(Markup, ClosesWhatItOpens) {
  Element list("ul", {{"class", "a"}});
  list.add({"li", {}, "one"}).add(Element("li").add({"b", {}, "two"}).add_text(", three"));
  EXPECT_EQ(list.to_string(), "<ul class=\"a\"><li>one</li><li><b>two</b>, three</li></ul>");
  EXPECT_EQ(Element("td").to_string(), "<td></td>");
}

TEST(Markup, NothingThatIsSaidBecomesMarkup) {
  const std::string evil = "<script>'\"&amp;";
  EXPECT_EQ(escaped(evil), "&lt;script&gt;&#39;&quot;&amp;amp;");
  EXPECT_EQ(Element("p", {{"title", evil}}, evil).to_string(),
            "<p title=\"&lt;script&gt;&#39;&quot;&amp;amp;\">&lt;script&gt;&#39;&quot;&amp;amp;</p>");
}

TEST(Markup, FollowsHtmlWhereElementsHaveNoEndOrRawText) {
  EXPECT_EQ(Element("meta", {{"charset", "utf-8"}}).to_string(), "<meta charset=\"utf-8\">");
  EXPECT_EQ(Element("style", {}, "a > b {}").to_string(), "<style>a > b {}</style>");
}

using Names = std::vector<std::string>;

TEST(RunNames, LeaveOutTheParentsThatAllShare) {
  EXPECT_EQ(run_names(Names{"runs/study/full/seed-1", "runs/study/ce/seed-1/"}), (Names{"full/seed-1", "ce/seed-1"}));
  EXPECT_EQ(run_names(Names{"runs/mine"}), (Names{"mine"}));
  EXPECT_EQ(run_names(Names{"/a/b", "/a/b/"}), (Names{"b", "b"}));
  EXPECT_EQ(run_names(Names{"./a", "b"}), (Names{"a", "b"}));
  EXPECT_EQ(run_names(Names{"a", "a/b"}), (Names{"a", "a/b"}));
}

TEST(MethodName, IsWhatItsRunsShareButTheSeed) {
  EXPECT_EQ(method_name(Names{"full/seed-1"}), "full/seed-1");
  EXPECT_EQ(method_name(Names{"full/seed-1", "full/seed-2"}), "full");
  EXPECT_EQ(method_name(Names{"full/seed-10", "full/seed-11"}), "full");
  EXPECT_EQ(method_name(Names{"run-1", "run-2"}), "run");
  EXPECT_EQ(method_name(Names{"seed-1", "seed-2"}), "");
  EXPECT_EQ(method_name(Names{"one", "two"}), "");
}

}  // namespace
}  // namespace penumbra::trainer
