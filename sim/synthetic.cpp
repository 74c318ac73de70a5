#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "uptake/error.hpp"
#include "uptake/population.hpp"
#include "uptake/random.hpp"

namespace uptake {

namespace {

/// Numbers of one receiver: block k decides its k-th tie, and blocks from `degree` on stand in for ties that would lead to
/// oneself or twice to the same organisation.
class TieDraws {
 public:
  TieDraws(Key key, std::uint64_t receiver)
      : key_(key), id_{receiver, 0, static_cast<std::uint16_t>(Stream::population), 0} {}
  [[nodiscard]] std::array<double, 2> block(std::size_t k) {
    id_.programme = static_cast<std::uint32_t>(k);  // no programme is meant, and 16 bits would not be enough
    return uniforms(key_, id_);
  }

 private:
  Key key_;
  DrawId id_;
};

std::uint32_t anybody(double u, std::size_t n) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(n - 1, static_cast<std::size_t>(u * static_cast<double>(n))));
}

/// Sources of one receiver, in the order of its ties.
void find_sources(const SyntheticPopulation& asked, std::size_t receiver, TieDraws draws,
                  std::vector<std::uint32_t>& sources) {
  const std::size_t n = asked.n_organisations;
  const auto degree = static_cast<std::size_t>(asked.degree);
  sources.clear();
  std::size_t spare = degree;
  const auto is_taken = [&](std::uint32_t source) {
    return source == receiver || std::ranges::find(sources, source) != sources.end();
  };
  if (asked.form == GraphForm::random) {
    for (std::size_t k = 0; k < degree; ++k) {
      std::uint32_t source = anybody(draws.block(k)[0], n);
      while (is_taken(source)) source = anybody(draws.block(spare++)[0], n);
      sources.push_back(source);
    }
    return;
  }
  for (std::size_t k = 0; k < degree; ++k) {
    const std::size_t away = k / 2 + 1;
    sources.push_back(static_cast<std::uint32_t>((receiver + (k % 2 == 0 ? away : n - away)) % n));
  }
  if (asked.form == GraphForm::ring) return;
  for (std::size_t k = 0; k < degree; ++k) {
    const auto [where, whether] = draws.block(k);
    if (whether >= asked.rewired || degree + 1 >= n) continue;
    std::uint32_t source = anybody(where, n);
    while (is_taken(source)) source = anybody(draws.block(spare++)[0], n);
    sources[k] = source;
  }
}

}  // namespace

Population build_synthetic(const PopulationOptions& options) {
  UPTAKE_EXPECTS(options.synthetic.has_value());
  const SyntheticPopulation& asked = *options.synthetic;
  const std::size_t n = asked.n_organisations;
  const auto n_regions = static_cast<std::size_t>(asked.n_regions);
  UPTAKE_EXPECTS(n >= 2 && asked.degree >= 0 && static_cast<std::size_t>(asked.degree) < n);

  Population population;
  population.name = "synthetic";
  population.vintage = fmt::format("Synthetic: {} organisations of no real place, {} ties each ({}, {} weights)", n,
                                   asked.degree, kGraphFormNames[static_cast<std::size_t>(asked.form)],
                                   kTieWeightsNames[static_cast<std::size_t>(asked.weights)]);
  population.seed = options.seed;
  for (std::size_t r = 0; r < n_regions; ++r) {
    const std::string code = fmt::format("R{}", r + 1), name = fmt::format("Region {}", r + 1);
    population.regions.push_back({code, name, code});
    population.boards.push_back({.code = code, .name = name, .short_name = code, .region = static_cast<int>(r)});
  }

  population.code.resize(n);
  population.identity.resize(n);
  population.board.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    population.code[i] = fmt::format("S{}", i);
    population.identity[i] = identity_of(population.code[i]);
    population.board[i] = static_cast<std::uint16_t>(i * n_regions / n);
  }
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  population.label.resize(n);
  population.type.assign(n, asked.type);
  population.latitude.assign(n, 0);
  population.longitude.assign(n, 0);
  population.size.assign(n, kUnknown);
  population.quintile.assign(n, 0);
  population.nursing.assign(n, 0);
  population.teaching.assign(n, 0);
  population.parent.assign(n, -1);
  population.preterm_babies.assign(n, kUnknown);
  population.community.group_of.assign(n, -1);
  population.ownership.group_of.assign(n, -1);
  population.pathway.offsets.assign(n + 1, 0);

  const auto degree = static_cast<std::size_t>(asked.degree);
  const Key key = make_key(options.seed, 0);
  Ties& ties = population.geography;
  ties.offsets.resize(n + 1);
  ties.sources.reserve(n * degree);
  ties.weights.assign(n * degree, 1);
  std::vector<std::uint32_t> sources;
  for (std::size_t i = 0; i < n; ++i) {
    TieDraws draws(key, population.identity[i]);
    find_sources(asked, i, draws, sources);
    ties.sources.insert(ties.sources.end(), sources.begin(), sources.end());
    ties.offsets[i + 1] = static_cast<std::uint32_t>(ties.sources.size());
    if (asked.weights == TieWeights::equal) continue;
    // The second uniform says of a small world whether a tie is rewired, so weights have blocks of their own, far away.
    constexpr std::size_t kWeights = 1U << 31U;
    for (std::size_t k = 0; k < degree; ++k) ties.weights[i * degree + k] = draws.block(kWeights + k)[0];
  }
  return population;
}

}  // namespace uptake
