#pragma once

#include "trainer/report/markup.h"
#include "trainer/report/report.h"

namespace penumbra::trainer {

// Each is a <section> of the page, with a heading and, below each picture or table, how to read it.

Element runs_section(const Report& report);          ///< which runs, how their configurations differ
Element measures_section(const Report& report);      ///< every measure of each run; methods against the first one
Element training_section(const Report& report);      ///< what the runs logged, over the epochs
Element classes_section(const Report& report);       ///< by class, and which is taken for which
Element calibration_section(const Report& report);   ///< confidence against accuracy, risk against coverage
Element distribution_section(const Report& report);  ///< what annotators said, and what is predicted
Element faces_section(const Report& report);         ///< the galleries

}  // namespace penumbra::trainer
