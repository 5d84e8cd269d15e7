#include "trainer/loop/profile.h"

#include <exception>
#include <set>
#include <utility>

#include <spdlog/spdlog.h>
#include <torch/csrc/autograd/profiler_kineto.h>

namespace penumbra::trainer {
namespace profiler = torch::autograd::profiler;

Profile::Profile(std::string path, c10::Device device) : path_(std::move(path)) {
  if (path_.empty()) return;
  const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
  std::set<profiler::ActivityType> activities{profiler::ActivityType::CPU};
  if (device.is_cuda()) activities.insert(profiler::ActivityType::CUDA);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities);
}

Profile::~Profile() {
  if (path_.empty()) return;
  try {
    profiler::disableProfiler()->save(path_);
    spdlog::info("trace written to {}", path_);
  } catch (const std::exception& error) {
    spdlog::error("the trace could not be written to {}: {}", path_, error.what());
  }
}

}  // namespace penumbra::trainer
