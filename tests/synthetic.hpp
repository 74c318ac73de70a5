/// Small random populations and scenarios made in code, for tests and benches.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "uptake/model.hpp"
#include "uptake/population.hpp"
#include "uptake/scenario.hpp"

namespace uptake::synthetic {

struct Options {
  int n_regions = 3;
  int boards_per_region = 2;
  int n_nearest = 6;  ///< geography ties of each organisation
  double owned_share = 0.5;
  int owner_size = 5;           ///< mean members of an owner group
  double practice_share = 0.2;  ///< practices; the rest are care homes
  std::uint64_t seed = 1;
};

/// Uniform number of one organisation and purpose.
inline double u(std::uint64_t seed, std::string_view code, std::uint16_t purpose) {
  return uniform(make_key(seed, 0), {identity_of(code), 0, static_cast<std::uint16_t>(Stream::population), purpose});
}

/// Appends one organisation without ties or groups.
inline void add(Population& population, const std::string& code, OrganisationType type, int board, double size,
                int quintile) {
  population.code.push_back(code);
  population.label.push_back("");
  population.identity.push_back(identity_of(code));
  population.type.push_back(type);
  population.board.push_back(static_cast<std::uint16_t>(board));
  population.latitude.push_back(52.0);
  population.longitude.push_back(-1.0);
  population.size.push_back(size);
  population.quintile.push_back(static_cast<std::uint8_t>(quintile));
  population.nursing.push_back(0);
  population.teaching.push_back(0);
  population.parent.push_back(-1);
  population.preterm_babies.push_back(std::nan(""));
  population.community.group_of.push_back(-1);
  population.ownership.group_of.push_back(-1);
  if (population.geography.offsets.empty()) population.geography.offsets = population.pathway.offsets = {0};
  population.geography.offsets.push_back(population.geography.offsets.back());
  population.pathway.offsets.push_back(population.pathway.offsets.back());
}

/// n organisations with random ties in all layers. Ties only ever go to earlier or later organisations of the same draw,
/// so the same seed and n give the same population.
inline std::shared_ptr<Population> population(std::size_t n, const Options& options = {}) {
  auto made = std::make_shared<Population>();
  Population& out = *made;
  out.name = "synthetic";
  const int n_boards = options.n_regions * options.boards_per_region;
  for (int r = 0; r < options.n_regions; ++r)
    out.regions.push_back({fmt::format("R{}", r), fmt::format("Region {}", r), fmt::format("R{}", r)});
  for (int b = 0; b < n_boards; ++b) {
    out.boards.push_back({fmt::format("B{}", b), fmt::format("Board {}", b), fmt::format("B{}", b),
                          b / options.boards_per_region, 52, -1});
    out.community.names.push_back(out.boards.back().name);
  }
  out.community.n_groups = n_boards;
  out.ownership.n_groups =
      std::max(1, static_cast<int>(options.owned_share * static_cast<double>(n) / options.owner_size));
  out.ownership.names.assign(static_cast<std::size_t>(out.ownership.n_groups), "owner");
  for (std::size_t i = 0; i < n; ++i) {
    const std::string code = fmt::format("O{}", i);
    const auto random = [&](std::uint16_t purpose) { return u(options.seed, code, purpose); };
    const auto type = random(1) < options.practice_share ? OrganisationType::practice : OrganisationType::care_home;
    add(out, code, type, static_cast<int>(random(2) * n_boards), 5 + 60 * random(3),
        1 + static_cast<int>(random(4) * 5));
    out.community.group_of.set(i, out.board[i]);
    if (random(5) < options.owned_share)
      out.ownership.group_of.set(i, static_cast<std::int32_t>(random(6) * out.ownership.n_groups));
  }
  out.geography = out.pathway = {};
  out.geography.offsets = out.pathway.offsets = {0};
  for (std::size_t i = 0; i < n; ++i) {
    const std::string& code = out.code[i];
    for (int k = 0; k < options.n_nearest; ++k) {
      const auto other = static_cast<std::uint32_t>(u(options.seed, code, static_cast<std::uint16_t>(100 + k)) *
                                                    static_cast<double>(n));
      const auto begin = out.geography.sources.begin() + out.geography.offsets.back();
      if (other == i || std::find(begin, out.geography.sources.end(), other) != out.geography.sources.end()) continue;
      out.geography.sources.push_back(other);
      out.geography.weights.push_back(0.1 + u(options.seed, code, static_cast<std::uint16_t>(200 + k)));
    }
    out.geography.offsets.push_back(static_cast<std::uint32_t>(out.geography.sources.size()));
    if (u(options.seed, code, 7) < 0.3) {
      const auto other = static_cast<std::uint32_t>(u(options.seed, code, 8) * static_cast<double>(n));
      if (other != i) {
        out.pathway.sources.push_back(other);
        out.pathway.weights.push_back(1);
      }
    }
    out.pathway.offsets.push_back(static_cast<std::uint32_t>(out.pathway.sources.size()));
  }
  return made;
}

/// A scenario of `weeks` weeks with the three standard strategies and no programmes yet.
inline Scenario scenario(int weeks) {
  using namespace std::chrono;
  Scenario made;
  made.name = made.title = "synthetic";
  made.calendar.start = 2021y / January / 1;
  made.calendar.n_weeks = weeks;
  made.calendar.report_at = {made.calendar.last_day()};
  made.replicates = 1;
  made.mode = ParameterMode::defaults;
  made.strategies = {{"as-delivered", Delivery::as_delivered, {}},
                     {"no-network", Delivery::no_network, {}},
                     {"no-programme", Delivery::no_programme, {}}};
  made.comparator = 1;
  made.economy = default_economy();
  return made;
}

}  // namespace uptake::synthetic
