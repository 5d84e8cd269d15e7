#include "comm/pairwise_exchange.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <list>
#include <stdexcept>
#include <thread>

#include "comm/collective.h"

namespace penumbra::comm {
namespace {

constexpr std::size_t kUnderWay = 12;  ///< pieces at a time: enough to keep a network busy while this thread sleeps
constexpr int kTags = 1 << 14;         ///< MPI promises 32767
constexpr int kEagerLooks = 20;        ///< before the thread sleeps
constexpr std::chrono::microseconds kRest{100};

template <typename T>
void add_rows(T* out, std::int64_t count, std::span<const void* const> rows) {
  constexpr std::int64_t kBlock = 1024;  // stays in the core's first cache
  std::array<T, kBlock> sums;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t size = std::min(kBlock, count - begin);
    const auto row = [&](std::size_t rank) { return static_cast<const T*>(rows[rank]) + begin; };
    std::copy_n(row(0), size, sums.begin());
    for (std::size_t rank = 1; rank < rows.size(); ++rank) {
      const T* values = row(rank);
      for (std::int64_t i = 0; i < size; ++i) sums[static_cast<std::size_t>(i)] += values[i];
    }
    std::copy_n(sums.begin(), size, out + begin);
  }
}

}  // namespace

/// The same stretch of every rank's part.
class PairwiseExchange::Piece {
 public:
  Piece(PairwiseExchange& owner, const Elements& elements, std::int64_t index, std::int64_t most, const Sum* sum,
        bool gather, std::vector<char>& received)
      : communicator_(owner.communicator_),
        elements_(elements),
        begin_(index * most),
        most_(most),
        tag_(static_cast<int>(2 * (index % (kTags / 2)))),
        sum_(sum),
        gather_(gather),
        received_(received) {
    if (sum_ != nullptr) {
      send_addends();
    } else {
      send_own();
    }
  }

  bool done() const { return done_; }

  /// One step further where its messages have arrived. True if so.
  bool advance() {
    if (done_ || !arrived()) return false;
    if (adding_) add();
    if (adding_ && gather_) {
      send_own();
    } else {
      done_ = true;
    }
    return true;
  }

 private:
  int ranks() const { return communicator_.size(); }
  int rank() const { return communicator_.rank(); }
  int ahead(int step) const { return (rank() + step) % ranks(); }
  int behind(int step) const { return (rank() + ranks() - step) % ranks(); }

  Interval of(int whose) const {
    const Interval part = part_of(elements_.count, whose, ranks());
    const std::int64_t begin = std::min(begin_, part.size);
    return {part.offset + begin, std::min(most_, part.size - begin)};
  }
  char* at(std::int64_t element) const {
    return static_cast<char*>(elements_.data) + element * static_cast<std::int64_t>(elements_.bytes);
  }
  char* received_from(int whose) const { return received_.data() + static_cast<std::size_t>(whose) * piece_bytes(); }
  std::size_t piece_bytes() const { return static_cast<std::size_t>(most_) * elements_.bytes; }

  void send(const Interval& what, int to, int tag) {
    check(MPI_Isend(at(what.offset), static_cast<int>(what.size), elements_.type, to, tag, communicator_.handle(),
                    &requests_.emplace_back(MPI_REQUEST_NULL)),
          "sending to rank " + std::to_string(to));
  }
  void receive(char* where, std::int64_t count, int from, int tag) {
    check(MPI_Irecv(where, static_cast<int>(count), elements_.type, from, tag, communicator_.handle(),
                    &requests_.emplace_back(MPI_REQUEST_NULL)),
          "receiving from rank " + std::to_string(from));
  }

  void send_addends() {
    adding_ = true;
    received_.resize(static_cast<std::size_t>(ranks()) * piece_bytes());
    for (int step = 1; step < ranks(); ++step) {
      receive(received_from(behind(step)), of(rank()).size, behind(step), tag_);
      send(of(ahead(step)), ahead(step), tag_);
    }
  }

  void send_own() {
    adding_ = false;
    for (int step = 1; step < ranks(); ++step) {
      const Interval theirs = of(behind(step));
      receive(at(theirs.offset), theirs.size, behind(step), tag_ + 1);
      send(of(rank()), ahead(step), tag_ + 1);
    }
  }

  void add() {
    const Interval own = of(rank());
    std::vector<const void*> rows;
    for (int whose = 0; whose < ranks(); ++whose) {
      rows.push_back(whose == rank() ? at(own.offset) : received_from(whose));
    }
    if (own.size > 0) (*sum_)(own.offset, own.size, rows);
  }

  bool arrived() {
    int all = 0;
    check(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &all, MPI_STATUSES_IGNORE),
          "waiting for other ranks' gradients");
    if (all != 0) requests_.clear();
    return all != 0;
  }

  const Communicator& communicator_;
  const Elements& elements_;
  const std::int64_t begin_, most_;  ///< elements, within a part
  const int tag_;
  const Sum* sum_;
  const bool gather_;
  std::vector<char>& received_;
  std::vector<MPI_Request> requests_;
  bool adding_ = false, done_ = false;
};

void PairwiseExchange::exchange(Elements elements, const Sum* sum, bool gather) {
  const std::int64_t most = std::max<std::int64_t>(1, piece_bytes_ / static_cast<std::int64_t>(elements.bytes));
  const std::int64_t longest = (elements.count + communicator_.size() - 1) / communicator_.size();
  const std::int64_t pieces = (longest + most - 1) / most;
  received_.resize(kUnderWay);
  std::list<Piece> under_way;  // in order: a finished one frees its buffer for the one that is kUnderWay behind it
  std::int64_t next = 0;
  int looks = 0;
  while (next < pieces || !under_way.empty()) {
    bool moved = false;
    while (next < pieces && under_way.size() < kUnderWay) {
      auto& buffer = received_[static_cast<std::size_t>(next) % kUnderWay];
      under_way.emplace_back(*this, elements, next++, most, sum, gather, buffer);
      moved = true;
    }
    for (Piece& piece : under_way) moved |= piece.advance();
    while (!under_way.empty() && under_way.front().done()) under_way.pop_front();
    looks = moved ? 0 : looks + 1;
    if (looks > kEagerLooks) std::this_thread::sleep_for(kRest);
  }
}

PairwiseExchange::Sum sum_in_place(PairwiseExchange::Elements elements) {
  const auto adding = [&]<typename T>(T /*of this type*/) {
    return [data = static_cast<T*>(elements.data)](std::int64_t offset, std::int64_t count,
                                                   std::span<const void* const> rows) {
      add_rows(data + offset, count, rows);
    };
  };
  if (elements.type == MPI_FLOAT) return adding(float{});
  if (elements.type == MPI_DOUBLE) return adding(double{});
  if (elements.type == MPI_INT64_T) return adding(std::int64_t{});
  if (elements.type == MPI_UINT8_T) return adding(std::uint8_t{});
  throw std::invalid_argument("no sums of this type");
}

}  // namespace penumbra::comm
