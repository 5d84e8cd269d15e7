#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <c10/core/Stream.h>

#include "comm/collective.h"
#include "comm/gpu/nccl_api.h"
#include "comm/watchdog/flight_recorder.h"

namespace penumbra::comm {

/// Collective over NCCL on tensors of one device. Nothing blocks the host: a collective runs on a stream of its own, of
/// high priority, behind what the calling thread's current stream holds at the call; Work::wait() makes the current
/// stream wait for it. A thread of its own looks which ones have begun and ended, for the flight record, and asks NCCL
/// for errors that came later.
class NcclCollective : public Collective {
 public:
  struct Place {
    int rank = 0, world_size = 1;
    c10::Device device;  ///< this rank's alone
  };
  /// Called once, on the observing thread, with NCCL's words.
  using OnError = std::function<void(const std::string&)>;

  /// All ranks call, with rank 0's `id`. `recorder` must outlive this. Throws CommError; so does any call that NCCL has
  /// not accepted after `patience`.
  NcclCollective(NcclApi nccl, const NcclUniqueId& id, Place place, FlightRecorder& recorder, OnError on_error,
                 std::chrono::milliseconds patience = std::chrono::minutes(10));
  /// Waits for what is under way, unless abort() was called or an error was seen.
  ~NcclCollective() override;

  using Collective::all_reduce_sum;
  int rank() const override { return place_.rank; }
  int world_size() const override { return place_.world_size; }
  Work all_reduce_sum(const at::Tensor& tensor, Wire wire) override;
  Work reduce_scatter_sum(const at::Tensor& tensor, Wire wire) override;
  Work all_gather(const at::Tensor& tensor) override;
  Work broadcast(const at::Tensor& tensor, int root) override;
  void abort() override;
  bool can_be_recorded() const override { return true; }
  /// What is recorded has no place in the flight record; a replay is one entry there, from end to end.
  void record(const std::function<void()>& work) override;
  void replay(const std::function<void()>& launch) override;
  std::shared_ptr<void> register_buffer(const at::Tensor& tensor) override;

 private:
  class Fate;
  class Launched;

  void settle(NcclResult result, const char* call);
  void accept(NcclResult result, const char* call) const;
  Work launch(const char* name, const at::Tensor& tensor, const std::function<void(NcclStream)>& calls);
  void enlist(std::shared_ptr<Launched> launched);
  void group(const std::function<void()>& calls);
  /// One call a rank, with where its part of the tensor lies and how many elements it has.
  void group_of_parts(const at::Tensor& tensor, const std::function<void(int, char*, std::size_t)>& call);
  at::Tensor reduce_scatter_as_bf16(const at::Tensor& tensor, NcclStream stream);  ///< returns what was sent
  void all_reduce_as_bf16(const at::Tensor& tensor, NcclStream stream);
  void reduce_scatter_exact(const at::Tensor& tensor, NcclStream stream);
  void gather_parts(const at::Tensor& tensor, NcclStream stream);
  void observe();
  void look_at_progress();
  void look_for_error();
  void finish();

  const NcclApi nccl_;
  const Place place_;
  FlightRecorder& recorder_;
  const OnError on_error_;
  const std::chrono::milliseconds patience_;
  const c10::Stream stream_;
  const std::shared_ptr<Fate> fate_;
  NcclComm comm_ = nullptr;
  bool recording_ = false;
  std::once_flag aborted_;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Launched>> under_way_;
  bool stop_ = false;
  std::thread observer_;
};

}  // namespace penumbra::comm
