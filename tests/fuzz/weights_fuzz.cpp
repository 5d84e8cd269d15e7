// A safetensors file, read as `penumbra eval` and `train --init` read it.
#include "data/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/nets/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  const fuzz::ScratchFile file({bytes, size});
  fuzz::accepts<data::DataError>([&] {
    std::size_t read = 0;
    for (const auto& [name, tensor] : trainer::load_safetensors(file.path()).tensors) read += tensor.nbytes();
    fuzz::require(read <= size, "tensors hold no more than the file");
  });
  return 0;
}
