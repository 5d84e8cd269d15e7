#include "monitor/event_file.h"

#include <cstring>
#include <iterator>

#include <gtest/gtest.h>
#include <unistd.h>

#include "monitor/proto/tensorboard.pb.h"

namespace penumbra::monitor {
namespace {

/// CRC-32C bit by bit, then TFRecord's mask.
std::uint32_t masked_checksum(const std::string& bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

template <typename Number>
Number number_at(const std::string& bytes, std::size_t at) {
  Number number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

class Events : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// Every record of the only file, its checksums checked.
  std::vector<tensorboard::Event> read() {
    std::ifstream file(std::filesystem::directory_iterator(folder_)->path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<tensorboard::Event> events;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto length = number_at<std::uint64_t>(bytes, at);
      EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 8), masked_checksum(bytes.substr(at, 8)));
      const std::string record = bytes.substr(at + 12, length);
      EXPECT_EQ(number_at<std::uint32_t>(bytes, at + 12 + length), masked_checksum(record));
      events.emplace_back();
      EXPECT_TRUE(events.back().ParseFromString(record));
      at += 16 + length;
    }
    return events;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("penumbra-events-" + std::to_string(getpid()));
};

TEST_F(Events, ScalarsComeBackAsTensorBoardReadsThem) {
  EventFile file(folder_, "node");
  file.add(7, {{Metric::loss, {"total"}, 1.5},
               {Metric::steps, {}, 7},            // a counter
               {Metric::resident_memory, {}, 3},  // of a rank
               {Metric::uncertainty_mean, {"original"}, 0.25}});
  file.add(8, {{Metric::loss, {"total"}, 1.25}});
  file.add(9, {{Metric::steps, {}, 9}});
  const auto events = read();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].step(), 7);
  ASSERT_EQ(events[1].summary().value_size(), 2);
  EXPECT_EQ(events[1].summary().value(0).tag(), "loss/total");
  EXPECT_EQ(events[1].summary().value(0).simple_value(), 1.5F);
  EXPECT_EQ(events[1].summary().value(1).tag(), "uncertainty_mean/original");
  EXPECT_EQ(events[2].summary().value(0).simple_value(), 1.25F);
  EXPECT_GT(events[2].wall_time(), 1.6e9);
}

TEST_F(Events, AFolderThatIsNotThereIsSaid) { EXPECT_THROW(EventFile(folder_ / "no", "node"), std::runtime_error); }

}  // namespace
}  // namespace penumbra::monitor
