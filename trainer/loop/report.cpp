#include "trainer/loop/report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "monitor/live_view.h"

namespace penumbra::trainer {

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
  if (r.skipped > 0) line += fmt::format("  {} skipped", r.skipped);
  return line + fmt::format("  eta {}", monitor::duration(eta_seconds));
}

std::string console_line(const Measures& m, std::int64_t epoch, bool best) {
  std::string line = fmt::format("validation after epoch {}: accuracy {:.2f} %", epoch + 1, 100 * m.accuracy);
  if (m.majority_accuracy) line += fmt::format("  majority {:.2f} %", 100 * *m.majority_accuracy);
  line += fmt::format("  mean class {:.2f} %  nll {:.4f}  ece {:.3f}", 100 * m.mean_class_accuracy, m.nll, m.ece);
  if (m.spearman_entropy) line += fmt::format("  spearman {:.3f}", *m.spearman_entropy);
  return line + (best ? "  (best)" : "");
}

nlohmann::json to_json(const IntervalReport& r) {
  return {{"kind", "train"},
          {"epoch", r.epoch},
          {"step", r.step},
          {"loss", r.loss},
          {"ce_original", r.ce_original},
          {"ce_ambiguous", r.ce_ambiguous},
          {"attention", r.attention},
          {"alignment", r.alignment},
          {"accuracy_original", r.accuracy_original},
          {"accuracy_ambiguous", r.accuracy_ambiguous},
          {"soft_label_moved", r.moved},
          {"empty_attention", r.empty_attention},
          {"gradient_norm", r.gradient_norm},
          {"gradient_norm_original", r.gradient_norm_original},
          {"gradient_norm_ambiguous", r.gradient_norm_ambiguous},
          {"agreement", r.agreement},
          {"uncertainty_original", r.uncertainty_original},
          {"uncertainty_ambiguous", r.uncertainty_ambiguous},
          {"attention_norm_original", r.attention_norm_original},
          {"attention_norm_ambiguous", r.attention_norm_ambiguous},
          {"attention_spread_original", r.attention_spread_original},
          {"attention_spread_ambiguous", r.attention_spread_ambiguous},
          {"learning_rate", r.learning_rate},
          {"images_per_second", r.images_per_second},
          {"step_seconds", r.step_seconds},
          {"wait_seconds", r.wait_seconds},
          {"forward_seconds", r.forward_seconds},
          {"backward_seconds", r.backward_seconds},
          {"exposed_seconds", r.exposed_seconds},
          {"optimizer_seconds", r.optimizer_seconds},
          {"latest_rank", r.latest_rank},
          {"latest_seconds", r.latest_seconds},
          {"skipped", r.skipped}};
}

}  // namespace penumbra::trainer
