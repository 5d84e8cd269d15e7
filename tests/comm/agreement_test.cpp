#include "comm/agreement.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penumbra::comm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(FirstDifference, IsEmptyForEqualTextsOnly) {
  EXPECT_EQ(first_difference("", ""), "");
  EXPECT_EQ(first_difference("a\nb\n", "a\nb\n"), "");
  EXPECT_NE(first_difference("a\nb", "a\nb\n"), "");
  EXPECT_NE(first_difference("a\n", "a\n\n"), "");
  EXPECT_NE(first_difference("", "a"), "");
  EXPECT_NE(first_difference("a", ""), "");
}

TEST(FirstDifference, QuotesTheFirstLineThatDiffers) {
  EXPECT_EQ(first_difference("a\nseed = 1\nc\n", "a\nseed = 2\nd\n"), "has 'seed = 1' where rank 0 has 'seed = 2'");
  EXPECT_EQ(first_difference("a\n", "a\nb\n"), "has nothing more where rank 0 has 'b'");
  EXPECT_EQ(first_difference("a\nb\n", "a\n"), "has 'b' where rank 0 has nothing more");
}

TEST(FirstDifference, CutsLongLines) {
  EXPECT_LT(first_difference(std::string(100'000, 'x'), std::string(100'000, 'y')).size(), 300U);
}

TEST(FirstDifference, IsOneLine) { EXPECT_THAT(first_difference("a\nb\nc", "x\ny\nz"), Not(HasSubstr("\n"))); }

TEST(Disagreement, NamesAllRanksThatDifferAndShowsTheFirst) {
  EXPECT_THAT(disagreement("configuration", {"", "", "has 'x' where rank 0 has 'y'", ""}),
              HasSubstr("the configuration of rank 2 differs from rank 0's: rank 2 has 'x' where rank 0 has 'y'"));
  EXPECT_THAT(disagreement("training data", {"", "has 'x' where rank 0 has 'y'", "", "has 'z' where rank 0 has 'y'"}),
              HasSubstr("the training data of ranks 1, 3 differs from rank 0's: rank 1 has 'x' where"));
}

}  // namespace
}  // namespace penumbra::comm
