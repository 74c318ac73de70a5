// Compiled once for every processor, and again for each wider set of instructions (CMakeLists.txt) with the name of the
// set defined. Nothing that a wider one compiles may be shared with other files, or it could be linked into what runs
// where it cannot: therefore all is in an unnamed namespace, and nothing of the standard library is called.
#include "random/lanes.hpp"

#include <xsimd/xsimd.hpp>

#define UPTAKE_INLINE __attribute__((always_inline)) inline

namespace uptake::lanes {
namespace {

/// One number at a time.
struct One {
  using Real = double;
  using Word = std::uint64_t;
  static constexpr std::size_t kWidth = 1;
  static UPTAKE_INLINE Real load(const double* from) { return *from; }
  static UPTAKE_INLINE Word load(const std::uint64_t* from) { return *from; }
  static UPTAKE_INLINE void store(Real x, double* to) { *to = x; }
  static UPTAKE_INLINE void store(Word x, std::uint64_t* to) { *to = x; }
  static UPTAKE_INLINE Word bits(Real x) { return __builtin_bit_cast(Word, x); }
  static UPTAKE_INLINE Real real(Word x) { return __builtin_bit_cast(Real, x); }
  static UPTAKE_INLINE Real select(bool condition, Real a, Real b) { return condition ? a : b; }
  static UPTAKE_INLINE bool any(bool condition) { return condition; }
  static UPTAKE_INLINE Real sqrt(Real x) { return __builtin_sqrt(x); }
  /// Product of the lower halves.
  static UPTAKE_INLINE Word multiply(Word a, Word b) { return (a & 0xffffffffU) * (b & 0xffffffffU); }
  /// Product with a lower half.
  static UPTAKE_INLINE Word multiply_long(Word a, Word b) { return a * (b & 0xffffffffU); }
  static UPTAKE_INLINE std::uint64_t signs(Word x) { return x >> 63; }
};

/// As many as the instructions of A take.
template <class A>
struct Many {
  using Real = xsimd::batch<double, A>;
  using Word = xsimd::batch<std::uint64_t, A>;
  static constexpr std::size_t kWidth = Real::size;
  static UPTAKE_INLINE Real load(const double* from) { return Real::load_unaligned(from); }
  static UPTAKE_INLINE Word load(const std::uint64_t* from) { return Word::load_unaligned(from); }
  static UPTAKE_INLINE void store(const Real& x, double* to) { x.store_unaligned(to); }
  static UPTAKE_INLINE void store(const Word& x, std::uint64_t* to) { x.store_unaligned(to); }
  static UPTAKE_INLINE Word bits(const Real& x) { return xsimd::bitwise_cast<Word>(x); }
  static UPTAKE_INLINE Real real(const Word& x) { return xsimd::bitwise_cast<Real>(x); }
  template <class Condition>
  static UPTAKE_INLINE Real select(const Condition& condition, const Real& a, const Real& b) {
    return xsimd::select(condition, a, b);
  }
  template <class Condition>
  static UPTAKE_INLINE bool any(const Condition& condition) {
    return xsimd::any(condition);
  }
  static UPTAKE_INLINE Real sqrt(const Real& x) { return xsimd::sqrt(x); }
  /// Bit k is the highest bit of lane k.
  static UPTAKE_INLINE std::uint64_t signs(const Word& x) {
#if XSIMD_WITH_AVX512DQ
    if constexpr (kWidth == 8) return _mm512_movepi64_mask(x);
#endif
#if XSIMD_WITH_AVX
    if constexpr (kWidth == 4) return static_cast<std::uint64_t>(_mm256_movemask_pd(_mm256_castsi256_pd(x)));
#endif
#if XSIMD_WITH_SSE2
    if constexpr (kWidth == 2) return static_cast<std::uint64_t>(_mm_movemask_pd(_mm_castsi128_pd(x)));
#endif
  }
#if XSIMD_WITH_AVX512F
  /// Writes 16 numbers, first those of first + 0, first + 1 .. whose word has its highest bit. @returns how many those are
  static UPTAKE_INLINE std::size_t list(const Word& low, const Word& high, std::uint32_t first, std::uint32_t* to) {
    const __mmask16 listed = _mm512_kunpackb(_mm512_movepi64_mask(high), _mm512_movepi64_mask(low));
    const __m512i numbers = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)),
                                             _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(listed, numbers));
    return static_cast<std::size_t>(__builtin_popcount(listed));
  }
