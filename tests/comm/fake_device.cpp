#include "tests/comm/fake_device.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace penumbra::testing {
namespace {

constexpr c10::StreamId kCommunication = 1;
const c10::Device kDevice(c10::DeviceType::PrivateUse1, 0);

/// Runs jobs in order on one thread, to the end of the process.
class Queue {
 public:
  void push(std::function<void()> job) {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(job));
    changed_.notify_all();
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return !jobs_.empty(); });
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::thread thread_{[this] { loop(); }};
};

/// Never destroyed: its thread may sit in a job that hangs.
Queue& queue() {
  static Queue& queue = *new Queue;
  return queue;
}

class Event {
 public:
  void reset() {
    const std::scoped_lock lock(mutex_);
    happened_ = false;
  }
  void happen() {
    const std::scoped_lock lock(mutex_);
    happened_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return happened_; });
  }
  bool happened() {
    const std::scoped_lock lock(mutex_);
    return happened_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool happened_ = true;
};

using SharedEvent = std::shared_ptr<Event>;

thread_local c10::Stream current(c10::Stream::UNSAFE, kDevice, 0);

class FakeGuard : public c10::impl::DeviceGuardImplInterface {
 public:
  c10::DeviceType type() const override { return kDevice.type(); }
  c10::Device exchangeDevice(c10::Device /*device*/) const override { return kDevice; }
  c10::Device getDevice() const override { return kDevice; }
  void setDevice(c10::Device /*device*/) const override {}
  void uncheckedSetDevice(c10::Device /*device*/) const noexcept override {}
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }

  c10::Stream getStream(c10::Device /*device*/) const override { return current; }
  c10::Stream getStreamFromGlobalPool(c10::Device /*device*/, bool /*high_priority*/) const override {
    return c10::Stream(c10::Stream::UNSAFE, kDevice, kCommunication);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override { return std::exchange(current, stream); }
  void* getStreamNativeHandle(const c10::Stream stream) const override {
    return reinterpret_cast<void*>(stream.id());  // only told apart, never followed
  }

  void record(void** event, const c10::Stream& stream, c10::DeviceIndex /*index*/,
              c10::EventFlag /*flag*/) const override {
    if (*event == nullptr) *event = new SharedEvent(std::make_shared<Event>());
    const SharedEvent shared = *static_cast<SharedEvent*>(*event);
    if (stream.id() != kCommunication) return shared->happen();
    shared->reset();
    queue().push([shared] { shared->happen(); });
  }
  void block(void* event, const c10::Stream& stream) const override {
    if (event == nullptr) return;
    const SharedEvent shared = *static_cast<SharedEvent*>(event);
    if (stream.id() != kCommunication) return shared->wait();
    queue().push([shared] { shared->wait(); });
  }
  bool queryEvent(void* event) const override {
    return event == nullptr || (*static_cast<SharedEvent*>(event))->happened();
  }
  void destroyEvent(void* event, c10::DeviceIndex /*index*/) const noexcept override {
    delete static_cast<SharedEvent*>(event);
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, FakeGuard)

}  // namespace

void enqueue_on_fake_stream(std::function<void()> job) { queue().push(std::move(job)); }

}  // namespace penumbra::testing
