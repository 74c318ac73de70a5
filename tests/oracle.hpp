/// Two slow and obvious twins of the kernel. Neither knows buckets, bounds, targets or pushes as they happen: every week
/// they look at everybody, with exposures summed afresh from who is in use.
///
/// `integer_twin` uses the kernel's integer weekly rates and must agree with it event by event, to the bit.
/// `real_twin` uses the equations of docs/odd.md 7.1 in double precision, straight from the draw and from the
/// population's own ties, and bounds the rounding of the fixed point.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "uptake/model.hpp"
#include "uptake/outcomes.hpp"
#include "uptake/world.hpp"
#include "world/kernel.hpp"

namespace uptake::oracle {

/// Events in order of boundary, then record.
inline std::vector<Event> sorted(std::vector<Event> events) {
  std::ranges::sort(events, [](const Event& a, const Event& b) {
    return std::pair{a.boundary, a.record} < std::pair{b.boundary, b.record};
  });
  return events;
}

struct Actor {
  Stage stage = Stage::unaware;
  int begins = 0;         ///< first week of a waiting clock
  bool waits = false;     ///< has a decision clock
  std::int64_t left = 0;  ///< integer twin: rest of the clock
  double left_real = 0;
  std::uint32_t multiplier = kUnit;
  int weeks_left = 0;
  int entered = 0;
  std::uint16_t decisions = 0, implementations = 0, uses = 0;
};

/// Who is in use, told in one place for both twins.
struct Crowd {
  const Model& model;
  const StrategyPlan& plan;
  std::vector<Actor> actors;
  std::vector<Event> events;

  explicit Crowd(const Model& m, int strategy)
      : model(m), plan(m.strategies[static_cast<std::size_t>(strategy)]), actors(m.n_records()) {}

  /// A programme begins: share_of(j) of its organisations are in use beside those of the plan.
  template <class ShareOf>
  void open(int boundary, ShareOf share_of) {
    for (std::size_t j = 0; j < model.programmes.size(); ++j) {
      const ProgrammeModel& programme = model.programmes[j];
      if (programme.begins != boundary) continue;
      const auto& spec = model.scenario.programmes[j];
      auto sites = plan.programmes[j].in_use_at_start;
      const long n = std::lround(share_of(j) * static_cast<double>(programme.n_records()));
      for (long k = 0; k < n; ++k) sites.push_back(programme.start_order.at(static_cast<std::size_t>(k)));
      for (std::uint32_t record = 0; record < programme.n_records(); ++record) {
        const auto id = model.first_record[j] + record;
        if (std::ranges::find(sites, record) != sites.end()) {
          enter(id, Stage::in_use, boundary);
        } else if (spec.engaged_at_start && !spec.skipped.engaged) {
          enter(id, Stage::engaged, boundary);
        } else if (spec.skipped.engaged) {
          actors[id].waits = true;
          actors[id].begins = boundary;
        }
      }
    }
  }
  /// Others of the community of practice that a lever made, and how many of them are in use; none when not a member.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> fellows(std::size_t j, std::uint32_t record) const {
    const auto& joins = plan.programmes[j].joins;
    const ProgrammeModel& programme = model.programmes[j];
    std::pair<std::uint64_t, std::uint64_t> found{0, 0};
    if (joins.empty() || joins[record] == 0) return found;
    for (std::uint32_t other = 0; other < programme.n_records(); ++other) {
      if (other == record || joins[other] == 0 || programme.region[other] != programme.region[record]) continue;
      found.first += 1;
      found.second += actors[model.first_record[j] + other].stage == Stage::in_use ? 1U : 0U;
    }
    return found;
  }
  [[nodiscard]] std::size_t programme_of(std::size_t id) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(model.first_record, id) - model.first_record.begin()) - 1;
  }
  void enter(std::uint32_t id, Stage to, int boundary) {
    Actor& actor = actors[id];
    events.push_back({id, static_cast<std::uint16_t>(boundary), to, actor.stage});
    const auto& spec = model.scenario.programmes[programme_of(id)];
    actor.stage = to;
    actor.entered = boundary;
    const bool decides_again = to == Stage::stopped && spec.restart == Restart::decides_again;
    actor.waits = to == Stage::engaged || to == Stage::unaware || decides_again;
    actor.begins = boundary;
    if (to == Stage::in_use) actor.uses += 1;
  }
  /// Programmes that an organisation is implementing, where they compete.
  [[nodiscard]] int busy(std::uint32_t organisation) const {
    if (model.organisation_offsets.empty()) return 0;
    int n = 0;
    for (auto at = model.organisation_offsets[organisation]; at < model.organisation_offsets[organisation + 1]; ++at) {
      n += actors[model.organisation_records[at]].stage == Stage::implementing ? 1 : 0;
    }
    return n;
  }
};

