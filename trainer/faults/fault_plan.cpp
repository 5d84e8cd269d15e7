#include "trainer/faults/fault_plan.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/error.h"
#include "data/store/durable.h"
#include "trainer/config.h"

namespace penumbra::trainer {
namespace {

const std::map<std::string, FaultKind> kKinds = {
    {"kill", FaultKind::kill}, {"stop", FaultKind::stop},     {"nan", FaultKind::nan}, {"throw", FaultKind::raise},
    {"slow", FaultKind::slow}, {"enospc", FaultKind::enospc}, {"eio", FaultKind::eio}, {"corrupt", FaultKind::corrupt}};
const std::map<std::string, FaultPoint> kPoints = {
    {"step", FaultPoint::step},         {"shard", FaultPoint::shard},   {"shard-written", FaultPoint::shard_written},
    {"manifest", FaultPoint::manifest}, {"rename", FaultPoint::rename}, {"published", FaultPoint::published}};

[[noreturn]] void refuse(const std::string& text, const std::string& what) {
  throw ConfigError(fmt::format("--fault {}: {}; write e.g. rank=1,step=37,kind=kill", text, what));
}

template <typename T>
T named(const std::map<std::string, T>& names, const std::string& name, const std::string& text) {
  if (const auto found = names.find(name); found != names.end()) return found->second;
  std::vector<std::string> all;
  for (const auto& [known, unused] : names) all.push_back(known);
  refuse(text, fmt::format("'{}' is none of {}", name, fmt::join(all, ", ")));
}

double number(const std::string& value, const std::string& text) {
  char* end = nullptr;
  const double parsed = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0' || !(parsed >= 0 && parsed <= 1e9))
    refuse(text, fmt::format("'{}' is no number from 0 to 1e9", value));
  return parsed;
}

FaultPoint usual_point(FaultKind kind) {
  if (kind == FaultKind::enospc || kind == FaultKind::eio) return FaultPoint::shard;
  return kind == FaultKind::corrupt ? FaultPoint::shard_written : FaultPoint::step;
}

void turn_a_bit(const std::filesystem::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 1));
  if (!file.flush()) throw data::DataError(path.string() + ": could not be corrupted");
}

void strike(const Fault& fault, const std::filesystem::path& file) {
  switch (fault.kind) {
    case FaultKind::kill:
      std::raise(SIGKILL);
      break;
    case FaultKind::stop:
      std::raise(SIGSTOP);
      break;
    case FaultKind::raise:
      throw std::runtime_error(fmt::format("--fault: thrown on purpose at step {}", fault.step));
    case FaultKind::slow:
      std::this_thread::sleep_for(std::chrono::duration<double>(fault.seconds));
      break;
    case FaultKind::enospc:
      throw data::DataError(data::write_failure(file, std::strerror(ENOSPC)));
    case FaultKind::eio:
      throw data::DataError(data::write_failure(file, std::strerror(EIO)));
    case FaultKind::corrupt:
      turn_a_bit(file);
      break;
    case FaultKind::nan:
      break;
  }
}

}  // namespace

Fault parse_fault(const std::string& text) {
  Fault fault;
  std::optional<FaultPoint> at;
  bool has_kind = false;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    const auto equals = word.find('=');
    const std::string key = word.substr(0, equals), value = equals == std::string::npos ? "" : word.substr(equals + 1);
    if (key == "kind") {
      fault.kind = named(kKinds, value, text);
      has_kind = true;
    } else if (key == "at") {
      at = named(kPoints, value, text);
    } else if (key == "rank") {
      fault.rank = static_cast<int>(number(value, text));
    } else if (key == "step") {
      fault.step = static_cast<std::int64_t>(number(value, text));
    } else if (key == "start") {
      fault.start = static_cast<int>(number(value, text));
    } else if (key == "seconds") {
      fault.seconds = number(value, text);
    } else {
      refuse(text, fmt::format("unknown word '{}'", word));
    }
  }
  if (!has_kind) refuse(text, "kind is missing");
  fault.at = at.value_or(usual_point(fault.kind));
  const bool writes = fault.kind == FaultKind::enospc || fault.kind == FaultKind::eio;
  if (writes && (fault.at == FaultPoint::step || fault.at == FaultPoint::published))
    refuse(text, "nothing is written there");
  if (fault.kind == FaultKind::corrupt && fault.at != FaultPoint::shard_written)
    refuse(text, "only a written shard can be corrupted (at=shard-written)");
  if (fault.kind == FaultKind::nan && fault.at != FaultPoint::step)
    refuse(text, "only a step has numbers to spoil (at=step)");
  return fault;
}

FaultPlan::FaultPlan(const std::vector<Fault>& faults, int rank, int start) {
  std::copy_if(faults.begin(), faults.end(), std::back_inserter(pending_),
               [&](const Fault& fault) { return fault.rank == rank && fault.start == start; });
}

bool FaultPlan::take(FaultPoint at, std::int64_t step, bool nan, Fault& fault) {
  const std::lock_guard lock(mutex_);
  const auto due = [&](const Fault& f) { return f.at == at && step >= f.step && (f.kind == FaultKind::nan) == nan; };
  const auto found = std::find_if(pending_.begin(), pending_.end(), due);
  if (found == pending_.end()) return false;
  fault = *found;
  pending_.erase(found);
  return true;
}

void FaultPlan::reach(FaultPoint at, std::int64_t step, const std::filesystem::path& file) {
  for (Fault fault; take(at, step, false, fault);) strike(fault, file);
}

bool FaultPlan::spoils(std::int64_t step) {
  Fault fault;
  return take(FaultPoint::step, step, true, fault);
}

}  // namespace penumbra::trainer
