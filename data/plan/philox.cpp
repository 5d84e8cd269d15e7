#include "data/plan/philox.h"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "data/plan/philox_block.h"

namespace penumbra::data {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const PhiloxBlock block =
      philox_block({{counter[0], counter[1], counter[2], counter[3]}}, PhiloxKey{{key[0], key[1]}});
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

std::array<std::uint32_t, 2> stream_key(std::uint64_t seed, Purpose purpose) {
  const auto block = philox4x32({static_cast<std::uint32_t>(purpose), 0, 0, 0},
                                {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return {block[0], block[1]};
}

Draws::Draws(std::uint64_t seed, Purpose purpose, std::uint32_t epoch, std::uint32_t sample, std::uint32_t occurrence)
    : key_(stream_key(seed, purpose)), counter_{0, epoch, sample, occurrence} {}

std::uint32_t Draws::bits() {
  if (used_ == 4) {
    block_ = philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Draws::bits64() {
  const std::uint64_t high = bits();
  return high << 32 | bits();
}

double Draws::uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

double Draws::uniform(double low, double high) {
  const double x = low + (high - low) * uniform();
  return x < high ? x : low;  // the sum may round up to `high`
}

bool Draws::chance(double probability) { return uniform() < probability; }

std::uint64_t Draws::below(std::uint64_t n) {
  if (n == 0) throw std::invalid_argument("Draws::below(0): there is no number below 0");
  const std::uint64_t surplus = (0 - n) % n;  // 2^64 mod n: these many values would be hit once too often
  std::uint64_t x = bits64();
  while (x < surplus) x = bits64();
  return x % n;
}

double Draws::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

// As a logarithm, because for small shapes the variate itself underflows. Marsaglia & Tsang, "A simple method for
// generating gamma variables", ACM TOMS 26 (2000); below 1 by Gamma(a) = Gamma(a + 1) U^(1/a).
double Draws::log_gamma_variate(double shape) {
  if (!(shape > 0)) throw std::invalid_argument("Draws::gamma: shape " + std::to_string(shape) + " is not positive");
  if (shape < 1) {
    const double boosted = log_gamma_variate(shape + 1);
    return boosted + std::log(1 - uniform()) / shape;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

double Draws::gamma(double shape) { return std::exp(log_gamma_variate(shape)); }

double Draws::beta(double a, double b) {
  const double log_x = log_gamma_variate(a);
  const double log_y = log_gamma_variate(b);
  return 1 / (1 + std::exp(log_y - log_x));
}

}  // namespace penumbra::data
