#pragma once

#include <vector>

namespace penumbra::comm {

/// A message of n bytes takes latency + n / bandwidth (the alpha-beta model).
struct Link {
  double latency = 0;    ///< seconds
  double bandwidth = 1;  ///< bytes a second
};

/// Hosts of equal numbers of ranks. A flat network has one rank a host.
struct Network {
  Link between_hosts, within_host;
  int ranks_per_host = 1;
};

/// Seconds of an all-reduce of `bytes` over `ranks` on one kind of link.
/// Ring: reduce-scatter and all-gather, 2 (R - 1) messages of n / R bytes.
/// Tree: up and down a binary tree, 2 ceil(log2 R) messages of n bytes.
double ring_seconds(double bytes, int ranks, Link link);
double tree_seconds(double bytes, int ranks, Link link);
/// The best of a ring or tree over all ranks, as fast as its slowest link, and of two levels: reduce-scatter within
/// each host, all-reduce of every part between the hosts (whose link all ranks of a host share), all-gather within.
double all_reduce_seconds(double bytes, int ranks, const Network& network);

/// The constants of a link from two all-reduces of different sizes between two ranks: 2 latency + bytes / bandwidth.
/// Throws std::invalid_argument unless the larger one took longer.
Link fit_link(double small_bytes, double small_seconds, double large_bytes, double large_seconds);

/// One step of a rank, as it was measured without traffic.
struct StepProfile {
  double seconds = 0;  ///< forward, backward and update
  /// Of each bucket: when it was full, in seconds since the step began (ascending), and its bytes on the wire.
  std::vector<double> full_at, bytes;
  /// Of equally many buckets each; one begins when the last one's traffic is over. A sharpness-aware step has two.
  std::size_t passes = 1;
};

struct StepPrediction {
  double seconds = 0;        ///< of the whole step
  double communication = 0;  ///< of all buckets, one after the other
  double exposed = 0;        ///< seconds - StepProfile::seconds
};

/// Buckets leave one after the other, each once it is full; what follows backward waits for the last. `tail`: seconds
/// of the step after backward, which the traffic cannot overlap.
StepPrediction predict_step(const StepProfile& profile, double tail, int ranks, const Network& network);

}  // namespace penumbra::comm
