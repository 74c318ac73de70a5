#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "population/regions.hpp"
#include "random/lanes.hpp"
#include "uptake/error.hpp"
#include "uptake/population.hpp"
#include "uptake/random.hpp"

namespace uptake {

namespace {

/// Blocks from here on are weights: the second uniform of a small world's first ones says whether a tie is rewired.
constexpr std::uint32_t kWeights = 1U << 31U;

std::uint32_t anybody(double u, std::size_t n) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(n - 1, static_cast<std::size_t>(u * static_cast<double>(n))));
}

/// Ties of some receivers at a time. Block k of a receiver decides its k-th tie, and blocks from `degree` on stand in for
/// ties that would lead to oneself or twice to the same organisation.
class TieDraws {
 public:
  static constexpr std::size_t kPart = 256;
  TieDraws(const Population& population, const SyntheticPopulation& asked)
      : population_(population),
        asked_(asked),
        key_(make_key(population.seed, 0)),
        degree_(static_cast<std::size_t>(asked.degree)) {
    where_.resize(degree_ * kPart);
    whether_.resize(degree_ * kPart);
    weight_.assign(degree_ * kPart, 1);
    ties_.resize(degree_);
  }

  /// Draws the numbers of receivers begin .. begin + n.
  void draw(std::size_t begin, std::size_t n) {
    begin_ = begin;
    for (std::size_t k = 0; k < degree_; ++k) {
      if (asked_.form != GraphForm::ring)
        fill(static_cast<std::uint32_t>(k), n, &where_[k * kPart], &whether_[k * kPart]);
      if (asked_.weights == TieWeights::random) fill(kWeights + static_cast<std::uint32_t>(k), n, &weight_[k * kPart]);
    }
  }
  /// Ties of receiver begin + i.
  std::span<const Heard> ties(std::size_t i) {
    const std::size_t n = asked_.n_organisations, receiver = begin_ + i;
    const auto is_taken = [&](std::uint32_t source, std::size_t n_ties) {
      const auto end = ties_.begin() + static_cast<std::ptrdiff_t>(n_ties);
      return source == receiver ||
             std::any_of(ties_.begin(), end, [&](const Heard& tie) { return tie.source == source; });
    };
    auto spare = static_cast<std::uint32_t>(degree_);
    const auto free = [&](double u, std::size_t n_ties) {
      std::uint32_t source = anybody(u, n);
      while (is_taken(source, n_ties))
        source = anybody(
            uniform(key_, {population_.identity[receiver], spare++, static_cast<std::uint16_t>(Stream::population), 0}),
            n);
      return source;
    };
    for (std::size_t k = 0; k < degree_; ++k) {
      ties_[k].weight = weight_[k * kPart + i];
      if (asked_.form == GraphForm::random) {
        ties_[k].source = free(where_[k * kPart + i], k);
      } else {
        const std::size_t away = k / 2 + 1;
        ties_[k].source = static_cast<std::uint32_t>((receiver + (k % 2 == 0 ? away : n - away)) % n);
      }
    }
    if (asked_.form == GraphForm::small_world && degree_ + 1 < n) {
      for (std::size_t k = 0; k < degree_; ++k)
        if (whether_[k * kPart + i] < asked_.rewired) ties_[k].source = free(where_[k * kPart + i], degree_);
    }
    return ties_;
  }

 private:
  /// No programme is meant: its field numbers the block, for which 16 bits would not be enough.
  void fill(std::uint32_t block, std::size_t n, double* first, double* second = nullptr) {
    lanes::best().uniforms(key_, {0, block, static_cast<std::uint16_t>(Stream::population), 0},
                           &population_.identity[begin_], n, first, second);
  }
  const Population& population_;
  const SyntheticPopulation& asked_;
  Key key_;
  std::size_t degree_, begin_ = 0;
  std::vector<double> where_, whether_, weight_;  ///< [tie][receiver of the part]
  std::vector<Heard> ties_;                       ///< of the receiver in hand
};

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
  population.regions = synthetic_regions(asked.n_regions);
  for (std::size_t r = 0; r < n_regions; ++r) {
    const Region& region = population.regions[r];
    population.boards.push_back(
        {.code = region.code, .name = region.name, .short_name = region.short_name, .region = static_cast<int>(r)});
  }

  population.code = Codes("S", n);
  population.identity.resize(n);
  population.board.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    population.identity[i] = identity_of(population.code[i]);
    population.board[i] = static_cast<std::uint16_t>(i * n_regions / n);
  }
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  population.label.assign(n, "");
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
  population.synthetic = asked;
  return population;
}

std::size_t n_ties(const Population& population, Layer layer) {
  if (layer == Layer::geography && population.synthetic)
    return population.n_organisations() * static_cast<std::size_t>(population.synthetic->degree);
  return (layer == Layer::geography ? population.geography : population.pathway).sources.size();
}

void hear(const Population& population, Layer layer,
          const std::function<void(std::size_t receiver, std::span<const Heard> ties)>& hear_them) {
  const std::size_t n = population.n_organisations();
  if (layer == Layer::geography && population.synthetic) {
    TieDraws draws(population, *population.synthetic);
    for (std::size_t begin = 0; begin < n; begin += TieDraws::kPart) {
      const std::size_t size = std::min(TieDraws::kPart, n - begin);
      draws.draw(begin, size);
      for (std::size_t i = 0; i < size; ++i) hear_them(begin + i, draws.ties(i));
    }
    return;
  }
  const Ties& ties = layer == Layer::geography ? population.geography : population.pathway;
  if (ties.offsets.empty()) return;
  std::vector<Heard> heard;
  for (std::size_t receiver = 0; receiver < n; ++receiver) {
    heard.clear();
    for (auto e = ties.offsets[receiver]; e < ties.offsets[receiver + 1]; ++e)
      heard.push_back({ties.sources[e], ties.weights[e]});
    hear_them(receiver, heard);
  }
}

}  // namespace uptake
