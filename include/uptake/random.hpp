/// Random numbers as a function of identity (Philox4x32-10, Salmon et al. 2011): who, which programme, which decision,
/// which occurrence. Never of order, thread, or place in a table, so that worlds are paired by construction and adding
/// an organisation changes nobody else's clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace uptake {

/// SplitMix64's finaliser (Steele, Lea & Flood 2014), a bijection on 64 bits.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// 64-bit identity of text that comes in pieces: FNV-1a, then mix64.
class Identity {
 public:
  constexpr void add(std::string_view text) noexcept {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return mix64(hash_); }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

/// 64-bit identity of a code or name.
[[nodiscard]] constexpr std::uint64_t identity_of(std::string_view code) noexcept {
  Identity identity;
  identity.add(code);
  return identity.value();
}

/// 32-bit identity of a programme's name or class (upper half of identity_of).
[[nodiscard]] constexpr std::uint32_t programme_identity(std::string_view name) noexcept {
  return static_cast<std::uint32_t>(identity_of(name) >> 32);
}

/// The key of one replicate: mix64(mix64(seed) xor replicate), so that no two replicates of a run share one.
struct Key {
  std::uint64_t value = 0;
  friend bool operator==(Key, Key) = default;
};
[[nodiscard]] constexpr Key make_key(std::uint64_t seed, std::uint64_t replicate) noexcept {
  return Key{mix64(mix64(seed) ^ replicate)};
}

/// What a random number decides. One table: numbers are part of every result, so they are never reused.
enum class Stream : std::uint16_t {
  engage = 1,            ///< unaware -> engaged clock
  decide = 2,            ///< engaged -> implementing clock
  succeed = 3,           ///< success of an implementation, a uniform
  stop = 4,              ///< in use -> stopped clock
  restart = 5,           ///< stopped -> implementing clock
  susceptible = 6,       ///< inside the susceptible share or not, a uniform
  readiness = 7,         ///< v_i, a normal per organisation and class of programmes
  region_effect = 8,     ///< u_r, a normal per region and programme
  effect_variation = 9,  ///< organisation variation of the effect, a normal
  parameter = 10,        ///< one drawn parameter, a uniform
  seeding = 11,          ///< order of organisations where a start is drawn
  population = 12,       ///< synthetic organisations (key = population seed)
  uptake = 13,           ///< an organisation's uptake without the programme, a uniform
  report = 14,           ///< how an observation was reported: its date, shift and error
  company = 20,          ///< growth: gap to the next company of a region and year, and how far it comes
  investment = 21,       ///< growth: whether a company reports an investment, and how much
  jobs = 22,             ///< growth: jobs of a company, a uniform
  fellow = 23,           ///< growth: gap to the next accelerator fellow of a region and year
  implement = 32,        ///< Erlang phases p = 0..31: stream implement + p / 2, second uniform of the block for odd p
};

/// Counter of one block: organisation identity 64, programme identity 32, stream 16 | occurrence 16.
struct DrawId {
  std::uint64_t organisation = 0;
  std::uint32_t programme = 0;
  std::uint16_t stream = 0;
  std::uint16_t occurrence = 0;
};

/// Philox4x32-10 of a 128-bit counter and a 64-bit key, words in Random123's order.
[[nodiscard]] std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 4>& counter,
                                                  const std::array<std::uint32_t, 2>& key) noexcept;

/// The two uniforms on (0, 1) of a block: ((a << 32 | b) >> 11 + 0.5) 2^-53 from words 0, 1 and from words 2, 3.
[[nodiscard]] std::array<double, 2> uniforms(Key key, const DrawId& id) noexcept;

/// First uniform of the block.
[[nodiscard]] double uniform(Key key, const DrawId& id) noexcept;
/// -ln of the first uniform: a unit exponential.
[[nodiscard]] double exponential(Key key, const DrawId& id) noexcept;
/// Standard normal by the inverse distribution function of the first uniform (Wichura 1988, AS241).
[[nodiscard]] double normal(Key key, const DrawId& id) noexcept;
/// Inverse of the standard normal distribution function on (0, 1), AS241 PPND16, relative error about 1e-16.
[[nodiscard]] double normal_quantile(double probability) noexcept;

/// Number `index` of a key that is used for one thing.
[[nodiscard]] inline double uniform_number(Key key, std::size_t index) { return uniform(key, {.organisation = index}); }
[[nodiscard]] inline double normal_number(Key key, std::size_t index) { return normal(key, {.organisation = index}); }

/// Batch fill: out[i] is the first uniform of organisation identities[i]; same numbers as `uniform`, faster.
/// @pre identities.size() == out.size()
void fill_uniforms(Key key, std::span<const std::uint64_t> identities, std::uint32_t programme, Stream stream,
                   std::span<double> out) noexcept;

}  // namespace uptake
