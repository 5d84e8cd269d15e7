#include "trainer/config.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <numeric>
#include <regex>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "comm/gradient_sync_options.h"
#include "comm/watchdog/watchdog.h"
#include "data/loader_options.h"
#include "trainer/checkpoint/checkpoint_options.h"
#include "trainer/config_fields.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/field_kinds.h"
#include "trainer/loop/data_options.h"
#include "trainer/loop/stop_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/net_options.h"
#include "trainer/nets/pretrained_options.h"
#include "trainer/objective/objective_options.h"
#include "trainer/objective/uncertainty_options.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/optim/optimizer_options.h"
#include "trainer/telemetry/monitor_options.h"

namespace penumbra::trainer {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row.back();
}

const Field& find_field(const std::vector<Field>& all, const std::string& key, const std::string& where) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Field& field) { return field.key == key; });
  if (found != all.end()) return *found;
  const auto nearest = std::min_element(all.begin(), all.end(), [&](const Field& a, const Field& b) {
    return edit_distance(a.key, key) < edit_distance(b.key, key);
  });
  throw ConfigError(fmt::format("{}: unknown key '{}'; the nearest is '{}' (penumbra config lists them all)", where,
                                key, nearest->key));
}

/// What helps where a value was not possible, or nothing. `allowed`: that of the field.
std::string advice(const std::string& key, const std::string& allowed, const toml::node& node) {
  std::vector<std::string> texts;
  if (const auto text = node.value_exact<std::string>()) texts.push_back(*text);
  if (const toml::array* const list = node.as_array()) {
    for (const toml::node& element : *list) {
      if (const auto text = element.value_exact<std::string>()) texts.push_back(*text);
    }
  }
  const bool paths = allowed.find("path") != std::string::npos;
  if (!std::all_of(texts.begin(), texts.end(), can_be_held)) return "; a text is one line of UTF-8";
  if (paths && std::any_of(texts.begin(), texts.end(), a_shell_expands))
    return "; ~ and $NAME are not replaced here: write it out";
  if (allowed.starts_with("list of") && allowed != "list of numbers" && !node.is_array())
    return fmt::format("; for a shell, write --set '{}=[\"a\", \"b\"]'", key);
  if ((allowed.starts_with("text") || allowed.starts_with("path")) && !node.is_string()) return "; write it in quotes";
  return "";
}

[[noreturn]] void refuse_value(const Field& field, const toml::node& node, const std::string& where) {
  std::ostringstream given;
  node.visit([&](const auto& value) { given << value; });
  throw ConfigError(fmt::format("{}: {} = {} is not possible; allowed: {}{}", where, field.key, given.str(),
                                field.allowed, advice(field.key, field.allowed, node)));
}

void assign(const std::vector<Field>& all, const std::string& key, const toml::node& node, const std::string& where) {
  const Field& field = find_field(all, key, where);
  if (!field.set(node)) refuse_value(field, node, where);
}

void apply(const std::vector<Field>& all, const toml::table& table, const std::string& where) {
  for (const auto& [section, content] : table) {
    const std::string name(section.str());
    if (!content.is_table()) throw ConfigError(fmt::format("{}: '{}' stands outside a [section]", where, name));
    for (const auto& [key, node] : *content.as_table()) assign(all, name + "." + std::string(key.str()), node, where);
  }
}

toml::table parse_file(const std::string& file) {
  if (std::filesystem::is_directory(file)) throw ConfigError(file + ": is a folder; a configuration is a TOML file");
  try {
    return toml::parse_file(file);
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    if (line == 0) throw ConfigError(fmt::format("{}: {}", file, error.description()));
    throw ConfigError(fmt::format("{}, line {}: {}", file, line, error.description()));
  }
}

/// What a value on the command line may mean, the likeliest first: TOML, a number without digits on one side of its
/// point, a text without quotes.
std::vector<toml::table> readings(const std::string& value) {
  static const std::regex kPoint(R"(([+-]?)(\d*)\.(\d*)([eE][+-]?\d+)?)");
  std::vector<std::string> written{value};
  std::smatch part;
  if (std::regex_match(value, part, kPoint) && part.length(2) + part.length(3) > 0) {
    const auto digits = [&](int group) { return part.length(group) > 0 ? part.str(group) : "0"; };
    written.push_back(part.str(1) + digits(2) + "." + digits(3) + part.str(4));
  }
  std::vector<toml::table> all;
  for (const std::string& toml : written) {
    try {
      all.push_back(toml::parse("value = " + toml));
    } catch (const toml::parse_error&) {
      continue;
    }
  }
  all.push_back(toml::table{{"value", value}});
  return all;
}

/// "section.key=value": run.dir=runs/a needs no quotes.
void apply_set(const std::vector<Field>& all, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos) throw ConfigError(fmt::format("--set {}: write section.key=value", assignment));
  const Field& field = find_field(all, assignment.substr(0, equals), "--set");
  const std::vector<toml::table> possible = readings(assignment.substr(equals + 1));
  const auto fits = [&](const toml::table& reading) { return field.set(*reading.get("value")); };
  if (std::none_of(possible.begin(), possible.end(), fits))
    refuse_value(field, *possible.front().get("value"), "--set");
}

