#pragma once

#include <span>
#include <utility>

#include "data/plan/philox.h"

namespace penumbra::data {

/// Fisher-Yates: every order is equally likely. (std::shuffle differs between libraries.)
template <typename T>
void shuffle(std::span<T> values, Draws& draws) {
  for (std::size_t left = values.size(); left > 1; --left) {
    std::swap(values[left - 1], values[static_cast<std::size_t>(draws.below(left))]);
  }
}

}  // namespace penumbra::data
