#include "trainer/nets/weights.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "data/error.h"

namespace penumbra::trainer {
namespace {

namespace fs = std::filesystem;
using std::string_literals::operator""s;
using ::testing::HasSubstr;

class Weights : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("weights-" + std::to_string(getpid()) + "-" +
                                                ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path file() const { return folder_ / "w.safetensors"; }

  void write(const std::string& bytes) const { std::ofstream(file(), std::ios::binary) << bytes; }
  /// A file of this header and these data, with a correct length.
  void write(const std::string& header, const std::string& data) const {
    std::string bytes;
    for (int k = 0; k < 8; ++k) bytes += static_cast<char>(header.size() >> (8 * k) & 0xff);
    write(bytes + header + data);
  }
  std::string bytes() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The message with which loading fails; empty when it does not.
  std::string problem() const {
    try {
      load_safetensors(file());
    } catch (const data::DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(file().string()));
      return error.what();
    }
    return "";
  }

  fs::path folder_;
};

/// What the Python package safetensors 0.8.0 writes for a: int64 [[1, 2, 3]], b: fp32 [1.5, -2], h: bf16 [0.5, -1].
const std::string kPublished =
    "\xc8\x00\x00\x00\x00\x00\x00\x00"
    "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"I64\",\"shape\":[1,3],\"data_offsets\":[0,24]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
    "\"h\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[32,36]}}       "
    "\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\xc0?\x00\x00\x00\xc0\x00?\x80\xbf"s;

TEST_F(Weights, ReadsWhatThePythonPackageWrites) {
  write(kPublished);
  const SafetensorsFile loaded = load_safetensors(file());
  EXPECT_EQ(loaded.metadata, (std::map<std::string, std::string>{{"k", "v"}}));
  ASSERT_EQ(loaded.tensors.size(), 3U);
  EXPECT_EQ(loaded.tensors[0].name, "a");
  EXPECT_EQ(loaded.tensors[0].tensor.scalar_type(), at::kLong);
  EXPECT_TRUE(at::equal(loaded.tensors[0].tensor, at::tensor({1, 2, 3}, at::kLong).view({1, 3})));
  EXPECT_TRUE(at::equal(loaded.tensors[1].tensor, at::tensor({1.5F, -2.0F})));
  EXPECT_EQ(loaded.tensors[2].tensor.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(loaded.tensors[2].tensor.to(at::kFloat), at::tensor({0.5F, -1.0F})));
}

TEST_F(Weights, WritesTheBytesThatThePythonPackageReads) {
  const at::Tensor h = at::tensor({0.5F, -1.0F}).to(at::kBFloat16);
  save_safetensors(file(), {{"b", at::tensor({1.5F, -2.0F})}, {"h", h}}, {{"k", "v"}});
  const std::string header =
      "{\"__metadata__\":{\"k\":\"v\"},\"b\":{\"data_offsets\":[0,8],\"dtype\":\"F32\",\"shape\":[2]},"
      "\"h\":{\"data_offsets\":[8,12],\"dtype\":\"BF16\",\"shape\":[2]}}";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes(), std::string{static_cast<char>(padded.size())} + std::string(7, '\0') + padded +
                         "\x00\x00\xc0?\x00\x00\x00\xc0\x00?\x80\xbf"s);
}

