#include "trainer/config.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/loader_options.h"
#include "trainer/config_fields.h"
#include "trainer/loop/data_options.h"
#include "trainer/loop/training_options.h"
#include "trainer/objective/objective_options.h"
#include "trainer/objective/uncertainty_options.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/optim/optimizer_options.h"
#include "trainer/telemetry/monitor_options.h"

namespace penumbra::trainer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ConfigFile : public ::testing::Test {
 protected:
  ConfigFile() {
    std::string pattern = ::testing::TempDir() + "penumbra-config-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ConfigFile() override { std::filesystem::remove_all(folder_); }

  Config load(const std::string& text, const std::vector<std::string>& sets = {}) const {
    const auto path = folder_ / "config.toml";
    std::ofstream(path) << text;
    return load_config({path.string()}, sets);
  }

  std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}) const {
    try {
      load(text, sets);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigFile, EmptyFileGivesTheDefaults) { EXPECT_EQ(to_toml(load("")), to_toml(Config())); }

TEST_F(ConfigFile, SetWinsOverTheFileAndTheLastSetWins) {
  const Config config = load("[train]\nepochs = 3\n", {"train.epochs=4", "train.epochs=5", "run.dir=runs/a b"});
  EXPECT_EQ(config.train->epochs, 5);
  EXPECT_EQ(config.run_dir, "runs/a b");
}

TEST_F(ConfigFile, ResolvedTreeReadsBackToItself) {
  const Config config =
      load("", {"data.files=[\"a.h5\", \"b \\\"c\\\".h5\"]", "schedule.milestones=[1, 2.5]", "schedule.kind=step",
                "weak.shift=0.07", "attention.norm=l2", "optimizer.weight_decay=1e-4", "uncertainty.constant=true",
                "data.class_map={\"très gai\" = \"joy\", contempt = \"\"}"});
  const std::string text = to_toml(config);
  EXPECT_EQ(to_toml(load(text)), text);
  EXPECT_EQ(load(text).data->files, config.data->files);
  EXPECT_EQ(load(text).data->class_map, (data::ClassMap{{"très gai", "joy"}, {"contempt", ""}}));
  EXPECT_EQ(load(text).loader->weak.shift, 0.07f);
}

TEST_F(ConfigFile, CopiesShareNoSection) {
  const Config config = load("[train]\nepochs = 3\n");
  Config copy = config;
  copy.train->epochs = 4;
  EXPECT_EQ(config.train->epochs, 3);
  copy = config;
  EXPECT_EQ(copy.train->epochs, 3);
  EXPECT_NE(&*copy.train, &*config.train);
}

TEST_F(ConfigFile, EveryFieldAcceptsItsOwnDefaultAndRefusesAnotherType) {
  Config config;
  for (const Field& field : fields(config)) {
    const auto parsed = toml::parse("value = " + field.value());
    EXPECT_TRUE(field.set(*parsed.get("value"))) << field.key;
    const auto wrong = toml::parse("value = 1979-05-27");
    EXPECT_FALSE(field.set(*wrong.get("value"))) << field.key;
  }
}

TEST_F(ConfigFile, KeysAreUniqueAndStandInTheReference) {
  Config config;
  std::vector<std::string> keys;
  const std::string reference = config_reference();
  for (const Field& field : fields(config)) {
    keys.push_back(field.key);
    EXPECT_THAT(reference, HasSubstr("| `" + field.key.substr(field.key.find('.') + 1) + "` |"));
  }
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST_F(ConfigFile, ReferenceInTheDocsIsThePrintedOne) {
  std::ifstream file(PENUMBRA_SOURCE_DIR "/docs/configuration.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(text, HasSubstr(config_reference()));
}

TEST_F(ConfigFile, EveryShippedConfigLoads) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(PENUMBRA_SOURCE_DIR "/configs")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_NO_THROW(load_config({entry.path().string()}, {})) << entry.path();
  }
}

/// Each over the defaults, which are the ablation "full".
TEST_F(ConfigFile, AblationsChangeWhatTheyAreNamedFor) {
  const auto with = [](const std::string& name) {
    return load_config({PENUMBRA_SOURCE_DIR "/configs/ablations/" + name + ".toml"}, {});
  };
  EXPECT_EQ(with("ce_only").train->method, Method::ce_only);
  EXPECT_EQ(with("mixup_only").train->method, Method::mixup_only);
  EXPECT_EQ(with("label_smoothing").train->method, Method::ce_only);
  EXPECT_EQ(with("label_smoothing").train->label_smoothing, 0.1);
  EXPECT_EQ(with("vote_distribution").train->method, Method::ce_only);
  EXPECT_EQ(with("vote_distribution").train->labels, Labels::votes);
  EXPECT_EQ(with("class_weights").train->balance.weights, ClassWeights::effective);
  EXPECT_EQ(with("logit_adjustment").train->balance.logit_adjustment, 1);
  EXPECT_EQ(with("sharpness_aware").optimizer->sam_radius, 0.05);
  EXPECT_EQ(with("full").train->method, Method::full);
  EXPECT_EQ(with("attention_only").objective->alignment_weight, 0);
  EXPECT_EQ(with("attention_only").objective->beta_max, 0);
  EXPECT_EQ(with("soft_label_only").objective->attention_weight, 0);
  EXPECT_TRUE(with("no_uncertainty").uncertainty->constant);
  EXPECT_FALSE(with("no_uncertainty").uncertainty->weight_samples);
  EXPECT_FALSE(with("no_warp").objective->warp);
  EXPECT_EQ(with("unmixed_target").objective->target, Target::unmixed);
  EXPECT_EQ(with("detached_target").objective->couple, Couple::original_to_ambiguous);
  EXPECT_EQ(with("convolutions_apart").train->convolutions, Convolutions::apart);
  EXPECT_EQ(with("trust_uncertainty").objective->trust, Trust::uncertainty);
  EXPECT_EQ(with("slow_banks").uncertainty->momentum, 0.9);
  EXPECT_EQ(with("half_mixed").loader->strong.mix_probability, 0.5f);
}

TEST_F(ConfigFile, LaterFilesWinAndSetsOverThem) {
  const std::vector<std::string> files = {folder_ / "base.toml", folder_ / "more.toml"};
  std::ofstream(files[0]) << "[train]\nepochs = 3\nbatch = 16\n";
  std::ofstream(files[1]) << "[train]\nepochs = 7\n";
  EXPECT_EQ(load_config(files, {}).train->epochs, 7);
  EXPECT_EQ(load_config(files, {}).loader->global_batch, 16);
  EXPECT_EQ(load_config(files, {"train.epochs=9"}).train->epochs, 9);
}

TEST_F(ConfigFile, ErrorsNameFileKeyAndWhatIsAllowed) {
  EXPECT_THAT(error_of("[train]\nepoch = 3\n"),
              AllOf(HasSubstr("config.toml"), HasSubstr("'train.epoch'"), HasSubstr("'train.epochs'")));
  EXPECT_THAT(error_of("[train]\nepochs = 0\n"), AllOf(HasSubstr("train.epochs = 0"), HasSubstr("1 to 100000")));
  EXPECT_THAT(error_of("[train]\nlabel_smoothing = 1.0\n"),
              AllOf(HasSubstr("train.label_smoothing = 1"), HasSubstr("0 to 0.99")));
  EXPECT_THAT(error_of("[train]\nmethod = \"best\"\n"),
              AllOf(HasSubstr("train.method"), HasSubstr("\"full\", \"ce_only\", \"mixup_only\"")));
  EXPECT_THAT(error_of("epochs = 3\n"), HasSubstr("[section]"));
  EXPECT_THAT(error_of("[train\n"), HasSubstr("line 1"));
  EXPECT_THAT(error_of("", {"train.epochs"}), HasSubstr("section.key=value"));
}

TEST_F(ConfigFile, KeysThatMustFitTogetherAreCheckedTogether) {
  EXPECT_THAT(error_of("", {"train.batch=7"}), HasSubstr("odd"));
  EXPECT_THAT(error_of("", {"train.method=ce_only", "predict.head=mean"}), HasSubstr("predict.head"));
  EXPECT_THAT(error_of("", {"ambiguous.strength=4"}),
              AllOf(HasSubstr("ambiguous.strength = 4"), HasSubstr("ambiguous.brightness = 0.3")));
  EXPECT_THAT(error_of("", {"train.ema_decay=0.9", "train.ema_half_life=2"}), HasSubstr("train.ema_half_life"));
  EXPECT_THAT(error_of("", {"train.class_weights=inverse", "data.most_repeats=2"}), HasSubstr("data.most_repeats"));
  EXPECT_THAT(error_of("", {"train.logit_adjustment=1", "data.most_repeats=2"}), HasSubstr("data.most_repeats"));
  EXPECT_THAT(error_of("", {"schedule.kind=step"}), HasSubstr("milestones"));
  EXPECT_THAT(error_of("", {"schedule.milestones=[3, 2]"}), HasSubstr("rise"));
}

TEST_F(ConfigFile, SetTakesAnyValueOfATextKeyAsText) {
  for (const char* text : {"2026-11-30", "123456", "12e5", "1_1_1", ".5", "true", "[a]", "{a = 1}", "a # b", "'a' b"}) {
    EXPECT_EQ(load("", {std::string("run.dir=") + text}).run_dir, text);
  }
  EXPECT_EQ(load("", {"run.dir=\"a b\""}).run_dir, "a b");
  EXPECT_EQ(load("", {"monitor.run=4711"}).monitor->run, "4711");
  EXPECT_THAT(error_of("[run]\ndir = 2026-11-30\n"), AllOf(HasSubstr("run.dir"), HasSubstr("quotes")));
}

TEST_F(ConfigFile, SetTakesNumbersWithoutDigitsOnOneSideOfThePoint) {
  EXPECT_EQ(load("", {"schedule.learning_rate=.001"}).schedule->learning_rate, 0.001);
  EXPECT_EQ(load("", {"schedule.learning_rate=1."}).schedule->learning_rate, 1);
  EXPECT_EQ(load("", {"schedule.learning_rate=+.5e-2"}).schedule->learning_rate, 0.005);
  EXPECT_THAT(error_of("", {"schedule.learning_rate=."}), HasSubstr("allowed: number"));
  EXPECT_THAT(error_of("", {"train.epochs=5."}), HasSubstr("allowed: integer"));
}

TEST_F(ConfigFile, AListWithoutQuotesIsToldHowToQuote) {
  EXPECT_THAT(error_of("", {"data.files=[faces.h5]"}), HasSubstr("--set 'data.files=[\"a\", \"b\"]'"));
  EXPECT_THAT(error_of("", {"data.files=faces.h5"}), HasSubstr("--set 'data.files=[\"a\", \"b\"]'"));
}

TEST_F(ConfigFile, APathThatAShellWouldExpandIsRefused) {
  for (const char* assignment :
       {"run.dir=~/x", "run.dir=~", "run.dir=$HOME/x", "run.dir=a/${USER}", "net.pretrained=~/w",
        "data.files=[\"a.h5\", \"$SCRATCH/b.h5\"]", "monitor.key=~ann/key.pem"}) {
    EXPECT_THAT(error_of("", {assignment}), HasSubstr("write it out")) << assignment;
  }
  EXPECT_THAT(error_of("[run]\ndir = \"~/x\"\n"), HasSubstr("write it out"));
  EXPECT_EQ(load("", {"run.dir=./~x/5$/a~"}).run_dir, "./~x/5$/a~");
}

TEST_F(ConfigFile, ATextThatAConfigurationCannotHoldIsRefused) {
  for (const char* text : {"a\nb", "a\xe9", "a\x01", "a\x7f"}) {
    EXPECT_THAT(error_of("", {std::string("run.dir=") + text}), HasSubstr("UTF-8")) << text;
    EXPECT_THAT(error_of("", {std::string("monitor.run=") + text}), HasSubstr("UTF-8")) << text;
  }
  EXPECT_THAT(error_of("", {"data.files=[\"a\\nb\"]"}), HasSubstr("UTF-8"));
  EXPECT_EQ(load("", {"run.dir=très\tgai"}).run_dir, "très\tgai");
}

TEST_F(ConfigFile, AFolderIsNoConfiguration) {
  try {
    load_config({folder_.string()}, {});
    FAIL() << "a folder was read";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(folder_.string()), HasSubstr("folder")));
  }
}

}  // namespace
}  // namespace penumbra::trainer
