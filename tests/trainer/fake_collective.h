#pragma once

#include <barrier>
#include <memory>
#include <mutex>
#include <stdexcept>

#include <ATen/core/Tensor.h>

#include "comm/collective.h"

namespace penumbra::testing {

/// Threads of this process as ranks: what all-reduce means, written plainly.
class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : size_(size), barrier_(size) {}

  class Rank : public comm::Collective {
   public:
    Rank(ThreadRanks& ranks, int rank) : ranks_(ranks), rank_(rank) {}
    int rank() const override { return rank_; }
    int world_size() const override { return ranks_.size_; }
    comm::Work all_reduce_sum(const at::Tensor& tensor, comm::Wire) override {
      ranks_.sum(tensor, rank_);
      return comm::Work(std::make_shared<Done>());
    }
    comm::Work reduce_scatter_sum(const at::Tensor&, comm::Wire) override { throw std::logic_error("not needed here"); }
    comm::Work all_gather(const at::Tensor&) override { throw std::logic_error("not needed here"); }
    comm::Work broadcast(const at::Tensor&, int) override { throw std::logic_error("not needed here"); }

   private:
    struct Done : comm::Work::State {
      void wait() override {}
    };
    ThreadRanks& ranks_;
    int rank_;
  };

 private:
  void sum(const at::Tensor& tensor, int rank) {
    {
      const std::scoped_lock lock(mutex_);
      total_ = total_.defined() ? total_.add(tensor) : tensor.clone();
    }
    barrier_.arrive_and_wait();
    tensor.copy_(total_);
    barrier_.arrive_and_wait();
    if (rank == 0) total_ = at::Tensor();
    barrier_.arrive_and_wait();
  }

  int size_;
  std::barrier<> barrier_;
  std::mutex mutex_;
  at::Tensor total_;
};

}  // namespace penumbra::testing
