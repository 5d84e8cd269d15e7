// The list of runs that `penumbra monitor --state` begins with; a damaged one is as good as none.
#include <spdlog/spdlog.h>

#include "monitor/run_table.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  spdlog::set_level(spdlog::level::off);
  const fuzz::ScratchFile file({bytes, size});
  monitor::RunTableOptions options;
  options.file = file.path();
  monitor::RunTable table(options);
  for (const monitor::RunView& run : table.view())
    fuzz::require(monitor::is_run_name(run.name), "a run has a plain name");
  return 0;
}
