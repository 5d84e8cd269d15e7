// A checkpoint's manifest.json.
#include <stdexcept>

#include "tests/fuzz/fuzz.h"
#include "trainer/checkpoint/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  fuzz::accepts<std::invalid_argument>([&] {
    const trainer::Manifest manifest = trainer::manifest_from(std::string(fuzz::text_of({bytes, size})));
    const std::string text = trainer::to_json(manifest);
    fuzz::require(trainer::to_json(trainer::manifest_from(text)) == text, "what is written is read back the same");
  });
  return 0;
}
