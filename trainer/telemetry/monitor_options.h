#pragma once

#include <string>

#include "monitor/credentials.h"

namespace penumbra::trainer {

struct MonitorOptions {
  std::string address = "embedded";  ///< on rank 0; "off"; or HOST:PORT of one that is there already
  std::string run;                   ///< what it calls the run; empty: run.dir
  std::string listen = "127.0.0.1:0", metrics = "127.0.0.1:0";  ///< of an embedded one; port 0: any
  monitor::Security security;
};

}  // namespace penumbra::trainer
