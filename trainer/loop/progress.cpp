#include "trainer/loop/progress.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

namespace penumbra::trainer {
namespace {

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// mpirun gives each rank a terminal of its own, whatever its own output goes to: ask the launcher.
bool writes_to_a_terminal() {
  if (isatty(STDOUT_FILENO) != 1) return false;
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return true;
  std::error_code unknown;
  const auto target = std::filesystem::read_symlink(fmt::format("/proc/{}/fd/1", getppid()), unknown).string();
  return target.rfind("/dev/pts/", 0) == 0 || target.rfind("/dev/tty", 0) == 0;
}

}  // namespace

std::string console_line(const IntervalReport& r, double eta_seconds) {
  std::string line = fmt::format("epoch {}/{}  step {}/{}  loss {:.4f}  ce {:.3f}", r.epoch + 1, r.epochs, r.step,
                                 r.steps, r.loss, r.ce_original);
  if (r.ce_ambiguous > 0)
    line += fmt::format("/{:.3f}  att {:.4f}  align {:.4f}", r.ce_ambiguous, r.attention, r.alignment);
  line += fmt::format("  acc {:.1f}", 100 * r.accuracy_original);
  if (r.ce_ambiguous > 0) line += fmt::format("/{:.1f}", 100 * r.accuracy_ambiguous);
  const double share = r.step_seconds > 0 ? 100 / r.step_seconds : 0;
  line += fmt::format(" %  lr {:.4g}  {:.0f} img/s  wait {:.0f} %  sync {:.0f} %", r.learning_rate, r.images_per_second,
                      share * r.wait_seconds, share * r.exposed_seconds);
  constexpr double kWorthSaying = 0.1;  // of a step
  if (r.latest_seconds > kWorthSaying * r.step_seconds)
    line += fmt::format("  rank {} late by {:.3f} s", r.latest_rank, r.latest_seconds);
  return line + fmt::format("  eta {}", duration(eta_seconds));
}

std::string console_line(const Measures& m, std::int64_t epoch, bool best) {
  std::string line = fmt::format("validation after epoch {}: accuracy {:.2f} %", epoch + 1, 100 * m.accuracy);
  if (m.majority_accuracy) line += fmt::format("  majority {:.2f} %", 100 * *m.majority_accuracy);
  line += fmt::format("  mean class {:.2f} %  nll {:.4f}  ece {:.3f}", 100 * m.mean_class_accuracy, m.nll, m.ece);
  if (m.spearman_entropy) line += fmt::format("  spearman {:.3f}", *m.spearman_entropy);
  return line + (best ? "  (best)" : "");
}

ProgressBar::ProgressBar(std::int64_t total_steps) : total_(total_steps), terminal_(writes_to_a_terminal()) {}

void ProgressBar::show(std::int64_t done) {
  if (!terminal_ || total_ == 0) return;
  constexpr int kWidth = 40;
  const auto filled = static_cast<int>(kWidth * done / total_);
  fmt::print("\r[{:=<{}}{: <{}}] {:3}%  eta {} ", "", filled, "", kWidth - filled, 100 * done / total_,
             duration(eta_seconds(done)));
  std::fflush(stdout);
}

void ProgressBar::clear() const {
  if (terminal_) fmt::print("\r\x1b[K");
}

double ProgressBar::eta_seconds(std::int64_t done) const {
  if (done == 0) return 0;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return elapsed * static_cast<double>(total_ - done) / static_cast<double>(done);
}

}  // namespace penumbra::trainer
