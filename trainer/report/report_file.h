#pragma once

#include <filesystem>
#include <string>

namespace penumbra::trainer {

/// A text file that gets its name, over an older one of it, once it is whole.
class ReportFile {
 public:
  /// Claims room beside `path`, so that a place that cannot be written to is known before any work. Throws
  /// data::DataError.
  explicit ReportFile(std::filesystem::path path);
  ~ReportFile();  ///< what was not committed leaves nothing behind
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;

  /// Writes all of it. Throws data::DataError. Once.
  void commit(const std::string& text);

 private:
  std::filesystem::path path_, partial_;
};

}  // namespace penumbra::trainer
