#include "comm/world.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include <c10/util/Exception.h>
#include <mpi.h>
#include <unistd.h>

#include "comm/agreement.h"
#include "comm/communicator.h"
#include "comm/cores.h"
#include "comm/error.h"
#include "comm/gpu/routed_collective.h"
#include "comm/mpi_collective.h"
#include "comm/mpi_thread.h"

namespace penumbra::comm {
namespace {

constexpr std::chrono::seconds kAbortPatience{3};
constexpr int kMostPairwiseRanks = 32;  ///< beyond them the parts of a bucket are too short to fill a network

std::string host_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  check(MPI_Get_processor_name(name.data(), &length), "MPI_Get_processor_name");
  return {name.data(), static_cast<std::size_t>(length)};
}

/// The first part of what the library says of itself: "Open MPI v4.1.4".
std::string library_name() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

int count_equal(const std::vector<std::string>& all, const std::string& mine) {
  return static_cast<int>(std::count(all.begin(), all.end(), mine));
}

int shared_cores(const Communicator& host) {
  const CpuLimits limits = cpu_limits();
  const int mask_ranks = count_equal(host.all_gather(limits.mask), limits.mask);
  const int group_ranks = count_equal(host.all_gather(limits.group), limits.group);
  return usable_cores(limits, mask_ranks, group_ranks);
}

}  // namespace

struct World::Impl {
  FlightRecorder recorder;
  MpiThread thread{recorder};
  std::optional<Communicator> gradients, control, neighbours;
  std::optional<MpiCollective> host_collective;
  std::unique_ptr<Collective> device_collective;  ///< null on CPUs
  std::optional<RoutedCollective> both;
  int local_rank = 0, local_size = 1, cores = 1;
  std::string host, library;
  bool peer_failed = false;

  Impl() {
    run([this] {
      gradients.emplace(Communicator::duplicate_world());
      control.emplace(Communicator::duplicate_world());
      neighbours.emplace(Communicator::of_host());
      local_rank = neighbours->rank();
      local_size = neighbours->size();
      cores = shared_cores(*neighbours);
      host = host_name();
      library = library_name();
    });
    const bool one_host = local_size == gradients->size();
    host_collective.emplace(thread, *gradients, one_host ? kSharedMemoryPieceBytes : kPieceBytes);
    if (!one_host && gradients->size() <= kMostPairwiseRanks) host_collective->set_path(Path::pairwise);
  }

