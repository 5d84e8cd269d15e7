// A safetensors file, read as `penumbra eval` reads it and fitted into a net as net.pretrained has it.
#include <algorithm>
#include <stdexcept>

#include <ATen/ops/zeros.h>

#include "data/error.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/nets/pretrained.h"
#include "trainer/nets/pretrained_options.h"

namespace {

using namespace penumbra;

/// What fits goes where it fits; the rest has a reason.
void fit(const trainer::SafetensorsFile& file) {
  const std::vector<comm::NamedTensor> net{{"w", at::zeros({2, 1}).requires_grad_()}, {"d", at::zeros({3})}};
  fuzz::accepts<std::invalid_argument>([&] {
    const trainer::Pretrained found = trainer::fit_pretrained(file, {"", {{"many.", ""}}, {}}, net, {"calm", "glad"});
    fuzz::require(found.tensors.size() + found.initial.size() == net.size(),
                  "every tensor of the net is accounted for");
    fuzz::require(found.tensors.size() + found.unused.size() == file.tensors.size(), "and every one of the file");
    for (const auto& [name, tensor] : found.tensors) {
      const auto place = std::find_if(net.begin(), net.end(), [&](const auto& own) { return own.name == name; });
      fuzz::require(place != net.end() && place->tensor.sizes() == tensor.sizes(),
                    "what is loaded has the net's shape");
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::ScratchFile file({bytes, size});
  fuzz::accepts<data::DataError>([&] {
    const trainer::SafetensorsFile weights = trainer::load_safetensors(file.path());
    std::size_t read = 0;
    for (const auto& [name, tensor] : weights.tensors) read += tensor.nbytes();
    fuzz::require(read <= size, "tensors hold no more than the file");
    fit(weights);
  });
  return 0;
}
