#pragma once

#include <array>
#include <cstdint>

namespace penumbra::data {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): a bijection of the counter
/// under a key. Pure.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// What a draw is for; part of the key, so that no two purposes share a stream.
enum class Purpose : std::uint32_t { matching = 1, order = 2, weak_view = 3, ambiguous_view = 4, erase_bytes = 5, synth = 6, probe = 7 };

/// The stream of draws of one (seed, purpose, epoch, sample, occurrence). Nothing depends on history, threads or ranks.
class Draws {
 public:
  Draws(std::uint64_t seed, Purpose purpose, std::uint32_t epoch, std::uint32_t sample, std::uint32_t occurrence = 0);

  std::uint32_t bits();                              ///< 32 uniform bits
  double uniform();                                  ///< [0, 1), 53 bits
  double uniform(double low, double high);           ///< [low, high)
  bool chance(double probability);
  std::uint64_t below(std::uint64_t n);              ///< uniform in [0, n), without modulo bias; n > 0
  double normal();                                   ///< N(0, 1), Box-Muller
  double gamma(double shape);                        ///< Gamma(shape, 1), Marsaglia-Tsang; shape > 0
  double beta(double a, double b);                   ///< from two gammas

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace penumbra::data
