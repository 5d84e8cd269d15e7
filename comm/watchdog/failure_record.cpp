#include <chrono>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "comm/watchdog/watchdog.h"

namespace penumbra::comm {
namespace {

nlohmann::json to_json(const FlightEntry& entry) {
  nlohmann::json out = {
      {"sequence", entry.sequence}, {"name", entry.name}, {"bytes", entry.bytes}, {"enqueued", entry.enqueued}};
  out["started"] = entry.started < 0 ? nlohmann::json() : nlohmann::json(entry.started);
  out["ended"] = entry.ended < 0 ? nlohmann::json() : nlohmann::json(entry.ended);
  return out;
}

nlohmann::json to_json(const Member& self, const Verdict& verdict, const FlightRecorder& recorder) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const Progress progress = recorder.progress();
  nlohmann::json out = {{"rank", verdict.rank},
                        {"host", verdict.host},
                        {"reason", verdict.reason},
                        {"seen_by", {{"rank", self.rank}, {"host", self.host}}},
                        {"phase", progress.phase},
                        {"unix_seconds", std::chrono::duration<double>(now).count()},
                        {"collectives_entered", progress.entered},
                        {"collectives_ended", progress.ended},
                        {"collectives", nlohmann::json::array()}};
  for (const FlightEntry& entry : recorder.entries()) out["collectives"].push_back(to_json(entry));
  return out;
}

}  // namespace

void write_failure_record(const std::filesystem::path& folder, const Member& self, const Verdict& verdict,
                          const FlightRecorder& recorder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::filesystem::path path = folder / ("rank-" + std::to_string(self.rank) + ".json");
  const std::string text = to_json(self, verdict, recorder).dump(1) + "\n";
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return;
  [[maybe_unused]] const ssize_t written = ::write(descriptor, text.data(), text.size());
  ::fsync(descriptor);
  ::close(descriptor);
  const int parent = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return;
  ::fsync(parent);
  ::close(parent);
}

}  // namespace penumbra::comm
