#include "comm/flat_parameters.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace penumbra::comm {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw std::invalid_argument("parameter " + name + " " + why);
}

void require_valid(const NamedTensor& parameter, const at::Tensor& first) {
  const at::Tensor& tensor = parameter.tensor;
  if (!tensor.defined()) refuse(parameter.name, "is undefined");
  if (tensor.scalar_type() != at::kFloat)
    refuse(parameter.name, std::string("is not fp32 but ") + c10::toString(tensor.scalar_type()));
  if (tensor.device() != first.device()) refuse(parameter.name, "is on another device than the first one");
  if (tensor.layout() != at::kStrided || !tensor.is_non_overlapping_and_dense()) refuse(parameter.name, "is not dense");
  if (!tensor.is_leaf() || !tensor.requires_grad()) refuse(parameter.name, "is not a leaf that requires a gradient");
}

void require_valid(const std::vector<NamedTensor>& parameters) {
  if (parameters.empty()) throw std::invalid_argument("there are no parameters to train");
  std::set<std::string> names;
  std::set<const c10::TensorImpl*> tensors;
  for (const NamedTensor& parameter : parameters) {
    require_valid(parameter, parameters.front().tensor);
    if (!names.insert(parameter.name).second) refuse(parameter.name, "is there twice");
    if (!tensors.insert(parameter.tensor.unsafeGetTensorImpl()).second)
      refuse(parameter.name, "is another one's tensor");
  }
}

std::vector<Segment> lay_out(const std::vector<NamedTensor>& parameters) {
  std::vector<Segment> segments;
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : parameters) {
    segments.push_back({name, offset, tensor.numel(), tensor.sizes().vec(), tensor.strides().vec(), tensor.dim() > 1});
    offset += tensor.numel();
  }
  return segments;
}

void write(std::ostream& out, const std::vector<std::int64_t>& numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) out << (i == 0 ? "" : "x") << numbers[i];
}

}  // namespace

at::Tensor make_views_of_one(const std::vector<NamedTensor>& tensors) {
  const at::NoGradGuard no_grad;
  std::int64_t total = 0;
  for (const NamedTensor& named : tensors) total += named.tensor.numel();
  at::Tensor one = at::empty({total}, tensors.front().tensor.options().requires_grad(false));
  std::int64_t offset = 0;
  for (const NamedTensor& named : tensors) {
    const at::Tensor view = one.as_strided(named.tensor.sizes(), named.tensor.strides(), offset);
    view.copy_(named.tensor);
    named.tensor.set_data(view);
    offset += named.tensor.numel();
  }
  return one;
}

FlatParameters::FlatParameters(std::vector<NamedTensor> parameters) {
  require_valid(parameters);
  std::reverse(parameters.begin(), parameters.end());
  segments_ = lay_out(parameters);
  values_ = make_views_of_one(parameters);
  gradients_ = at::zeros_like(values_);
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    at::Tensor& tensor = parameters[i].tensor;
    tensor.mutable_grad() = gradients_.as_strided(segment.sizes, segment.strides, segment.offset);
    parameters_.push_back(tensor);
  }
}

std::int64_t FlatParameters::size() const { return values_.numel(); }
const at::Tensor& FlatParameters::values() const { return values_; }
const at::Tensor& FlatParameters::gradients() const { return gradients_; }
at::Tensor FlatParameters::zeros_like() const { return at::zeros_like(values_); }
std::span<const Segment> FlatParameters::segments() const { return segments_; }
std::span<const at::Tensor> FlatParameters::parameters() const { return parameters_; }

std::string FlatParameters::layout() const {
  std::ostringstream out;
  for (const Segment& segment : segments_) {
    out << segment.name << " at " << segment.offset << " shape ";
    write(out, segment.sizes);
    out << " strides ";
    write(out, segment.strides);
    out << "\n";
  }
  return out.str();
}

}  // namespace penumbra::comm
