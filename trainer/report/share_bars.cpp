#include "trainer/report/share_bars.h"

#include <fmt/format.h>

namespace penumbra::trainer {
namespace {

constexpr double kWidth = 230, kLabels = 84, kBar = 5, kRow = 15;

/// At most `kMostCharacters` of a name, which is UTF-8; more would reach out of the picture.
std::string shortened(const std::string& name) {
  constexpr int kMostCharacters = 13;
  int characters = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool starts_one = (static_cast<unsigned char>(name[i]) & 0xC0) != 0x80;
    if (starts_one && ++characters > kMostCharacters) return name.substr(0, i) + "…";
  }
  return name;
}

void add_bar(Element& svg, const char* name, double y, double share) {
  svg.add({"rect",
           {{"class", name},
            {"x", fmt::format("{}", kLabels)},
            {"y", fmt::format("{:.1f}", y)},
            {"width", fmt::format("{:.1f}", share * (kWidth - kLabels))},
            {"height", fmt::format("{}", kBar)}}});
}

std::string spoken(const std::vector<std::string>& classes, std::span<const double> human,
                   std::span<const double> predicted) {
  std::string text;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    text += fmt::format("{}{}: ", c == 0 ? "" : "; ", classes[c]);
    if (!human.empty()) text += fmt::format("annotators {:.2f}, ", human[c]);
    text += fmt::format("predicted {:.2f}", predicted[c]);
  }
  return text;
}

}  // namespace

Element share_bars(const std::vector<std::string>& classes, std::span<const double> human,
                   std::span<const double> predicted) {
  const double height = kRow * static_cast<double>(classes.size());
  Element svg("svg", {{"class", "bars"},
                      {"viewBox", fmt::format("0 0 {} {}", kWidth, height)},
                      {"role", "img"},
                      {"aria-label", spoken(classes, human, predicted)}});
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const double top = kRow * static_cast<double>(c);
    svg.add({"text",
             {{"x", fmt::format("{}", kLabels - 5)}, {"y", fmt::format("{:.1f}", top + 11)}, {"text-anchor", "end"}},
             shortened(classes[c])});
    if (!human.empty()) add_bar(svg, "human", top + 2, human[c]);
    add_bar(svg, "predicted", human.empty() ? top + 5 : top + 2 + kBar, predicted[c]);
  }
  return svg.add({"line",
                  {{"class", "axis"},
                   {"x1", fmt::format("{}", kLabels)},
                   {"y1", "0"},
                   {"x2", fmt::format("{}", kLabels)},
                   {"y2", fmt::format("{}", height)}}});
}

}  // namespace penumbra::trainer
