#pragma once

#include <optional>

#include "data/store/sample_set.h"
#include "trainer/config.h"
#include "trainer/nets/pretrained.h"

namespace penumbra::trainer {

/// What net.pretrained has for the nets of a new run on such faces; none where the key is empty. Warns where the file
/// says that it was trained on images that were normalised otherwise. Throws data::DataError where the file is missing
/// or malformed, ConfigError where nothing of it fits.
std::optional<Pretrained> read_pretrained(const Config& config, const data::StoreInfo& info);

/// The account on the console, as a table.
void announce(const Config& config, const Pretrained& pretrained);

}  // namespace penumbra::trainer
