/// The reference process of bench/bass-on-network.toml at any size, and a check of whole worlds that is as fast as they are.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "uptake/outcomes.hpp"
#include "uptake/scenario.hpp"
#include "world/kernel.hpp"

namespace uptake::bench {

inline const std::filesystem::path kData = std::filesystem::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

struct Size {
  std::size_t n = 22'000;
  int degree = 10;
  int weeks = 520;
  int programmes = 1;
  double q_per_week = 0.012;
  std::string graph = "small-world";
  friend auto operator<=>(const Size&, const Size&) = default;
};

struct Process {
  std::shared_ptr<const Model> model;
  Draw draw;
  Key key;
  double build_seconds = 0;
  double model_bytes = 0;  ///< resident memory that population and model took
};

/// Resident memory of this program, bytes.
inline double resident() {
  std::ifstream statm("/proc/self/statm");
  double total = 0, pages = 0;
  statm >> total >> pages;
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

inline Process make_process(const Size& size) {
  Process made;
  const double before = resident();
  const std::filesystem::path file = std::filesystem::path(UPTAKE_SOURCE_FOLDER) / "bench" / "bass-on-network.toml";
  const std::vector<std::string> changes{
      fmt::format("population={{ synthetic = {}, degree = {}, graph = \"{}\", weights = \"random\", seed = 1 }}",
                  size.n, size.degree, size.graph),
      fmt::format("horizon=\"{} weeks\"", size.weeks), fmt::format("bass.q=\"{} /week\"", size.q_per_week)};
  Scenario scenario = load_scenario(file, changes, kData);
  for (int copy = 1; copy < size.programmes; ++copy) {
    scenario.programmes.push_back(scenario.programmes.front());
    scenario.programmes.back().name = scenario.programmes.back().classification = fmt::format("plain-bass-{}", copy);
  }
  auto population = std::make_shared<const Population>(build_population(scenario, kData));
  made.model = make_model(std::move(scenario), std::move(population));
  made.model_bytes = resident() - before;
  made.key = make_key(1, 0);
  made.draw = draw_parameters(made.model->scenario, made.key);
  return made;
}

/// Whether a history is *the* history of the plain process: every adoption falls in the first week at whose end the
/// cumulated hazard, given everybody else's week, has reached the clock, and nobody else's clock is reached at the
/// horizon. By induction over weeks only one history has this property, so the check is complete, and costs one pass over
/// the ties. It shares nothing with the kernel but the tables: no bounds, diary, targets or pushes.
inline bool is_the_history(const Model& model, const Rates& rates, const Clocks& clocks, const History& history) {
  const auto n_weeks = static_cast<std::size_t>(rates.n_weeks);
  std::vector<std::uint32_t> week(model.n_records(), rates.n_weeks + 1U);  // boundary of entry to use
  for (const Event& event : history.events) {
    if (event.stage != Stage::in_use || event.boundary == 0) return false;
    if (std::exchange(week[event.record], event.boundary) <= n_weeks) return false;
  }
  for (std::size_t j = 0; j < model.programmes.size(); ++j) {
    const ProgrammeModel& programme = model.programmes[j];
    const Rates::Programme& table = rates.programmes[j];
    const std::size_t n = programme.n_records();
    if (table.n_classes > 2 || !table.response.is_identity() || !table.added.empty()) return false;
    const std::uint32_t* when = &week[model.first_record[j]];
    // The cumulated peer table of the one class with ties (or of the one without).
    const auto peer = [&](std::size_t boundary, std::size_t c) { return table.levels_of(c).peer(0, boundary); };
    std::vector<std::int64_t> before(n), at(n);  // peer parts of the levels at boundaries week - 1 and week
    for (std::size_t source = 0; source < n; ++source) {
      if (when[source] > n_weeks) continue;
      for (auto e = programme.edges[0].offsets[source]; e < programme.edges[0].offsets[source + 1]; ++e) {
        const Push push = programme.edges[0][e];
        const std::size_t c = programme.class_of[push.receiver];
        const auto until = [&](std::size_t boundary) {
          return boundary > when[source] ? push.weight * (peer(boundary, c) - peer(when[source], c)) : 0;
        };
        const std::size_t end = std::min<std::size_t>(when[push.receiver], n_weeks);
        at[push.receiver] += until(end);
        before[push.receiver] += until(end - 1);
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t c = programme.class_of[i], end = std::min<std::size_t>(when[i], n_weeks);
      const std::int64_t clock = decide_clock(clocks, programme, j, i, 0);
      const bool reached = table.levels_of(c).external(end) + at[i] >= clock;
      const bool earlier = table.levels_of(c).external(end - 1) + before[i] >= clock;
      if (reached != (when[i] <= n_weeks) || earlier) return false;
    }
  }
  return true;
}

}  // namespace uptake::bench
