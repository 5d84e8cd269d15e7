// A number in NumPy's file format.
#include "data/error.h"
#include "data/import/npy.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  fuzz::accepts<data::DataError>([&] {
    const int value = data::decode_npy_integer({bytes, size}, "7_exp.npy", -3, 1000);
    fuzz::require(value >= -3 && value <= 1000, "a number lies in its range");
  });
  return 0;
}
