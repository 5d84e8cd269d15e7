#include "trainer/card/model_card.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/loader_options.h"
#include "data/store/durable.h"
#include "trainer/card/python_code.h"
#include "trainer/checkpoint/export.h"
#include "trainer/config_fields.h"
#include "trainer/evaluation/evaluation_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/nets/pretrained_options.h"

namespace penumbra::trainer {
namespace {

using nlohmann::json;

constexpr const char* kUnknown = "not known";

/// Measures that the card shows, under the names that it gives them.
constexpr std::array<std::pair<const char*, const char*>, 14> kShown{{{"accuracy", "accuracy"},
                                                                      {"majority_accuracy", "accuracy, majority votes"},
                                                                      {"mean_class_accuracy", "mean class accuracy"},
                                                                      {"macro_f1", "macro F1"},
                                                                      {"nll", "NLL, nats"},
                                                                      {"brier", "Brier"},
                                                                      {"ece", "ECE, 15 bins"},
                                                                      {"classwise_ece", "classwise ECE"},
                                                                      {"kl_human", "KL(votes, posterior), nats"},
                                                                      {"spearman_entropy", "Spearman of entropies"},
                                                                      {"auroc_error", "AUROC of errors by entropy"},
                                                                      {"auroc_ambiguous", "AUROC of ambiguous faces"},
                                                                      {"aurc", "AURC"},
                                                                      {"ceiling_accuracy", "ceiling of the accuracy"}}};

/// Sections of the configuration that are about what is learned.
constexpr std::array<std::string_view, 13> kSettings{"data",      "weak",       "ambiguous",   "net",  "train",
                                                     "attention", "soft_label", "uncertainty", "ramp", "optimizer",
                                                     "schedule",  "evaluation", "predict"};

std::string quoted(const std::string& text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); }

/// Text of others inside a table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '`') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

std::string text_of(const json& value) {
  if (value.is_null()) return kUnknown;
  return cell(value.is_string() ? value.get<std::string>() : value.dump());
}

/// A fact, or null where there is none.
json fact_of(const json& facts, const std::string& key) {
  return facts.is_object() && facts.contains(key) ? facts.at(key) : json();
}

std::string number(const json& value) { return value.is_number() ? fmt::format("{:.4f}", value.get<double>()) : "-"; }

std::string base_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::string names_of_files(const json& files) {
  std::string text;
  for (const json& file : files) {
    const std::string path = file.is_object() ? file.at("file").get<std::string>() : file.get<std::string>();
    text += (text.empty() ? "" : ", ") + base_name(path);
  }
  return text;
}

/// One set of faces that the net was measured on.
struct Measured {
  std::string where;  ///< "val of faces.h5"
  std::string data, split;
  json values, calibrated, intervals;
};

std::vector<Measured> measured(const CardSubject& subject, const TrainedModel& model, const RunFacts& facts) {
  std::vector<Measured> all;
  const auto add = [&](const std::string& data, const std::string& split, const json& values) {
    all.push_back({fmt::format("{} of {}", split, data), data, split, values, fact_of(values, "calibrated"),
                   fact_of(values, "intervals")});
  };
  if (!facts.validation.is_null() && is_validated(model, subject.net)) {
    const json files = fact_of(facts.data, "files");
    add(files.is_null() ? "files that are not known" : names_of_files(files), "val", facts.validation);
  }
  for (const json& evaluation : subject.evaluations) {
    const json files = fact_of(evaluation, "data");
    add(files.is_null() ? "files that are not known" : names_of_files(files), evaluation.at("split").get<std::string>(),
        evaluation);
  }
  return all;
}

std::string front_matter(const CardSubject& subject, const std::vector<Measured>& all) {
  std::string text =
      "---\n"
      "license: other\n"
      "license_name: not-stated\n"
      "library_name: penumbra\n"
      "pipeline_tag: image-classification\n"
      "tags:\n"
      "- facial-expression-recognition\n"
      "- emotion-recognition\n"
      "- uncertainty\n"
      "- resnet\n"
      "- safetensors\n";
  if (all.empty()) return text + "---\n";
  text += fmt::format("model-index:\n- name: {}\n  results:\n", quoted(subject.name));
  for (const Measured& one : all) {
    text += fmt::format(
        "  - task:\n      type: image-classification\n      name: Facial expression recognition\n"
        "    dataset:\n      type: {0}\n      name: {0}\n      split: {1}\n    metrics:\n",
        quoted(one.data), quoted(one.split));
    for (const auto& [type, key, name] :
         {std::array{"accuracy", "accuracy", "Accuracy"}, std::array{"f1", "macro_f1", "Macro F1"},
          std::array{"nll", "nll", "Negative log-likelihood, nats"},
          std::array{"ece", "ece", "Expected calibration error, 15 bins"}}) {
      text += fmt::format("    - type: {}\n      value: {}\n      name: {}\n", type, one.values.at(key).dump(),
                          quoted(name));
    }
  }
  return text + "---\n";
}

std::string summary(const CardSubject& subject, TrainedModel& model) {
  const bool two = model.nets.ambiguous() != nullptr;
  const data::StoreInfo& info = model.info;
  const int view = model.config.loader->view_size > 0 ? model.config.loader->view_size : info.image_size;
  std::string text = fmt::format(
      "\n# {}\n\nA convolutional net that gives, for a cropped face, a distribution over {} labels of facial "
      "expression, "
      "and by its entropy how\nambiguous the face is.{} Trained with Penumbra.\n\n| | |\n|---|---|\n",
      cell(subject.name), info.classes.size(),
      two ? fmt::format(" It is the {} of two coupled nets.", subject.net) : "");
  const auto row = [&](const char* what, const std::string& value) {
    text += fmt::format("| {} | {} |\n", what, value);
  };
  const data::FileStamp stamp = data::stamp_of(subject.file);
  ResNet& net = subject.net == "ambiguous" ? *model.nets.ambiguous() : model.nets.original();
  row("weights", fmt::format("`{}`, {} bytes, XXH3 {:016x}, {} parameters", subject.file.filename().string(),
                             stamp.bytes, stamp.checksum, net.parameter_count()));
  row("architecture", architecture(*model.config.net));
  row("classes, in this order", cell(fmt::format("{}", fmt::join(info.classes, ", "))));
  row("input", fmt::format("{} face, {} x {} pixels, {} channel{}", info.channels == 1 ? "grey" : "RGB", view, view,
                           info.channels, info.channels == 1 ? "" : "s"));
  row("normalisation",
      fmt::format("(pixel / 255 - {}) / {}", model.config.loader->norm.mean, model.config.loader->norm.deviation));
  row("answer", model.config.evaluation->flip
                    ? "mean of the softmax of the face and of its mirror image, then the temperature"
                    : "softmax, then the temperature");
  row("temperature", is_validated(model, subject.net)
                         ? fmt::format("{}, fitted on the validation split (1: not fitted)", model.temperature)
                         : "1: none was fitted for this net alone");
  return text;
}

std::string use_and_limits() {
  return R"(
## Intended use

Research on facial expression recognition, on ambiguity and on annotators' disagreement, and tools in which a person looks at the
distribution, not at its largest entry alone. Faces must be cropped and scaled like those of the training data.

## Limits

- It predicts which label annotators would give to a picture of a face. **That is no measurement of what a person feels**: expressions of one
  emotion differ between people, cultures and situations, and many faces show several or none. The distribution says how ambiguous the face is.
- It has the biases of its training data: who is on the faces, who labelled them, how they were found. Measure it on the people it is to
  be used for, by group, before any use.
- Posteriors are calibrated, if at all, for faces like those that the temperature was fitted on.
- **Law.** In the European Union, Article 5(1)(f) of Regulation (EU) 2024/1689 (AI Act) prohibits placing on the market, putting into service for
  this purpose or using AI systems to infer emotions of a natural person in the areas of workplace and education institutions, except where the
  system is intended for medical or safety reasons. Other emotion recognition systems are listed as high-risk in its Annex III, point 1(c),
  and Article 50(3) has people informed who are exposed to one. This is no legal advice; other countries have other rules.
- **Licence.** Not stated: whoever publishes these weights fills in `license` above. Many sets of faces allow research only, and that may bind
  weights that were learned from them.
)";
}

