#include "trainer/nets/autocast.h"

#include <ATen/autocast_mode.h>

namespace penumbra::trainer {

CpuAutocast::CpuAutocast(bool enabled)
    : was_enabled_(at::autocast::is_autocast_enabled(at::kCPU)),
      was_dtype_(at::autocast::get_autocast_dtype(at::kCPU)) {
  at::autocast::increment_nesting();
  at::autocast::set_autocast_enabled(at::kCPU, enabled);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
}

CpuAutocast::~CpuAutocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, was_enabled_);
  at::autocast::set_autocast_dtype(at::kCPU, was_dtype_);
}

at::Tensor full_precision(const at::Tensor& x) {
  return at::isReducedFloatingType(x.scalar_type()) ? x.to(at::kFloat) : x;
}

}  // namespace penumbra::trainer
