// monitor.address, monitor.listen, monitor.metrics.
#include <stdexcept>

#include "monitor/address.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  const std::string text(fuzz::text_of({bytes, size}));
  fuzz::accepts<std::invalid_argument>([&] {
    const auto [host, port] = monitor::split_address(text);
    fuzz::require(!host.empty() && port >= 0 && port <= 65535, "an address has a host and a port");
    monitor::is_loopback(text);
  });
  return 0;
}
