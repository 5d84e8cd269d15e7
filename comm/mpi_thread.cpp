#include "comm/mpi_thread.h"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <mpi.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "comm/communicator.h"
#include "comm/error.h"

namespace penumbra::comm {
namespace {

constexpr int kPriority = -10;  ///< of the communication thread

/// Whether mpirun has put all ranks on this host.
bool on_one_host() {
  const char* ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  const char* ranks_here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  return ranks != nullptr && ranks_here != nullptr && std::string_view(ranks) == ranks_here;
}

/// Settings of Open MPI that can only be made before it starts; what the user has set wins.
void prepare_environment() {
  // A rank that waits in a collective spins: let it give way to the thread that computes on the same core.
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
  // Over TCP, send what is long instead of "putting" it: half as many bytes a second more at 1 Gbit/s; and send the
  // pieces of PairwiseExchange at once.
  setenv("OMPI_MCA_btl_tcp_flags", "1", 0);
  setenv("OMPI_MCA_btl_tcp_eager_limit", "131072", 0);
  // Ranks of one host use shared memory. Open MPI 5 complains where it finds no pair of interfaces for them, too.
  if (on_one_host() && std::getenv("OMPI_MCA_btl_tcp_if_exclude") == nullptr)
    setenv("OMPI_MCA_btl_tcp_if_include", "lo", 0);
  // Without mpirun, start no daemon: nothing here spawns processes.
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
}

void start_mpi() {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized != 0) throw std::logic_error("one World a process: MPI was started before");
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_SERIALIZED) {
    throw CommError("this MPI library supports no threads: it must offer MPI_THREAD_SERIALIZED");
  }
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

/// While it lives, threads that start do not take the signals meant for the main thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

/// The job lets go of what it holds, tensors for one, before anybody hears that it is done.
void perform(MpiThread::Job job, std::promise<void>& done) {
  try {
    std::exchange(job, nullptr)();
  } catch (...) {
    done.set_exception(std::current_exception());
    return;
  }
  done.set_value();
}

}  // namespace

MpiThread::MpiThread(FlightRecorder& recorder) : recorder_(recorder) {
  prepare_environment();
  std::promise<void> promise;
  std::future<void> started = promise.get_future();
  {
    const SignalsBlocked blocked;
    thread_ = std::thread([this](std::promise<void> done) { loop(std::move(done)); }, std::move(promise));
  }
  try {
    started.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

MpiThread::~MpiThread() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::shared_future<void> MpiThread::post(std::string name, std::int64_t bytes, Job job) {
  return post([this, sequence = recorder_.enqueue(std::move(name), bytes), job = std::move(job)] {
    recorder_.start(sequence);
    job();
    recorder_.end(sequence);
  });
}

std::shared_future<void> MpiThread::post(Job job) {
  Posted posted{std::move(job), {}};
  std::shared_future<void> done = posted.done.get_future().share();
  {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(posted));
  }
  wake_.notify_one();
  return done;
}

void MpiThread::loop(std::promise<void> started) {
  pthread_setname_np(pthread_self(), "penumbra-mpi");
  // What arrives is to be passed on at once, though the cores are busy. Where that is not allowed it goes without.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kPriority);
  try {
    start_mpi();
  } catch (...) {
    started.set_exception(std::current_exception());
    return;
  }
  started.set_value();
  run_posted();
  MPI_Finalize();
}

void MpiThread::run_posted() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Posted posted = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    perform(std::move(posted.job), posted.done);
    lock.lock();
  }
}

}  // namespace penumbra::comm
