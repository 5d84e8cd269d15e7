#include "trainer/checkpoint/training_arrays.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "data/error.h"

namespace penumbra::trainer {
namespace {

using Stretch = comm::Interval;  // of a flat array; penumbra::trainer::Interval is one of the log

/// [elements] fp32 in host memory, in the tensor's logical order; not a copy where it is that already.
at::Tensor flat_on_host(const at::Tensor& tensor) {
  return tensor.detach().reshape({-1}).to(at::kCPU, at::kFloat).contiguous();
}

/// `tensor` holds these intervals of an array of `size` elements, one after the other.
void hold(const at::Tensor& tensor, std::int64_t size, std::vector<Stretch> intervals, ArrayPart& into) {
  const at::Tensor flat = flat_on_host(tensor);
  const float* data = flat.const_data_ptr<float>();
  into.size = size;
  into.intervals = std::move(intervals);
  into.values.assign(data, data + flat.numel());
}

/// Some intervals of `flat`, which is the whole of a sparse array, in host memory.
void cut(const at::Tensor& flat, std::vector<Stretch> intervals, ArrayPart& into) {
  const float* data = flat.const_data_ptr<float>();
  into.size = flat.numel();
  into.sparse = true;
  into.values.clear();
  for (const Stretch& interval : intervals)
    into.values.insert(into.values.end(), data + interval.offset, data + interval.offset + interval.size);
  into.intervals = std::move(intervals);
}

std::int64_t total(const std::vector<Stretch>& intervals) {
  std::int64_t size = 0;
  for (const Stretch& interval : intervals) size += interval.size;
  return size;
}

/// Rows with visits, which are the last column.
std::vector<Stretch> visited_rows(const at::Tensor& sums) {
  const std::int64_t columns = sums.size(1);
  const float* data = sums.const_data_ptr<float>();
  std::vector<Stretch> rows;
  for (std::int64_t row = 0; row < sums.size(0); ++row) {
    if (data[(row + 1) * columns - 1] == 0) continue;
    if (!rows.empty() && rows.back().offset + rows.back().size == row * columns) {
      rows.back().size += columns;
    } else {
      rows.push_back({row * columns, columns});
    }
  }
  return rows;
}

const std::vector<float>& find(const WholeArrays& arrays, const std::string& name, std::int64_t size) {
  const auto found = arrays.find(name);
  if (found == arrays.end()) throw data::DataError(fmt::format("the checkpoint has no array {}", name));
  if (static_cast<std::int64_t>(found->second.size()) != size) {
    throw data::DataError(
        fmt::format("the checkpoint's array {} has {} elements instead of {}", name, found->second.size(), size));
  }
  return found->second;
}

at::Tensor tensor_of(const std::vector<float>& values) {
  const at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<float>());
  return tensor;
}

void fill(const at::Tensor& tensor, const WholeArrays& arrays, const std::string& name) {
  tensor.detach().copy_(tensor_of(find(arrays, name, tensor.numel())).view(tensor.sizes()));
}

/// Of the weights, and then of each of the nets' running statistics.
std::string average_name(std::size_t index) { return fmt::format("average/{:04}", index); }

/// The parts of `statistics`, which is laid out as the nets' running ones are, under their names in a checkpoint.
std::vector<comm::NamedTensor> averaged_statistics(const DualNet& nets, const at::Tensor& statistics) {
  std::vector<comm::NamedTensor> parts;
  std::int64_t offset = 0;
  for (const comm::NamedTensor& buffer : nets.buffers()) {
    parts.push_back({average_name(parts.size() + 1), statistics.narrow(0, offset, buffer.tensor.numel())});
    offset += buffer.tensor.numel();
  }
  return parts;
}

}  // namespace

