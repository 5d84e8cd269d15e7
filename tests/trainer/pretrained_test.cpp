#include "trainer/nets/pretrained.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/error.h"
#include "trainer/nets/dual_net.h"
#include "trainer/nets/pretrained_options.h"

namespace penumbra::trainer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kClasses{"calm", "glad", "sad"};

ResNetOptions small_net(int channels = 1, int classes = 3) {
  ResNetOptions options;
  options.depth = 10;
  options.width = 4;
  options.channels = channels;
  options.classes = classes;
  return options;
}

std::vector<comm::NamedTensor> tensors_of(const ResNet& net) {
  std::vector<comm::NamedTensor> all = net.parameters();
  all.insert(all.end(), net.buffers().begin(), net.buffers().end());
  return all;
}

/// A file as another training of such a net would have left it, its names behind `prefix`.
SafetensorsFile file_of(const ResNetOptions& options, const std::string& prefix = "") {
  SafetensorsFile file;
  for (const auto& [name, tensor] : tensors_of(ResNet(options, /*seed=*/7)))
    file.tensors.push_back({prefix + name, tensor.detach().contiguous() + 0.25});
  return file;
}

at::Tensor named(const std::vector<comm::NamedTensor>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& item) { return item.name == name; });
  if (found == all.end()) throw std::out_of_range(name);
  return found->tensor;
}

std::vector<std::string> names_of(const std::vector<TransferNote>& notes) {
  std::vector<std::string> names;
  for (const TransferNote& note : notes) names.push_back(note.name);
  return names;
}

