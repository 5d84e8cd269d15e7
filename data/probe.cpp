#include "data/probe.h"

#include <cmath>
#include <stdexcept>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace penumbra::data {
namespace {

constexpr int kSteps = 150;
// Features have variance 1 and their penalty is in units of the mean loss: strong, as there are about as many pixels
// as faces (.1 does better on unseen faces than .01, and 1 about the same).
constexpr double kDecay = .1;

// One thread: sums come out the same on every machine, and the products are too thin to share.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  ~OneThread() { at::set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

struct Standard {
  at::Tensor mean, scale;  // [D]
};

at::Tensor features(const SampleSet& set) {  // [N, D]
  const auto columns = static_cast<std::int64_t>(set.image_bytes());
  return at::from_blob(const_cast<std::uint8_t*>(set.pixels.bytes().data()), {set.size(), columns}, at::kByte)
      .to(at::kFloat)
      .div_(255);
}

Standard standard_of(const at::Tensor& pixels) {
  return {pixels.mean(0), pixels.std(0, false).clamp_min(1e-3).reciprocal()};
}

at::Tensor labels_of(const SampleSet& set) {
  return at::from_blob(const_cast<std::int32_t*>(set.labels.data()), {set.size()}, at::kInt).to(at::kLong);
}

double accuracy(const at::Tensor& scores, const at::Tensor& labels) {
  return scores.argmax(0).eq(labels).to(at::kDouble).mean().item<double>();
}

// The largest eigenvalue of x^T x / N, by power iteration: what the step length must respect.
double curvature(const at::Tensor& x) {
  at::Tensor v = at::ones({x.size(1)}) / std::sqrt(static_cast<double>(x.size(1)));
  double value = 0;
  for (int i = 0; i < 20; ++i) {
    v = x.t().mv(x.mv(v)) / static_cast<double>(x.size(0));
    value = v.norm().item<double>();
    if (value <= 0) return 1;
    v = v / value;
  }
  return value;
}

// Nesterov's method for a smooth, strongly convex loss: x [N, D], targets [C, N], result [C, D]. The few classes come
// first in every product: the other way round the matrix product takes ten times as long.
at::Tensor fit(const at::Tensor& x, const at::Tensor& targets) {
  // The Hessian of the softmax is at most 1/2; the margin covers an eigenvalue that the iteration has not found yet.
  const double smooth = .5 * 1.1 * curvature(x) + kDecay;
  const double root = std::sqrt(kDecay / smooth), momentum = (1 - root) / (1 + root);
  at::Tensor weight = at::zeros({targets.size(0), x.size(1)}), previous = weight;
  for (int step = 0; step < kSteps; ++step) {
    const at::Tensor ahead = weight + momentum * (weight - previous);
    const at::Tensor error = at::softmax(ahead.mm(x.t()), 0) - targets;
    previous = weight;
    weight = ahead - (error.mm(x) / static_cast<double>(x.size(0)) + kDecay * ahead) / smooth;
  }
  return weight;
}

}  // namespace

ProbeResult linear_probe(const SampleSet& train, const SampleSet& test) {
  if (train.size() == 0 || test.size() == 0) throw std::invalid_argument("linear probe: a set is empty");
  if (train.info.classes != test.info.classes || train.image_bytes() != test.image_bytes())
    throw std::invalid_argument("linear probe: the two sets differ in classes or image size");
  const OneThread one_thread;
  const at::Tensor raw = features(train);
  const Standard standard = standard_of(raw);
  const auto prepare = [&standard](const at::Tensor& pixels) {
    const at::Tensor x = (pixels - standard.mean) * standard.scale;
    return at::cat({x, at::ones({x.size(0), 1})}, 1);  // the last weight is the bias
  };
  const at::Tensor x = prepare(raw), labels = labels_of(train);
  const at::Tensor targets = at::one_hot(labels, train.classes()).t().to(at::kFloat);
  const at::Tensor weight = fit(x, targets);
  return {accuracy(weight.mm(x.t()), labels), accuracy(weight.mm(prepare(features(test)).t()), labels_of(test))};
}

}  // namespace penumbra::data
