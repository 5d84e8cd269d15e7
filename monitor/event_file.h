#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

#include "monitor/sample.h"

namespace penumbra::monitor {

/// Scalars for TensorBoard: a file of its records (TFRecord with CRC-32C), flushed after each call.
class EventFile {
 public:
  /// FOLDER/events.out.tfevents.SECONDS.HOST. Throws std::runtime_error where it cannot be created.
  EventFile(const std::filesystem::path& folder, const std::string& host);

  /// Gauges of the run as a whole; others are left out. The tag is the metric's name without "penumbra_", then its
  /// labels. Throws std::runtime_error where the disk refuses it.
  void add(std::int64_t step, const std::vector<Value>& values);

 private:
  void write(const std::string& record);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace penumbra::monitor