std::string problem(const SafetensorsFile& file, const PretrainedOptions& options, const ResNetOptions& net) {
  try {
    fit_pretrained(file, options, tensors_of(ResNet(net, 1)), kClasses);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

TEST(Pretrained, TheLongestPrefixOfANameIsReplaced) {
  const std::map<std::string, std::string> map{{"a.", "x."}, {"a.b.", ""}, {"c", "d"}};
  EXPECT_EQ(mapped_name("a.k", map), "x.k");
  EXPECT_EQ(mapped_name("a.b.k", map), "k");
  EXPECT_EQ(mapped_name("a.bk", map), "x.bk");
  EXPECT_EQ(mapped_name("b.a.k", map), "b.a.k");
  EXPECT_EQ(mapped_name("k", {{"", "net."}}), "net.k");
  EXPECT_EQ(mapped_name("k", {}), "k");
}

TEST(Pretrained, ANetOfTheSameKindIsLoadedWhole) {
  const ResNet net(small_net(), 1);
  const SafetensorsFile file = file_of(small_net(), "backbone.");
  const Pretrained found = fit_pretrained(file, {"", {{"backbone.", ""}}, {}}, tensors_of(net), kClasses);
  EXPECT_EQ(found.tensors.size(), tensors_of(net).size());
  EXPECT_EQ(found.parameters, net.parameter_count());
  EXPECT_EQ(found.of, net.parameter_count());
  EXPECT_TRUE(found.converted.empty() && found.initial.empty() && found.unused.empty());
  for (const auto& [name, tensor] : found.tensors)
    EXPECT_TRUE(at::equal(tensor, named(file.tensors, "backbone." + name)));
}

TEST(Pretrained, BothNetsBeginWithIt) {
  DualNet nets(small_net(), Method::full, 1);
  const SafetensorsFile file = file_of(small_net());
  nets.begin_with(fit_pretrained(file, {}, tensors_of(nets.original()), kClasses).tensors);
  for (ResNet* net : {&nets.original(), nets.ambiguous()}) {
    for (const auto& [name, tensor] : tensors_of(*net)) {
      EXPECT_TRUE(at::equal(tensor.detach(), named(file.tensors, name))) << name;
      EXPECT_EQ(tensor.is_contiguous(at::MemoryFormat::ChannelsLast), tensor.dim() == 4) << name;
    }
  }
}

TEST(Pretrained, AHeadOfOtherClassesIsLeftOutAndSaid) {
  const Pretrained found = fit_pretrained(file_of(small_net(1, 7)), {}, tensors_of(ResNet(small_net(), 1)), kClasses);
  EXPECT_THAT(names_of(found.initial), ElementsAre("fc.weight", "fc.bias"));
  EXPECT_EQ(found.initial.front().what, "[7, 32] in the file, [3, 32] in the net");
  EXPECT_THAT(names_of(found.unused), ElementsAre("fc.weight", "fc.bias"));
  EXPECT_EQ(found.of - found.parameters, 3 * 32 + 3);
}

TEST(Pretrained, AHeadOfAsManyClassesInAnotherOrderIsLeftOutToo) {
  SafetensorsFile file = file_of(small_net());
  const auto left = [&](const std::string& classes) {
    file.metadata["classes"] = classes;
    return names_of(fit_pretrained(file, {}, tensors_of(ResNet(small_net(), 1)), kClasses).initial);
  };
  EXPECT_TRUE(left(R"(["calm","glad","sad"])").empty());
  EXPECT_THAT(left(R"(["glad","calm","sad"])"), ElementsAre("fc.weight", "fc.bias"));
  EXPECT_THAT(left("no JSON"), ElementsAre("fc.weight", "fc.bias"));
}

TEST(Pretrained, ColourKernelsAreSummedForAGreyNet) {
  const ResNet colour(small_net(3), 1), grey(small_net(), 1);
  const SafetensorsFile file = file_of(small_net(3));
  const Pretrained found = fit_pretrained(file, {}, tensors_of(grey), kClasses);
  EXPECT_THAT(names_of(found.converted), ElementsAre("conv1.weight"));
  // What the colour net says of a grey face in three equal channels, the grey one says of the face.
  const at::Tensor face = at::randn({1, 1, 8, 8});
  EXPECT_TRUE(at::allclose(at::conv2d(face, named(found.tensors, "conv1.weight")),
                           at::conv2d(face.expand({1, 3, 8, 8}), named(file.tensors, "conv1.weight")), 1e-5, 1e-5));
  const SafetensorsFile back = file_of(small_net());
  const Pretrained spread = fit_pretrained(back, {}, tensors_of(colour), kClasses);
  EXPECT_TRUE(at::allclose(at::conv2d(face.expand({1, 3, 8, 8}), named(spread.tensors, "conv1.weight")),
                           at::conv2d(face, named(back.tensors, "conv1.weight")), 1e-5, 1e-5));
}

TEST(Pretrained, AnotherStemIsLeftAsInitialisedAndTheRestLoaded) {
  ResNetOptions imagenet = small_net(3);
  imagenet.stem = "imagenet";
  SafetensorsFile file = file_of(imagenet);
  file.tensors.push_back({"bn1.num_batches_tracked", at::zeros({}, at::kLong)});
  const Pretrained found = fit_pretrained(file, {}, tensors_of(ResNet(small_net(), 1)), kClasses);
  EXPECT_THAT(names_of(found.initial), ElementsAre("conv1.weight"));
  EXPECT_EQ(found.initial.front().what, "[4, 3, 7, 7] in the file, [4, 1, 3, 3] in the net");
  EXPECT_THAT(names_of(found.unused), ElementsAre("conv1.weight", "bn1.num_batches_tracked"));
  EXPECT_EQ(found.unused.back().what, "a counter that is not kept");
}

TEST(Pretrained, HalfPrecisionIsWidenedAndWhatIsSkippedStays) {
  SafetensorsFile file = file_of(small_net());
  for (comm::NamedTensor& item : file.tensors) item.tensor = item.tensor.to(at::kHalf);
  const Pretrained found =
      fit_pretrained(file, {"", {}, {"fc.", "layer4."}}, tensors_of(ResNet(small_net(), 1)), kClasses);
  for (const auto& [name, tensor] : found.tensors) {
    EXPECT_EQ(tensor.scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(tensor.to(at::kHalf), named(file.tensors, name)));
    EXPECT_FALSE(name.starts_with("layer4.") || name.starts_with("fc."));
  }
  EXPECT_EQ(found.initial.front().what, "skipped");
  EXPECT_EQ(found.initial.size(), found.unused.size());
}

TEST(Pretrained, WhatCannotBeMeantIsRefusedByName) {
  const SafetensorsFile file = file_of(small_net(), "model.");
  EXPECT_THAT(problem(file, {}, small_net()),
              AllOf(HasSubstr("\"model.conv1.weight\", \"model.bn1.weight\", \"model.bn1.bias\""),
                    HasSubstr("the net has \"conv1.weight\", \"bn1.weight\", \"bn1.bias\"")));
  EXPECT_THAT(problem({}, {}, small_net()), HasSubstr("it has no tensor"));
  ResNetOptions wide = small_net();
  wide.width = 8;
  EXPECT_THAT(problem(file_of(wide), {}, small_net()), HasSubstr("\"conv1.weight\" is [8, 1, 3, 3] in the file"));
  EXPECT_EQ(named(file_of(wide).tensors, "fc.bias").sizes(),
            named(tensors_of(ResNet(small_net(), 1)), "fc.bias").sizes());
  SafetensorsFile twice = file_of(small_net());
  twice.tensors.push_back({"ema.bn1.bias", at::zeros({4})});
  EXPECT_THAT(problem(twice, {"", {{"ema.", ""}}, {}}, small_net()),
              HasSubstr("\"bn1.bias\" and \"ema.bn1.bias\" both become \"bn1.bias\""));
}

TEST(Pretrained, ValuesThatAreNotFiniteAreRefused) {
  SafetensorsFile file = file_of(small_net());
  file.tensors[3].tensor.view(-1)[0] = std::numeric_limits<float>::infinity();
  EXPECT_THROW(fit_pretrained(file, {}, tensors_of(ResNet(small_net(), 1)), kClasses), data::DataError);
}

TEST(Pretrained, TheAccountNamesEveryTensorOnce) {
  const ResNet net(small_net(), 1);
  const SafetensorsFile file = file_of(small_net(3, 7));
  const Pretrained found = fit_pretrained(file, {}, tensors_of(net), kClasses);
  const nlohmann::json all = to_json(found);
  EXPECT_EQ(all["loaded"].size() + all["left_at_initialisation"].size(), tensors_of(net).size());
  EXPECT_EQ(all["loaded"].size() + all["unused_in_the_file"].size(), file.tensors.size());
  EXPECT_EQ(all["converted"], (nlohmann::json{{"conv1.weight", "summed over three channels"}}));
  const std::vector<std::string> lines = account(found);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[0], HasSubstr(std::to_string(found.parameters) + " of the net's " + std::to_string(found.of)));
  EXPECT_THAT(lines[1], HasSubstr("1: conv1.weight (summed over three channels)"));
  EXPECT_THAT(lines[2], HasSubstr("2: fc.weight ([7, 32] in the file, [3, 32] in the net), fc.bias"));
}

}  // namespace
}  // namespace penumbra::trainer