  ~Impl() {
    both.reset();
    device_collective.reset();
    thread
        .post([this] {
          gradients.reset();
          control.reset();
          neighbours.reset();
        })
        .wait();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void run(MpiThread::Job job) { thread.post(std::move(job)).get(); }
  void run(const char* name, std::size_t bytes, MpiThread::Job job) {
    thread.post(name, static_cast<std::int64_t>(bytes), std::move(job)).get();
  }

  [[noreturn]] void leave_with_peer(int exit_code) {
    peer_failed = true;
    throw PeerFailure(exit_code);
  }
};

World::World() : impl_(std::make_unique<Impl>()) {}

World::~World() {
  const bool peer_failed = impl_->peer_failed;
  impl_.reset();
  // mpirun ends the job at the first process that leaves with an error: let the rank that has something to say be
  // heard.
  if (peer_failed) std::this_thread::sleep_for(std::chrono::milliseconds(300));
}

int World::rank() const { return impl_->control->rank(); }
int World::size() const { return impl_->control->size(); }
int World::local_rank() const { return impl_->local_rank; }
int World::local_size() const { return impl_->local_size; }
const std::string& World::host() const { return impl_->host; }
const std::string& World::library() const { return impl_->library; }
int World::cores() const { return impl_->cores; }
Collective& World::collective() {
  if (impl_->both) return *impl_->both;
  return *impl_->host_collective;
}
FlightRecorder& World::recorder() { return impl_->recorder; }

void World::set_path(Path path) { impl_->host_collective->set_path(path); }
Path World::path() const { return impl_->host_collective->path(); }

void World::add_device(std::unique_ptr<Collective> device) {
  impl_->device_collective = std::move(device);
  impl_->both.emplace(*impl_->host_collective, *impl_->device_collective);
}

void World::barrier() {
  impl_->run("barrier", 0, [this] { impl_->control->barrier(); });
}

std::string World::broadcast(const std::string& bytes, int root) {
  std::string out;
  impl_->run("control broadcast", bytes.size(), [&] { out = impl_->control->broadcast(bytes, root); });
  return out;
}

std::string World::broadcast_on_host(const std::string& bytes) {
  std::string out;
  impl_->run("host broadcast", bytes.size(), [&] { out = impl_->neighbours->broadcast(bytes, 0); });
  return out;
}

std::vector<std::string> World::all_gather(const std::string& bytes) {
  std::vector<std::string> out;
  impl_->run("control all-gather", bytes.size(), [&] { out = impl_->control->all_gather(bytes); });
  return out;
}

std::vector<std::vector<double>> World::all_gather(const std::vector<double>& values) {
  std::string bytes(values.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  std::vector<std::vector<double>> all;
  for (const std::string& packed : all_gather(bytes)) {
    std::memcpy(all.emplace_back(packed.size() / sizeof(double)).data(), packed.data(), packed.size());
  }
  return all;
}

std::vector<double> World::largest(std::vector<double> values) {
  for (const std::vector<double>& theirs : all_gather(values)) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::max(values[i], theirs[i]);
  }
  return values;
}

void World::run(const std::function<void()>& job) { impl_->run(job); }

void World::all_or_none(const std::function<void()>& work, const std::function<int(std::exception_ptr)>& exit_code) {
  std::exception_ptr failure;
  try {
    work();
  } catch (...) {  // every exception: it is rethrown below, once all ranks know
    failure = std::current_exception();
  }
  const std::vector<std::string> codes = all_gather(failure ? std::to_string(exit_code(failure)) : "");
  const auto failed = [](const std::string& code) { return !code.empty(); };
  const auto lowest = std::find_if(codes.begin(), codes.end(), failed);
  if (lowest == codes.end()) return;
  if (lowest - codes.begin() != rank()) impl_->leave_with_peer(std::stoi(*lowest));
  if (std::all_of(codes.begin(), codes.end(), failed)) std::rethrow_exception(failure);
  throw RankFailure(rank(), failure);
}

void World::require_agreement(const std::string& what, const std::string& value) {
  const std::vector<std::string> differences = all_gather(first_difference(value, broadcast(value)));
  const auto differs = [](const std::string& text) { return !text.empty(); };
  if (std::none_of(differences.begin(), differences.end(), differs)) return;
  if (rank() != 0) impl_->leave_with_peer(kCommErrorExitCode);
  throw CommError(disagreement(what, differences));
}

void World::abort(int exit_code) {
  std::fflush(nullptr);
  // Where the network is down, NCCL's abort or MPI's may wait for it.
  std::thread([exit_code] {
    std::this_thread::sleep_for(kAbortPatience);
    _exit(exit_code);
  }).detach();
  if (impl_->device_collective) impl_->device_collective->abort();
  if (size() > 1) {
    const auto end = [exit_code] { MPI_Abort(MPI_COMM_WORLD, exit_code); };
    impl_->thread.post(end).wait_for(std::chrono::milliseconds(500));
    end();  // the communication thread sits in a collective that will not end: Open MPI's abort works from here too
  }
  _exit(exit_code);
}

namespace {

std::string message_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const c10::Error& failure) {
    return failure.what_without_backtrace();
  } catch (const std::exception& failure) {
    return failure.what();
  } catch (...) {  // something that is not an exception has no message
    return "unknown failure";
  }
}

}  // namespace

RankFailure::RankFailure(int rank, std::exception_ptr cause)
    : rank_(rank), cause_(std::move(cause)), message_("rank " + std::to_string(rank) + ": " + message_of(cause_)) {}

}  // namespace penumbra::comm
