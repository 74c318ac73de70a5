#include "uptake/random.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <cmath>

#include "uptake/error.hpp"

namespace uptake {

namespace {
using Philox = r123::Philox4x32;

Philox::ctr_type counter_of(const DrawId& id) noexcept {
  return {{static_cast<std::uint32_t>(id.organisation), static_cast<std::uint32_t>(id.organisation >> 32), id.programme,
           (static_cast<std::uint32_t>(id.stream) << 16) | id.occurrence}};
}
Philox::key_type words_of(Key key) noexcept {
  return {{static_cast<std::uint32_t>(key.value), static_cast<std::uint32_t>(key.value >> 32)}};
}
double open_unit(std::uint32_t high, std::uint32_t low) noexcept {
  const std::uint64_t word = (static_cast<std::uint64_t>(high) << 32) | low;
  // Beyond 2^52 the half is rounded to even, so the last of the 2^53 values would be 1 itself.
  return std::min((static_cast<double>(word >> 11) + 0.5) * 0x1p-53, 1 - 0x1p-53);
}
}  // namespace

std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 4>& counter,
                                    const std::array<std::uint32_t, 2>& key) noexcept {
  const auto out = Philox{}({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
  return {out[0], out[1], out[2], out[3]};
}

std::array<double, 2> uniforms(Key key, const DrawId& id) noexcept {
  const auto words = Philox{}(counter_of(id), words_of(key));
  return {open_unit(words[0], words[1]), open_unit(words[2], words[3])};
}

double uniform(Key key, const DrawId& id) noexcept { return uniforms(key, id)[0]; }
double exponential(Key key, const DrawId& id) noexcept { return -std::log(uniform(key, id)); }
double normal(Key key, const DrawId& id) noexcept { return normal_quantile(uniform(key, id)); }

void fill_uniforms(Key key, std::span<const std::uint64_t> identities, std::uint32_t programme, Stream stream,
                   std::span<double> out) noexcept {
  const auto words = words_of(key);
  DrawId id{0, programme, static_cast<std::uint16_t>(stream), 0};
  for (std::size_t i = 0; i < identities.size(); ++i) {
    id.organisation = identities[i];
    const auto block = Philox{}(counter_of(id), words);
    out[i] = open_unit(block[0], block[1]);
  }
}

double normal_quantile(double probability) noexcept {
  // Wichura (1988), Algorithm AS 241, PPND16: coefficients as published.
  const double q = probability - 0.5;
  const auto ratio = [](double r, const std::array<double, 8>& a, const std::array<double, 8>& b) {
    double numerator = a[7], denominator = b[7];
    for (int i = 6; i >= 0; --i) {
      numerator = numerator * r + a[static_cast<std::size_t>(i)];
      denominator = denominator * r + b[static_cast<std::size_t>(i)];
    }
    return numerator / denominator;
  };
  if (std::abs(q) <= 0.425) {
    return q *
           ratio(0.180625 - q * q,
                 {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                  4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
                 {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                  2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3});
  }
  const double tail = q < 0 ? probability : 1 - probability;
  double r = std::sqrt(-std::log(tail));
  double value = 0;
  if (r <= 5) {
    value = ratio(
        r - 1.6,
        {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
         1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4},
        {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
         1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9});
  } else {
    value = ratio(
        r - 5,
        {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
         2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7},
        {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
         7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15});
  }
  return q < 0 ? -value : value;
}

}  // namespace uptake
