// Our declarations of NCCL's interface against its own header.
#include <cstddef>

#include <gtest/gtest.h>
#include <nccl.h>

#include "comm/gpu/nccl_api.h"

namespace penumbra::comm {
namespace {

template <typename Ours, typename Theirs>
bool equal(Ours ours, Theirs theirs) {
  return static_cast<int>(ours) == static_cast<int>(theirs);
}

TEST(NcclAbi, ValuesAreThoseOfNcclsHeader) {
  EXPECT_TRUE(equal(NcclResult::success, ncclSuccess));
  EXPECT_TRUE(equal(NcclResult::remote_error, ncclRemoteError));
  EXPECT_TRUE(equal(NcclResult::in_progress, ncclInProgress));
  EXPECT_TRUE(equal(NcclType::uint8, ncclUint8));
  EXPECT_TRUE(equal(NcclType::int64, ncclInt64));
  EXPECT_TRUE(equal(NcclType::float32, ncclFloat32));
  EXPECT_TRUE(equal(NcclType::float64, ncclFloat64));
  EXPECT_TRUE(equal(NcclType::bfloat16, ncclBfloat16));
  EXPECT_TRUE(equal(NcclOp::sum, ncclSum));
  EXPECT_EQ(sizeof(NcclUniqueId), sizeof(ncclUniqueId));
}

TEST(NcclAbi, ConfigIsAPrefixOfNccls) {
  const ncclConfig_t theirs = NCCL_CONFIG_INITIALIZER;
  const NcclConfig ours;
  EXPECT_EQ(ours.magic, theirs.magic);
  EXPECT_EQ(ours.blocking, theirs.blocking);
  EXPECT_EQ(ours.split_share, theirs.splitShare);
  EXPECT_EQ(offsetof(NcclConfig, magic), offsetof(ncclConfig_t, magic));
  EXPECT_EQ(offsetof(NcclConfig, version), offsetof(ncclConfig_t, version));
  EXPECT_EQ(offsetof(NcclConfig, blocking), offsetof(ncclConfig_t, blocking));
  EXPECT_EQ(offsetof(NcclConfig, max_ctas), offsetof(ncclConfig_t, maxCTAs));
  EXPECT_EQ(offsetof(NcclConfig, net_name), offsetof(ncclConfig_t, netName));
  EXPECT_EQ(offsetof(NcclConfig, split_share), offsetof(ncclConfig_t, splitShare));
  EXPECT_LE(sizeof(NcclConfig), sizeof(ncclConfig_t));
}

}  // namespace
}  // namespace penumbra::comm