inline std::vector<Event> integer_twin(const Model& model, int strategy, const Rates& rates, const Draw& draw,
                                       const Clocks& clocks) {
  Crowd crowd(model, strategy);
  const int n_weeks = model.calendar().n_weeks;
  std::vector<std::int64_t> engaged(model.n_records(), 0), stopping(model.n_records(), 0),
      restarting(model.n_records(), 0);
  const auto share_in_use = [&](std::size_t j) { return draw(static_cast<int>(j), Parameter::start_in_use); };
  for (int week = 0; week < n_weeks; ++week) {
    crowd.open(week, share_in_use);
    std::vector<std::pair<std::uint32_t, Stage>> moves;
    const auto w = static_cast<std::size_t>(week);
    for (std::size_t j = 0; j < model.programmes.size(); ++j) {
      const ProgrammeModel& programme = model.programmes[j];
      if (week < programme.begins) continue;
      const bool withdrawn = week >= programme.withdrawn;
      const auto& plan = model.strategies[static_cast<std::size_t>(strategy)].programmes[j];
      const auto& spec = model.scenario.programmes[j];
      const auto& table = rates.programmes[j];
      const auto first = model.first_record[j];
      std::vector<std::array<std::uint32_t, 4>> exposure(programme.n_records(), std::array<std::uint32_t, 4>{});
      for (std::size_t l = 0; l < 2; ++l) {
        for (std::uint32_t source = 0; source < programme.n_records(); ++source) {
          if (crowd.actors[first + source].stage != Stage::in_use) continue;
          for (auto e = programme.edges[l].offsets[source]; e < programme.edges[l].offsets[source + 1]; ++e) {
            exposure[programme.edges[l][e].receiver][l] += programme.edges[l][e].weight;
          }
        }
      }
      for (std::size_t g = 0; g < 2; ++g) {
        const GroupLayer& layer = programme.groups[g];
        std::vector<std::uint64_t> in_use(layer.n_members.size(), 0);
        for (std::uint32_t record = 0; record < programme.n_records(); ++record) {
          if (layer.group_of[record] >= 0 && crowd.actors[first + record].stage == Stage::in_use) {
            in_use[static_cast<std::size_t>(layer.group_of[record])] += 1;
          }
        }
        for (std::uint32_t record = 0; record < programme.n_records(); ++record) {
          if (layer.group_of[record] < 0) continue;
          const auto group = static_cast<std::size_t>(layer.group_of[record]);
          const auto share = in_use[group] * kFullExposure / (layer.n_members[group] - 1);
          exposure[record][2 + g] = static_cast<std::uint32_t>(std::min<std::uint64_t>(share, kFullExposure));
        }
      }
      for (std::uint32_t record = 0; record < programme.n_records(); ++record) {
        const auto id = first + record;
        Actor& actor = crowd.actors[id];
        const Rates::Step& effort = Rates::step_at(table, plan.profile[record], week);
        const Stage after_decision = spec.skipped.implementing ? Stage::in_use : Stage::implementing;
        if (withdrawn) actor.waits = false;
        if (actor.waits && week >= actor.begins) {
          std::uint32_t multiplier = effort.decide;
          if (!table.attention.empty()) {
            const std::uint64_t k =
                table.attention[static_cast<std::size_t>(crowd.busy(programme.organisation[record]))];
            multiplier = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, multiplier * k / kUnit));
          }
          if (week == actor.begins) {
            actor.left = decide_clock(clocks, programme, j, record, actor.decisions++);
            if (actor.left >= kNever) actor.waits = false;
            actor.left = rescale(actor.left, kUnit, multiplier);
          } else if (multiplier != actor.multiplier) {
            actor.left = rescale(actor.left, actor.multiplier, multiplier);
          }
          actor.multiplier = multiplier;
          const Rates::Levels levels = table.levels_of(programme.class_of[record]);
          actor.left -= levels.external(w + 1) - levels.external(w);
          std::int64_t most = 0;
          for (std::size_t slot = 0; slot < kNSlots; ++slot) {
            const auto value = table.response(exposure[record][slot]);
            actor.left -= value * (levels.peer(slot, w + 1) - levels.peer(slot, w));
            most = std::max(most, value);
          }
          if (const auto [others, in_use] = crowd.fellows(j, record); others > 0) {
            const std::int64_t* added = table.added_of(programme.region_class[programme.region[record]]) + w;
            const auto share =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(in_use * kFullExposure / others, kFullExposure));
            actor.left -= table.response(share) * (added[1] - added[0]);
          }
          if (!table.any_layer.empty())
            actor.left -= most * table.any_layer[w * table.n_classes + programme.class_of[record]];
          if (actor.waits && actor.left <= 0) {
            moves.emplace_back(id, after_decision);
            actor.waits = false;
          }
          continue;
        }
        switch (actor.stage) {
          case Stage::unaware:
            if (spec.skipped.engaged) break;
            engaged[id] += effort.engage;
            if (engaged[id] >= engage_clock(clocks, programme, j, record)) moves.emplace_back(id, Stage::engaged);
            break;
          case Stage::implementing:
            if (--actor.weeks_left == 0) {
              const auto occurrence = static_cast<std::uint16_t>(actor.implementations - 1);
              const bool succeeds = effort.succeed >= effort_needed(clocks, programme, j, record, occurrence);
              moves.emplace_back(id, succeeds ? Stage::in_use : spec.skipped.engaged ? Stage::unaware : Stage::engaged);
            }
            break;
          case Stage::in_use: {
            const auto age = static_cast<std::size_t>(week - actor.entered);
            stopping[id] += times_stop_factor(table.stop_hazard[age + 1] - table.stop_hazard[age], effort.stop);
            if (stopping[id] >= stop_clock(clocks, programme, j, record, static_cast<std::uint16_t>(actor.uses - 1))) {
              moves.emplace_back(id, Stage::stopped);
            }
            break;
          }
          case Stage::stopped:
            restarting[id] += table.restart;
            if (!withdrawn && spec.restart == Restart::constant && table.restart > 0 &&
                restarting[id] >=
                    restart_clock(clocks, programme, j, record, static_cast<std::uint16_t>(actor.uses - 1))) {
              moves.emplace_back(id, after_decision);
            }
            break;
          case Stage::engaged:
            break;
        }
      }
    }
    for (const auto& [id, to] : moves) {
      const auto j = crowd.programme_of(id);
      Actor& actor = crowd.actors[id];
      const bool failed = actor.stage == Stage::implementing && to != Stage::in_use;
      crowd.enter(id, to, week + 1);
      if (failed) actor.begins += rates.programmes[j].refractory_weeks;
      stopping[id] = restarting[id] = 0;
      if (to == Stage::implementing) {
        actor.weeks_left =
            implementing_weeks(clocks, model.programmes[j], j, id - model.first_record[j], actor.implementations++);
      }
    }
  }
  crowd.open(n_weeks, share_in_use);
  return sorted(crowd.events);
}

