#include "trainer/launch/mpirun.h"

#include <cstdlib>

#include <unistd.h>

namespace penumbra::trainer {
namespace {

Variables without_those_set(Variables variables) {
  std::erase_if(variables, [](const auto& variable) { return std::getenv(variable.first.c_str()) != nullptr; });
  return variables;
}

}  // namespace

Variables keepalive_variables() {
  Variables variables;
  for (const std::string launcher : {"OMPI", "PRTE"}) {  // those of Open MPI 4 and 5
    const std::string prefix = launcher + "_MCA_oob_tcp_keepalive_";
    variables.insert(variables.end(), {{prefix + "time", "3"}, {prefix + "intvl", "1"}, {prefix + "probes", "3"}});
  }
  return without_those_set(std::move(variables));
}

Variables root_variables() {
  if (::geteuid() != 0) return {};
  return without_those_set({{"OMPI_ALLOW_RUN_AS_ROOT", "1"}, {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}});
}

}  // namespace penumbra::trainer
