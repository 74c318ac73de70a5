#include "uptake/random.hpp"

#include <Random123/philox.h>

#include <algorithm>

#include "random/lanes.hpp"

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
double exponential(Key key, const DrawId& id) noexcept { return -lanes::log(uniform(key, id)); }
double normal(Key key, const DrawId& id) noexcept { return normal_quantile(uniform(key, id)); }

void fill_uniforms(Key key, std::span<const std::uint64_t> identities, std::uint32_t programme, Stream stream,
                   std::span<double> out) noexcept {
  lanes::best().uniforms(key, {0, programme, static_cast<std::uint16_t>(stream), 0}, identities.data(),
                         identities.size(), out.data(), nullptr);
}

}  // namespace uptake
