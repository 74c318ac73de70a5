#include "uptake/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "uptake/error.hpp"
#include "world/kernel.hpp"

namespace uptake {

namespace {

double real(std::int64_t fixed, int bits) {
  return fixed >= kNever ? NetworkProcess::kNever
                         : static_cast<double>(fixed) / static_cast<double>(std::int64_t{1} << bits);
}

std::vector<std::string> left_out_of(const Model& model, const Rates::Programme& rates, const ProgrammeSpec& spec,
                                     const ProgrammeModel& programme) {
  std::vector<std::string> left_out;
  const auto add = [&](bool is_so, const char* what) {
    if (is_so) left_out.emplace_back(what);
  };
  const auto some = [&](auto&& is_so) { return std::ranges::any_of(rates.steps, is_so); };
  add(!spec.skipped.implementing, "second attempts after an implementation that failed");
  add(rates.stop_hazard.back() > 0, "second uses: what happens after an organisation has stopped");
  add(!rates.response.is_identity(), "the response to exposure, which is not the identity");
  add(!rates.added.empty(), "communities of practice that levers make");
  add(programme.withdrawn < model.calendar().n_weeks, "the withdrawal of the programme");
  add(some([](const Rates::Step& step) { return step.decide != kUnit; }),
      "the rounding of a clock whose speed effort changes (2^-32)");
  return left_out;
}

}  // namespace

NetworkProcess network_process(const std::shared_ptr<const Model>& model, const Draw& draw, Key key) {
  const Scenario& scenario = model->scenario;
  if (model->n_programmes() != 1) {
    throw InputError(
        {{scenario.file.string(),
          fmt::format("has {} programmes, and a network file holds the process of one", model->n_programmes()),
          fmt::format("choose one, e.g. --set 'programmes=[\"{}\"]'", scenario.programmes.front().name)}});
  }
  const ProgrammeSpec& spec = scenario.programmes.front();
  if (spec.rule == LayerRule::maximum) {
    throw InputError({{scenario.file.string(),
                       fmt::format("{} joins its layers by their maximum, which no table of hazards holds", spec.name),
                       "rule = \"sum\" has one"}});
  }
  const ProgrammeModel& programme = model->programmes.front();
  const auto clocks = draw_clocks(*model, draw, key);
  const auto rates = compile(model, 0, draw);
  const Clocks::Programme& door = clocks->programmes.front();
  const Rates::Programme& table = rates->programmes.front();
  const ProgrammePlan& plan = model->strategies.front().programmes.front();

  NetworkProcess process;
  process.n_weeks = rates->n_weeks;
  process.begins = programme.begins;
  process.skips_engaged = spec.skipped.engaged;
  process.skips_implementing = spec.skipped.implementing;
  process.engaged_at_start = spec.engaged_at_start && !spec.skipped.engaged;
  process.left_out = left_out_of(*model, table, spec, programme);

  const std::size_t n = programme.n_records();
  process.nodes.resize(n);
  for (std::size_t record = 0; record < n; ++record) {
    NetworkProcess::Node& node = process.nodes[record];
    node.organisation = programme.organisation[record];
    node.hazard_class = programme.class_of[record];
    node.effort = plan.profile[record];
    node.decide = real(decide_clock(*clocks, programme, 0, record, 0), kHazardBits);
    node.stop = real(stop_clock(*clocks, programme, 0, record, 0), kStopBits + kStopFactorBits);
    if (!door.engage.empty()) node.engage = real(engage_clock(*clocks, programme, 0, record), kHazardBits);
    if (!door.weeks.empty()) {
      node.implementing_weeks = implementing_weeks(*clocks, programme, 0, record, 0);
      node.success_needs = static_cast<double>(effort_needed(*clocks, programme, 0, record, 0)) / kUnit;
    }
    for (std::size_t g = 0; g < 2; ++g) node.group[g] = programme.groups[g].group_of[record];
  }

  for (std::size_t l = 0; l < 2; ++l) {
    const Pushes& edges = programme.edges[l];
    for (std::uint32_t from = 0; from < n; ++from) {
      for (auto at = edges.offsets[from]; at < edges.offsets[from + 1]; ++at) {
        const Push push = edges[at];
        process.ties.push_back(
            {from, push.receiver, static_cast<std::uint8_t>(l), static_cast<double>(push.weight) / kFullExposure});
      }
    }
  }

  process.weeks.resize(table.n_classes);
  for (std::size_t c = 0; c < table.n_classes; ++c) {
    const Rates::Levels levels = table.levels_of(c);
    for (std::size_t w = 0; w < static_cast<std::size_t>(rates->n_weeks); ++w) {
      NetworkProcess::Week& week = process.weeks[c].emplace_back();
      week.external = real(levels.external(w + 1) - levels.external(w), kHazardBits);
      for (std::size_t slot = 0; slot < kNSlots; ++slot) {
        week.peer[slot] = real(levels.peer(slot, w + 1) - levels.peer(slot, w), kPeerRateBits);
      }
    }
  }
  for (std::size_t profile = 0; profile + 1 < table.step_offsets.size(); ++profile) {
    auto& steps = process.effort.emplace_back();
    for (auto s = table.step_offsets[profile]; s < table.step_offsets[profile + 1]; ++s) {
      const Rates::Step& step = table.steps[s];
      steps.push_back({step.from, real(step.decide, 20), real(step.engage, kHazardBits),
                       static_cast<double>(step.succeed) / kUnit, real(step.stop, kStopFactorBits)});
    }
  }
  for (std::size_t w = 0; w + 1 < table.stop_hazard.size(); ++w) {
    process.stop_hazard.push_back(real(table.stop_hazard[w + 1] - table.stop_hazard[w], kStopBits));
  }

  World world = start(rates, clocks);
  advance(world, rates, rates->n_weeks);
  for (const Event& event : world.history().events) {
    if (event.stage != Stage::in_use) continue;
    NetworkProcess::Node& node = process.nodes[event.record];
    if (node.week < 0) node.week = event.boundary;
  }
  for (const std::uint32_t record : table.in_use_at_start) process.nodes[record].in_use_at_start = true;
  return process;
}

}  // namespace uptake
