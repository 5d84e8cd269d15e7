#include "data/import/npy.h"

#include <bit>

#include <gmock/gmock.h>

#include "tests/data/store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using namespace std::string_literals;

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

std::string reversed(const std::string& text) { return {text.rbegin(), text.rend()}; }

std::string header_of(const std::string& type, const std::string& shape = "()") {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

/// As numpy.save writes it, but for the blanks that align the data.
std::string npy(const std::string& header, const std::string& item, int version = 1) {
  return "\x93NUMPY"s + static_cast<char>(version) + '\0' + little_endian(header.size(), version == 1 ? 2 : 4) +
         header + item;
}

class Npy : public ::testing::Test {
 protected:
  int read(const std::string& bytes) {
    write_bytes(file_, bytes);
    return read_npy_integer(file_, -100, 1000);
  }
  int item(const std::string& type, const std::string& bytes) { return read(npy(header_of(type), bytes)); }
  std::string error(const std::string& bytes) {
    return complaint([&] { read(bytes); });
  }
  std::string error_of_item(const std::string& type, const std::string& bytes) {
    return error(npy(header_of(type), bytes));
  }
  Folder folder_;
  std::filesystem::path file_ = folder_ / "7_exp.npy";
};

TEST_F(Npy, WhatNumpySavesIsRead) {
  // numpy.save(numpy.array("3")), (numpy.array("10")) and (numpy.array([7])) of NumPy 1.24, byte by byte.
  const std::string prefix = "\x93NUMPY\x01\x00v\x00{"s;
  const std::string scalar = "'fortran_order': False, 'shape': (), }" + std::string(62, ' ') + "\n";
  const std::string vector = "'fortran_order': False, 'shape': (1,), }" + std::string(60, ' ') + "\n";
  EXPECT_EQ(read(prefix + "'descr': '<U1', " + scalar + "3\0\0\0"s), 3);
  EXPECT_EQ(read(prefix + "'descr': '<U2', " + scalar + "1\0\0\0000\0\0\0"s), 10);
  EXPECT_EQ(read(prefix + "'descr': '<i8', " + vector + "\x07\0\0\0\0\0\0\0"s), 7);
}

TEST_F(Npy, EveryIntegerTypeInBothByteOrders) {
  for (const int bytes : {1, 2, 4, 8}) {
    const std::string size = std::to_string(bytes), minus_two = little_endian(~1ull, bytes);
    EXPECT_EQ(item("<u" + size, little_endian(5, bytes)), 5) << bytes;
    EXPECT_EQ(item(">u" + size, reversed(little_endian(5, bytes))), 5) << bytes;
    EXPECT_EQ(item("<i" + size, minus_two), -2) << bytes;
    EXPECT_EQ(item(">i" + size, reversed(minus_two)), -2) << bytes;
  }
  EXPECT_THAT(error_of_item("<u8", little_endian(~1ull, 8)), HasSubstr("no whole number"));
  EXPECT_THAT(error_of_item("<i8", little_endian(1ull << 63, 8)), HasSubstr("no whole number"));
  EXPECT_EQ(item("|u1", "\xfe"), 254);
  EXPECT_EQ(item(">i2", "\x01\x02"), 258);
}

TEST_F(Npy, FloatsMustBeWhole) {
  const auto float32 = [](float value) { return little_endian(std::bit_cast<std::uint32_t>(value), 4); };
  const auto float64 = [](double value) { return little_endian(std::bit_cast<std::uint64_t>(value), 8); };
  EXPECT_EQ(item("<f4", float32(7)), 7);
  EXPECT_EQ(item("<f8", float64(-7)), -7);
  EXPECT_EQ(item(">f8", reversed(float64(7))), 7);
  for (const double value : {0.5, 1e300, -1e300, double{NAN}, double{INFINITY}})
    EXPECT_THAT(error_of_item("<f8", float64(value)), HasSubstr("no whole number")) << value;
  EXPECT_THAT(error_of_item("<f4", float32(0.5f)), HasSubstr("no whole number"));
}

TEST_F(Npy, StringsSpellANumber) {
  EXPECT_EQ(item("|S1", "3"), 3);
  EXPECT_EQ(item("|S4", "10\0\0"s), 10);
  EXPECT_EQ(item("<U3",
                 "-\0\0\0"
                 "4\0\0\0\0\0\0\0"s),
            -4);
  EXPECT_EQ(item(">U2", "\0\0\0001\0\0\0002"s), 12);
  for (const std::string& text :
       {""s, "x"s, " 3"s, "3 "s, "3.0"s, "+3"s, "1\0002"s, "9999999999999"s, "1001"s, "\xb3"s})
    EXPECT_THAT(error_of_item("|S" + std::to_string(text.size()), text), HasSubstr("no whole number")) << text;
  EXPECT_THAT(error_of_item("<U1", "3\x01\0\0"s), HasSubstr("no whole number"));  // U+0133, not "3"
}

TEST_F(Npy, TheRangeHoldsItsEnds) {
  EXPECT_EQ(item("<i2", little_endian(1000, 2)), 1000);
  EXPECT_EQ(item("<i2", little_endian(std::uint64_t{0} - 100, 2)), -100);
  EXPECT_THAT(error_of_item("<i2", little_endian(1001, 2)),
              EndsWith("7_exp.npy: holds no whole number from -100 to 1000"));
  EXPECT_THAT(error_of_item("<i2", little_endian(std::uint64_t{0} - 101, 2)), HasSubstr("no whole number"));
}

TEST_F(Npy, VersionsDifferInTheLengthOfTheirHeader) {
  for (const int version : {1, 2, 3}) EXPECT_EQ(read(npy(header_of("|u1"), "\x05", version)), 5) << version;
  for (const int version : {0, 4, 255}) {
    EXPECT_THAT(error(npy(header_of("|u1"), "\x05", version)),
                HasSubstr("is .npy of version " + std::to_string(version) + ", expected 1 to 3"));
  }
}

TEST_F(Npy, AHeaderIsADictWhateverItsOrderAndBlanks) {
  EXPECT_EQ(read(npy("{'descr':'|u1','fortran_order':True,'shape':()}", "\x05")), 5);
  EXPECT_EQ(read(npy("{ \"shape\" : ( 1 , ) , 'fortran_order': False, \"descr\": \"|u1\" , }  \n", "\x05")), 5);
}

TEST_F(Npy, AnotherHeaderIsRefused) {
  for (const char* shape : {"(2,)", "(1, 1)", "(0,)", "(1)", "1", "(11,)", "(", "(1,", "(,)"})
    EXPECT_THAT(error(npy(header_of("|u1", shape), "\x05")), HasSubstr("is no .npy file of one number")) << shape;
  for (const char* type : {"|b1", "|O", "<f2", "<f16", "<c8", "<i3", "<u0", "<i16", "<U-1", "<U1x", "<U1025", "S1",
                           "u1", "=u1", "", "<U99999999999999999999"})
    EXPECT_THAT(error_of_item(type, "\x05"), HasSubstr("is no .npy file of one number")) << type;
  for (const char* header :
       {"", "{", "{}", "'descr': '|u1', 'fortran_order': False, 'shape': ()}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ()",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ()} x",
        "{'descr': '|u1' 'fortran_order': False, 'shape': ()}", "{'descr': '|u1', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '|u1', 'fortran_order': False}", "{'descr': '|u1', 'shape': ()}",
        "{'fortran_order': False, 'shape': ()}", "{'descr': '|u1', 'fortran_order': False, 'shape': (), 'more': 1}",
        "{'descr': '|u1, 'fortran_order': False, 'shape': ()}", "{'descr' '|u1', 'fortran_order': False, 'shape': ()}",
        "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': ()}"})
    EXPECT_THAT(error(npy(header, "\x05")), HasSubstr("is no .npy file of one number")) << header;
}

