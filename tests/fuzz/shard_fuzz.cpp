// A checkpoint's shard whose checksum in the manifest is right: its author wrote both.
#include "data/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/checkpoint/shard.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  const fuzz::ScratchFile file({bytes, size});
  fuzz::accepts<data::DataError>([&] {
    const auto share = trainer::read_shard(file.path(), data::stamp_of(file.path()));
    for (const auto& [name, values] : trainer::join({share}))
      fuzz::require(values.size() == static_cast<std::size_t>(share.at(name).size), "an array has the size it claims");
  });
  return 0;
}
