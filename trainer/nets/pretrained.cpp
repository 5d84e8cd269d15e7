#include "trainer/nets/pretrained.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "trainer/nets/pretrained_options.h"

namespace penumbra::trainer {
namespace {

constexpr const char* kHead = "fc.";
constexpr const char* kCounter = ".num_batches_tracked";  // PyTorch's norms count their batches
constexpr std::int64_t kColours = 3;
constexpr std::size_t kListed = 3;  ///< names in a message or a row

bool has_prefix(const std::string& name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) { return name.starts_with(prefix); });
}

/// Whether the file says what its classes are, and they are others.
bool has_other_classes(const SafetensorsFile& file, const std::vector<std::string>& classes) {
  const auto said = file.metadata.find("classes");
  if (said == file.metadata.end()) return false;
  const auto names = nlohmann::json::parse(said->second, nullptr, /*allow_exceptions=*/false);
  return names.is_discarded() || names != nlohmann::json(classes);
}

/// The first convolution for another number of channels; undefined where it cannot be made.
at::Tensor with_channels(const at::Tensor& weight, const at::Tensor& wanted) {
  const auto fits = [&](std::int64_t from, std::int64_t to) {
    return weight.dim() == 4 && wanted.dim() == 4 && weight.size(1) == from && wanted.size(1) == to &&
           weight.size(0) == wanted.size(0) && weight.sizes().slice(2) == wanted.sizes().slice(2);
  };
  if (fits(kColours, 1)) return weight.to(at::kFloat).sum(1, /*keepdim=*/true);
  if (fits(1, kColours)) return (weight.to(at::kFloat) / kColours).expand(wanted.sizes()).contiguous();
  return {};
}

/// "a", "b", "c".
std::string first_names(const std::vector<comm::NamedTensor>& tensors) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kListed, tensors.size()); ++i)
    text += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", tensors[i].name);
  return tensors.empty() ? "no tensor" : text;
}

/// Puts one tensor after the other where it belongs.
class Fitting {
 public:
  Fitting(const std::vector<comm::NamedTensor>& net, const PretrainedOptions& options, bool other_classes)
      : net_(net), options_(options), other_classes_(other_classes) {
    for (const comm::NamedTensor& named : net) {
      places_[named.name] = named.tensor;
      if (named.tensor.requires_grad()) out_.of += named.tensor.numel();
    }
  }

  void add(const comm::NamedTensor& given) {
    const std::string name = mapped_name(given.name, options_.names);
    const auto place = places_.find(name);
    if (place == places_.end()) {
      out_.unused.push_back({given.name, name.ends_with(kCounter) ? "a counter that is not kept" : ""});
      return;
    }
    if (const auto [first, is_new] = sources_.emplace(name, given.name); !is_new) {
      throw std::invalid_argument(fmt::format("\"{}\" and \"{}\" both become \"{}\"", first->second, given.name, name));
    }
    const std::string problem = take(name, given.tensor, place->second);
    if (problem.empty()) return;
    reasons_[name] = problem;
    out_.unused.push_back({given.name, problem});
  }

  Pretrained finish() {
    leave_out_half_a_head();
    std::set<std::string> loaded;
    for (const comm::NamedTensor& named : out_.tensors) loaded.insert(named.name);
    for (const comm::NamedTensor& named : net_) {
      if (loaded.contains(named.name)) continue;
      const auto reason = reasons_.find(named.name);
      out_.initial.push_back({named.name, reason == reasons_.end() ? "not in the file" : reason->second});
    }
    return std::move(out_);
  }

 private:
  /// A bias without the weights that it belongs to says nothing.
  void leave_out_half_a_head() {
    const auto is_head = [](const comm::NamedTensor& named) { return named.name.starts_with(kHead); };
    const auto tensors_of_head = std::count_if(net_.begin(), net_.end(), is_head);
    if (std::count_if(out_.tensors.begin(), out_.tensors.end(), is_head) == tensors_of_head) return;
    for (const comm::NamedTensor& named : out_.tensors) {
      if (!is_head(named)) continue;
      out_.parameters -= named.tensor.numel();
      reasons_[named.name] = "the rest of the head is not loaded";
      out_.unused.push_back({sources_.at(named.name), reasons_[named.name]});
    }
    std::erase_if(out_.tensors, is_head);
  }

