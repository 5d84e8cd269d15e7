// What a rank, or whoever pretends to be one, sends to a monitor: reports, each behind its length in one byte.
#include <algorithm>
#include <stdexcept>

#include "monitor/run_table.h"
#include "monitor/wire.h"
#include "tests/fuzz/fuzz.h"

namespace penumbra::fuzz {
namespace {

using namespace monitor;

/// As ReportStream takes it, for a rank with this token.
void take(RunTable& table, std::uint64_t& token, const v1::RankReport& report) {
  if (report.has_hello()) {
    token = table.join(from_wire(report.hello()), [](Order) {});
  } else if (report.has_update()) {
    std::vector<Value> values;
    for (const v1::Value& value : report.update().values()) {
      if (auto known = from_wire(value)) values.push_back(std::move(*known));
    }
    table.update(token, std::move(values), report.update().dropped());
  } else if (v1::Outcome_IsValid(report.outcome())) {
    table.leave(token, static_cast<Outcome>(report.outcome()));
  }
}

void check(const std::vector<RunView>& runs) {
  for (const RunView& run : runs) {
    require(is_run_name(run.name), "a run has a plain name");
    for (const auto& [name, value] : run.details) require(is_plain(name) && is_plain(value), "details are plain");
    for (const RankView& member : run.members) {
      require(member.rank >= 0 && member.rank < run.ranks, "a member is one of the ranks");
      for (const Value& value : member.values)
        for (const std::string& label : value.labels) require(is_plain(label), "labels are plain");
    }
  }
}

}  // namespace
}  // namespace penumbra::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  monitor::RunTable table({});
  std::uint64_t token = 0;
  for (std::size_t at = 0; at < size;) {
    const std::size_t length = std::min<std::size_t>(bytes[at], size - at - 1);
    monitor::v1::RankReport report;
    const bool parsed = report.ParseFromArray(bytes + at + 1, static_cast<int>(length));
    at += length + 1;
    if (parsed) fuzz::accepts<std::invalid_argument>([&] { fuzz::take(table, token, report); });
  }
  fuzz::check(table.view());
  fuzz::check(monitor::from_wire(monitor::to_wire(table.view())));
  return 0;
}
