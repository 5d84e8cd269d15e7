#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>

#include <gmock/gmock.h>
#include <hdf5.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/store/hdf5_handles.h"
#include "store_testing.h"

namespace penumbra::data::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

void read_all(const std::filesystem::path& path) {
  const StoreReader reader(path);
  for (const auto& split : reader.splits()) reader.load(split);
  for (int k = 0; k < reader.variants(); ++k) reader.load_variant(k);
}

std::string complaint_about(const std::filesystem::path& path) {
  return complaint([&] { read_all(path); });
}

class StoreDamage : public ::testing::Test {
 protected:
  StoreDamage() {
    write_small_store(path);
    whole = read_bytes(path);
  }
  /// Changes the store by HDF5's own interface and says what the reader complains of.
  std::string after(const std::function<void(hid_t)>& change) {
    write_bytes(path, whole);
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    change(file);
    H5Fclose(file);
    const std::string found = complaint_about(path);
    EXPECT_THAT(found, AnyOf(IsEmpty(), StartsWith(path.string() + ": ")));
    EXPECT_THAT(found, Not(HasSubstr("\n")));
    return found;
  }
  Folder folder;
  std::filesystem::path path = folder / "x.h5";
  std::string whole;
};

void set_version(hid_t file, std::int64_t version) {
  const hid_t attribute = H5Aopen(file, "version", H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_INT64, &version);
  H5Aclose(attribute);
}

/// Overwrites element `at` of a dataset.
template <typename T>
void poke(hid_t file, const char* name, hid_t type, hsize_t at, T value) {
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  const hid_t space = H5Dget_space(dataset);
  const hsize_t count = static_cast<hsize_t>(H5Sget_simple_extent_npoints(space));
  std::vector<T> values(count);
  H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  values[at] = value;
  H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(dataset);
}

/// Puts an unwritten dataset of that shape in the place of another.
void replace(hid_t file, const char* name, hid_t type, std::vector<hsize_t> shape, bool chunked = false,
             bool compressed = false) {
  H5Ldelete(file, name, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  if (chunked) {
    std::vector<hsize_t> chunk = shape;
    chunk.front() = 1;
    H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
    H5Pset_alloc_time(creation, compressed ? H5D_ALLOC_TIME_EARLY : H5D_ALLOC_TIME_LATE);
  }
  if (compressed) H5Pset_deflate(creation, 1);
  H5Dclose(H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Pclose(creation);
  H5Sclose(space);
}

TEST_F(StoreDamage, MissingFileIsSaidToBeMissing) {
  EXPECT_EQ(complaint_about(folder / "none.h5"), (folder / "none.h5").string() + ": no such file");
  EXPECT_THAT(complaint_about(folder.path()), HasSubstr("not a file"));
}

TEST_F(StoreDamage, ForeignFileIsNotHdf5) {
  write_bytes(path, "usage,pixels\n" + std::string(5000, '7'));
  EXPECT_THAT(complaint_about(path), HasSubstr("not an HDF5 file"));
  write_bytes(path, "");
  EXPECT_THAT(complaint_about(path), HasSubstr("empty"));
}

TEST_F(StoreDamage, OtherHdf5IsNoStore) {
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110);
  H5Fclose(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()));
  EXPECT_THAT(complaint_about(path), HasSubstr("not a Penumbra store"));
}