  /// Why it is not loaded; empty: it is.
  std::string take(const std::string& name, const at::Tensor& given, const at::Tensor& wanted) {
    if (has_prefix(name, options_.skip)) return "skipped";
    if (!given.is_floating_point()) return fmt::format("is of type {}", c10::toString(given.scalar_type()));
    at::Tensor value = given;
    if (given.sizes() != wanted.sizes()) {
      if (name == net_.front().name) value = with_channels(given, wanted);
      if (!value.defined() || value.sizes() != wanted.sizes())
        return fmt::format("{} in the file, {} in the net", shape_text(given), shape_text(wanted));
      out_.converted.push_back({name, given.size(1) == kColours ? "summed over three channels"
                                                                : "a third of it for each of three channels"});
    }
    if (name.starts_with(kHead) && other_classes_) return "the file's classes are others, or in another order";
    value = value.to(at::kFloat);
    if (!value.isfinite().all().item<bool>())
      throw data::DataError(fmt::format("\"{}\" has values that are not finite", name));
    out_.tensors.push_back({name, value});
    if (wanted.requires_grad()) out_.parameters += value.numel();
    return "";
  }

  const std::vector<comm::NamedTensor>& net_;
  const PretrainedOptions& options_;
  const bool other_classes_;
  std::map<std::string, at::Tensor> places_;    ///< of the net, by name
  std::map<std::string, std::string> sources_;  ///< the file's name, by the net's
  std::map<std::string, std::string> reasons_;  ///< why what the file has is not loaded
  Pretrained out_;
};

nlohmann::json as_object(const std::vector<TransferNote>& notes) {
  nlohmann::json out = nlohmann::json::object();
  for (const TransferNote& note : notes) out[note.name] = note.what;
  return out;
}

/// "12: a (why), b, c and 9 more".
std::string row(const std::vector<TransferNote>& notes) {
  std::string text = std::to_string(notes.size());
  for (std::size_t i = 0; i < std::min(kListed, notes.size()); ++i) {
    text += fmt::format("{} {}", i == 0 ? ":" : ",", notes[i].name);
    if (!notes[i].what.empty()) text += fmt::format(" ({})", notes[i].what);
  }
  if (notes.size() > kListed) text += fmt::format(" and {} more", notes.size() - kListed);
  return text;
}

}  // namespace

std::string mapped_name(const std::string& name, const std::map<std::string, std::string>& prefixes) {
  const std::pair<const std::string, std::string>* longest = nullptr;
  for (const auto& entry : prefixes) {
    if (name.starts_with(entry.first) && (longest == nullptr || entry.first.size() > longest->first.size()))
      longest = &entry;
  }
  return longest == nullptr ? name : longest->second + name.substr(longest->first.size());
}

Pretrained fit_pretrained(const SafetensorsFile& file, const PretrainedOptions& options,
                          const std::vector<comm::NamedTensor>& net, const std::vector<std::string>& classes) {
  const at::NoGradGuard no_grad;
  Fitting fitting(net, options, has_other_classes(file, classes));
  for (const comm::NamedTensor& given : file.tensors) fitting.add(given);
  Pretrained out = fitting.finish();
  if (!out.tensors.empty()) return out;
  const auto differs = std::find_if(out.initial.begin(), out.initial.end(),
                                    [](const TransferNote& note) { return note.what != "not in the file"; });
  if (differs != out.initial.end()) {
    throw std::invalid_argument(fmt::format("nothing of it fits the net: \"{}\" {}{}", differs->name,
                                            differs->what.starts_with('[') ? "is " : "", differs->what));
  }
  throw std::invalid_argument(fmt::format("no name of it is one of the net's: it has {}, the net has {}",
                                          first_names(file.tensors), first_names(net)));
}

nlohmann::json to_json(const Pretrained& pretrained) {
  nlohmann::json loaded = nlohmann::json::array();
  for (const comm::NamedTensor& named : pretrained.tensors) loaded.push_back(named.name);
  return {{"parameters", pretrained.parameters},
          {"parameters_of_the_net", pretrained.of},
          {"loaded", loaded},
          {"converted", as_object(pretrained.converted)},
          {"left_at_initialisation", as_object(pretrained.initial)},
          {"unused_in_the_file", as_object(pretrained.unused)}};
}

std::vector<std::string> account(const Pretrained& pretrained) {
  const double share = 100.0 * static_cast<double>(pretrained.parameters) / static_cast<double>(pretrained.of);
  return {fmt::format("  {:<24}{} tensors, {} of the net's {} parameters ({:.1f} %)", "loaded",
                      pretrained.tensors.size(), pretrained.parameters, pretrained.of, share),
          fmt::format("  {:<24}{}", "of these converted", row(pretrained.converted)),
          fmt::format("  {:<24}{}", "left at initialisation", row(pretrained.initial)),
          fmt::format("  {:<24}{}", "unused in the file", row(pretrained.unused))};
}

}  // namespace penumbra::trainer
