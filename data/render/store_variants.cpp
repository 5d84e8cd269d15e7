#include "data/render/store_variants.h"

#include <string>
#include <vector>

#include "data/error.h"
#include "data/render/variants.h"
#include "data/store/durable.h"
#include "data/store/writer.h"

namespace penumbra::data {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& file) { return file.string() + ".variants"; }

fs::path part_of(const fs::path& file, int number) {
  return folder_of(file) / ("variant-" + std::to_string(number) + ".h5");
}

/// Of the store of one variant: which images it was rendered from.
StoreInfo part_info(const SampleSet& train) {
  StoreInfo info = train.info;
  info.source = "training set " + std::to_string(fingerprint(train));
  return info;
}

/// Whether `part` is the store of this variant, whole.
bool holds(const fs::path& part, const StoredVariant& variant, const StoreInfo& info) {
  if (!fs::exists(part)) return false;
  try {
    const StoreReader reader(part);
    if (reader.variants() != 1 || reader.info().source != info.source) return false;
    const StoredVariant found = reader.open_variant(0);
    return found.view_size == variant.view_size && found.recipes == variant.recipes &&
           found.label_fingerprint == variant.label_fingerprint;
  } catch (const DataError&) {
    return false;
  }
}

void render_part(const fs::path& part, const SampleSet& train, const StoredVariant& variant, const StoreInfo& info,
                 int threads) {
  StoreWriter writer(part, info);
  writer.write_variant(variant, [&](std::int64_t first, std::int64_t count, std::uint8_t* out) {
    render_variant(train, variant, first, count, out, threads);
  });
  writer.commit();
}

}  // namespace

StoredVariants store_variants(const fs::path& file, const VariantOptions& options, comm::World& world,
                              const std::function<int(std::exception_ptr)>& exit_code) {
  StoredVariants done;
  const auto render_share = [&] {
    const SampleSet train = StoreReader(file).open("train");
    const StoreInfo info = part_info(train);
    done.faces = train.size();
    make_folder(folder_of(file));
    for (int k = world.rank(); k < options.count; k += world.size()) {
      const StoredVariant variant =
          plan_variant(train, options.strong, options.seed, static_cast<std::uint32_t>(k), options.view_size);
      const bool found = holds(part_of(file, k), variant, info);
      if (!found) render_part(part_of(file, k), train, variant, info, world.cores());
      done.found += found;
    }
  };
  const auto assemble = [&] {
    if (world.rank() != 0) return;
    std::vector<fs::path> parts;
    for (int k = 0; k < options.count; ++k) parts.push_back(part_of(file, k));
    write_variants(file, parts);
    fs::remove_all(folder_of(file));
  };
  world.all_or_none(render_share, exit_code);
  world.all_or_none(assemble, exit_code);
  const auto found = world.all_gather(std::vector<double>{static_cast<double>(done.found)});
  done.found = 0;
  for (const auto& of_rank : found) done.found += static_cast<int>(of_rank[0]);
  return done;
}

}  // namespace penumbra::data