void stage(TrainingState& state, const Interval& interval, comm::Collective& collective, StateArrays& into) {
  const at::NoGradGuard no_grad;
  state.gradients.await_values();
  const int rank = collective.rank(), ranks = collective.world_size();
  const auto share = [&](const std::string& name, const at::Tensor& tensor) {
    const Stretch own = comm::part_of(tensor.numel(), rank, ranks);
    if (own.size == 0) return;
    hold(tensor.detach().reshape({-1}).narrow(0, own.offset, own.size), tensor.numel(), {own}, into[name]);
  };
  share("values", state.parameters.values());
  const std::vector<Stretch> owned = state.gradients.owned();
  const bool divided = total(owned) != state.parameters.size();
  for (const comm::NamedTensor& moment : state.optimizer.state()) {
    if (divided) {
      hold(moment.tensor, state.parameters.size(), owned, into["moment/" + moment.name]);
    } else {
      share("moment/" + moment.name, moment.tensor);
    }
  }
  if (state.average) {
    share(average_name(0), state.average->weights());
    for (const comm::NamedTensor& part : averaged_statistics(state.nets, state.average->statistics()))
      share(part.name, part.tensor);
  }
  for (const comm::NamedTensor& item : state.bank.snapshot()) share("bank/" + item.name, item.tensor);
  if (rank == 0) {
    for (const comm::NamedTensor& buffer : state.nets.buffers())
      hold(buffer.tensor, buffer.tensor.numel(), {{0, buffer.tensor.numel()}}, into["buffer/" + buffer.name]);
  }
  const at::Tensor visits = flat_on_host(state.bank.visits());
  std::vector<Stretch> rows = visited_rows(visits.view(state.bank.visits().sizes()));
  if (rows.empty() && rank == 0) rows.push_back({0, state.bank.visits().size(1)});  // its size must be known
  cut(visits, std::move(rows), into["bank/visits"]);
  const std::int64_t logged = interval.sums().numel();
  hold(interval.sums(), ranks * logged, {{rank * logged, logged}}, into["log"]);
}

void restore(TrainingState& state, Interval& interval, const WholeArrays& arrays, int saved_ranks,
             const comm::Collective& collective) {
  const at::NoGradGuard no_grad;
  fill(state.parameters.values(), arrays, "values");
  for (const comm::NamedTensor& moment : state.optimizer.state()) {
    const at::Tensor whole = tensor_of(find(arrays, "moment/" + moment.name, state.parameters.size()));
    std::int64_t next = 0;
    for (const Stretch& own : state.gradients.owned()) {
      moment.tensor.narrow(0, next, own.size).copy_(whole.narrow(0, own.offset, own.size));
      next += own.size;
    }
  }
  if (state.average) {
    fill(state.average->weights(), arrays, average_name(0));
    for (const comm::NamedTensor& part : averaged_statistics(state.nets, state.average->statistics()))
      fill(part.tensor, arrays, part.name);
  }
  for (const comm::NamedTensor& buffer : state.nets.buffers()) fill(buffer.tensor, arrays, "buffer/" + buffer.name);
  restore_bank(state.bank, arrays);
  // Any rank may hold a row: sums over the ranks add zeros to it. (Samples that are repeated, data.most_repeats, were
  // visited by several ranks: their sums are then added in another order.)
  state.bank.visits().zero_();
  if (collective.rank() == 0) fill(state.bank.visits(), arrays, "bank/visits");

  const at::Tensor own = interval.sums();
  const at::Tensor logged = tensor_of(find(arrays, "log", saved_ranks * own.numel())).view({saved_ranks, own.numel()});
  if (saved_ranks == collective.world_size()) {
    own.copy_(logged[collective.rank()]);
  } else if (collective.rank() == 0) {
    own.copy_(logged.sum(0));
  }
}

void restore_nets(DualNet& nets, const WholeArrays& arrays) {
  const at::NoGradGuard no_grad;
  const comm::FlatParameters parameters(nets.parameters());
  const bool averaged = arrays.contains(average_name(0));
  fill(parameters.values(), arrays, averaged ? average_name(0) : "values");
  std::vector<comm::NamedTensor> statistics = nets.buffers();
  for (comm::NamedTensor& buffer : statistics) buffer.name = "buffer/" + buffer.name;
  if (averaged) statistics = averaged_statistics(nets, nets.statistics());
  for (const comm::NamedTensor& part : statistics) fill(part.tensor, arrays, part.name);
}

void restore_bank(UncertaintyBank& bank, const WholeArrays& arrays) {
  const at::NoGradGuard no_grad;
  for (const comm::NamedTensor& item : bank.snapshot()) fill(item.tensor, arrays, "bank/" + item.name);
  bank.refresh();
}

}  // namespace penumbra::trainer
