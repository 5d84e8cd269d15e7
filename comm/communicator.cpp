#include "comm/communicator.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "comm/error.h"

namespace penumbra::comm {
namespace {

std::string text_of(int code) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) return "MPI error " + std::to_string(code);
  std::string line(text.data(), static_cast<std::size_t>(length));
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

int world_rank() {
  int initialized = 0, rank = 0;
  MPI_Initialized(&initialized);
  if (initialized != 0) MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int as_count(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw std::invalid_argument("control messages are smaller than 2 GiB: send tensors through World::collective()");
  }
  return static_cast<int>(bytes);
}

}  // namespace

void check(int code, const std::string& call) {
  if (code == MPI_SUCCESS) return;
  throw CommError("rank " + std::to_string(world_rank()) + ": " + call + ": " + text_of(code));
}

Communicator Communicator::duplicate_world() {
  MPI_Comm comm = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup");
  return Communicator(comm);
}

Communicator Communicator::of_host() {
  MPI_Comm comm = MPI_COMM_NULL;
  check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm), "MPI_Comm_split_type");
  return Communicator(comm);
}

Communicator::Communicator(MPI_Comm comm) : comm_(comm) {
  check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)), rank_(other.rank_), size_(other.size_) {}

Communicator::~Communicator() {
  if (comm_ != MPI_COMM_NULL) MPI_Comm_free(&comm_);
}

void Communicator::barrier() const { check(MPI_Barrier(comm_), "barrier"); }

std::string Communicator::broadcast(std::string bytes, int root) const {
  // The length goes first, as a number that every rank can judge: a message that is too long must fail on all of them.
  std::uint64_t length = bytes.size();
  check(MPI_Bcast(&length, 1, MPI_UINT64_T, root, comm_), "broadcast of a length");
  bytes.resize(static_cast<std::size_t>(as_count(length)));
  check(MPI_Bcast(bytes.data(), as_count(length), MPI_BYTE, root, comm_),
        "broadcast of " + std::to_string(length) + " bytes");
  return bytes;
}

std::vector<std::string> Communicator::all_gather(const std::string& bytes) const {
  const std::uint64_t mine = bytes.size();
  std::vector<std::uint64_t> lengths(static_cast<std::size_t>(size_));
  check(MPI_Allgather(&mine, 1, MPI_UINT64_T, lengths.data(), 1, MPI_UINT64_T, comm_), "all-gather of lengths");
  const int total = as_count(std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0}));
  std::vector<int> counts(lengths.begin(), lengths.end()), offsets(lengths.size());
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  std::string all(static_cast<std::size_t>(total), '\0');
  check(MPI_Allgatherv(bytes.data(), as_count(bytes.size()), MPI_BYTE, all.data(), counts.data(), offsets.data(),
                       MPI_BYTE, comm_),
        "all-gather of " + std::to_string(total) + " bytes");
  std::vector<std::string> out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out.push_back(all.substr(static_cast<std::size_t>(offsets[i]), static_cast<std::size_t>(counts[i])));
  }
  return out;
}

}  // namespace penumbra::comm
