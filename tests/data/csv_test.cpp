#include "data/import/csv.h"

#include <gmock/gmock.h>

#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Csv : public ::testing::Test {
 protected:
  CsvReader open(const std::string& text) {
    write_bytes(file_, text);
    return CsvReader(file_);
  }
  std::vector<CsvRow> rows(const std::string& text) {
    CsvReader csv = open(text);
    std::vector<CsvRow> found;
    for (CsvRow row; csv.next(row);) found.push_back(row);
    return found;
  }
  std::string error(const std::string& text) {
    return complaint([&] { rows(text); });
  }
  Folder folder_;
  std::filesystem::path file_ = folder_ / "table.csv";
};

TEST_F(Csv, RowsHaveTheirLinesWhateverTheLineEnd) {
  for (const std::string& text : {std::string("a,b\n1,2\n\n3,\n"), std::string("a,b\r\n1,2\r\n\r\n3,\r\n"),
                                  std::string("\xef\xbb\xbf"
                                              "a,b\n1,2\n\n3,")}) {
    EXPECT_THAT(open(text).header(), ElementsAre("a", "b"));
    const auto found = rows(text);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].line, 2);
    EXPECT_THAT(found[0].fields, ElementsAre("1", "2"));
    EXPECT_EQ(found[1].line, 4);
    EXPECT_THAT(found[1].fields, ElementsAre("3", ""));
  }
}

TEST_F(Csv, QuotedFieldsHoldCommasAndQuotes) {
  const auto found = rows("a,\"b,c\",d\n\"x,y\",\"say \"\"hi\"\"\",\"\"\n\"\"\"\",2,\",\"\n");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(found[0].fields, ElementsAre("x,y", "say \"hi\"", ""));
  EXPECT_THAT(found[1].fields, ElementsAre("\"", "2", ","));
  EXPECT_EQ(open("a,\"b,c\",d\n").column("b,c"), 1u);
}

TEST_F(Csv, MalformedRowsNameFileAndLine) {
  const std::string at = file_.string();
  EXPECT_THAT(error("a,b\n1,2\n3\n"), HasSubstr(at + ":3: 1 fields, but the header has 2"));
  EXPECT_THAT(error("a,b\n1,2,3\n"), HasSubstr(at + ":2: 3 fields, but the header has 2"));
  EXPECT_THAT(error("a,b\n\"1,2\n"), HasSubstr(at + ":2: a quoted field is not closed"));
  EXPECT_THAT(error("a,b\n1\"x\",2\n"), HasSubstr(at + ":2: a quote inside"));
  EXPECT_THAT(error("a,b\n\"1\"x,2\n"), HasSubstr(at + ":2: text after the closing quote"));
  EXPECT_THAT(error("a,a\n"), HasSubstr(at + ":1: two columns"));
  EXPECT_THAT(error(""), HasSubstr(at + ":1: the table is empty"));
  EXPECT_THAT(complaint([&] { CsvReader(folder_ / "none.csv"); }), HasSubstr("none.csv: no such file"));
}

TEST_F(Csv, ColumnsAndNumbersAreChecked) {
  CsvReader csv = open("a,b\n7,x\n");
  EXPECT_EQ(csv.column("b"), 1u);
  EXPECT_THAT(complaint([&] { csv.column("c"); }), HasSubstr(":1: the header has no column \"c\""));
  CsvRow row;
  ASSERT_TRUE(csv.next(row));
  EXPECT_EQ(csv.integer(row, 0, 0, 7), 7);
  EXPECT_THAT(complaint([&] { csv.integer(row, 0, 0, 6); }), HasSubstr(":2: a is \"7\", expected a whole number"));
  for (const std::string text : {"x", "", " 1", "1 ", "1.0", "-1", "99999999999999999999", "0x1"}) {
    row.fields[1] = text;
    EXPECT_THAT(complaint([&] { csv.integer(row, 1, 0, 9); }), HasSubstr(":2: b is \"" + text + "\"")) << text;
  }
}

}  // namespace
}  // namespace penumbra::data::testing