TEST_F(StoreDamage, HeadersWithoutChecksumsAreRefused) {
  H5Fclose(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_THAT(complaint_about(path), HasSubstr("h5repack -L"));
}

TEST_F(StoreDamage, TruncatedAtAnyLengthIsSaidToBeTruncated) {
  for (std::size_t length = 8; length < whole.size(); length += length < 400 ? 7 : 997) {
    write_bytes(path, whole.substr(0, length));
    EXPECT_THAT(complaint_about(path), HasSubstr("truncated")) << length << " of " << whole.size();
  }
  write_bytes(path, whole.substr(0, whole.size() - 1));
  EXPECT_THAT(complaint_about(path), HasSubstr("truncated"));
}

TEST_F(StoreDamage, OlderAndNewerVersionsAreToldApart) {
  EXPECT_THAT(after([](hid_t file) { set_version(file, 0); }), HasSubstr("version 0, this program reads versions 1"));
  EXPECT_THAT(after([](hid_t file) { set_version(file, 3); }), HasSubstr("newer program"));
}

TEST_F(StoreDamage, ValuesOutOfRangeNameSplitAndRow) {
  const auto votes = [&](hsize_t at, float value) {
    return after([&](hid_t file) { poke(file, "original/train/votes", H5T_NATIVE_FLOAT, at, value); });
  };
  EXPECT_THAT(votes(35, NAN), HasSubstr("split train: the votes of row 7"));
  EXPECT_THAT(votes(35, -1), HasSubstr("split train: the votes of row 7"));
  EXPECT_THAT(votes(36, 0), HasSubstr("votes of row 7 sum to 0"));
  for (const std::int32_t label : {-1, 3, 1 << 30}) {
    EXPECT_THAT(after([&](hid_t file) { poke(file, "original/val/labels", H5T_NATIVE_INT32, 4, label); }),
                HasSubstr("split val: the label of row 4 is " + std::to_string(label)));
  }
  EXPECT_THAT(after([](hid_t file) { poke(file, "original/train/distribution", H5T_NATIVE_FLOAT, 3, 7.f); }),
              HasSubstr("split train: the distribution of row 1"));
  EXPECT_THAT(after([](hid_t file) { poke(file, "ambiguous/variant-1/mix", H5T_NATIVE_UINT8, 9, std::uint8_t{3}); }),
              HasSubstr("variant-1: recipe of row 9: mix"));
}

TEST_F(StoreDamage, GroupsThatAreWrongOrIncompleteAreNamed) {
  for (const std::int32_t code : {-2, 2}) {
    EXPECT_THAT(after([&](hid_t file) { poke(file, "original/train/groups/gender/codes", H5T_NATIVE_INT32, 7, code); }),
                HasSubstr("split train: group column gender: the code of row 7 is " + std::to_string(code)));
  }
  const std::string group = "original/train/groups";
  for (const std::string part : {"/gender/codes", "/subject/values", "/subject"}) {
    EXPECT_THAT(after([&](hid_t file) { H5Ldelete(file, (group + part).c_str(), H5P_DEFAULT); }),
                HasSubstr("has no " + group + part));
  }
  EXPECT_THAT(after([&](hid_t file) { H5Adelete_by_name(file, group.c_str(), "names", H5P_DEFAULT); }),
              HasSubstr("has no attribute names in " + group));
  EXPECT_THAT(after([&](hid_t file) { replace(file, "original/train/groups/gender/values", H5T_NATIVE_INT32, {0}); }),
              HasSubstr(group + "/gender has no values"));
  EXPECT_THAT(after([&](hid_t file) { replace(file, "original/train/groups/gender/values", H5T_NATIVE_INT32, {}); }),
              HasSubstr(group + "/gender/values is a single value"));
  EXPECT_THAT(after([&](hid_t file) { replace(file, "original/train/groups/gender/codes", H5T_NATIVE_INT32, {69}); }),
              HasSubstr(group + "/gender/codes claims more"));
  EXPECT_THAT(after([&](hid_t file) { H5Ldelete(file, group.c_str(), H5P_DEFAULT); }), IsEmpty());
}

TEST_F(StoreDamage, WrongShapesTypesAndMissingPartsAreNamed) {
  EXPECT_THAT(after([](hid_t file) { H5Ldelete(file, "original/train/labels", H5P_DEFAULT); }),
              HasSubstr("has no original/train/labels"));
  EXPECT_THAT(after([](hid_t file) { H5Ldelete(file, "ambiguous/variant-0/theta", H5P_DEFAULT); }),
              HasSubstr("has no ambiguous/variant-0/theta"));
  EXPECT_THAT(after([](hid_t file) { H5Adelete(file, "classes"); }), HasSubstr("no attribute classes"));
  EXPECT_THAT(after([](hid_t file) { replace(file, "original/val/labels", H5T_NATIVE_INT64, {5}); }),
              HasSubstr("original/val/labels has another number type"));
  EXPECT_THAT(after([](hid_t file) { replace(file, "original/val/labels", H5T_NATIVE_FLOAT, {5}); }),
              HasSubstr("original/val/labels has another number type"));
  EXPECT_THAT(after([](hid_t file) { poke(file, "original/val/labels", H5T_NATIVE_INT32, 0, 0); }), IsEmpty());
  EXPECT_THAT(after([](hid_t file) {
                H5Ldelete(file, "original/val/votes", H5P_DEFAULT);
                H5Lcreate_hard(file, "original/train/votes", file, "original/val/votes", H5P_DEFAULT, H5P_DEFAULT);
              }),
              HasSubstr("original/val/votes has the shape [70, 5], expected [5, 5]"));
  EXPECT_THAT(after([](hid_t file) {
                H5Ldelete(file, "original/val/ids", H5P_DEFAULT);
                H5Lcreate_hard(file, "original/train/ids", file, "original/val/ids", H5P_DEFAULT, H5P_DEFAULT);
              }),
              HasSubstr("original/val/ids has the shape [70], expected [5]"));
}

TEST_F(StoreDamage, SizesThatTheFileCannotHoldAreRefusedBeforeAllocating) {
  const hsize_t huge = hsize_t{1} << 40;
  EXPECT_THAT(after([&](hid_t file) {
                replace(file, "original/train/images", H5T_NATIVE_UINT8, {huge, 6, 6, 1}, true);
              }),
              HasSubstr("original/train/images claims more"));
  EXPECT_THAT(after([&](hid_t file) { replace(file, "original/train/ids", H5T_NATIVE_UINT8, {huge}, true); }),
              HasSubstr("original/train/ids must be strings"));
  EXPECT_THAT(after([&](hid_t file) {
                replace(file, "original/val/images", H5T_NATIVE_UINT8, {5, 6, 6, 1});
              }),
              HasSubstr("original/val/images claims more"));
  EXPECT_THAT(after([&](hid_t file) {
                replace(file, "original/val/images", H5T_NATIVE_UINT8, {5, 6, 6, 1}, true, true);
              }),
              HasSubstr("compressed"));
}

/// Runs work in a child process; the child's exit code, or minus the signal that ended it.
int in_child(const std::function<int()>& work, std::string& printed) {
  int ends[2];
  if (::pipe(ends) != 0) return 99;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    // exit(), not _exit(): HDF5 closes what is still open when a program ends, and must neither print nor crash then.
    std::exit(work());
  }
  ::close(ends[1]);
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    printed.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// 0 when the reader, for a store with one bit flipped, complains as it should or gives back the same samples.
int flip(const std::filesystem::path& path, const std::string& whole, std::size_t byte, std::uint64_t expected) {
  std::string bytes = whole;
  bytes[byte] = static_cast<char>(bytes[byte] ^ (1 << (byte % 8)));
  write_bytes(path, bytes);
  const std::string found = complaint_about(path);
  if (!found.empty()) return found.rfind(path.string() + ": ", 0) == 0 && found.find('\n') == std::string::npos ? 0 : 2;
  const bool header = byte < 2048;
  return header && fingerprint(StoreReader(path).load("train")) != expected ? 3 : 0;
}

TEST_F(StoreDamage, AFlippedBitIsNeverFatalAndInTheHeadersNoticedOrHarmless) {
  // In a child: a crash or an endless loop must fail this test, not end it.
  std::string printed;
  const auto flip_many = [&] {
    ::alarm(60);
    const std::uint64_t expected = fingerprint(small_set(70));
    for (std::size_t byte = 0; byte < whole.size(); byte += byte < 2048 ? 7 : 211) {
      if (const int wrong = flip(path, whole, byte, expected); wrong != 0) return wrong;
    }
    return 0;
  };
  EXPECT_EQ(in_child(flip_many, printed), 0);
  EXPECT_EQ(printed, "");
}

TEST_F(StoreDamage, DamagedStringsAreNoticed) {
  const auto at = whole.find("faces/\xc3\xa9 7.png");
  ASSERT_NE(at, std::string::npos);
  // Before its bytes: index (2), references (2), reserved (4) and size (8) of the string.
  for (const std::size_t back : {16, 15, 8, 7, 3, 1}) {
    std::string bytes = whole;
    bytes[at - back] = static_cast<char>(bytes[at - back] ^ 0x41);
    write_bytes(path, bytes);
    EXPECT_THAT(complaint_about(path), HasSubstr("original/train/ids is damaged")) << back;
  }
}

/// Writes a store with no room for more than `bytes` a file. 0: written, 3: refused with a message as it should be.
int write_with_limit(const std::filesystem::path& path, rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const std::string found = complaint([&] { write_small_store(path); });
  if (found.empty()) return 0;
  const bool named = found.rfind(path.string() + ": cannot be written: ", 0) == 0;
  return named && found.find("File too large") != std::string::npos && found.find('\n') == std::string::npos ? 3 : 4;
}

TEST_F(StoreDamage, NoRoomLeavesNeitherAFileNorAPartialOneAndPrintsNothing) {
  std::filesystem::remove(path);
  for (rlim_t bytes = 0; bytes < whole.size(); bytes += bytes < 4096 ? 512 : 1500) {
    std::string printed;
    EXPECT_EQ(in_child([&] { return write_with_limit(path, bytes); }, printed), 3) << bytes << " of " << whole.size();
    EXPECT_EQ(printed, "") << bytes;
    EXPECT_THAT(folder.names(), IsEmpty()) << bytes;
  }
  // HDF5 takes room in blocks and gives back at the end what it has not used.
  constexpr rlim_t kBlockBytes = 2048;
  std::string printed;
  EXPECT_EQ(in_child([&] { return write_with_limit(path, whole.size() + kBlockBytes); }, printed), 0);
  EXPECT_TRUE(read_bytes(path) == whole);
}

}  // namespace
}  // namespace penumbra::data::testing
