#include "comm/gpu/nccl_api.h"

#include <dlfcn.h>

#include "comm/error.h"

namespace penumbra::comm {
namespace {

/// Left empty where the library does not have it.
template <typename R, typename... A>
void look_for(void* library, const char* name, std::function<R(A...)>& function) {
  if (void* symbol = dlsym(library, name)) function = reinterpret_cast<R (*)(A...)>(symbol);
}

template <typename R, typename... A>
void find(void* library, const char* name, std::function<R(A...)>& function) {
  look_for(library, name, function);
  if (!function) throw CommError(std::string("libnccl.so.2 has no ") + name + ": NCCL 2.18 or later is needed");
}

}  // namespace

NcclApi load_nccl() {
  void* library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) throw CommError(std::string("NCCL cannot be loaded: ") + dlerror());
  NcclApi nccl;
  find(library, "ncclGetVersion", nccl.get_version);
  find(library, "ncclGetUniqueId", nccl.get_unique_id);
  find(library, "ncclCommInitRankConfig", nccl.comm_init_rank_config);
  find(library, "ncclCommFinalize", nccl.comm_finalize);
  find(library, "ncclCommDestroy", nccl.comm_destroy);
  find(library, "ncclCommAbort", nccl.comm_abort);
  find(library, "ncclCommGetAsyncError", nccl.comm_get_async_error);
  find(library, "ncclGetLastError", nccl.get_last_error);
  find(library, "ncclGetErrorString", nccl.get_error_string);
  find(library, "ncclGroupStart", nccl.group_start);
  find(library, "ncclGroupEnd", nccl.group_end);
  find(library, "ncclAllReduce", nccl.all_reduce);
  find(library, "ncclReduceScatter", nccl.reduce_scatter);
  find(library, "ncclReduce", nccl.reduce);
  find(library, "ncclAllGather", nccl.all_gather);
  find(library, "ncclBroadcast", nccl.broadcast);
  find(library, "ncclSend", nccl.send);
  find(library, "ncclRecv", nccl.recv);
  look_for(library, "ncclCommRegister", nccl.comm_register);
  look_for(library, "ncclCommDeregister", nccl.comm_deregister);
  return nccl;
}

std::string nccl_version(const NcclApi& nccl) {
  int code = 0;
  if (nccl.get_version(&code) != NcclResult::success) return "of unknown version";
  return std::to_string(code / 10000) + "." + std::to_string(code / 100 % 100) + "." + std::to_string(code % 100);
}

}  // namespace penumbra::comm