std::string code(const CardSubject& subject, const TrainedModel& model) {
  return fmt::format("\n## How to use it\n\nWith PyTorch and `pip install safetensors`:\n\n```python\n{}```\n",
                     python_code(model, subject.file.filename().string()));
}

/// Faces by class, one column a split.
std::string face_table(const json& data) {
  const json& splits = data.at("splits");
  std::string head = "| class |", line = "|---|", text;
  for (const auto& [name, split] : splits.items()) {
    head += fmt::format(" {} |", name);
    line += "---|";
  }
  const auto row = [&](const std::string& name, const auto& count) {
    text += fmt::format("| {} |", cell(name));
    for (const json& split : splits) text += fmt::format(" {} |", count(split).dump());
    text += "\n";
  };
  for (const json& name : data.at("classes"))
    row(name.get<std::string>(),
        [&](const json& split) { return split.at("class_counts").at(name.get<std::string>()); });
  row("all", [](const json& split) { return split.at("count"); });
  return head + "\n" + line + "\n" + text;
}

std::string training_data(const RunFacts& facts) {
  std::string text = "\n## Training data\n\n";
  if (facts.data.is_null()) return text + "Not known: the run folder has no record of it.\n";
  for (const json& file : facts.data.at("files")) {
    text += fmt::format("- `{}`: {}; labels: {}\n", base_name(file.at("file").get<std::string>()),
                        text_of(file.at("source")), text_of(file.at("label_rule")));
  }
  const json& train = facts.data.at("splits").at("train");
  const json& noise = train.at("label_noise");
  text += noise.is_null()
              ? "- injected label noise: none that the files know of\n"
              : fmt::format("- injected label noise: {:.1f} % of the training labels are wrong on purpose\n",
                            100 * noise.get<double>());
  std::string groups;
  for (const auto& [name, group] : train.at("groups").items()) groups += (groups.empty() ? "" : ", ") + cell(name);
  text += fmt::format("- people: {}\n",
                      groups.empty() ? "nothing is recorded of who is on the faces" : "recorded are " + groups);
  const json classes = facts.data.at("class_map");
  if (!classes.empty()) text += fmt::format("- classes were renamed or left out: {}\n", cell(classes.dump()));
  text += fmt::format("- fingerprint: {}\n\n", text_of(facts.data.at("fingerprint")));
  return text + face_table(facts.data);
}

