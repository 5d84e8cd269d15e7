#include "trainer/objective/class_balance.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <ATen/ops/tensor.h>

#include "trainer/objective/class_balance_options.h"

namespace penumbra::trainer {
namespace {

using Classes = std::vector<double>;  // a number a class

Classes faces_of(std::span<const std::int32_t> labels, std::int64_t classes) {
  Classes count(static_cast<std::size_t>(classes));
  for (const std::int32_t label : labels) ++count[static_cast<std::size_t>(label)];
  return count;
}

double raw_weight(double faces, const ClassBalanceOptions& options) {
  if (options.weights == ClassWeights::inverse) return 1 / faces;
  return (1 - options.beta) / (1 - std::pow(options.beta, faces));
}

Classes weights_of(const Classes& faces, const ClassBalanceOptions& options) {
  Classes weights;
  for (const double n : faces) weights.push_back(raw_weight(std::max(n, 1.0), options));
  const double total = std::accumulate(faces.begin(), faces.end(), 0.0);
  const double sum = std::inner_product(weights.begin(), weights.end(), faces.begin(), 0.0);
  for (double& weight : weights) weight *= total / sum;
  return weights;
}

Classes shifts_of(const Classes& faces, double tau) {
  const double total = std::accumulate(faces.begin(), faces.end(), 0.0);
  Classes shifts;
  for (const double n : faces) shifts.push_back(tau * std::log(std::max(n, 1.0) / total));
  return shifts;
}

}  // namespace

ClassBalance class_balance(std::span<const std::int32_t> labels, std::int64_t classes,
                           const ClassBalanceOptions& options, at::Device device) {
  const Classes faces = faces_of(labels, classes);
  ClassBalance balance;
  if (options.weights != ClassWeights::none)
    balance.weight = at::tensor(weights_of(faces, options), at::kFloat).to(device);
  if (options.logit_adjustment != 0)
    balance.shift = at::tensor(shifts_of(faces, options.logit_adjustment), at::kFloat).to(device);
  return balance;
}

}  // namespace penumbra::trainer
