#include "trainer/checkpoint/checkpoint_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "data/error.h"
#include "data/store/durable.h"

namespace penumbra::trainer {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw data::DataError(fmt::format("{}: {}", path.string(), what));
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The text of that key in a JSON file; none where it is not there.
std::optional<std::string> said_in(const std::filesystem::path& path, const std::string& key) {
  const auto json = nlohmann::json::parse(text_of(path), nullptr, /*allow_exceptions=*/false);
  const bool says = json.is_object() && json.contains(key) && json[key].is_string();
  return says ? std::optional(json[key].get<std::string>()) : std::nullopt;
}

/// A file that must not be there yet, on the disk when this returns. False where it is.
bool write_new(const std::filesystem::path& path, const std::string& text) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0 && errno == EEXIST) return false;
  if (descriptor < 0) fail(path, fmt::format("cannot be created: {}", std::strerror(errno)));
  const bool written =
      ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(descriptor) == 0;
  const int problem = errno;
  ::close(descriptor);
  if (!written) fail(path, fmt::format("cannot be written: {}", std::strerror(problem)));
  data::flush_folder(path.parent_path());
  return true;
}

/// The number in "PREFIX12SUFFIX", or -1.
int number_in(const std::string& name, const std::string& prefix, const std::string& suffix) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) return -1;
  const std::string digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  if (digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::stoi(digits);
}

/// Incarnation and step of a checkpoint's name.
struct Name {
  int incarnation = -1;
  std::int64_t step = -1;
};

Name parse(const std::string& name) {
  const auto middle = name.find("-step-");
  if (middle == std::string::npos || name.ends_with(".partial")) return {};
  const int incarnation = number_in(name.substr(0, middle), "e", ""),
            step = number_in(name.substr(middle), "-step-", "");
  if (incarnation < 0 || step < 0) return {};
  return {incarnation, step};
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) names.push_back(entry.path().filename());
  return names;
}

int newest_incarnation(const std::filesystem::path& run) {
  int newest = -1;
  for (const std::string& name : names_in(run)) newest = std::max(newest, number_in(name, "incarnation-", ".json"));
  return newest;
}

std::filesystem::path incarnation_file(const std::filesystem::path& run, int number) {
  return run / fmt::format("incarnation-{}.json", number);
}

std::filesystem::path note_of_newest(const std::filesystem::path& run) { return run / "newest-checkpoint.json"; }

/// Removes what this program writes into a checkpoint's folder, and the folder where nothing else is in it. The
/// manifest goes first: what is half removed is no checkpoint.
void remove_own(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove(folder / "manifest.json", ignored);
  for (const std::string& name : names_in(folder)) {
    if (name.starts_with("shard-")) std::filesystem::remove(folder / name, ignored);
  }
  std::filesystem::remove(folder, ignored);
}

/// The incarnation of "eEEEE-step-SSSSSSSS.partial", or -1.
int incarnation_of_partial(const std::string& name) {
  const std::string suffix = ".partial";
  return name.ends_with(suffix) ? parse(name.substr(0, name.size() - suffix.size())).incarnation : -1;
}

}  // namespace

int CheckpointFolder::incarnations() const { return newest_incarnation(run_) + 1; }

bool CheckpointFolder::was_started_by(const std::string& job) const {
  for (int number = newest_incarnation(run_); number >= 0; --number) {
    if (!std::filesystem::exists(incarnation_file(run_, number))) continue;
    if (said_in(incarnation_file(run_, number), "job") == job) return true;
  }
  return false;
}

int CheckpointFolder::begin_incarnation(const std::string& from, const std::string& job) const {
  while (true) {
    const int number = newest_incarnation(run_) + 1;
    const nlohmann::json json = {{"incarnation", number}, {"resumed_from", from}, {"job", job}};
    if (write_new(incarnation_file(run_, number), json.dump() + "\n")) return number;
  }
}

std::vector<std::string> CheckpointFolder::lineage() const {
  const std::vector<std::string> names = names_in(run_ / "checkpoints");
  std::vector<std::string> line;
  std::int64_t before = INT64_MAX;  // an ancestor's checkpoints count up to the step where its descendant began
  for (int number = newest_incarnation(run_); number >= 0;) {
    std::vector<std::pair<std::int64_t, std::string>> own;
    for (const std::string& name : names) {
      const Name parsed = parse(name);
      if (parsed.incarnation == number && parsed.step <= before) own.emplace_back(parsed.step, name);
    }
    std::sort(own.rbegin(), own.rend());
    for (const auto& [step, name] : own) line.push_back(name);
    const std::optional<std::string> from = said_in(incarnation_file(run_, number), "resumed_from");
    if (from && from->empty()) break;  // it began anew
    // One that died while it said where it began has no descendants but those that took the same checkpoint again.
    const Name parsed = from ? parse(*from) : Name{number - 1, before};
    number = std::min(number - 1, parsed.incarnation);
    before = std::min(before, parsed.step);
  }
  return line;
}

