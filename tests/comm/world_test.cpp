#include "comm/world.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>
#include <unistd.h>

#include "comm/error.h"
#include "tests/comm/test_world.h"

namespace penumbra::comm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing::test_world;
using namespace std::chrono_literals;

/// What mpirun told this process, before any MPI call.
int told_by_mpirun(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoi(text);
}

TEST(World, IsWhatMpirunStarted) {
  EXPECT_EQ(test_world().rank(), told_by_mpirun("OMPI_COMM_WORLD_RANK", 0));
  EXPECT_EQ(test_world().size(), told_by_mpirun("OMPI_COMM_WORLD_SIZE", 1));
  EXPECT_EQ(test_world().local_rank(), told_by_mpirun("OMPI_COMM_WORLD_LOCAL_RANK", 0));
  EXPECT_EQ(test_world().local_size(), told_by_mpirun("OMPI_COMM_WORLD_LOCAL_SIZE", 1));
}

TEST(World, KnowsItsHostAndItsLibrary) {
  std::array<char, 256> name{};
  ASSERT_EQ(gethostname(name.data(), name.size()), 0);
  EXPECT_EQ(test_world().host(), name.data());
  EXPECT_THAT(test_world().library(), ::testing::MatchesRegex("[A-Za-z ]+ v?[0-9.]+.*"));
}

TEST(World, RanksOfThisHostGetNoMoreCoresThanItHas) {
  const int most = static_cast<int>(std::thread::hardware_concurrency());  // of the affinity mask
  EXPECT_GE(test_world().cores(), 1);
  EXPECT_LE(test_world().cores(), most);
  int sum = 0;
  for (const std::string& cores : test_world().all_gather(std::to_string(test_world().cores()))) {
    sum += std::stoi(cores);
  }
  EXPECT_LE(sum, std::max(test_world().local_size(), static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))));
}

TEST(World, GathersBytesOfAnyLengthInRankOrder) {
  const auto bytes_of = [](int rank) {
    return rank == 1 ? std::string()
                     : std::string(static_cast<std::size_t>(rank) * 70'001 + 2, '\0') + char('a' + rank);
  };
  const std::vector<std::string> all = test_world().all_gather(bytes_of(test_world().rank()));
  ASSERT_EQ(all.size(), static_cast<std::size_t>(test_world().size()));
  for (int rank = 0; rank < test_world().size(); ++rank) {
    EXPECT_TRUE(all[static_cast<std::size_t>(rank)] == bytes_of(rank)) << rank;
  }
}

TEST(World, BroadcastsBytesFromAnyRank) {
  for (int root = 0; root < test_world().size(); ++root) {
    const std::string sent = std::string(static_cast<std::size_t>(root) * 1000, 'x') + '\0' + std::to_string(root);
    const std::string mine = test_world().rank() == root ? sent : "rank " + std::to_string(test_world().rank());
    EXPECT_EQ(test_world().broadcast(mine, root), sent);
    EXPECT_EQ(test_world().broadcast("", root), "");
  }
}

TEST(World, BarrierWaitsForTheLastRank) {
  const bool last = test_world().rank() == test_world().size() - 1;
  const auto start = std::chrono::steady_clock::now();
  test_world().barrier();
  if (last) std::this_thread::sleep_for(300ms);
  test_world().barrier();
  EXPECT_GE(std::chrono::steady_clock::now() - start, 300ms);
}

TEST(World, RunsMpiCallsOnTheOneThreadThatMakesThem) {
  int on_main_thread = 0, on_its_thread = 0;
  test_world().run([&] { MPI_Is_thread_main(&on_its_thread); });
  MPI_Is_thread_main(&on_main_thread);
  EXPECT_EQ(on_its_thread, 1);
  EXPECT_EQ(on_main_thread, 0);
  EXPECT_THROW(test_world().run([] { throw std::out_of_range("mine"); }), std::out_of_range);
}

TEST(World, ThereIsOneInAProcess) { EXPECT_THROW(World(), std::logic_error); }

// --- Errors of one rank -------------------------------------------------------------------------------------------

struct BadFile : std::runtime_error {
  BadFile() : std::runtime_error("faces.h5: cannot be read") {}
};

/// What all_or_none() threw on this rank.
struct Outcome {
  std::string said;  ///< what() of the exception of a rank that has something to say
  int peer_code = 0;
  bool is_cause = false;  ///< it is a BadFile, or carries one
};

int code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const BadFile&) {
    return 3 + 10 * test_world().rank();  // other ranks must leave with the code of the rank that speaks
  }
}

