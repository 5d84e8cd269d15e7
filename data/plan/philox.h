#pragma once

#include <array>
#include <cstdint>

namespace penumbra::data {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): a bijection of the counter
/// under a key. Pure.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// What a draw is for; part of the key, so that no two purposes share a stream.
enum class Purpose : std::uint32_t {
  matching = 1,
  order = 2,
  weak_view = 3,
  ambiguous_view = 4,
  erase_bytes = 5,
  synth = 6,
  probe = 7,
  blocks = 8,
  label_noise = 9,
  holdout = 10,
  occurrences = 11,
  bootstrap = 12,
  vote_halves = 13
};

/// The key of all streams of one (seed, purpose): the first half of the Philox block of the purpose under the seed.
/// (Mixing the purpose into the seed by xor or sum would make neighbouring seeds share streams.)
std::array<std::uint32_t, 2> stream_key(std::uint64_t seed, Purpose purpose);

/// The stream of draws of one (seed, purpose, epoch, sample, occurrence): block d of it is the Philox block of the
/// counter (d, epoch, sample, occurrence). Nothing depends on history, threads or ranks.
class Draws {
 public:
  Draws(std::uint64_t seed, Purpose purpose, std::uint32_t epoch, std::uint32_t sample, std::uint32_t occurrence = 0);

  std::uint32_t bits();                     ///< 32 uniform bits
  double uniform();                         ///< [0, 1), 53 bits
  double uniform(double low, double high);  ///< [low, high)
  bool chance(double probability);
  std::uint64_t below(std::uint64_t n);  ///< uniform in [0, n), without modulo bias; n > 0
  double normal();                       ///< N(0, 1), Box-Muller
  double gamma(double shape);            ///< Gamma(shape, 1), Marsaglia-Tsang; shape > 0
  double beta(double a, double b);       ///< from two gammas; a, b > 0

 private:
  std::uint64_t bits64();
  double log_gamma_variate(double shape);

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace penumbra::data
