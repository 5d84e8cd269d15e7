#pragma once

#include <string>

#include <c10/core/Device.h>

namespace penumbra::trainer {

/// Records every operator, on `device` too, from construction to destruction and writes a Chrome trace to `path` (open
/// it in chrome://tracing or Perfetto). An empty path does nothing. Recording costs time and memory: a few hundred
/// steps.
class Profile {
 public:
  Profile(std::string path, c10::Device device);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

 private:
  std::string path_;
};

}  // namespace penumbra::trainer
