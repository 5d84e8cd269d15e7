#pragma once

#include <string>

namespace penumbra::trainer {

/// Records every operator from construction to destruction and writes a Chrome trace to `path` (open it in
/// chrome://tracing or Perfetto). An empty path does nothing. Recording costs time and memory: a few hundred steps.
class Profile {
 public:
  explicit Profile(std::string path);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

 private:
  std::string path_;
};

}  // namespace penumbra::trainer
