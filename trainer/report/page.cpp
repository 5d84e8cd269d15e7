#include "trainer/report/page.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "trainer/report/markup.h"
#include "trainer/report/sections.h"
#include "trainer/report/style.h"

namespace penumbra::trainer {
namespace {

struct Section {
  const char *id, *title;
  Element (*make)(const Report&);
};

constexpr std::array kSections = {
    Section{"runs", "Runs", runs_section},
    Section{"measures", "Measures", measures_section},
    Section{"training", "Training", training_section},
    Section{"classes", "Classes", classes_section},
    Section{"calibration", "Confidence", calibration_section},
    Section{"distributions", "Distributions", distribution_section},
    Section{"faces", "Faces", faces_section},
};

std::string title_of(const Report& report) {
  return report.runs.size() == 1 ? report.runs.front().name : fmt::format("{} runs", report.runs.size());
}

std::string subtitle_of(const Report& report) {
  std::string faces = fmt::format("{} faces of the {} split", report.labels.size(), report.split);
  if (report.runs.size() == 1) return faces;
  const std::size_t methods = report.methods.size();
  return faces + (methods == 1 ? ", one method" : fmt::format(", {} methods", methods));
}

Element head(const Report& report) {
  return Element("head")
      .add({"meta", {{"charset", "utf-8"}}})
      .add({"meta",
            {{"http-equiv", "Content-Security-Policy"},
             {"content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'"}}})
      .add({"meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}})
      .add({"meta", {{"name", "color-scheme"}, {"content", "light dark"}}})
      .add({"title", {}, title_of(report) + " – Penumbra"})
      .add({"style", {}, kStyle});
}

}  // namespace

std::string page(const Report& report) {
  Element contents("nav", {{"aria-label", "contents"}});
  Element body("main");
  for (const Section& section : kSections) {
    contents.add({"a", {{"href", fmt::format("#{}", section.id)}}, section.title});
    body.add(section.make(report));
  }
  Element header("header");
  header.add({"h1", {}, title_of(report)});
  header.add({"p", {}, subtitle_of(report)});
  Element all("html", {{"lang", "en"}});
  all.add(head(report)).add(Element("body").add(std::move(header)).add(std::move(contents)).add(std::move(body)));
  return "<!DOCTYPE html>\n" + all.to_string() + "\n";
}

}  // namespace penumbra::trainer
