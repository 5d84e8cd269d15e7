#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>

namespace penumbra::comm {

// The part of NCCL's C interface (2.18 and later) that is used here, with the values of its nccl.h, so that neither the
// build nor a machine without a GPU needs NCCL. tests/comm/nccl_abi_test.cpp compares the two where nccl.h is at hand.
enum class NcclResult : int { success = 0, remote_error = 6, in_progress = 7 };
enum class NcclType : int { uint8 = 1, int64 = 4, float32 = 7, float64 = 8, bfloat16 = 9 };
enum class NcclOp : int { sum = 0 };
using NcclComm = struct ncclComm*;
using NcclStream = void*;  ///< cudaStream_t

struct NcclUniqueId {
  std::array<char, 128> bytes{};
};

/// The members that NCCL 2.18 knew; NCCL reads no further than `size`.
struct NcclConfig {
  static constexpr int kUnset = static_cast<int>(0x80000000U);
  std::size_t size = sizeof(NcclConfig);
  unsigned int magic = 0xcafebeef, version = 21800;
  int blocking = kUnset, cga_cluster_size = kUnset, min_ctas = kUnset, max_ctas = kUnset;
  const char* net_name = nullptr;
  int split_share = kUnset;
};

/// NCCL's functions under their own names, as a table: tests put others in their place. Counts are elements. Sends and
/// receives between group_start() and group_end() run together.
struct NcclApi {
  std::function<NcclResult(int*)> get_version;
  std::function<NcclResult(NcclUniqueId*)> get_unique_id;
  std::function<NcclResult(NcclComm*, int ranks, NcclUniqueId, int rank, NcclConfig*)> comm_init_rank_config;
  std::function<NcclResult(NcclComm)> comm_finalize, comm_destroy, comm_abort;
  std::function<NcclResult(NcclComm, NcclResult*)> comm_get_async_error;
  std::function<const char*(NcclComm)> get_last_error;
  std::function<const char*(NcclResult)> get_error_string;
  std::function<NcclResult()> group_start, group_end;
  std::function<NcclResult(const void*, void*, std::size_t, NcclType, NcclOp, NcclComm, NcclStream)> all_reduce,
      reduce_scatter;
  std::function<NcclResult(const void*, void*, std::size_t, NcclType, NcclOp, int root, NcclComm, NcclStream)> reduce;
  std::function<NcclResult(const void*, void*, std::size_t, NcclType, NcclComm, NcclStream)> all_gather;
  std::function<NcclResult(const void*, void*, std::size_t, NcclType, int root, NcclComm, NcclStream)> broadcast;
  std::function<NcclResult(const void*, std::size_t, NcclType, int peer, NcclComm, NcclStream)> send;
  std::function<NcclResult(void*, std::size_t, NcclType, int peer, NcclComm, NcclStream)> recv;
  std::function<NcclResult(NcclComm, void*, std::size_t, void** handle)> comm_register;  ///< from 2.19; or empty
  std::function<NcclResult(NcclComm, void* handle)> comm_deregister;                     ///< where there is the other
};

/// The functions of libnccl.so.2, which stays loaded. Throws CommError with the loader's words.
NcclApi load_nccl();

/// "2.28.9".
std::string nccl_version(const NcclApi& nccl);

}  // namespace penumbra::comm
