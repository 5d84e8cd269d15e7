#pragma once

namespace penumbra::trainer {

enum class AttentionNorm { centred, raw, l2 };
enum class Couple { both, original_to_ambiguous };
enum class Target { mixed, unmixed };  ///< unmixed: T_i = A_o[i] through G_ii alone (ablation)
enum class Divergence { symmetric_kl, forward_kl, js };
enum class Trust { uncertainty, disagreement };

/// The switches of method.md, sections 3 to 5 and 9.
struct ObjectiveOptions {
  double attention_weight = 5;  ///< lambda_att; 0 switches the term off
  AttentionNorm attention_norm = AttentionNorm::centred;
  Couple couple = Couple::both;
  Target target = Target::mixed;
  bool warp = true;               ///< false: G = identity (ablation no_warp)
  double alignment_weight = 0.6;  ///< lambda_align; 0 switches the term off
  Divergence divergence = Divergence::symmetric_kl;
  double temperature = 1;  ///< tau
  double beta_max = 0.5;   ///< [0, 0.5]: the given label keeps at least half
  Trust trust = Trust::uncertainty;
  double ramp_share = 0.3;      ///< T_r as a share of the epochs
  double warm_up_share = 0.15;  ///< soft labels and weights begin after it
};

}  // namespace penumbra::trainer
