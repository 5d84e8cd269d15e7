#include "tests/trainer/objective_reference.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "trainer/nets/net_options.h"

namespace penumbra::testing {
namespace {

using trainer::AttentionNorm;
using trainer::Couple;
using trainer::Divergence;
using trainer::Method;
using trainer::Target;
using trainer::Trust;
using Row = std::vector<double>;

Row row(const Row& all, std::size_t b, std::size_t width) {
  return {all.begin() + static_cast<std::ptrdiff_t>(b * width),
          all.begin() + static_cast<std::ptrdiff_t>((b + 1) * width)};
}

Row softmax(const Row& z, double temperature) {
  Row p;
  double sum = 0;
  for (const double v : z) {
    p.push_back(std::exp(v / temperature));
    sum += p.back();
  }
  for (double& v : p) v /= sum;
  return p;
}

Row mixture(const Row& a, const Row& b, double lambda) {
  Row m;
  for (std::size_t c = 0; c < a.size(); ++c) m.push_back(lambda * a[c] + (1 - lambda) * b[c]);
  return m;
}

double kl(const Row& p, const Row& q) {
  double sum = 0;
  for (std::size_t c = 0; c < p.size(); ++c) sum += p[c] * std::log(p[c] / q[c]);
  return sum;
}

double js(const Row& p, const Row& q) {
  const Row middle = mixture(p, q, 0.5);
  return (kl(p, middle) + kl(q, middle)) / 2;
}

double cross_entropy(const Row& target, const Row& z) {
  const Row p = softmax(z, 1);
  double sum = 0;
  for (std::size_t c = 0; c < z.size(); ++c) sum -= target[c] * std::log(p[c]);
  return sum;
}

std::size_t argmax(const Row& z) { return static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin()); }

double ramp(double t, double length) {
  if (t < 0) return 0;
  const double left = length > 0 ? std::max(0.0, 1 - t / length) : 0;
  return std::exp(-5 * left * left);
}

struct Point {
  double x, y;
};
Point apply(const double* m, Point p) { return {m[0] * p.x + m[1] * p.y + m[2], m[3] * p.x + m[4] * p.y + m[5]}; }
Point apply_inverse(const double* m, Point p) {
  const double det = m[0] * m[4] - m[1] * m[3], x = p.x - m[2], y = p.y - m[5];
  return {(m[4] * x - m[1] * y) / det, (m[0] * y - m[3] * x) / det};
}

struct Objective {
  const ReferenceInput& in;
  const Said& live;
  const Said& fixed;
  std::size_t cells = in.cells * in.cells;

  double to_view(double k) const { return (2 * (in.offset + in.stride * k) + 1) / static_cast<double>(in.side) - 1; }
  double to_cell(double x) const { return ((x + 1) * static_cast<double>(in.side) / 2 - 0.5 - in.offset) / in.stride; }

  /// A[b, c, row, column] = sum_k W[c, k] F[b, k, row, column].
  double attention(const Row& F, const Row& fc, std::size_t b, std::size_t c, std::size_t cell) const {
    double sum = 0;
    for (std::size_t k = 0; k < in.features; ++k)
      sum += fc[c * in.features + k] * F[(b * in.features + k) * cells + cell];
    return sum;
  }

  struct Tap {
    std::size_t cell;
    double weight;
  };
  /// The bilinear taps of W_j^-1 theta_i at a cell of the ambiguous view.
  std::vector<Tap> taps(std::size_t i, std::size_t j, std::size_t cell) const {
    const Point here{to_view(static_cast<double>(cell % in.cells)), to_view(static_cast<double>(cell / in.cells))};
    const Point there = in.options.warp ? apply_inverse(&in.weak[6 * j], apply(&in.theta[6 * i], here)) : here;
    const double x = to_cell(there.x), y = to_cell(there.y);
    std::vector<Tap> found;
    for (std::size_t r = 0; r < in.cells; ++r)
      for (std::size_t q = 0; q < in.cells; ++q) {
        const double weight = (1 - std::abs(y - static_cast<double>(r))) * (1 - std::abs(x - static_cast<double>(q)));
        if (std::abs(y - static_cast<double>(r)) < 1 && std::abs(x - static_cast<double>(q)) < 1) {
          found.push_back({r * in.cells + q, weight});
        }
      }
    return found;
  }

