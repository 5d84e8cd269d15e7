// Any table.
#include "data/error.h"
#include "data/import/csv.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  const fuzz::ScratchFile file({bytes, size});
  fuzz::accepts<data::DataError>([&] {
    data::CsvReader csv(file.path());
    std::int64_t line = 0;
    for (data::CsvRow row; csv.next(row);) {
      fuzz::require(row.fields.size() == csv.header().size(), "a row has as many fields as the header");
      fuzz::require(row.line > line, "lines rise");
      line = row.line;
      fuzz::accepts<data::DataError>([&] {
        const int value = csv.integer(row, 0, -3, 1000);
        fuzz::require(value >= -3 && value <= 1000, "a number lies in its range");
      });
    }
  });
  return 0;
}
