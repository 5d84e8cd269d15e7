#include "comm/cost_model.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace penumbra::comm {

double ring_seconds(double bytes, int ranks, Link link) {
  return 2.0 * (ranks - 1) * (link.latency + bytes / ranks / link.bandwidth);
}

double tree_seconds(double bytes, int ranks, Link link) {
  return 2 * std::ceil(std::log2(ranks)) * (link.latency + bytes / link.bandwidth);
}

double all_reduce_seconds(double bytes, int ranks, const Network& network) {
  if (ranks <= 1) return 0;
  const auto flat = [](double size, int over, Link link) {
    return std::min(ring_seconds(size, over, link), tree_seconds(size, over, link));
  };
  const int local = std::min(ranks, network.ranks_per_host);
  const int hosts = (ranks + local - 1) / local;
  if (hosts == 1) return flat(bytes, ranks, network.within_host);
  const double one_level = flat(bytes, ranks, network.between_hosts);
  if (local == 1) return one_level;
  const Link shared{network.between_hosts.latency, network.between_hosts.bandwidth / local};
  const double two_levels = ring_seconds(bytes, local, network.within_host) + flat(bytes / local, hosts, shared);
  return std::min(one_level, two_levels);
}

Link fit_link(double small_bytes, double small_seconds, double large_bytes, double large_seconds) {
  if (large_bytes <= small_bytes || large_seconds <= small_seconds) {
    throw std::invalid_argument("a link's constants need two sizes, of which the larger one takes longer");
  }
  const double bandwidth = (large_bytes - small_bytes) / (large_seconds - small_seconds);
  return {std::max(0.0, (small_seconds - small_bytes / bandwidth) / 2), bandwidth};
}

StepPrediction predict_step(const StepProfile& profile, double tail, int ranks, const Network& network) {
  StepPrediction out;
  const std::size_t a_pass = profile.bytes.size() / profile.passes;
  double free_at = 0;  // when the wire has nothing left to do
  double waited = 0;   // by the passes so far
  for (std::size_t i = 0; i < profile.bytes.size(); ++i) {
    const double full_at = profile.full_at[i] + waited;
    const double taken = all_reduce_seconds(profile.bytes[i], ranks, network);
    free_at = std::max(free_at, full_at) + taken;
    out.communication += taken;
    const bool more_to_come = i + 1 < profile.bytes.size();
    if (more_to_come && (i + 1) % a_pass == 0) waited += free_at - full_at;
  }
  const double backward_ends = profile.seconds - tail + waited;
  out.seconds = std::max(backward_ends, ranks > 1 ? free_at : 0) + tail;
  out.exposed = out.seconds - profile.seconds;
  return out;
}

}  // namespace penumbra::comm
