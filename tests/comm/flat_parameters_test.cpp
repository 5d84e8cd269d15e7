#include "comm/flat_parameters.h"

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penumbra::comm {
namespace {

at::Tensor leaf(at::IntArrayRef shape, at::MemoryFormat format = at::MemoryFormat::Contiguous) {
  return at::rand(shape).contiguous(format).requires_grad_();
}

struct Net {
  at::Tensor convolution = leaf({4, 3, 5, 5}, at::MemoryFormat::ChannelsLast);
  at::Tensor norm = leaf({4});
  at::Tensor scale = leaf({});
  at::Tensor linear = leaf({2, 4});

  std::vector<NamedTensor> parameters() const {
    return {{"conv.weight", convolution}, {"norm.weight", norm}, {"scale", scale}, {"fc.weight", linear}};
  }
};

std::string why_refused(std::vector<NamedTensor> parameters) {
  try {
    FlatParameters flat(std::move(parameters));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "not refused";
}

TEST(FlatParameters, LieInReverseOrderOfExecutionWithoutGaps) {
  const Net net;
  const FlatParameters flat(net.parameters());
  std::vector<std::string> names;
  std::vector<std::int64_t> offsets, sizes;
  for (const Segment& segment : flat.segments()) {
    names.push_back(segment.name);
    offsets.push_back(segment.offset);
    sizes.push_back(segment.size);
  }
  EXPECT_THAT(names, ::testing::ElementsAre("fc.weight", "scale", "norm.weight", "conv.weight"));
  EXPECT_THAT(sizes, ::testing::ElementsAre(8, 1, 4, 300));
  EXPECT_THAT(offsets, ::testing::ElementsAre(0, 8, 9, 13));
  EXPECT_EQ(flat.size(), 313);
  EXPECT_EQ(flat.values().numel(), 313);
  EXPECT_EQ(flat.gradients().numel(), 313);
  ASSERT_EQ(flat.parameters().size(), 4U);
  EXPECT_TRUE(flat.parameters()[0].is_same(net.linear));
  EXPECT_TRUE(flat.parameters()[3].is_same(net.convolution));
}

TEST(ViewsOfOne, KeepTheirValuesAndStridesAndLieOneAfterTheOther) {
  const at::Tensor first = at::arange(3, at::kFloat), second = at::arange(6, at::kFloat).view({2, 3}).t();
  const at::Tensor alias = first, before = second.clone();
  const at::Tensor one = make_views_of_one({{"first", first}, {"second", second}});
  EXPECT_TRUE(one.equal(at::tensor({0.0F, 1.0F, 2.0F, 0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F})));
  EXPECT_TRUE(second.equal(before));
  EXPECT_EQ(second.strides(), before.strides());
  one.fill_(7);
  EXPECT_TRUE(alias.eq(7).all().item<bool>()) << "whoever holds the tensor holds the view";
  EXPECT_TRUE(second.eq(7).all().item<bool>());
}

TEST(FlatParameters, KeepTheirValuesShapesAndStrides) {
  const Net net;
  const auto parameters = net.parameters();
  std::vector<at::Tensor> before;
  for (const NamedTensor& parameter : parameters) before.push_back(parameter.tensor.detach().clone());
  const FlatParameters flat(parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_TRUE(parameters[i].tensor.equal(before[i])) << parameters[i].name;
    EXPECT_EQ(parameters[i].tensor.strides(), before[i].strides()) << parameters[i].name;
    EXPECT_EQ(parameters[i].tensor.grad().strides(), before[i].strides()) << parameters[i].name;
    EXPECT_TRUE(parameters[i].tensor.is_leaf() && parameters[i].tensor.requires_grad()) << parameters[i].name;
  }
  EXPECT_TRUE(net.convolution.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_FALSE(net.convolution.is_contiguous());
}

TEST(FlatParameters, ValuesAreTheParametersThemselves) {
  const Net net;
  const FlatParameters flat(net.parameters());
  const at::NoGradGuard no_grad;
  flat.values().copy_(at::arange(313, at::kFloat));
  EXPECT_TRUE(net.linear.equal(at::arange(8, at::kFloat).view({2, 4})));
  EXPECT_EQ(net.scale.item<float>(), 8);
  // Channels-last: in memory, channels run fastest, then columns, rows and filters.
  for (const auto& [o, c, y, x] : {std::array<int, 4>{0, 1, 0, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}, {3, 2, 4, 4}}) {
    EXPECT_EQ(net.convolution[o][c][y][x].item<float>(), 13 + ((o * 5 + y) * 5 + x) * 3 + c);
  }
  at::Tensor(net.norm).fill_(-1);
  EXPECT_TRUE(flat.values().narrow(0, 9, 4).eq(-1).all().item<bool>());
}

TEST(FlatParameters, BackwardAddsToTheFlatGradients) {
  const Net net;
  const FlatParameters flat(net.parameters());
  for (int times = 1; times <= 2; ++times) {
    net.linear.sum().mul(2).add(net.convolution.select(1, 1).sum()).backward();
    EXPECT_TRUE(flat.gradients().narrow(0, 0, 8).eq(2 * times).all().item<bool>());
    EXPECT_TRUE(flat.gradients().narrow(0, 8, 5).eq(0).all().item<bool>());
    const at::Tensor channels = flat.gradients().narrow(0, 13, 300).view({100, 3});  // fastest: see above
    EXPECT_TRUE(channels.select(1, 1).eq(times).all().item<bool>());
    EXPECT_EQ(channels.sum().item<float>(), 100.0F * static_cast<float>(times));
  }
}

TEST(FlatParameters, WeightDecayIsForMatricesAndFiltersOnly) {
  const Net net;
  const FlatParameters flat(net.parameters());
  std::vector<bool> decay;
  for (const Segment& segment : flat.segments()) decay.push_back(segment.decay);
  EXPECT_THAT(decay, ::testing::ElementsAre(true, false, false, true));
}

TEST(FlatParameters, FurtherBuffersAreZeroAndApart) {
  const Net net;
  const FlatParameters flat(net.parameters());
  const at::Tensor moments = flat.zeros_like();
  EXPECT_EQ(moments.sizes(), flat.values().sizes());
  EXPECT_EQ(moments.abs().sum().item<float>(), 0);
  EXPECT_FALSE(moments.requires_grad());
  EXPECT_NE(moments.const_data_ptr(), flat.values().const_data_ptr());
  EXPECT_NE(moments.const_data_ptr(), flat.gradients().const_data_ptr());
}

TEST(FlatParameters, LayoutTellsNamesShapesStridesAndOrderApart) {
  const auto layout = [](std::vector<NamedTensor> parameters) {
    return FlatParameters(std::move(parameters)).layout();
  };
  const std::string plain = layout({{"a", leaf({2, 3, 4, 4})}, {"b", leaf({6})}});
  EXPECT_EQ(plain, layout({{"a", leaf({2, 3, 4, 4})}, {"b", leaf({6})}}));  // values do not matter
  EXPECT_NE(plain, layout({{"c", leaf({2, 3, 4, 4})}, {"b", leaf({6})}}));
  EXPECT_NE(plain, layout({{"a", leaf({3, 2, 4, 4})}, {"b", leaf({6})}}));
  EXPECT_NE(plain, layout({{"a", leaf({2, 3, 4, 4})}, {"b", leaf({2, 3})}}));
  EXPECT_NE(plain, layout({{"a", leaf({2, 3, 4, 4}, at::MemoryFormat::ChannelsLast)}, {"b", leaf({6})}}));
  EXPECT_NE(plain, layout({{"b", leaf({6})}, {"a", leaf({2, 3, 4, 4})}}));
  EXPECT_NE(plain, layout({{"a", leaf({2, 3, 4, 4})}}));
}

TEST(FlatParameters, RefuseWhatCannotBeAViewAndNameIt) {
  using ::testing::HasSubstr;
  const at::Tensor good = leaf({2});
  EXPECT_THAT(why_refused({}), HasSubstr("no parameters"));
  EXPECT_THAT(why_refused({{"good", good}, {"half", at::rand({2}).to(at::kHalf).requires_grad_()}}), HasSubstr("half"));
  EXPECT_THAT(why_refused({{"good", good}, {"frozen", at::rand({2})}}), HasSubstr("frozen"));
  EXPECT_THAT(why_refused({{"good", good}, {"made", good.mul(2)}}), HasSubstr("made"));
  EXPECT_THAT(why_refused({{"good", good}, {"gaps", at::rand({4, 4}).narrow(1, 0, 2).requires_grad_()}}),
              HasSubstr("gaps"));
  EXPECT_THAT(why_refused({{"good", good}, {"good", leaf({2})}}), HasSubstr("good is there twice"));
  EXPECT_THAT(why_refused({{"good", good}, {"same", good}}), HasSubstr("same"));
  EXPECT_THAT(why_refused({{"good", good}, {"none", at::Tensor()}}), HasSubstr("none"));
}

}  // namespace
}  // namespace penumbra::comm
