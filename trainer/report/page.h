#pragma once

#include <string>

#include "trainer/report/report.h"

namespace penumbra::trainer {

/// The report as one HTML page that needs nothing else: no other file, network or script, which its content security
/// policy says too.
std::string page(const Report& report);

}  // namespace penumbra::trainer
