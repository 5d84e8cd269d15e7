#pragma once

#include <cstdint>

#include "comm/wire.h"

namespace penumbra::comm {

enum class SyncMode {
  all_reduce,  ///< every rank gets the whole gradient
  sharded,     ///< a rank gets its part of each bucket, updates it alone and hands the values out (ZeRO-1): the
               ///< optimizer's moments take 1 / ranks of the memory, for the same bytes on the wire
};

struct GradientSyncOptions {
  std::int64_t first_bucket_bytes = std::int64_t{1} << 20;  ///< small, so that traffic starts early
  std::int64_t bucket_bytes = std::int64_t{25} << 20;
  SyncMode mode = SyncMode::all_reduce;
  Wire wire = Wire::exact;  ///< of the gradients; values always go exact
};

}  // namespace penumbra::comm