#endif
  /// Of lanes and of the lower halves of others, modulo 2^64.
  static UPTAKE_INLINE Word multiply_long(const Word& a, const Word& b) {
#if XSIMD_WITH_AVX512DQ
    if constexpr (kWidth == 8) return _mm512_mullo_epi64(a, b);
#endif
    return multiply(a, b) + (multiply(a >> 32, b) << 32);
  }
  /// Of the lower halves of lanes.
  static UPTAKE_INLINE Word multiply(const Word& a, const Word& b) {
#if XSIMD_WITH_AVX512F
    if constexpr (kWidth == 8) return _mm512_mul_epu32(a, b);
#endif
#if XSIMD_WITH_AVX2
    if constexpr (kWidth == 4) return _mm256_mul_epu32(a, b);
#endif
#if XSIMD_WITH_SSE2
    if constexpr (kWidth == 2) return _mm_mul_epu32(a, b);
#endif
  }
};

/// log(2^k m) = k ln 2 + log m, m in [sqrt(1/2), sqrt 2), with log(1 + f) from s = f / (2 + f): FreeBSD's e_log.c (Sun
/// Microsystems 1993), whose polynomial has an error below 2^-58.45.
template <class V>
UPTAKE_INLINE typename V::Real log_of(typename V::Real x) {
  using Real = typename V::Real;
  using Word = typename V::Word;
  constexpr std::uint64_t kRootHalf = 0x3fe6a09e00000000U, kOne = 0x3ff0000000000000U;
  const Word moved = V::bits(x) + Word(kOne - kRootHalf);
  // The exponent k + 1023 in the last bits of 2^52 is the number 2^52 + k + 1023.
  const Real k = V::real((moved >> 52) | Word(0x4330000000000000U)) - Real(0x1p52 + 1023);
  const Real f = V::real((moved & Word(0x000fffffffffffffU)) + Word(kRootHalf)) - Real(1.0);
  const Real half_square = Real(0.5) * f * f;
  const Real s = f / (Real(2.0) + f);
  const Real z = s * s, w = z * z;
  const Real even =
      w * (Real(3.999999999940941908e-01) + w * (Real(2.222219843214978396e-01) + w * Real(1.531383769920937332e-01)));
  const Real odd = z * (Real(6.666666666666735130e-01) +
                        w * (Real(2.857142874366239149e-01) +
                             w * (Real(1.818357216161805012e-01) + w * Real(1.479819860511658591e-01))));
  return k * Real(6.93147180369123816490e-01) -
         ((half_square - (s * (half_square + (odd + even)) + k * Real(1.90821492927058770002e-10))) - f);
}

/// exp(x) = 2^k exp(r), |r| <= ln(2) / 2, with exp(r) from a polynomial in r^2: FreeBSD's e_exp.c (Sun Microsystems 1993),
/// whose error is below 2^-59.
template <class V>
UPTAKE_INLINE typename V::Real exp_of(typename V::Real x) {
  using Real = typename V::Real;
  x = V::select(x < Real(-708.0), Real(-708.0), x);
  x = V::select(x > Real(709.0), Real(709.0), x);
  const Real shifted = x * Real(1.44269504088896338700e+00) + Real(0x1.8p52);  // k in the last bits
  const Real k = shifted - Real(0x1.8p52);
  const Real high = x - k * Real(6.93147180369123816490e-01), low = k * Real(1.90821492927058770002e-10);
  const Real r = high - low;
  const Real t = r * r;
  const Real c = r - t * (Real(1.66666666666666019037e-01) +
                          t * (Real(-2.77777777770155933842e-03) +
                               t * (Real(6.61375632143793436117e-05) +
                                    t * (Real(-1.65339022054652515390e-06) + t * Real(4.13813679705723846039e-08)))));
  const Real y = Real(1.0) - ((low - r * c / (Real(2.0) - c)) - high);
  return V::real(V::bits(y) + (V::bits(shifted) << 52));
}

