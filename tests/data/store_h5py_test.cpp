#include <cstdlib>

#include <gmock/gmock.h>

#include "store_testing.h"

namespace penumbra::data::testing {
namespace {

/// Exit status of tests/data/store_h5py.py under Debian's Python, which has h5py.
int python(const std::string& arguments) {
  const std::string script = std::string(PENUMBRA_SOURCE_DIR) + "/tests/data/store_h5py.py ";
  return std::system(("/usr/bin/python3 " + script + arguments).c_str());
}

TEST(StoreH5py, PlainH5pyFindsEveryDatasetAndAttribute) {
  const Folder folder;
  write_small_store(folder / "x.h5");
  EXPECT_EQ(python("check '" + (folder / "x.h5").string() + "'"), 0);
}

TEST(StoreH5py, SnippetsOfTheManualReadAndWriteStores) {
  const Folder folder;
  write_small_store(folder / "faces.h5");
  const std::string manual = std::string(PENUMBRA_SOURCE_DIR) + "/docs/data-format.md";
  ASSERT_EQ(python("snippets '" + manual + "' '" + folder.path().string() + "'"), 0);
  const StoreReader reader(folder / "mine.h5");
  EXPECT_THAT(reader.splits(), ::testing::ElementsAre("train"));
  EXPECT_THAT(reader.info().classes, ::testing::ElementsAre("calm", "glad"));
  const SampleSet set = reader.load("train");
  ASSERT_EQ(set.size(), 100);
  for (std::int64_t i = 0; i < set.size(); ++i) {
    EXPECT_EQ(set.labels[static_cast<std::size_t>(i)], i % 2);
    EXPECT_EQ(set.ids[static_cast<std::size_t>(i)], "face " + std::to_string(i));
  }
  EXPECT_TRUE(set.votes.empty());
}

}  // namespace
}  // namespace penumbra::data::testing
