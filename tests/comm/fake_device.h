#pragma once

#include <functional>

namespace penumbra::testing {

// A device for tests, under c10::DeviceType::PrivateUse1, whose tensors lie in host memory. Its stream 0, the current
// one, runs on the calling thread: what waits in it waits there. Its other stream runs jobs on a thread of its own.

/// Puts a job on the other stream.
void enqueue_on_fake_stream(std::function<void()> job);

}  // namespace penumbra::testing
