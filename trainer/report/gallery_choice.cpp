#include "trainer/report/gallery_choice.h"

#include <algorithm>
#include <numeric>

namespace penumbra::trainer {
namespace {

void keep(std::vector<std::int64_t>& rows, std::size_t most) { rows.resize(std::min(rows.size(), most)); }

}  // namespace

GalleryChoice choose_faces(const FaceColumns& columns, std::size_t most) {
  GalleryChoice choice;
  std::vector<std::vector<std::int64_t>> by_score;
  columns.entropy.each_score([&](std::span<const std::uint32_t> faces) {
    by_score.emplace_back(faces.begin(), faces.end());
    std::sort(by_score.back().begin(), by_score.back().end());
  });
  for (const auto& faces : by_score)
    choice.least_uncertain.insert(choice.least_uncertain.end(), faces.begin(), faces.end());
  for (auto faces = by_score.rbegin(); faces != by_score.rend(); ++faces)
    choice.most_uncertain.insert(choice.most_uncertain.end(), faces->begin(), faces->end());
  for (std::size_t i = 0; i < columns.faces; ++i) {
    if (columns.wrong[i] != 0) choice.confidently_wrong.push_back(static_cast<std::int64_t>(i));
  }
  // Where the predicted class is the wrong one, the gap is its probability.
  const auto surer = [&](std::int64_t a, std::int64_t b) { return columns.top.gap[a] > columns.top.gap[b]; };
  std::stable_sort(choice.confidently_wrong.begin(), choice.confidently_wrong.end(), surer);
  for (auto* rows : {&choice.most_uncertain, &choice.least_uncertain, &choice.confidently_wrong}) keep(*rows, most);
  return choice;
}

}  // namespace penumbra::trainer