/// Numerator a and denominator b by powers of r.
template <class V>
UPTAKE_INLINE typename V::Real ratio(typename V::Real r, const double (&a)[8], const double (&b)[8]) {
  using Real = typename V::Real;
  Real numerator(a[7]), denominator(b[7]);
  for (int i = 6; i >= 0; --i) {
    numerator = numerator * r + Real(a[i]);
    denominator = denominator * r + Real(b[i]);
  }
  return numerator / denominator;
}

// Wichura (1988), Algorithm AS 241, PPND16: coefficients as published.
constexpr double kCentral = 0.425;
constexpr double kCentralA[8]{3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                              1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                              3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr double kCentralB[8]{1.0,
                              4.2313330701600911252e1,
                              6.8718700749205790830e2,
                              5.3941960214247511077e3,
                              2.1213794301586595867e4,
                              3.9307895800092710610e4,
                              2.8729085735721942674e4,
                              5.2264952788528545610e3};
constexpr double kTailA[8]{1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                           3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                           2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr double kTailB[8]{1.0,
                           2.05319162663775882187e0,
                           1.67638483018380384940e0,
                           6.89767334985100004550e-1,
                           1.48103976427480074590e-1,
                           1.51986665636164571966e-2,
                           5.47593808499534494600e-4,
                           1.05075007164441684324e-9};
constexpr double kFarA[8]{6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                          2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr double kFarB[8]{1.0,
                          5.99832206555887937690e-1,
                          1.36929880922735805310e-1,
                          1.48753612908506148525e-2,
                          7.86869131145613259100e-4,
                          1.84631831751005468180e-5,
                          1.42151175831644588870e-7,
                          2.04426310338993978564e-15};

/// q = probability - 1/2 with |q| <= 0.425.
template <class V>
UPTAKE_INLINE typename V::Real central_quantile(typename V::Real q) {
  return q * ratio<V>(typename V::Real(0.180625) - q * q, kCentralA, kCentralB);
}

/// The others: 15 % of uniforms.
template <class V>
UPTAKE_INLINE typename V::Real tail_quantile(typename V::Real probability) {
  using Real = typename V::Real;
  const auto lower = probability < Real(0.5);
  const Real r = V::sqrt(Real(0.0) - log_of<V>(V::select(lower, probability, Real(1.0) - probability)));
  Real value = ratio<V>(r - Real(1.6), kTailA, kTailB);
  const auto far = r > Real(5.0);
  if (V::any(far)) value = V::select(far, ratio<V>(r - Real(5.0), kFarA, kFarB), value);
  return V::select(lower, Real(0.0) - value, value);
}

/// Upper and lower word to ((upper << 32 | lower) >> 11 + 1/2) 2^-53, below 1.
template <class V>
UPTAKE_INLINE typename V::Real open_unit(typename V::Word upper, typename V::Word lower) {
  using Real = typename V::Real;
  using Word = typename V::Word;
  // A whole number below 2^52 in the last bits of 2^52 is 2^52 and that number.
  const auto whole = [](const Word& x) { return V::real(x | Word(0x4330000000000000U)) - Real(0x1p52); };
  const Real high = whole(upper & Word(0xffffffffU)), low = whole((lower & Word(0xffffffffU)) >> 11);
  // Beyond 2^52 the half is rounded to even, so the last of the 2^53 values would be 1 itself.
  const Real u = ((high * Real(0x1p21) + low) + Real(0.5)) * Real(0x1p-53);
  return V::select(u > Real(1 - 0x1p-53), Real(1 - 0x1p-53), u);
}

/// Philox4x32-10 (Salmon et al. 2011) of counters that differ in the organisation alone. Words sit in the lower halves of
/// 64 bits; what is in the upper halves never matters.
template <class V>
class Philox {
 public:
  using Word = typename V::Word;
  static UPTAKE_INLINE void set(Philox& self, Key key, const DrawId& id) {
    auto k0 = static_cast<std::uint32_t>(key.value), k1 = static_cast<std::uint32_t>(key.value >> 32);
    for (int round = 0; round < kRounds; ++round) {
      self.keys_[round][0] = Word(std::uint64_t{k0});
      self.keys_[round][1] = Word(std::uint64_t{k1});
      k0 += 0x9e3779b9U;
      k1 += 0xbb67ae85U;
    }
    // The first product of the programme is the same for all.
    const std::uint64_t product = std::uint64_t{id.programme} * kM1;
    self.first_[0] = Word(product >> 32 ^ static_cast<std::uint32_t>(key.value));
    self.first_[1] = Word(product & 0xffffffffU);
    self.decides_ = Word((std::uint64_t{id.stream} << 16 | id.occurrence) ^ key.value >> 32);
  }
  /// Words 0 and 1; words 2 and 3 as well where `all`.
  template <bool all>
  static UPTAKE_INLINE void block(const Philox& self, const Word& organisation, Word (&out)[4]) {
    const Word m0(kM0), m1(kM1);
    const Word product = V::multiply(organisation, m0);
    Word c0 = self.first_[0] ^ (organisation >> 32), c1 = self.first_[1];
    Word c2 = (product >> 32) ^ self.decides_, c3 = product;
    for (int round = 1; round < kRounds - 1; ++round) {
      const Word p0 = V::multiply(c0, m0), p1 = V::multiply(c2, m1);
      c0 = (p1 >> 32) ^ c1 ^ self.keys_[round][0];
      c1 = p1;
      c2 = (p0 >> 32) ^ c3 ^ self.keys_[round][1];
      c3 = p0;
    }
    const Word p1 = V::multiply(c2, m1);
    out[0] = (p1 >> 32) ^ c1 ^ self.keys_[kRounds - 1][0];
    out[1] = p1;
    if constexpr (all) {
      const Word p0 = V::multiply(c0, m0);
      out[2] = (p0 >> 32) ^ c3 ^ self.keys_[kRounds - 1][1];
      out[3] = p0;
    }
  }

 private:
  static constexpr int kRounds = 10;
  static constexpr std::uint64_t kM0 = 0xd2511f53U, kM1 = 0xcd9e8d57U;
  Word keys_[kRounds][2], first_[2], decides_;
};

/// Applies `change` to whole vectors of an array; what is left over goes through a vector that is filled up with 1/2.
template <class V, class Change>
UPTAKE_INLINE void over(double* x, std::size_t n, Change change) {
  std::size_t i = 0;
  for (; i + V::kWidth <= n; i += V::kWidth) V::store(change(V::load(x + i)), x + i);
  if (i == n) return;
  double last[V::kWidth];
  for (std::size_t k = 0; k < V::kWidth; ++k) last[k] = i + k < n ? x[i + k] : 0.5;
  V::store(change(V::load(last)), last);
  for (std::size_t k = 0; i + k < n; ++k) x[i + k] = last[k];
}

template <class V>
void fill_logs(double* x, std::size_t n) {
  over<V>(x, n, [](const auto& value) { return log_of<V>(value); });
}

template <class V>
void fill_exps(double* x, std::size_t n) {
  over<V>(x, n, [](const auto& value) { return exp_of<V>(value); });
}

template <class V>
void fill_quantiles(double* x, std::size_t n) {
  constexpr std::size_t kPart = 256;
  std::uint32_t where[kPart];
  double tails[kPart];
  for (std::size_t begin = 0; begin < n; begin += kPart) {
    const std::size_t end = n - begin < kPart ? n : begin + kPart;
    std::size_t n_tails = 0;
    for (std::size_t i = begin; i < end; ++i) {
      where[n_tails] = static_cast<std::uint32_t>(i - begin);
      tails[n_tails] = x[i];
      n_tails += __builtin_fabs(x[i] - 0.5) > kCentral ? 1U : 0U;
    }
    over<V>(x + begin, end - begin,
            [](const auto& value) { return central_quantile<V>(value - typename V::Real(0.5)); });
    over<V>(tails, n_tails, [](const auto& value) { return tail_quantile<V>(value); });
    for (std::size_t k = 0; k < n_tails; ++k) x[begin + where[k]] = tails[k];
  }
}

template <class V, bool all>
UPTAKE_INLINE void fill_words(const Philox<V>& philox, const std::uint64_t* organisations, std::size_t n, double* first,
                              double* second) {
  typename V::Word words[4];
  const auto fill = [&](const std::uint64_t* who, double* to_first, double* to_second) {
    Philox<V>::template block<all>(philox, V::load(who), words);
    V::store(open_unit<V>(words[0], words[1]), to_first);
    if constexpr (all) V::store(open_unit<V>(words[2], words[3]), to_second);
  };
  std::size_t i = 0;
  for (; i + V::kWidth <= n; i += V::kWidth) fill(organisations + i, first + i, second + i);
  if (i == n) return;
  std::uint64_t who[V::kWidth]{};
  double last[2][V::kWidth];
  for (std::size_t k = 0; i + k < n; ++k) who[k] = organisations[i + k];
  fill(who, last[0], last[1]);
  for (std::size_t k = 0; i + k < n; ++k) {
    first[i + k] = last[0][k];
    if constexpr (all) second[i + k] = last[1][k];
  }
}

template <class V>
void fill_uniforms(Key key, const DrawId& id, const std::uint64_t* organisations, std::size_t n, double* first,
                   double* second) {
  Philox<V> philox;
  Philox<V>::set(philox, key, id);
  if (second == nullptr) {
    fill_words<V, false>(philox, organisations, n, first, first);
  } else {
    fill_words<V, true>(philox, organisations, n, first, second);
  }
}

/// Lists first + i of each of n words that has its highest bit, as `many` and `one` leave it. Which those are is found in
/// bits: to ask word by word would be to guess wrong for most of them.
template <class V, class Source, class Vector, class Each>
UPTAKE_INLINE std::size_t list_words(Source* words, std::size_t n, std::uint32_t first, std::uint32_t* listed,
                                     Vector many, Each one) {
  std::uint32_t* end = listed;
  std::size_t i = 0;
  if constexpr (V::kWidth > 1) {
#if XSIMD_WITH_AVX512F
    if constexpr (V::kWidth == 8) {
      for (; i + 16 <= n; i += 16) {
        const auto low = many(words + i), high = many(words + i + 8);
        end += V::list(low, high, first + static_cast<std::uint32_t>(i), end);
      }
    }
#endif
    constexpr std::size_t kMarked = 64;
    for (; i + kMarked <= n; i += kMarked) {
      std::uint64_t marks = 0;
      for (std::size_t k = 0; k < kMarked; k += V::kWidth) marks |= V::signs(many(words + i + k)) << k;
      for (; marks != 0; marks &= marks - 1) {
        *end++ = first + static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctzll(marks));
      }
    }
  }
  for (; i < n; ++i) {
    *end = first + static_cast<std::uint32_t>(i);
    end += one(words + i) >> 63;
  }
  return static_cast<std::size_t>(end - listed);
}

template <class V>
std::size_t without(const std::uint64_t* words, std::size_t n, std::uint64_t bits, std::uint32_t first,
                    std::uint32_t* listed) {
  using Word = typename V::Word;
  const Word all(bits), unit(std::uint64_t{1});
  return list_words<V>(
      words, n, first, listed, [&](const std::uint64_t* at) { return (V::load(at) & all) - unit; },
      [&](const std::uint64_t* at) { return (*at & bits) - 1; });
}

template <class V>
std::size_t spend(std::uint64_t* words, std::size_t n, std::uint64_t always, std::uint64_t each, std::uint64_t mask,
                  int shift, std::uint32_t first, std::uint32_t* spent) {
  using Word = typename V::Word;
  const Word seen(mask), rate(each), fixed(always);
  return list_words<V>(
      words, n, first, spent,
      [&](std::uint64_t* at) {
        const Word before = V::load(at);
        const Word after = before - ((fixed + V::multiply(before & seen, rate)) << shift);
        V::store(after, at);
        return after;
      },
      [&](std::uint64_t* at) { return *at -= (always + each * (*at & mask)) << shift; });
}

/// All weeks of a window are looked at, for where a climb passes its goal could not be guessed.
template <class V, bool second, bool groups, bool apart>
void climb(const Climb* climbs, std::size_t n, std::size_t stride, std::size_t from, std::size_t to,
           std::uint16_t* below) {
  using Word = typename V::Word;
  const auto load = [](const std::int64_t* at) { return V::load(reinterpret_cast<const std::uint64_t*>(at)); };
  const std::size_t n_weeks = to - from, n_whole = n_weeks / V::kWidth * V::kWidth;
  const std::uint64_t last = (std::uint64_t{1} << (n_weeks - n_whole)) - 1;
  for (const Climb* one = climbs; one != climbs + n; ++one) {
    const std::int64_t* const first = one->tables + from + 1;
    const Word goal(static_cast<std::uint64_t>(one->goal));
    const Word w1(std::uint64_t{one->weights[0]}), w2(std::uint64_t{one->weights[1]}),
        w3(std::uint64_t{one->weights[2]}), w4(std::uint64_t{one->weights[3]}), w5(std::uint64_t{one->weights[4]});
    const auto marks = [&](std::size_t i) {
      Word level = load(first + i) + V::multiply_long(load(first + stride + i), w1);
      if constexpr (second) level = level + V::multiply_long(load(first + 2 * stride + i), w2);
      if constexpr (groups) {
        level = level + V::multiply_long(load(first + 3 * stride + i), w3);
        level = level + V::multiply_long(load(first + 4 * stride + i), w4);
      }
      if constexpr (apart) level = level + V::multiply_long(load(one->apart + from + 1 + i), w5);
      return V::signs(level - goal);
    };
    int count = 0;
    for (std::size_t i = 0; i < n_whole; i += V::kWidth) count += __builtin_popcountll(marks(i));
    if (last != 0) count += __builtin_popcountll(marks(n_whole) & last);
    *below++ = static_cast<std::uint16_t>(count);
  }
}

template <class V>
constexpr Functions functions_of(std::string_view name) {
  return {name,
          &fill_uniforms<V>,
          &fill_logs<V>,
          &fill_exps<V>,
          &fill_quantiles<V>,
          &without<V>,
          &spend<V>,
          {&climb<V, false, false, false>, &climb<V, true, false, false>, &climb<V, false, true, false>,
           &climb<V, true, true, false>, &climb<V, true, true, true>}};
}

}  // namespace

extern const Functions kBase, kAvx2, kAvx512;

#if !defined UPTAKE_LANES_AVX2 && !defined UPTAKE_LANES_AVX512

#if XSIMD_WITH_SSE2
const Functions kBase = functions_of<Many<xsimd::sse2>>("SSE2");
#else
const Functions kBase = functions_of<One>("one");
#endif

double log(double x) noexcept { return log_of<One>(x); }
double exp(double x) noexcept { return exp_of<One>(x); }

const Functions* functions(Set set) noexcept {
  static constexpr Functions kOne = functions_of<One>("one");
  switch (set) {
    case Set::one:
      return &kOne;
    case Set::base:
      return &kBase;
#ifdef UPTAKE_WIDER_LANES
    case Set::avx2:
      return __builtin_cpu_supports("avx2") ? &kAvx2 : nullptr;
    case Set::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
                 ? &kAvx512
                 : nullptr;
#endif
    default:
      return nullptr;
  }
}

const Functions& best() noexcept {
  static const Functions* const widest = [] {
    const Functions* found = &kBase;
    for (const Set set : kSets) {
      if (const Functions* here = functions(set); here != nullptr) found = here;
    }
    return found;
  }();
  return *widest;
}

#endif

#ifdef UPTAKE_LANES_AVX2
const Functions kAvx2 = functions_of<Many<xsimd::avx2>>("AVX2");
#endif
#ifdef UPTAKE_LANES_AVX512
const Functions kAvx512 = functions_of<Many<xsimd::avx512bw>>("AVX-512");
#endif

}  // namespace uptake::lanes

#if !defined UPTAKE_LANES_AVX2 && !defined UPTAKE_LANES_AVX512
double uptake::normal_quantile(double probability) noexcept {
  const double q = probability - 0.5;
  return __builtin_fabs(q) <= lanes::kCentral ? lanes::central_quantile<lanes::One>(q)
                                              : lanes::tail_quantile<lanes::One>(probability);
}
#endif