TEST_F(Npy, AFileThatEndsTooEarlyOrTooLateIsRefused) {
  const std::string whole = npy(header_of("<U1"), "3\0\0\0"s, 2);
  ASSERT_EQ(read(whole), 3);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THAT(error(whole.substr(0, size)), HasSubstr(size < 8 ? "is no .npy file" : "corrupt .npy file")) << size;
  EXPECT_THAT(error(whole + "x"), HasSubstr("its header says 4 bytes of data, there are 5"));
  EXPECT_THAT(error("\x93NUMPY\x02\0\xff\xff\xff\xff{}"s), HasSubstr("it ends in its header"));
}

TEST_F(Npy, AtMostOneKibibyteIsRead) {
  const std::string start = header_of("|u1");
  const auto of_size = [&](std::size_t size) {
    return npy(start + std::string(size - 11 - start.size(), ' '), "\x05");
  };
  ASSERT_EQ(of_size(1024).size(), 1024u);
  EXPECT_EQ(read(of_size(1024)), 5);
  EXPECT_THAT(error(of_size(1025)), HasSubstr("has more than 1 KiB"));
}

TEST_F(Npy, AnotherFileIsNamed) {
  EXPECT_THAT(error("P6 1 1"), EndsWith("7_exp.npy: is no .npy file"));
  EXPECT_THAT(complaint([&] { read_npy_integer(folder_ / "none.npy", 0, 1); }), EndsWith("none.npy: no such file"));
  EXPECT_THAT(complaint([&] { read_npy_integer(folder_.path(), 0, 1); }), EndsWith(": is not a file"));
}

}  // namespace
}  // namespace penumbra::data::testing
