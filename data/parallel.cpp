#include "data/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace penumbra::data {

void for_runs(std::int64_t count, std::int64_t run, int threads,
              const std::function<void(std::int64_t, std::int64_t)>& work) {
  std::atomic<std::int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto take_runs = [&] {
    try {
      for (std::int64_t begin = next.fetch_add(run); begin < count; begin = next.fetch_add(run))
        work(begin, std::min(count, begin + run));
    } catch (...) {  // every exception: the caller's thread rethrows it
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  const std::int64_t wanted = threads < 1 ? std::thread::hardware_concurrency() : threads;
  const std::int64_t used = std::min(wanted, (count + run - 1) / run);
  {
    std::vector<std::jthread> pool;
    for (std::int64_t i = 1; i < used; ++i) pool.emplace_back(take_runs);
    take_runs();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace penumbra::data