Outcome fail_on(const std::set<int>& ranks) {
  try {
    test_world().all_or_none(
        [&] {
          if (ranks.contains(test_world().rank())) throw BadFile();
        },
        code_of);
  } catch (const PeerFailure& failure) {
    return {"", failure.exit_code(), false};
  } catch (const RankFailure& failure) {
    EXPECT_EQ(failure.rank(), test_world().rank());
    return {failure.what(), 0, code_of(failure.cause()) > 0};
  } catch (const BadFile& failure) {
    return {failure.what(), 0, true};
  }
  return {};
}

TEST(AllOrNone, ReturnsWhenNoRankFails) {
  int calls = 0;
  test_world().all_or_none([&] { ++calls; }, code_of);
  EXPECT_EQ(calls, 1);
}

TEST(AllOrNone, OneRankSpeaksAndTheOthersLeaveWithItsCode) {
  const int n = test_world().size();
  if (n == 1) GTEST_SKIP() << "a world of one has no others";
  for (int bad = 0; bad < n; ++bad) {
    const auto start = std::chrono::steady_clock::now();
    const Outcome outcome = fail_on({bad});
    EXPECT_LT(std::chrono::steady_clock::now() - start, 2s);
    EXPECT_EQ(outcome.is_cause, test_world().rank() == bad);
    EXPECT_EQ(outcome.said,
              test_world().rank() == bad ? "rank " + std::to_string(bad) + ": faces.h5: cannot be read" : "");
    EXPECT_EQ(outcome.peer_code, test_world().rank() == bad ? 0 : 3 + 10 * bad);
  }
}

TEST(AllOrNone, TheLowestSpeaksWhenSeveralFail) {
  if (test_world().size() < 3) GTEST_SKIP() << "needs three ranks";
  const Outcome outcome = fail_on({1, 2});
  EXPECT_EQ(outcome.said, test_world().rank() == 1 ? "rank 1: faces.h5: cannot be read" : "");
  EXPECT_EQ(outcome.peer_code, test_world().rank() == 1 ? 0 : 13);
}

TEST(AllOrNone, AFailureOfAllNamesNoRank) {
  std::set<int> all;
  for (int rank = 0; rank < test_world().size(); ++rank) all.insert(rank);
  const Outcome outcome = fail_on(all);
  EXPECT_EQ(outcome.said, test_world().rank() == 0 ? "faces.h5: cannot be read" : "");
  EXPECT_EQ(outcome.peer_code, test_world().rank() == 0 ? 0 : 3);
}

TEST(RequireAgreement, ReturnsForEqualTexts) {
  EXPECT_NO_THROW(test_world().require_agreement("configuration", "seed = 1\nepochs = 2\n"));
  EXPECT_NO_THROW(test_world().require_agreement("configuration", ""));
}

TEST(RequireAgreement, Rank0NamesTheRanksThatDifferAndHow) {
  const int n = test_world().size();
  if (n == 1) GTEST_SKIP() << "a world of one always agrees";
  const bool odd = test_world().rank() % 2 == 1;
  try {
    test_world().require_agreement("configuration", odd ? "seed = 1\nepochs = 3\n" : "seed = 1\nepochs = 2\n");
    ADD_FAILURE() << "the ranks differ";
  } catch (const CommError& error) {
    EXPECT_EQ(test_world().rank(), 0);
    EXPECT_THAT(error.what(), StartsWith("the configuration of rank 1 differs from rank 0's"));
    EXPECT_THAT(error.what(), HasSubstr("epochs = 3"));
    EXPECT_THAT(error.what(), HasSubstr("epochs = 2"));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
  } catch (const PeerFailure& failure) {
    EXPECT_NE(test_world().rank(), 0);
    EXPECT_EQ(failure.exit_code(), kCommErrorExitCode);
  }
}

TEST(RequireAgreement, APrefixIsNotTheSame) {
  if (test_world().size() == 1) GTEST_SKIP() << "a world of one always agrees";
  const std::string mine = test_world().rank() == 0 ? "a\nb" : "a\n";
  const std::string what = "parameter layout";
  if (test_world().rank() == 0) {
    EXPECT_THROW(test_world().require_agreement(what, mine), CommError);
  } else {
    EXPECT_THROW(test_world().require_agreement(what, mine), PeerFailure);
  }
}

}  // namespace
}  // namespace penumbra::comm
