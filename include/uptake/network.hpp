/// One programme's process in one random world as plain numbers, for other engines: who listens to whom, when each clock
/// fires, and the hazards of every week. What the kernel computes follows from them.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "uptake/model.hpp"

namespace uptake {

/// All hazards are cumulated by week; every number is a multiple of a power of two, so that its decimal is exact and sums
/// of them in double precision or whole numbers are the kernel's own (docs/odd.md).
struct NetworkProcess {
  /// Names of the layers in the kernel's order: those of ties, then those of groups.
  static constexpr std::array<std::string_view, kNLayers> kLayers = [] {
    std::array<std::string_view, kNLayers> names;
    std::size_t n = 0;
    for (const auto& layers : {kEdgeLayers, kGroupLayers})
      for (const Layer layer : layers) names[n++] = kLayerNames[static_cast<std::size_t>(layer)];
    return names;
  }();
  static constexpr double kNever = std::numeric_limits<double>::infinity();
  struct Node {
    std::uint32_t organisation = 0;  ///< population index
    std::uint16_t hazard_class = 0;  ///< row of `weeks`
    std::uint32_t effort = 0;        ///< row of `effort`
    double engage = 0;               ///< cumulated hazard at which it engages, unit exponential
    /// Cumulated hazard at which it decides, the first time: unit exponential over its own multiplier; kNever outside the
    /// susceptible share.
    double decide = 0;
    std::uint16_t implementing_weeks = 0;       ///< of the first implementation
    double success_needs = 0;                   ///< it succeeds when the effort term (a logit) reaches this
    double stop = 0;                            ///< cumulated hazard at which the first use stops, unit exponential
    std::array<std::int32_t, 2> group{-1, -1};  ///< of community and ownership; -1 = in none, or alone in it
    bool in_use_at_start = false;
    int week = -1;  ///< boundary at which this program has it enter use first; -1 = not within the horizon
  };
  struct Tie {
    std::uint32_t from = 0, to = 0;  ///< nodes; `to` listens to `from`
    std::uint8_t layer = 0;          ///< index into kLayers, 0 or 1
    double weight = 0;               ///< those of a receiver in a layer sum to 1
  };
  struct Week {
    double external = 0;                  ///< hazard of deciding in the week without any peer
    std::array<double, kNLayers> peer{};  ///< more of it when everybody in the layer is in use
  };
  struct EffortStep {
    int from_week = 0;
    double decide_factor = 1;   ///< on the hazard of deciding
    double engage_hazard = 0;   ///< of a week
    double success_effort = 0;  ///< logit
    double stop_factor = 1;     ///< on the hazard of stopping
  };
  int n_weeks = 0;
  int begins = 0;  ///< boundary at which the programme begins: those in use at the start are so from here on
  bool skips_engaged = false, skips_implementing = false, engaged_at_start = false;
  std::vector<Node> nodes;
  std::vector<Tie> ties;                        ///< by source
  std::vector<std::vector<Week>> weeks;         ///< [class][week]
  std::vector<std::vector<EffortStep>> effort;  ///< [row][step]
  std::vector<double> stop_hazard;              ///< of each week since entry to use
  /// What the kernel does beside this; empty when the numbers here decide everybody's week. A sentence's part each.
  std::vector<std::string> left_out;
};

/// The process of the only programme of a model under its first strategy, in the world of `key`.
/// @throws InputError when the scenario has several programmes, or the rule of layers is their maximum
[[nodiscard]] NetworkProcess network_process(const std::shared_ptr<const Model>& model, const Draw& draw, Key key);

}  // namespace uptake