std::string CheckpointFolder::name_of(const Manifest& manifest) {
  return fmt::format("e{:04}-step-{:08}", manifest.incarnation, manifest.steps);
}

std::filesystem::path CheckpointFolder::shard_in(const std::filesystem::path& folder, int rank) {
  return folder / fmt::format("shard-{:05}.h5", rank);
}

Manifest CheckpointFolder::manifest_of(const std::string& name) const {
  const std::filesystem::path path = path_of(name) / "manifest.json";
  try {
    return manifest_from(text_of(path));
  } catch (const std::invalid_argument& problem) {
    fail(path, problem.what());
  }
}

std::vector<StateArrays> CheckpointFolder::read_shards(const std::string& name, const Manifest& manifest,
                                                       std::size_t first, std::size_t stride) const {
  std::vector<StateArrays> shares;
  for (std::size_t rank = first; rank < manifest.shards.size(); rank += stride)
    shares.push_back(read_shard(shard_in(path_of(name), static_cast<int>(rank)), manifest.shards[rank]));
  return shares;
}

WholeArrays CheckpointFolder::load(const std::string& name, const Manifest& manifest) const {
  return join(read_shards(name, manifest, 0, 1));
}

void CheckpointFolder::open(const std::string& name) const {
  abandon(name);
  std::error_code error;
  std::filesystem::create_directories(partial_of(name), error);
  if (error) fail(partial_of(name), fmt::format("cannot be made: {}", error.message()));
}

void CheckpointFolder::add_manifest(const std::string& name, const Manifest& manifest) const {
  if (!write_new(partial_of(name) / "manifest.json", to_json(manifest)))
    fail(partial_of(name), "already has a manifest");
}

void CheckpointFolder::publish(const std::string& name) const {
  const std::filesystem::path partial = partial_of(name);
  std::error_code error;
  std::filesystem::rename(partial, path_of(name), error);
  if (error) fail(partial, fmt::format("cannot get its name: {}", error.message()));
  data::flush_folder(run_ / "checkpoints");
}

void CheckpointFolder::note_newest(const std::string& name) const {
  const std::filesystem::path note = note_of_newest(run_), unfinished = data::create_partial(note);
  std::ofstream(unfinished) << nlohmann::json{{"checkpoint", name}}.dump() << "\n";
  data::publish(unfinished, note);
}

std::string CheckpointFolder::newest_published() const {
  const std::filesystem::path note = note_of_newest(run_);
  return std::filesystem::is_regular_file(note) ? said_in(note, "checkpoint").value_or("") : "";
}

void CheckpointFolder::abandon(const std::string& name) const { remove_own(partial_of(name)); }

bool CheckpointFolder::is_best(const std::string& name) const {
  try {
    return manifest_of(name).is_best;
  } catch (const data::DataError&) {  // a damaged one is worth nothing
    return false;
  }
}

void CheckpointFolder::prune(std::size_t keep, int current) const {
  const std::vector<std::string> line = lineage();
  const auto best = std::find_if(line.begin(), line.end(), [&](const std::string& name) { return is_best(name); });
  for (auto old = line.begin() + static_cast<std::ptrdiff_t>(std::min(keep, line.size())); old != line.end(); ++old) {
    if (old != best) remove_own(path_of(*old));
  }
  for (const std::string& name : names_in(run_ / "checkpoints")) {
    const int incarnation = incarnation_of_partial(name);
    if (incarnation >= 0 && incarnation < current) remove_own(path_of(name));
  }
}

void CheckpointFolder::clear() const {
  for (const std::string& name : names_in(run_ / "checkpoints")) {
    if (parse(name).incarnation >= 0 || incarnation_of_partial(name) >= 0) remove_own(path_of(name));
  }
  std::error_code ignored;
  std::filesystem::remove(note_of_newest(run_), ignored);
  for (const std::string& name : names_in(run_)) {
    if (number_in(name, "incarnation-", ".json") >= 0) std::filesystem::remove(run_ / name, ignored);
  }
}

}  // namespace penumbra::trainer