TEST_F(Weights, WhatIsWrittenIsReadBackForEveryTypeAndShape) {
  const at::Tensor x = at::arange(24).to(at::kDouble).sub(7).div(3);
  std::vector<comm::NamedTensor> tensors{{"scalar", at::full({}, 2.5F)},
                                         {"empty", at::zeros({0, 4})},
                                         {"double", x.view({2, 3, 4})},
                                         {"half", x.to(at::kHalf)},
                                         {"bf16", x.to(at::kBFloat16)},
                                         {"long", at::arange(5)},
                                         {"\xc3\xa9\"\\\n", at::full({1}, std::numeric_limits<float>::quiet_NaN())}};
  save_safetensors(file(), tensors, {});
  const SafetensorsFile loaded = load_safetensors(file());
  EXPECT_TRUE(loaded.metadata.empty());
  ASSERT_EQ(loaded.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto found =
        std::find_if(loaded.tensors.begin(), loaded.tensors.end(), [&](const auto& t) { return t.name == name; });
    ASSERT_NE(found, loaded.tensors.end()) << name;
    EXPECT_EQ(found->tensor.scalar_type(), tensor.scalar_type());
    EXPECT_EQ(found->tensor.sizes(), tensor.sizes());
    EXPECT_TRUE(at::allclose(found->tensor, tensor, 0, 0, /*equal_nan=*/true)) << name;
  }
}

TEST_F(Weights, ChannelsLastAndTransposedTensorsAreWrittenInLogicalOrder) {
  const at::Tensor logical = at::arange(48).to(at::kFloat).view({2, 3, 4, 2});
  const at::Tensor last = logical.contiguous(at::MemoryFormat::ChannelsLast);
  ASSERT_FALSE(last.is_contiguous());
  save_safetensors(file(), {{"x", last}}, {});
  const at::Tensor loaded = load_safetensors(file()).tensors[0].tensor;
  EXPECT_TRUE(loaded.is_contiguous());
  EXPECT_TRUE(at::equal(loaded, logical));
  const std::string tail = bytes().substr(bytes().size() - 48 * sizeof(float));
  for (int k = 0; k < 48; ++k) {
    float value = 0;
    std::memcpy(&value, tail.data() + k * sizeof(float), sizeof(float));
    EXPECT_EQ(value, static_cast<float>(k));
  }
}

