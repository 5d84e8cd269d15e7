#include <utility>

#include "data/store/writer.h"
#include "data/synth/synth.h"

namespace penumbra::data {

void write_synthetic(const SynthOptions& options, const std::filesystem::path& out) {
  const std::pair<const char*, std::int64_t> splits[] = {
      {"train", options.train}, {"val", options.val}, {"test", options.test}};
  StoreWriter writer(out, synthesise(options, 0, 0).info);
  for (std::uint32_t split = 0; split < 3; ++split)
    writer.write_split(splits[split].first, synthesise(options, split, splits[split].second));
  writer.commit();
}

}  // namespace penumbra::data
