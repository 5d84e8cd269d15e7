#pragma once

namespace penumbra::trainer {

/// rho(t) = exp(-5 (1 - min(t / length, 1))^2), t and length in epochs (Laine & Aila, 2017). 1 when length <= 0; t < 0
/// gives 0.
double ramp(double t, double length);

}  // namespace penumbra::trainer