/// The ranges of a strong view, with ambiguous.strength, are what each alone may be at most.
void check_strength(const data::AmbiguousOptions& strong, const std::string& where) {
  struct Range {
    const char* key;
    float value, most;
  };
  for (const auto& [key, value, most] :
       {Range{"rotation_degrees", strong.rotation_degrees, 180}, Range{"scale", strong.scale, 0.9f},
        Range{"shift", strong.shift, 0.5f}, Range{"brightness", strong.brightness, 1},
        Range{"contrast", strong.contrast, 0.99f}, Range{"saturation", strong.saturation, 1}}) {
    if (strong.strength * value <= most) continue;
    throw ConfigError(
        fmt::format("{}: ambiguous.strength = {} times ambiguous.{} = {} is more than {}: lower one of them", where,
                    strong.strength, key, value, most));
  }
}

void check_together(const Config& config, const std::string& where) {
  const auto refuse = [&](const std::string& text) { throw ConfigError(where + ": " + text); };
  if (config.loader->global_batch % 2 != 0) {
    refuse(fmt::format("train.batch = {} is odd; batches are made of pairs: use {}", config.loader->global_batch,
                       config.loader->global_batch + 1));
  }
  if (config.train->tune_steps == 1)
    refuse("train.tune_steps = 1: the first step of a candidate does not count; use 2 or more");
  if (config.train->ema_decay > 0 && config.train->ema_half_life > 0)
    refuse("train.ema_decay and train.ema_half_life say the same thing in two ways: use one of them");
  const ClassBalanceOptions& balance = config.train->balance;
  const bool balances = balance.weights != ClassWeights::none || balance.logit_adjustment != 0;
  if (balances && config.loader->plan.most_repeats > 1) {
    refuse(
        "train.class_weights and train.logit_adjustment make up for small classes, and so does data.most_repeats: use "
        "one of them");
  }
  if (config.train->method != Method::full && config.evaluation->head != Head::original) {
    refuse("predict.head needs both nets; with this train.method only \"original\" exists");
  }
  if (config.schedule->kind == ScheduleKind::step && config.schedule->milestones.empty()) {
    refuse("schedule.kind = \"step\" needs schedule.milestones");
  }
  if (!std::is_sorted(config.schedule->milestones.begin(), config.schedule->milestones.end())) {
    refuse("schedule.milestones must rise");
  }
}

std::string section_of(const Field& field) { return field.key.substr(0, field.key.find('.')); }
std::string name_of(const Field& field) { return field.key.substr(field.key.find('.') + 1); }

/// Fields grouped by section, sections in order of their first field.
std::vector<Field> by_section(std::vector<Field> all) {
  std::vector<std::string> order;
  for (const Field& field : all) {
    if (std::find(order.begin(), order.end(), section_of(field)) == order.end()) order.push_back(section_of(field));
  }
  std::stable_sort(all.begin(), all.end(), [&](const Field& a, const Field& b) {
    return std::find(order.begin(), order.end(), section_of(a)) < std::find(order.begin(), order.end(), section_of(b));
  });
  return all;
}

}  // namespace

template <typename Options>
Section<Options>::Section() : options_(std::make_unique<Options>()) {}
template <typename Options>
Section<Options>::Section(const Section& other) : options_(std::make_unique<Options>(*other)) {}
template <typename Options>
Section<Options>& Section<Options>::operator=(const Section& other) {
  if (this != &other) *options_ = *other;
  return *this;
}
template <typename Options>
Section<Options>::~Section() = default;

template class Section<comm::GradientSyncOptions>;
template class Section<comm::WatchdogOptions>;
template class Section<data::LoaderOptions>;
template class Section<CheckpointOptions>;
template class Section<DataOptions>;
template class Section<EvaluationOptions>;
template class Section<MonitorOptions>;
template class Section<ObjectiveOptions>;
template class Section<OptimizerOptions>;
template class Section<PretrainedOptions>;
template class Section<ResNetOptions>;
template class Section<ScheduleOptions>;
template class Section<StopOptions>;
template class Section<TrainingOptions>;
template class Section<UncertaintyOptions>;

Config load_config(const std::vector<std::string>& files, const std::vector<std::string>& sets) {
  Config config;
  const std::vector<Field> all = fields(config);
  for (const std::string& file : files) apply(all, parse_file(file), file);
  for (const std::string& assignment : sets) apply_set(all, assignment);
  config.loader->seed = config.seed;
  config.loader->ambiguous = config.train->method != Method::ce_only;
  check_together(config, fmt::format("{}", fmt::join(files, ", ")));
  check_strength(config.loader->strong, fmt::format("{}", fmt::join(files, ", ")));
  return config;
}

std::string to_toml(Config config) {
  std::string out, section;
  for (const Field& field : by_section(fields(config))) {
    if (section_of(field) != section) {
      section = section_of(field);
      out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
    }
    out += fmt::format("{} = {}\n", name_of(field), field.value());
  }
  return out;
}

std::string config_reference() {
  Config config;
  std::string out, section;
  for (const Field& field : by_section(fields(config))) {
    if (section_of(field) != section) {
      section = section_of(field);
      out += fmt::format("{}## [{}]\n\n| key | default | allowed | meaning |\n|---|---|---|---|\n",
                         out.empty() ? "" : "\n", section);
    }
    out += fmt::format("| `{}` | `{}` | {} | {} |\n", name_of(field), field.value(), field.allowed, field.meaning);
  }
  return out;
}

}  // namespace penumbra::trainer