/// The equations of docs/odd.md 7.1 in double precision.
inline std::vector<Event> real_twin(const Model& model, int strategy, const Draw& draw, Key key) {
  Crowd crowd(model, strategy);
  const Population& population = *model.population;
  const double years = model.calendar().step_years;
  const Strategy& asked = model.scenario.strategies[static_cast<std::size_t>(strategy)];
  std::vector<double> engaged(model.n_records(), 0), stopping(model.n_records(), 0), restarting(model.n_records(), 0);
  const auto share_in_use = [&](std::size_t j) { return draw(static_cast<int>(j), Parameter::start_in_use); };
  for (int week = 0; week < model.calendar().n_weeks; ++week) {
    crowd.open(week, share_in_use);
    const auto w = static_cast<std::size_t>(week);
    std::vector<std::pair<std::uint32_t, Stage>> moves;
    for (std::size_t j = 0; j < model.programmes.size(); ++j) {
      const ProgrammeModel& programme = model.programmes[j];
      if (week < programme.begins) continue;
      const bool withdrawn = week >= programme.withdrawn;
      const auto& plan = model.strategies[static_cast<std::size_t>(strategy)].programmes[j];
      const auto& spec = model.scenario.programmes[j];
      const auto v = [&](Parameter id) { return draw(static_cast<int>(j), id); };
      std::vector<int> record_of(population.n_organisations(), -1);
      for (std::size_t r = 0; r < programme.n_records(); ++r)
        record_of[programme.organisation[r]] = static_cast<int>(r);
      const auto uses = [&](std::size_t organisation) {
        const int r = record_of[organisation];
        return r >= 0 && crowd.actors[model.first_record[j] + static_cast<std::size_t>(r)].stage == Stage::in_use;
      };
      const auto g = [&](double exposure) {
        if (spec.response == PeerResponse::bass || v(Parameter::kappa) == 1) return exposure;
        const double a = std::pow(exposure, v(Parameter::kappa)),
                     t = std::pow(v(Parameter::theta), v(Parameter::kappa));
        return (1 + t) * a / (a + t);
      };
      for (std::uint32_t record = 0; record < programme.n_records(); ++record) {
        const auto id = model.first_record[j] + record;
        const auto organisation = programme.organisation[record];
        Actor& actor = crowd.actors[id];
        const auto clock = [&](Stream stream, std::uint16_t occurrence) {
          return DrawId{programme.organisation_identity[record], programme.identity, static_cast<std::uint16_t>(stream),
                        occurrence};
        };
        EffortStep dose{};
        for (const EffortStep& step : plan.profiles[plan.profile[record]]) {
          if (step.from <= week) dose = step;
        }
        const auto sat = [&](float e) {
          return 1 - std::exp2(-static_cast<double>(e) / v(Parameter::half_effort_factor));
        };
        const double support = sat(dose.facilitation);
        const double readiness =
            v(Parameter::sd_readiness) * normal(key, {programme.organisation_identity[record], programme.class_identity,
                                                      static_cast<std::uint16_t>(Stream::readiness), 0});
        const auto factors = plan.classes[programme.region_class[programme.region[record]]];
        const Stage after_decision = spec.skipped.implementing ? Stage::in_use : Stage::implementing;
        if (withdrawn) actor.waits = false;
        if (actor.waits && week >= actor.begins) {
          if (week == actor.begins) {
            actor.left_real = exponential(key, clock(Stream::decide, actor.decisions++));
            if (uniform(key, clock(Stream::susceptible, 0)) >= v(Parameter::susceptible_share)) actor.waits = false;
          }
          // Exposure by layer: share of ties (weights) or of the other members in use, among those eligible.
          std::array<double, kNLayers> exposure{}, present{};
          for (const Layer layer : kEdgeLayers) {
            const Ties& ties = layer == Layer::geography ? population.geography : population.pathway;
            double in_use = 0, all = 0;
            for (auto e = ties.offsets.empty() ? 0 : ties.offsets[organisation];
                 !ties.offsets.empty() && e < ties.offsets[organisation + 1]; ++e) {
              if (record_of[ties.sources[e]] < 0) continue;
              all += ties.weights[e];
              in_use += uses(ties.sources[e]) ? ties.weights[e] : 0;
            }
            if (all > 0)
              exposure[static_cast<std::size_t>(layer)] = in_use / all, present[static_cast<std::size_t>(layer)] = 1;
          }
          for (const Layer layer : kGroupLayers) {
            const Groups& groups = layer == Layer::community ? population.community : population.ownership;
            if (groups.group_of.empty() || groups.group_of[organisation] < 0) continue;
            double in_use = 0, others = 0;
            for (const auto other : programme.organisation) {
              if (other == organisation || groups.group_of[other] != groups.group_of[organisation]) continue;
              others += 1;
              in_use += uses(other) ? 1 : 0;
            }
            if (others > 0)
              exposure[static_cast<std::size_t>(layer)] = in_use / others, present[static_cast<std::size_t>(layer)] = 1;
          }
          const std::array<Parameter, kNLayers> shares{Parameter::share_geography, Parameter::share_community,
                                                       Parameter::share_ownership, Parameter::share_pathway};
          double total = 0, peers = 0, most = 0;
          for (std::size_t l = 0; l < kNLayers; ++l) total += present[l] * v(shares[l]);
          for (std::size_t l = 0; l < kNLayers; ++l) {
            if (present[l] == 0 || total == 0) continue;
            peers += v(shares[l]) / total * g(exposure[l]);
            most = std::max(most, g(exposure[l]));
          }
          if (spec.rule == LayerRule::maximum) peers = most;
          if (const auto [others, in_use] = crowd.fellows(j, record); others > 0) {
            peers += v(Parameter::added_community) * static_cast<double>(factors.community[w]) *
                     g(static_cast<double>(in_use) / static_cast<double>(others));
          }
          const double busy = crowd.busy(organisation);
          const double attention = model.scenario.attention && asked.attention == Attention::as_scenario
                                       ? 1 / (1 + std::pow(busy / v(Parameter::attention_half_point), 2))
                                       : 1;
          const double x = v(Parameter::beta_size) * static_cast<double>(programme.size_z[record]) +
                           v(Parameter::beta_chain) * static_cast<double>(programme.chain[record]) +
                           v(Parameter::beta_teaching) * static_cast<double>(programme.teaching[record]) +
                           v(Parameter::beta_deprivation) * static_cast<double>(programme.deprivation[record]);
          const double region = v(Parameter::sd_region) *
                                normal(key, {identity_of("region:" + population.regions[programme.region[record]].code),
                                             programme.identity, static_cast<std::uint16_t>(Stream::region_effect), 0});
          const double p = v(Parameter::p_market) +
                           (v(Parameter::p) - v(Parameter::p_market)) * static_cast<double>(factors.commissioned[w]);
          const double mandate = 1 + (v(Parameter::psi) - 1) * static_cast<double>(factors.mandate[w]);
          const double covid = factors.covid[w] > 0   ? v(Parameter::s_plus)
                               : factors.covid[w] < 0 ? v(Parameter::s_minus)
                                                      : 1;
          actor.left_real -= std::exp(x + region + readiness - v(Parameter::complexity)) *
                             (p + v(Parameter::q) * peers) * (1 + (v(Parameter::eta) - 1) * support) * mandate * covid *
                             static_cast<double>(factors.shock[w]) * attention * years;
          if (actor.waits && actor.left_real <= 0) {
            moves.emplace_back(id, after_decision);
            actor.waits = false;
          }
          continue;
        }
        switch (actor.stage) {
          case Stage::unaware:
            if (spec.skipped.engaged) break;
            engaged[id] += (v(Parameter::a0) + v(Parameter::a1) * sat(dose.outreach)) * years;
            if (engaged[id] >= exponential(key, clock(Stream::engage, 0))) moves.emplace_back(id, Stage::engaged);
            break;
          case Stage::implementing:
            if (--actor.weeks_left == 0) {
              const double u =
                  uniform(key, clock(Stream::succeed, static_cast<std::uint16_t>(actor.implementations - 1)));
              const double chance =
                  1 / (1 + (1 / v(Parameter::phi) - 1) *
                               std::exp(-v(Parameter::success_by_readiness) * readiness +
                                        v(Parameter::success_by_complexity) * v(Parameter::complexity) -
                                        v(Parameter::success_by_effort) * support));
              moves.emplace_back(id, u < chance             ? Stage::in_use
                                     : spec.skipped.engaged ? Stage::unaware
                                                            : Stage::engaged);
            }
            break;
          case Stage::in_use: {
            const double age = (week - actor.entered) * years;
            const double f = fidelity_at(age + years / 2, v(Parameter::fidelity_start), v(Parameter::retraining),
                                         v(Parameter::turnover));
            stopping[id] += (age < 1 ? v(Parameter::mu1) : v(Parameter::mu2)) *
                            std::exp(v(Parameter::stop_by_fidelity) * (0.7 - f)) *
                            (1 - v(Parameter::stop_by_effort) * support) *
                            (withdrawn ? v(Parameter::withdrawal_factor) : 1) * years;
            if (stopping[id] >= exponential(key, clock(Stream::stop, static_cast<std::uint16_t>(actor.uses - 1)))) {
              moves.emplace_back(id, Stage::stopped);
            }
            break;
          }
          case Stage::stopped:
            restarting[id] += v(Parameter::rho) * years;
            if (!withdrawn && spec.restart == Restart::constant && v(Parameter::rho) > 0 &&
                restarting[id] >=
                    exponential(key, clock(Stream::restart, static_cast<std::uint16_t>(actor.uses - 1)))) {
              moves.emplace_back(id, after_decision);
            }
            break;
          case Stage::engaged:
            break;
        }
      }
    }
    for (const auto& [id, to] : moves) {
      const auto j = crowd.programme_of(id);
      const auto v = [&](Parameter p) { return draw(static_cast<int>(j), p); };
      Actor& actor = crowd.actors[id];
      const bool failed = actor.stage == Stage::implementing && to != Stage::in_use;
      crowd.enter(id, to, week + 1);
      if (failed) actor.begins += static_cast<int>(std::lround(v(Parameter::refractory) / years));
      stopping[id] = restarting[id] = 0;
      if (to == Stage::implementing) {
        double sum = 0;
        const int phases = static_cast<int>(std::lround(v(Parameter::erlang_shape)));
        for (int phase = 0; phase < phases; ++phase) {
          const DrawId at{population.identity[model.programmes[j].organisation[id - model.first_record[j]]],
                          model.programmes[j].identity,
                          static_cast<std::uint16_t>(static_cast<int>(Stream::implement) + phase / 2),
                          actor.implementations};
          sum -= std::log(uniforms(key, at)[static_cast<std::size_t>(phase % 2)]);
        }
        actor.implementations += 1;
        actor.weeks_left = std::max(1, static_cast<int>(std::ceil(sum * v(Parameter::tau) / phases / years)));
      }
    }
  }
  crowd.open(model.calendar().n_weeks, share_in_use);
  return sorted(crowd.events);
}

}  // namespace uptake::oracle
