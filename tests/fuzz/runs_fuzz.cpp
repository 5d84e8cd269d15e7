// A list of runs as a monitor sends it, up to what `penumbra watch` shows.
#include <algorithm>

#include "monitor/live_view.h"
#include "monitor/wire.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  monitor::v1::RunList list;
  if (!list.ParseFromArray(bytes, static_cast<int>(size))) return 0;
  const auto runs = monitor::from_wire(list);
  const std::string screen = monitor::live_view(runs, 1e9), json = monitor::to_json(runs);
  const auto harmless = [](unsigned char c) { return c >= 0x20 || c == '\n'; };
  fuzz::require(std::all_of(screen.begin(), screen.end(), harmless), "a screen holds no control characters");
  fuzz::require(std::all_of(json.begin(), json.end(), harmless), "nor does JSON");
  return 0;
}