  /// lambda, or under CutMix the share of the cell outside the box, sampled at the view pixels of the cell.
  double source_share(std::size_t i, std::size_t cell) const {
    if (in.box.empty()) return in.lambda[i];
    const double* box = &in.box[4 * i];
    const auto n = static_cast<std::size_t>(in.stride);
    double outside = 0;
    for (std::size_t u = 0; u < n; ++u)
      for (std::size_t v = 0; v < n; ++v) {
        const double dx = (static_cast<double>(v) + 0.5) / static_cast<double>(n) - 0.5;
        const double dy = (static_cast<double>(u) + 0.5) / static_cast<double>(n) - 0.5;
        Point p = apply(&in.theta[6 * i], {to_view(static_cast<double>(cell % in.cells) + dx),
                                           to_view(static_cast<double>(cell / in.cells) + dy)});
        p = {std::clamp(p.x, -1.0, 1 - 1e-9), std::clamp(p.y, -1.0, 1 - 1e-9)};
        const bool inside = p.x >= box[0] && p.x < box[2] && p.y >= box[1] && p.y < box[3];
        outside += inside ? 0 : 1;
      }
    return outside / static_cast<double>(n * n);
  }

  void normalise(Row& map) const {
    if (in.options.attention_norm == AttentionNorm::raw) return;
    double mean = 0, square = 0;
    for (const double v : map) mean += v / static_cast<double>(map.size());
    for (double& v : map) {
      v -= mean;
      square += v * v;
    }
    if (in.options.attention_norm == AttentionNorm::l2) {
      for (double& v : map) v /= std::sqrt(square);
    }
  }

  /// mean_{c, V} (T_i - A_a,i)^2, and whether V is empty.
  std::pair<double, bool> attention_loss(std::size_t i) const {
    const std::size_t partner = i ^ 1;
    const bool mixed = in.options.target == Target::mixed && in.lambda[i] < 1;
    const Row& F = in.options.couple == Couple::both ? live.F_o : fixed.F_o;
    std::vector<std::size_t> V;
    for (std::size_t cell = 0; cell < cells; ++cell) {
      double own = 0, other = 0;
      for (const auto& tap : taps(i, i, cell)) own += tap.weight;
      for (const auto& tap : taps(i, partner, cell)) other += tap.weight;
      if (own > 0.99 && (!mixed || other > 0.99)) V.push_back(cell);
    }
    if (V.empty()) return {0, true};
    double sum = 0;
    for (std::size_t c = 0; c < in.classes; ++c) {
      Row T, A;
      for (const auto cell : V) {
        double own = 0, other = 0;
        for (const auto& tap : taps(i, i, cell)) own += tap.weight * attention(F, in.fc_o, i, c, tap.cell);
        for (const auto& tap : taps(i, partner, cell))
          other += tap.weight * attention(F, in.fc_o, partner, c, tap.cell);
        const double share = mixed ? source_share(i, cell) : 1;
        T.push_back(share * own + (1 - share) * other);
        A.push_back(attention(live.F_a, in.fc_a, i, c, cell));
      }
      normalise(T);
      normalise(A);
      for (std::size_t k = 0; k < V.size(); ++k) sum += (T[k] - A[k]) * (T[k] - A[k]);
    }
    return {sum / static_cast<double>(in.classes * V.size()), false};
  }

  double cross_entropy_of(const Row& target, Row z) const {
    for (std::size_t c = 0; c < in.shift.size(); ++c) z[c] += in.shift[c];
    return cross_entropy(target, z);
  }

