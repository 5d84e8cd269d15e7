#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/import/decode_all.h"
#include "data/import/import_report.h"
#include "data/store/writer.h"

namespace penumbra::data {

/// The images of one split before they are read. Rows are aligned: file, label, id, votes and groups of image i.
struct ListedImages {
  std::string split;                         ///< train, val, test
  std::vector<std::filesystem::path> files;  ///< [N]
  std::vector<std::int32_t> labels;          ///< [N] in [0, C)
  std::vector<std::string> ids;              ///< [N]
  std::vector<float> votes;                  ///< [N, V]; empty: none
  std::vector<GroupColumn> groups;           ///< each of N codes; empty: none
  std::int64_t dropped_by_rule = 0;
};

/// Makes the images of `listed`, which must outlive it, fit a store: their channels and, where `may_resize`, their
/// side; otherwise another size is a DataError that says what was `expected`, e.g. "the first image says".
FitImage fit_to(const StoreInfo& info, const ListedImages& listed, bool may_resize, const std::string& expected);

/// Decodes the images and writes them as a split. What was kept, dropped and corrupt goes to `report`; a split without
/// any usable image is not written, but noted as left out, with `why_none`. Throws DataError.
void import_listed(const ListedImages& listed, const FitImage& fit, const ImportOptions& options,
                   const std::string& why_none, StoreWriter& writer, const StoreInfo& info, ImportReport& report);

}  // namespace penumbra::data
