#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace penumbra::comm::testing {

/// A test with a folder like /sys/fs/cgroup that holds what it writes there.
class WithControlGroups : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (std::filesystem::path(::testing::TempDir()) / "cgroups-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::filesystem::path& file, const std::string& text) const {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  std::filesystem::path root_;
};

}  // namespace penumbra::comm::testing
