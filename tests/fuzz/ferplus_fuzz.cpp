// fer2013new.csv, by both label rules.
#include "data/error.h"
#include "data/import/ferplus_votes.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace penumbra;
  const fuzz::ScratchFile file({bytes, size});
  for (const auto rule : {data::LabelRule::majority, data::LabelRule::argmax}) {
    fuzz::accepts<data::DataError>([&] {
      for (const data::FerplusRow& row : data::read_ferplus_rows(file.path(), rule)) {
        fuzz::require(row.split < data::kFerplusSplits.size(), "a row belongs to a split");
        if (!row.label) continue;
        fuzz::require(*row.label >= 0 && *row.label < data::kFerplusClasses, "a label is a class");
        fuzz::require(row.votes[static_cast<std::size_t>(*row.label)] > 0, "a label has a vote");
        fuzz::require(!row.image.empty(), "a row that is kept names an image");
      }
    });
  }
  return 0;
}