  /// A soft label with its face's weight.
  Row weighted(Row soft, std::size_t i) const {
    if (in.class_weight.empty()) return soft;
    for (double& share : soft) share *= in.class_weight[in.hard[i]];
    return soft;
  }

  Row posterior_mix(const Said& said, std::size_t i, double temperature) const {
    return mixture(softmax(row(said.z_o, i, in.classes), temperature),
                   softmax(row(said.z_o, i ^ 1, in.classes), temperature), in.lambda[i]);
  }

  double alignment_loss(std::size_t i) const {
    const double tau = in.options.temperature;
    const Row m = posterior_mix(live, i, tau), m_fixed = posterior_mix(fixed, i, tau);
    const Row p = softmax(row(live.z_a, i, in.classes), tau), p_fixed = softmax(row(fixed.z_a, i, in.classes), tau);
    switch (in.options.divergence) {
      case Divergence::js:
        return tau * tau * js(m, p);
      case Divergence::forward_kl:
        return tau * tau * kl(m_fixed, p);
      default:
        return tau * tau * (kl(m_fixed, p) + kl(p_fixed, m));
    }
  }
};

}  // namespace

ReferenceResult objective_reference(const ReferenceInput& in, const Said& live, const Said& fixed) {
  const Objective terms{in, live, fixed};
  const bool full = in.method == Method::full, second = in.method != Method::ce_only;
  const double warm_up = in.options.warm_up_share * in.epochs, length = in.options.ramp_share * in.epochs;
  const double rho_beta = full ? ramp(in.epoch - warm_up, length) : 0;
  std::vector<Row> soft;
  Row weight;
  ReferenceResult r;
  for (std::size_t i = 0; i < in.batch; ++i) {
    const double doubt = in.options.trust == Trust::uncertainty ? in.u[i] : std::max(in.u[i], in.n[i]);
    const double beta = in.options.beta_max * rho_beta * doubt;
    soft.push_back(mixture(row(in.Q, i, in.classes), row(in.y, i, in.classes), beta));
    weight.push_back(in.epoch < warm_up ? 1 : in.w[i]);
    r.moved += beta * (1 - in.Q[i * in.classes + in.hard[i]]) / in.global_size;
  }
  for (std::size_t i = 0; i < in.batch; ++i) {
    const Row z_o = row(live.z_o, i, in.classes), p_o = softmax(z_o, 1);
    r.posterior.insert(r.posterior.end(), p_o.begin(), p_o.end());
    r.ce_original += terms.cross_entropy_of(terms.weighted(soft[i], i), z_o) / in.global_size;
    r.correct_original += (argmax(z_o) == in.hard[i] ? 1 : 0) / in.global_size;
    if (!second) continue;
    const Row z_a = row(live.z_a, i, in.classes);
    r.divergence.push_back(js(terms.posterior_mix(live, i, 1), softmax(z_a, 1)) / std::log(2.0));
    const Row mixed = mixture(terms.weighted(soft[i], i), terms.weighted(soft[i ^ 1], i ^ 1), in.lambda[i]);
    r.ce_ambiguous += terms.cross_entropy_of(mixed, z_a) / in.global_size;
    r.correct_ambiguous += (argmax(z_a) == in.hard[i] ? 1 : 0) / in.global_size;
    if (!full) continue;
    const double omega = in.lambda[i] * weight[i] + (1 - in.lambda[i]) * weight[i ^ 1];
    if (in.options.attention_weight > 0) {
      const auto [loss, empty] = terms.attention_loss(i);
      r.attention += omega * loss / in.global_size;
      r.empty_attention += (empty ? 1 : 0) / in.global_size;
    }
    if (in.options.alignment_weight > 0) r.alignment += omega * terms.alignment_loss(i) / in.global_size;
  }
  r.total =
      r.ce_original + r.ce_ambiguous +
      ramp(in.epoch, length) * (in.options.attention_weight * r.attention + in.options.alignment_weight * r.alignment);
  return r;
}

}  // namespace penumbra::testing
