#include "trainer/report/measure_titles.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penumbra::trainer {

std::string measure_title(std::string_view key) {
  using Title = std::pair<std::string_view, std::string_view>;
  constexpr std::array kTitles = {
      Title{"accuracy", "accuracy ↑"},
      Title{"majority_accuracy", "accuracy against the majority's class ↑"},
      Title{"mean_class_accuracy", "mean recall of the classes ↑"},
      Title{"macro_f1", "mean F1 of the classes ↑"},
      Title{"nll", "negative log-likelihood ↓"},
      Title{"brier", "Brier score ↓"},
      Title{"ece", "expected calibration error ↓"},
      Title{"classwise_ece", "classwise calibration error ↓"},
      Title{"kl_human", "KL divergence from the annotators ↓"},
      Title{"js_human", "Jensen-Shannon divergence from the annotators ↓"},
      Title{"cosine_human", "cosine with the annotators ↑"},
      Title{"spearman_entropy", "rank correlation of entropy with the annotators' ↑"},
      Title{"auroc_error", "AUROC of entropy, for errors ↑"},
      Title{"auroc_ambiguous", "AUROC of entropy, for faces without a majority ↑"},
      Title{"auroc_noise", "AUROC of doubt in the label, for flipped labels ↑"},
      Title{"auroc_noise_entropy", "AUROC of entropy, for flipped labels"},
      Title{"auroc_noise_disagreement", "AUROC of the banks' disagreement with the label, for flipped labels ↑"},
      Title{"auroc_noise_uncertainty", "AUROC of the banks' uncertainty, for flipped labels"},
      Title{"aurc", "area under risk and coverage ↓"},
      Title{"e_aurc", "the same above the best order's ↓"},
      Title{"spearman_true_entropy", "rank correlation of entropy with the true one ↑"},
  };
  const auto* const found =
      std::find_if(kTitles.begin(), kTitles.end(), [&](const Title& title) { return title.first == key; });
  return std::string(found == kTitles.end() ? key : found->second);
}

}  // namespace penumbra::trainer
