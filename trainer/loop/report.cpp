#include "trainer/loop/report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "monitor/live_view.h"

namespace penumbra::trainer {

std::string console_line(const IntervalReport& r, double eta_seconds) {
  std::string line = fmt::format("epoch {}/{}  step {}/{}  loss {:.4f}  ce {:.3f}", r.epoch + 1, r.epochs, r.step,
                                 r.steps, r.loss, r.original.ce);
  if (r.ambiguous.ce > 0)
    line += fmt::format("/{:.3f}  att {:.4f}  align {:.4f}", r.ambiguous.ce, r.attention, r.alignment);
  line += fmt::format("  acc {:.1f}", 100 * r.original.accuracy);
  if (r.ambiguous.ce > 0) line += fmt::format("/{:.1f}", 100 * r.ambiguous.accuracy);
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
          {"ce_original", r.original.ce},
          {"ce_ambiguous", r.ambiguous.ce},
          {"attention", r.attention},
          {"alignment", r.alignment},
          {"accuracy_original", r.original.accuracy},
          {"accuracy_ambiguous", r.ambiguous.accuracy},
          {"soft_label_moved", r.moved},
          {"empty_attention", r.empty_attention},
          {"gradient_norm", r.gradient_norm},
          {"gradient_norm_original", r.original.gradient_norm},
          {"gradient_norm_ambiguous", r.ambiguous.gradient_norm},
          {"agreement", r.agreement},
          {"uncertainty_original", r.original.uncertainty},
          {"uncertainty_ambiguous", r.ambiguous.uncertainty},
          {"attention_norm_original", r.original.attention_norm},
          {"attention_norm_ambiguous", r.ambiguous.attention_norm},
          {"attention_spread_original", r.original.attention_spread},
          {"attention_spread_ambiguous", r.ambiguous.attention_spread},
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
