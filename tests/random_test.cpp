#include "uptake/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <set>
#include <vector>

namespace uptake {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Random123, tests/kat_vectors, philox4x32 with 10 rounds.
TEST(Random, PhiloxGivesThePublishedKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, AUniformIsMadeOfTheFirst53BitsOfItsBlock) {
  const Key key{0x299f31d0a4093822ULL};
  const DrawId id{0x85a308d3243f6a88ULL, 0x13198a2e, 0x0370, 0x7344};
  const double first = static_cast<double>(0xd16cfe0994fdccebULL >> 11) * 0x1p-53;
  EXPECT_NEAR(uniform(key, id), first, 0x1p-53);
  EXPECT_EQ(uniforms(key, id)[0], uniform(key, id));
  EXPECT_NEAR(uniforms(key, id)[1], static_cast<double>(0x5001e42024126ea1ULL >> 11) * 0x1p-53, 0x1p-53);
}

/// The counter whose block under `key` is `out`: Philox is a bijection for a fixed key.
Words counter_of_block(Words out, std::array<std::uint32_t, 2> key) {
  constexpr std::uint32_t kM0 = 0xD2511F53, kM1 = 0xCD9E8D57, kW0 = 0x9E3779B9, kW1 = 0xBB67AE85;
  const auto inverse = [](std::uint32_t m) {
    std::uint32_t x = m;
    for (int i = 0; i < 5; ++i) x *= 2 - m * x;
    return x;
  };
  for (std::uint32_t round = 10; round-- > 0;) {
    const std::uint32_t k0 = key[0] + round * kW0, k1 = key[1] + round * kW1;
    const std::uint32_t c0 = out[3] * inverse(kM0), c2 = out[1] * inverse(kM1);
    const auto high = [](std::uint32_t m, std::uint32_t c) {
      return static_cast<std::uint32_t>((static_cast<std::uint64_t>(m) * c) >> 32);
    };
    out = {c0, out[0] ^ high(kM1, c2) ^ k0, c2, out[2] ^ high(kM0, c0) ^ k1};
  }
  return out;
}

TEST(Random, UniformsLieStrictlyBetweenZeroAndOneAtBothEndsOfTheirWords) {
  const Key key{0x0123456789abcdefULL};
  const std::array<std::uint32_t, 2> key_words{0x89abcdef, 0x01234567};
  const auto block = [&](Words out) {
    const Words c = counter_of_block(out, key_words);
    EXPECT_EQ(philox(c, key_words), out);
    return uniforms(key, {c[0] | static_cast<std::uint64_t>(c[1]) << 32, c[2], static_cast<std::uint16_t>(c[3] >> 16),
                          static_cast<std::uint16_t>(c[3])});
  };
  EXPECT_EQ(block({0, 0, ~0U, ~0U})[0], 0x1p-54);
  EXPECT_EQ(block({~0U, ~0U, 0, 0})[0], 1 - 0x1p-53);
  EXPECT_LT(block({0, 0, ~0U, ~0U})[1], 1.0);
  EXPECT_GT(block({~0U, ~0U, 0, 0})[1], 0.0);
}

TEST(Random, ABatchFillGivesTheNumbersOfSingleCalls) {
  std::vector<std::uint64_t> identities;
  for (int i = 0; i < 100; ++i) identities.push_back(identity_of(std::to_string(i)));
  std::vector<double> batch(identities.size());
  const Key key = make_key(20180401, 7);
  fill_uniforms(key, identities, 42, Stream::decide, batch);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(batch[i], uniform(key, {identities[i], 42, static_cast<std::uint16_t>(Stream::decide), 0}));
  }
}

/// z of the mean of n uniforms against 1/2 (variance 1/12).
double z_of_mean(const std::vector<double>& u) {
  double sum = 0;
  for (const double x : u) sum += x;
  return (sum / static_cast<double>(u.size()) - 0.5) * std::sqrt(12.0 * static_cast<double>(u.size()));
}

TEST(Random, UniformsOfManyIdentitiesHaveMeanOneHalf) {
  std::vector<double> u, mutant;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    u.push_back(uniform(make_key(1, 0), {mix64(i), 1, 1, 0}));
    mutant.push_back(u.back() * 0.97);
  }
  EXPECT_LT(std::abs(z_of_mean(u)), 4);
  EXPECT_GT(std::abs(z_of_mean(mutant)), 4);
}

TEST(Random, NormalQuantilesAgreeWithTabulatedValues) {
  // R 4: qnorm(p) at 17 digits.
  EXPECT_EQ(normal_quantile(0.5), 0.0);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-15);
  EXPECT_NEAR(normal_quantile(0.95), 1.6448536269514722, 1e-15);
  EXPECT_NEAR(normal_quantile(0.75), 0.6744897501960817, 1e-15);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232306167813, 2e-15);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 5e-15);
  EXPECT_NEAR(normal_quantile(1e-16), -8.222082216130435, 1e-14);
}

TEST(Random, NormalQuantilesInvertTheDistributionFunction) {
  double p = 0x1p-54;
  while (p < 1) {
    const double x = normal_quantile(p);
    EXPECT_NEAR(std::erfc(-x / std::numbers::sqrt2) / 2 / p, 1, 1e-13) << p;
    p = p < 0.01 ? p * 3 : p + 0.007;
  }
}

TEST(Random, StreamNumbersAreUniqueAndErlangPhasesHitNone) {
  std::set<std::uint16_t> numbers;
  const std::array streams{Stream::engage,    Stream::decide,           Stream::succeed,   Stream::stop,
                           Stream::restart,   Stream::susceptible,      Stream::readiness, Stream::region_effect,
                           Stream::parameter, Stream::effect_variation, Stream::seeding,   Stream::population};
  for (const Stream stream : streams) {
    EXPECT_TRUE(numbers.insert(static_cast<std::uint16_t>(stream)).second);
  }
  for (int phase = 0; phase < 32; phase += 2) {
    EXPECT_TRUE(numbers.insert(static_cast<std::uint16_t>(static_cast<int>(Stream::implement) + phase / 2)).second);
  }
}

TEST(Random, KeysOfReplicatesNeverCoincide) {
  std::set<std::uint64_t> keys;
  for (std::uint64_t r = 0; r < 10000; ++r) keys.insert(make_key(20180401, r).value);
  EXPECT_EQ(keys.size(), 10000U);
}

TEST(Random, IdentitiesAreFixedForEver) {
  // FNV-1a of the empty text is its offset basis; both then pass SplitMix64's finaliser.
  EXPECT_EQ(identity_of(""), mix64(0xcbf29ce484222325ULL));
  EXPECT_EQ(identity_of("a"), mix64(0xaf63dc4c8601ec8cULL));
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafULL);  // first output of SplitMix64 with seed 0
  EXPECT_EQ(programme_identity("a"), static_cast<std::uint32_t>(identity_of("a") >> 32));
}

}  // namespace
}  // namespace uptake
