#include "tests/comm/subject.h"

#include "comm/gpu/staged_collective.h"
#include "tests/comm/test_world.h"

namespace penumbra::testing {

std::string name_of(Backend backend) {
  switch (backend) {
    case Backend::mpi:
      return "mpi";
    case Backend::pairwise:
      return "pairwise";
    case Backend::staged:
      return "staged";
    case Backend::nccl:
      return "nccl";
  }
  return "";
}

Subject::Subject(Backend backend, FakeNcclBehaviour behaviour, std::chrono::milliseconds patience)
    : path_before_(test_world().path()) {
  comm::World& world = test_world();
  if (backend == Backend::pairwise) world.set_path(comm::Path::pairwise);
  if (backend == Backend::staged) made_ = std::make_unique<comm::StagedCollective>(world.collective());
  if (backend != Backend::nccl) return;
  fake_ = std::make_unique<FakeNccl>(behaviour);
  const comm::NcclCollective::Place place{world.rank(), world.size(), {c10::DeviceType::PrivateUse1, 0}};
  made_ = std::make_unique<comm::NcclCollective>(
      fake_->api(), comm::NcclUniqueId{}, place, recorder_, [this](const std::string& text) { error_.set_value(text); },
      patience);
}

Subject::~Subject() { test_world().set_path(path_before_); }

comm::Collective& Subject::collective() { return made_ ? *made_ : test_world().collective(); }

}  // namespace penumbra::testing
