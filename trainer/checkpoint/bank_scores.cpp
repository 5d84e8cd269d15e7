#include "trainer/checkpoint/bank_scores.h"

#include "trainer/checkpoint/checkpoint_folder.h"
#include "trainer/checkpoint/training_arrays.h"
#include "trainer/loop/training_data.h"

namespace penumbra::trainer {
namespace {

std::vector<double> values_of(const at::Tensor& scores) {
  const auto* first = scores.const_data_ptr<float>();
  return {first, first + scores.numel()};
}

}  // namespace

std::optional<BankScores> bank_scores(const std::filesystem::path& run, const Config& config,
                                      const data::SampleSet& set) {
  const CheckpointFolder checkpoints(run);
  const std::vector<std::string> line = checkpoints.lineage();
  if (line.empty()) return std::nullopt;
  const Manifest manifest = checkpoints.manifest_of(line.front());
  if (!is_fingerprint_of(manifest.data, set)) return std::nullopt;
  UncertaintyBank bank = empty_bank(set, config);
  restore_bank(bank, checkpoints.load(line.front(), manifest));
  return BankScores{values_of(bank.uncertainty()), values_of(bank.disagreement())};
}

}  // namespace penumbra::trainer
