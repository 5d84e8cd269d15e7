#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "comm/communicator.h"
#include "comm/gpu/nccl_api.h"

namespace penumbra::testing {

struct FakeNcclBehaviour {
  int delay_milliseconds = 0;   ///< before each collective, on the stream
  int polls_in_progress = 0;    ///< how often a call is said to be in progress before it has succeeded; -1: for ever
  int hanging_collective = -1;  ///< the index of one that does not end until the communicator is aborted
  int failing_collective = -1;  ///< the index of one that ends in an asynchronous error instead
  bool in_caller = false;       ///< on the calling thread instead of the stream, as ATen's operators do here
};

/// NCCL's functions over MPI, on the fake device's other stream. One communicator at a time.
class FakeNccl {
 public:
  /// All ranks call, also for the destructor.
  explicit FakeNccl(FakeNcclBehaviour behaviour);
  ~FakeNccl();
  FakeNccl(const FakeNccl&) = delete;
  FakeNccl& operator=(const FakeNccl&) = delete;

  /// Must not outlive this.
  comm::NcclApi api();
  bool aborted() const { return state_->aborted; }
  int registered() const { return registered_; }  ///< buffers, now

 private:
  using Call = std::function<void(MPI_Comm)>;
  /// Lives as long as jobs of it are on the stream.
  struct State {
    FakeNcclBehaviour behaviour;
    std::unique_ptr<comm::Communicator> communicator;
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<MPI_Request> sends;  ///< of the group under way; of the communication thread
    std::atomic<bool> aborted = false, failed = false;
  };

  comm::NcclResult post(Call call);
  comm::NcclResult submit(const std::vector<Call>& calls);
  comm::NcclResult accepted();
  comm::NcclResult state_of(comm::NcclResult* result);
  static void perform(State& state, int index, const std::vector<Call>& calls);

  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::atomic<int> polls_left_ = 0;
  int collectives_ = 0, registered_ = 0;
  bool grouped_ = false;
  std::vector<Call> group_;
};

}  // namespace penumbra::testing
