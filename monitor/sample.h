#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "monitor/metrics.h"

namespace penumbra::monitor {

/// A rank as it introduces itself.
struct Member {
  std::string run;
  int rank = 0, ranks = 1;
  std::string host;
  int incarnation = 0;                         ///< which start of the run this is
  std::map<std::string, std::string> details;  ///< labels of penumbra_run_info
};

enum class Outcome { running, finished, stopped, failed };

/// What a user may want of a run.
enum class Order { checkpoint, stop };

struct RankView {
  int rank = 0;
  std::string host;
  bool up = true;             ///< reports
  bool left = false;          ///< has said goodbye; neither: silent
  double silent_seconds = 0;  ///< since it was last heard of
  double seen = 0;            ///< when that was, in Unix time
  std::uint64_t dropped = 0;  ///< reports that it never sent
  std::vector<Value> values;
};

struct History {
  Metric metric = Metric::loss;
  std::vector<std::string> labels;
  std::vector<double> numbers;  ///< oldest first
};

/// A run as the monitor knows it.
struct RunView {
  std::string name;
  int ranks = 1, incarnation = 0;
  Outcome outcome = Outcome::running;
  std::map<std::string, std::string> details;
  std::vector<Value> values;  ///< of the run as a whole
  std::vector<RankView> members;
  std::vector<History> history;
};

std::string name_of(Outcome outcome);

/// Now, in Unix time.
double unix_seconds();

/// Whether a run may be called so: 1 to 200 letters, digits, blanks or ._-/@:+=,
bool is_run_name(const std::string& text);
/// The nearest text that a run may be called: others become "_", the end of a long one stays.
std::string as_run_name(std::string text);

/// At most 200 bytes, and nothing that a terminal or a log could take for more than text: no control characters, no
/// marks that turn its direction.
bool is_plain(const std::string& text);

}  // namespace penumbra::monitor
