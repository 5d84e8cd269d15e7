#include <fmt/format.h>

#include "trainer/report/section_parts.h"
#include "trainer/report/sections.h"
#include "trainer/report/share_bars.h"

namespace penumbra::trainer {
namespace {

Element picture_of(const ReportedFace& face, const Report& report) {
  const std::string& predicted = report.classes[face.predicted];
  const std::string looks = face.disagreement ? fmt::format("where f_o and f_a look for {}", predicted)
                                              : fmt::format("where f_o looks for {}", predicted);
  return {"img",
          {{"src", "data:image/png;base64," + face.picture},
           {"alt", fmt::format("Face {}, and beside it {}", face.id, looks)},
           {"loading", "lazy"}}};
}

Element caption_of(const ReportedFace& face, const Report& report) {
  const bool right = face.label == face.predicted;
  Element caption("figcaption");
  caption.add({"b", {}, fmt::format("{} {:.0f} %", report.classes[face.predicted], 100 * face.shares[face.predicted])});
  caption.add({"span",
               {{"class", right ? "right" : "wrong"}},
               right ? " ✓ as labelled" : fmt::format(" ✗ label {}", report.classes[face.label])});
  std::string numbers = fmt::format("entropy {:.3f}", face.entropy);
  if (face.disagreement) numbers += fmt::format(", disagreement {:.3f}", *face.disagreement);
  return caption.add({"small", {}, numbers}).add({"small", {{"class", "id"}}, face.id});
}

Element face_figure(const ReportedFace& face, const Report& report) {
  Element out("figure", {{"class", "face"}});
  if (!face.picture.empty()) out.add(picture_of(face, report));
  return out.add(share_bars(report.classes, face.human, face.shares)).add(caption_of(face, report));
}

const char* reading(const Report& report) {
  return report.shows_faces
             ? "Each face, and beside it where f_o and then, if there is one, f_a look for the predicted class: from "
               "red "
               "to yellow what speaks for it most. The bars are the shares of each class. Entropy and disagreement "
               "(the "
               "Jensen-Shannon divergence of both nets) are in nats; shares and entropy are after the temperature."
             : "The report was made without faces. The bars are the shares of each class. Entropy and disagreement "
               "(the "
               "Jensen-Shannon divergence of both nets) are in nats; shares and entropy are after the temperature.";
}

}  // namespace

Element faces_section(const Report& report) {
  Element out = section("faces", "Faces");
  out.add({"p", {{"class", "reading"}}, reading(report)}).add(share_legend(report));
  for (const ReportedRun& run : report.runs) {
    for (const Gallery& gallery : run.galleries) {
      if (gallery.faces.empty()) continue;
      out.add({"h3", {}, report.runs.size() > 1 ? run.name + ": " + gallery.title : gallery.title});
      Element grid("div", {{"class", "gallery"}});
      for (const ReportedFace& face : gallery.faces) grid.add(face_figure(face, report));
      out.add(std::move(grid));
    }
  }
  return out;
}

}  // namespace penumbra::trainer
