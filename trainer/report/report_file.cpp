#include "trainer/report/report_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include "data/error.h"
#include "data/store/durable.h"

namespace penumbra::trainer {

ReportFile::ReportFile(std::filesystem::path path) : path_(std::move(path)), partial_(data::create_partial(path_)) {}

ReportFile::~ReportFile() {
  std::error_code ignored;
  if (!partial_.empty()) std::filesystem::remove(partial_, ignored);
}

void ReportFile::commit(const std::string& text) {
  std::ofstream file(partial_, std::ios::binary);
  file << text << std::flush;
  if (!file) throw data::DataError(data::write_failure(path_, std::strerror(errno)));
  file.close();
  data::publish(partial_, path_);
  partial_.clear();
}

}  // namespace penumbra::trainer