TEST_F(Weights, CopyKeepsTheMemoryFormatAndTheGradientFlagOfTheTarget) {
  const at::Tensor logical = at::arange(16).to(at::kFloat).view({1, 4, 2, 2});
  const at::Tensor target = at::zeros({1, 4, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  copy_weights({{{"x", logical.to(at::kBFloat16)}}, {}}, {{"x", target}});
  EXPECT_TRUE(target.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(target.requires_grad());
  EXPECT_TRUE(at::equal(target.detach(), logical));
}

TEST_F(Weights, CopyRefusesAnotherNetAndThenChangesNothing) {
  const at::Tensor a = at::zeros({2}), b = at::zeros({3});
  const std::vector<comm::NamedTensor> net{{"a", a}, {"b", b}};
  const comm::NamedTensor good{"a", at::ones({2})};
  const auto message = [&](std::vector<comm::NamedTensor> tensors) -> std::string {
    try {
      copy_weights({std::move(tensors), {}}, net);
    } catch (const data::DataError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message({good}), HasSubstr("no \"b\""));
  EXPECT_THAT(message({good, {"b", at::ones({1, 3})}}), HasSubstr("[1, 3]"));
  EXPECT_THAT(message({good, {"b", at::ones({3})}, {"c", at::ones({1})}}), HasSubstr("\"c\""));
  EXPECT_EQ(a.sum().item<float>(), 0);
  EXPECT_EQ(message({good, {"b", at::ones({3})}}), "");
  EXPECT_EQ(a.sum().item<float>() + b.sum().item<float>(), 5);
}

TEST_F(Weights, RefusesToWriteUnknownTypesAndDoubleNames) {
  const at::Tensor one = at::ones({1});
  EXPECT_THROW(save_safetensors(file(), {{"a", one}, {"a", one}}, {}), std::invalid_argument);
  EXPECT_THROW(save_safetensors(file(), {{"__metadata__", one}}, {}), std::invalid_argument);
  EXPECT_THROW(save_safetensors(file(), {{"a", one.to(at::kBool)}}, {}), std::invalid_argument);
  EXPECT_THROW(save_safetensors(file(), {{"\xff", one}}, {}), std::invalid_argument);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Weights, AFailedWriteLeavesTheOldFileAndNoPartialOne) {
  save_safetensors(file(), {{"a", at::ones({1})}}, {});
  fs::create_directory(folder_ / "w2.safetensors");
  EXPECT_THROW(save_safetensors(folder_ / "w2.safetensors", {{"a", at::ones({1})}}, {}), data::DataError);
  EXPECT_THROW(save_safetensors(folder_ / "none" / "w", {{"a", at::ones({1})}}, {}), data::DataError);
  EXPECT_FALSE(fs::exists(folder_ / "w2.safetensors.partial"));
  EXPECT_FALSE(fs::exists(folder_ / "w.safetensors.partial"));
  EXPECT_EQ(load_safetensors(file()).tensors.size(), 1U);
}

TEST_F(Weights, AMissingFileOrAFolderIsAnError) {
  EXPECT_THAT(problem(), HasSubstr("does not exist"));
  fs::create_directory(file());
  EXPECT_THAT(problem(), HasSubstr("not a file"));
}

TEST_F(Weights, EveryTruncationIsAnError) {
  for (std::size_t size = 0; size < kPublished.size(); ++size) {
    write(kPublished.substr(0, size));
    EXPECT_NE(problem(), "") << size << " bytes";
  }
  write(kPublished + '\0');
  EXPECT_THAT(problem(), HasSubstr("37"));
}

TEST_F(Weights, HeaderLengthsBeyondTheFileAreErrors) {
  for (const auto& length :
       {"\xff\xff\xff\xff\xff\xff\xff\xff"s, "\x00\x00\x00\x00\x00\x00\x00\x80"s, "\x03\0\0\0\0\0\0\0"s}) {
    write(length + "{}");
    EXPECT_THAT(problem(), HasSubstr("header"));
  }
}

struct BadHeader {
  const char* header;
  std::size_t data;
  const char* reason;
};

TEST_F(Weights, MalformedHeadersAreErrorsThatSayWhy) {
  const std::vector<BadHeader> cases{
      {"", 0, "not JSON"},
      {"{", 0, "not JSON"},
      {"[]", 0, "not an object"},
      {"{\"a\":{\"dtype\":\"\xff\"}}", 0, "not JSON"},
      {"{\"a\":1}", 0, "needs dtype"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "needs dtype"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":0}}", 4, "nothing else"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "dtype U8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4, "shape"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "whole number"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "whole number"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "two numbers"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "do not fit"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "do not fit"},
      // Products of sizes that wrap around to what the offsets say.
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, "too large"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9223372036854775807,9],\"data_offsets\":[0,0]}}", 0, "too large"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551615],\"data_offsets\":[0,0]}}", 0, "too large"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[0,0]}}", 0, "whole number"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "gap"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
       "\"data_offsets\":[0,4]}}",
       4, "overlap"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
       "\"data_offsets\":[4,8]}}",
       8, "overlap"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
       "\"data_offsets\":[8,12]}}",
       12, "gap"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, "the file has 8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "the file has 4"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
       "\"data_offsets\":[0,4]}}",
       4, "twice"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__"},
      {"{\"__metadata__\":[]}", 0, "__metadata__"}};
  for (const BadHeader& bad : cases) {
    write(bad.header, std::string(bad.data, '\0'));
    EXPECT_THAT(problem(), HasSubstr(bad.reason)) << bad.header;
  }
}

TEST_F(Weights, DeeplyNestedHeadersDoNotExhaustTheStack) {
  write(std::string(1 << 20, '['), "");
  EXPECT_THAT(problem(), HasSubstr("not JSON"));
  write("{\"a\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}", "");
  EXPECT_THAT(problem(), HasSubstr("needs dtype"));
}

TEST_F(Weights, AnEmptyFileOfWeightsIsFine) {
  write("{}", "");
  EXPECT_TRUE(load_safetensors(file()).tensors.empty());
}

}  // namespace
}  // namespace penumbra::trainer
