#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "comm/gpu/nccl_collective.h"
#include "comm/world.h"
#include "tests/comm/fake_nccl.h"

namespace penumbra::testing {

enum class Backend { mpi, pairwise, staged, nccl };
std::string name_of(Backend backend);

/// The implementation of Collective that a test is about; all ranks make and destroy it. "nccl" is NcclCollective over
/// the fake.
class Subject {
 public:
  explicit Subject(Backend backend, FakeNcclBehaviour behaviour = {},
                   std::chrono::milliseconds patience = std::chrono::minutes(1));

  ~Subject();
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  comm::Collective& collective();
  /// Of Backend::nccl alone.
  comm::NcclCollective& nccl() { return dynamic_cast<comm::NcclCollective&>(*made_); }
  FakeNccl& fake() { return *fake_; }
  comm::FlightRecorder& recorder() { return recorder_; }
  /// What NCCL said, once it did; waits for it.
  std::string error() { return error_.get_future().get(); }

 private:
  const comm::Path path_before_;
  comm::FlightRecorder recorder_;
  std::promise<std::string> error_;
  std::unique_ptr<FakeNccl> fake_;
  std::unique_ptr<comm::Collective> made_;  ///< null: the world's own
};

}  // namespace penumbra::testing