/// What of the configuration is not as it is by default, as TOML.
std::string settings(const TrainedModel& model) {
  Config usual, own = model.config;
  const std::vector<Field> before = fields(usual), now = fields(own);
  std::string text;
  for (std::size_t i = 0; i < now.size(); ++i) {
    const std::string section = now[i].key.substr(0, now[i].key.find('.'));
    const bool told = now[i].key == "data.files" || now[i].key == "net.pretrained";
    if (told || std::find(kSettings.begin(), kSettings.end(), section) == kSettings.end()) continue;
    if (now[i].value() != before[i].value()) text += fmt::format("{} = {}\n", now[i].key, now[i].value());
  }
  return text;
}

std::string beginning(const TrainedModel& model, const json& pretrained) {
  if (pretrained.is_null() && !model.config.pretrained->file.empty())
    return fmt::format("`{}`; what of it was loaded is {}", base_name(model.config.pretrained->file), kUnknown);
  if (pretrained.is_null()) return "random weights";
  if (pretrained.contains("checkpoint"))
    return fmt::format("a checkpoint, `{}`", base_name(pretrained.at("checkpoint").get<std::string>()));
  return fmt::format("`{}`: {} of {} parameters", base_name(pretrained.at("file").get<std::string>()),
                     pretrained.at("parameters").dump(), pretrained.at("parameters_of_the_net").dump());
}

std::string training(const TrainedModel& model, const RunFacts& facts) {
  std::string text = "\n## Training\n\n| | |\n|---|---|\n";
  const auto row = [&](const char* what, const std::string& value) {
    text += fmt::format("| {} | {} |\n", what, value);
  };
  row("method", fmt::format("`{}`", name_of(model.config.train->method)));
  row("epochs", fmt::format("{}; these weights are those after {}", model.config.train->epochs,
                            model.epoch ? fmt::format("epoch {}", *model.epoch + 1) : "some steps of one"));
  row("seed", std::to_string(model.config.seed));
  row("began with", beginning(model, facts.pretrained));
  row("ranks", text_of(fact_of(facts.environment, "world_size")));
  row("starts", facts.starts > 0 ? std::to_string(facts.starts) : kUnknown);
  row("Penumbra, LibTorch", fmt::format("{}, {}", text_of(fact_of(facts.environment, "penumbra")),
                                        text_of(fact_of(facts.environment, "torch"))));
  const std::string own = settings(model);
  return text + (own.empty() ? "\nAll settings are the defaults.\n"
                             : fmt::format("\nSettings that are not the defaults:\n\n```toml\n{}```\n", own));
}

std::string measures(const CardSubject& subject, const TrainedModel& model, const RunFacts& facts,
                     const std::vector<Measured>& all) {
  std::string text = "\n## Measures\n\n";
  if (!is_validated(model, subject.net)) {
    text +=
        fmt::format("The run validated its head `{}`, not this net alone.\n", name_of(model.config.evaluation->head));
  } else if (facts.validation.is_null()) {
    text += "The run has no record of a validation of these weights.\n";
  }
  if (all.empty()) return text + "How good this net is is not known.\n";
  for (const Measured& one : all) {
    text += fmt::format(
        "\n{}, {} faces{}:\n\n| measure | value | 95 % interval | after the temperature |\n|---|---|---|---|\n",
        cell(one.where), one.values.at("count").dump(),
        one.split == "val" ? ", on which the temperature was fitted and the best weights are chosen" : "");
    for (const auto& [key, name] : kShown) {
      const json value = fact_of(one.values, key), interval = fact_of(one.intervals, key);
      if (value.is_null()) continue;
      text += fmt::format(
          "| {} | {} | {} | {} |\n", name, number(value),
          interval.is_array() ? fmt::format("{} to {}", number(interval.at(0)), number(interval.at(1))) : "-",
          number(fact_of(one.calibrated, key)));
    }
  }
  return text + "\nDefinitions: docs/evaluation.md of Penumbra.\n";
}

}  // namespace

std::string model_card(const CardSubject& subject, TrainedModel& model, const RunFacts& facts) {
  const std::vector<Measured> all = measured(subject, model, facts);
  return front_matter(subject, all) + summary(subject, model) + use_and_limits() + code(subject, model) +
         training_data(facts) + training(model, facts) + measures(subject, model, facts, all);
}

}  // namespace penumbra::trainer
