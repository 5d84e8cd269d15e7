#include "trainer/loop/progress.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "monitor/live_view.h"

namespace penumbra::trainer {
namespace {

/// mpirun gives each rank a terminal of its own, whatever its own output goes to: ask the launcher.
bool writes_to_a_terminal(std::FILE* stream) {
  const int descriptor = fileno(stream);
  if (isatty(descriptor) != 1) return false;
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return true;
  std::error_code unknown;
  const auto target =
      std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", getppid(), descriptor), unknown).string();
  return target.rfind("/dev/pts/", 0) == 0 || target.rfind("/dev/tty", 0) == 0;
}

}  // namespace

ProgressBar::ProgressBar(std::FILE* stream, std::int64_t total_steps, std::int64_t first)
    : stream_(stream), total_(total_steps), first_(first), terminal_(writes_to_a_terminal(stream)) {}

void ProgressBar::show(std::int64_t done) {
  if (!terminal_ || total_ == 0) return;
  constexpr int kWidth = 40;
  const auto filled = static_cast<int>(kWidth * done / total_);
  fmt::print(stream_, "\r[{:=<{}}{: <{}}] {:3}%  eta {} ", "", filled, "", kWidth - filled, 100 * done / total_,
             monitor::duration(eta_seconds(done)));
  std::fflush(stream_);
}

void ProgressBar::clear() const {
  if (terminal_) std::fputs("\r\x1b[K", stream_);
}

double ProgressBar::eta_seconds(std::int64_t done) const {
  if (done <= first_) return 0;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return elapsed * static_cast<double>(total_ - done) / static_cast<double>(done - first_);
}

}  // namespace penumbra::trainer
