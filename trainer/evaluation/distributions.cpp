#include "trainer/evaluation/distributions.h"

#include <algorithm>
#include <cmath>

namespace penumbra::trainer {

std::size_t arg_max(Shares shares) {
  return static_cast<std::size_t>(std::max_element(shares.begin(), shares.end()) - shares.begin());
}

double entropy(Shares shares) {
  double h = 0;
  for (const float p : shares) h -= p > 0 ? p * std::log(static_cast<double>(p)) : 0;
  return h;
}

double js_divergence(Shares a, Shares b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) {
    const double pa = a[c], pb = b[c], middle = (pa + pb) / 2;
    if (pa > 0) sum += pa * std::log(pa / middle);
    if (pb > 0) sum += pb * std::log(pb / middle);
  }
  return std::max(0.0, sum / 2);  // rounding may leave equal ones below 0
}

}  // namespace penumbra::trainer
