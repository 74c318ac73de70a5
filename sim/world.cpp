#include "uptake/world.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "kernel.hpp"
#include "lanes.hpp"
#include "uptake/error.hpp"

namespace uptake {

namespace {

using State = World::State;

/// One step's view of a world: the state with what it runs on, resolved once.
class Step {
 public:
  explicit Step(State& state)
      : state_(state),
        rates_(*state.rates),
        model_(*state.rates->model),
        clocks_(*state.clocks),
        plans_(model_.strategies[static_cast<std::size_t>(rates_.strategy)].programmes) {
    state_.programmes.resize(model_.programmes.size());
    left_.resize(model_.programmes.size());
    std::uint32_t longest = 0;
    contexts_.reserve(model_.programmes.size());
    for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
      contexts_.push_back({model_.first_record[j], j, model_.programmes[j].places.data(), model_.programmes[j],
                           rates_.programmes[j], plans_[j], model_.scenario.programmes[j], state_.programmes[j],
                           model_.programmes[j].groups[0].pair_class.size() > 1 ||
                               model_.programmes[j].groups[1].pair_class.size() > 1 ||
                               !rates_.programmes[j].added.empty()});
      far_ = far_ || model_.programmes[j].n_records() > kFar;
      for (const Pushes& edges : model_.programmes[j].edges) longest = std::max(longest, edges.longest);
    }
    near_.resize(std::size_t{longest} + kBlock + 1);
  }

  void begin();
  void open(int boundary);
  void look_ahead(int to);
  void rebind();
  void gather_communities();
  void reclock(Clocks& fresh, const Clocks& old);
  void week();

 private:
  struct Context {  ///< what all records of a programme share, resolved once
    std::uint32_t first_record;
    std::size_t j;
    const Place* places;
    const ProgrammeModel& programme;
    const Rates::Programme& rates;
    const ProgrammePlan& plan;
    const ProgrammeSpec& spec;
    State::Programme& state;
    bool grouped;  ///< some are in groups
  };
  struct Who {
    std::uint32_t id;
    std::uint32_t record;  ///< within the programme
    State::Record& own;
    State::Waiting& waiting;
    const Place& place;
    const Context& of;
  };
  struct Gain {  ///< of a class between two outlooks
    std::int64_t external, peer[2];
  };
  void look_through_ties(const Context& of, const Gain& gain, std::uint32_t first, std::uint32_t end);
  void look_through(const Context& of, std::uint32_t first, std::uint32_t end);
  void withdraw(const Context& of);
  [[nodiscard]] Who who(std::uint32_t id) {
    State::Record& own = state_.records[id];
    const Context& of = contexts_[own.programme];
    const std::uint32_t record = id - of.first_record;
    return {id, record, own, state_.waiting[id], of.places[record], of};
  }
  [[nodiscard]] static bool maximum(const Who& w) { return !w.of.rates.any_layer.empty(); }
  [[nodiscard]] static bool waiting(const Who& w) { return w.own.pending == Pending::test; }
  [[nodiscard]] const std::int64_t* community_rates(const Context& of, std::size_t region, int boundary) const {
    return &of.rates
                .added[static_cast<std::size_t>(boundary) * of.plan.classes.size() + of.programme.region_class[region]];
  }

  template <bool grouped, int n_layers>
  struct Pull;
  template <class Act>
  [[gnu::always_inline]] void with_pull(const Who& w, Act act) const {
    if (w.of.programme.edges[1].longest > 0) [[unlikely]] {
      w.of.grouped ? act(Pull<true, 2>(*this, w)) : act(Pull<false, 2>(*this, w));
    } else {
      w.of.grouped ? act(Pull<true, 1>(*this, w)) : act(Pull<false, 1>(*this, w));
    }
  }
  template <class Pulled>
  void aim(Who& w, const Pulled& pull, int boundary, std::int64_t remaining);
  void aim_at(Who& w, int week);
  void aim_near(int boundary);
  static std::int64_t lift(State::Pair& pair, std::int64_t now, std::int64_t then, std::int64_t ceiling);
  [[nodiscard]] static std::int64_t ceiling_above(const State::Pair& pair);
  void raise(const Context& of, std::size_t g, std::size_t group, int boundary);
  [[gnu::noinline]] void apply_community(Who& w, int boundary, int sign);
  [[nodiscard]] std::int64_t community_exposure(const Context& of, std::size_t region) const;
  [[nodiscard]] std::int64_t strongest_layer(const Who& w) const;
  [[nodiscard]] std::uint32_t multiplier(const Who& w, int week) const;
  [[nodiscard]] int engagement_week(const Who& w) const;
  [[nodiscard]] std::int64_t engagement_hazard(const Who& w, int boundary) const;
  [[nodiscard]] std::int64_t stop_hazard(const Who& w, int boundary) const;
  [[nodiscard]] std::uint8_t phases_over(const Who& w, const Clocks& clocks, int boundary) const;
  [[nodiscard]] int stop_week(const Who& w) const;
  [[nodiscard]] int restart_week(const Who& w, int boundary) const;

  void link(Who& w, Pending pending, int week);
  void wait(Who& w, int boundary);
  void set_remaining(Who& w, int boundary, std::int64_t remaining);
  void rescale_waiting(Who& w, int week);
  void handle(Who& w, int week);
  void test(Who& w, int week);
  void move(Who& w, Stage to) { state_.moves.push_back({w.id, to}); }
  void apply_stage(Who& w, Stage to, int boundary);
  template <std::size_t layer, int sign, class Row>
  void push(const Context& of, std::span<const Row> pushes, const std::int64_t* left);
  struct Left {
    int boundary = -1, outlook = -1;
    std::vector<std::int64_t> gain;
  };
  void renew(Left& left, const Context& of, int boundary) const;
  [[nodiscard]] const std::int64_t* left_of(const Context& of, int boundary);
  void apply_use(Who& w, int boundary, int sign);
  void apply_groups(Who& w, const std::int64_t* here, int boundary, int sign);
  void schedule(Who& w, int boundary);
  void count_implementing(const Who& w, int change);
  void apply_moves(int boundary);

  static constexpr std::uint32_t kBlock = 2048;                  ///< records looked through before they are aimed
  static constexpr std::uint16_t kUndated = 0xffff;              ///< due beyond the outlook
  static constexpr std::int64_t kLeastRoom = kFullExposure / 8;  ///< (found by measuring)
  /// What a record needs is asked of memory this many records ahead of the one in hand (found by measuring).
  static constexpr std::size_t kAhead = 8, kNext = 2;
  static constexpr std::size_t kFar = 40'000;               ///< records whose 16 bytes fill most of a megabyte of cache
  [[gnu::always_inline]] void prefetch(std::uint32_t id) {  // a call would be left out, as if it did nothing
    const Who w = who(id);
    __builtin_prefetch(&w.waiting);
    __builtin_prefetch(&w.place);
  }
  /// Enters or leaves use, so its row of pushes will be read.
  [[nodiscard]] bool pushes(const State::Move& move) const {
    return move.to == Stage::in_use || state_.records[move.record].stage == Stage::in_use;
  }
  [[gnu::always_inline]] void prefetch_pushes(std::uint32_t id) {
    const Who w = who(id);
    const Pushes& edges = w.of.programme.edges[0];
    const auto first = (&w.place)[0].first_push[0], end = (&w.place)[1].first_push[0];
    const auto ask = [&](const auto& row) {
      constexpr auto kPerLine = static_cast<std::uint32_t>(64 / sizeof(row[0]));
      for (auto push = first; push < end; push += kPerLine) __builtin_prefetch(row.data() + push);
    };
    edges.wide.empty() ? ask(edges.narrow) : ask(edges.wide);
  }

  /// Where a programme's records are more than a core's cache holds, those that the next pushes go to.
  [[gnu::always_inline]] void prefetch_receivers(std::uint32_t id) {
    const Who w = who(id);
    const Pushes& edges = w.of.programme.edges[0];
    const auto first = (&w.place)[0].first_push[0], end = (&w.place)[1].first_push[0];
    const State::Waiting* records = &state_.waiting[w.of.first_record];
    const auto ask = [&](const auto& row) {
      for (auto push = first; push < end; ++push) __builtin_prefetch(records + Pushes::unpack(row[push]).receiver);
    };
    edges.wide.empty() ? ask(edges.narrow) : ask(edges.wide);
  }

  State& state_;
  const Rates& rates_;
  const Model& model_;
  const Clocks& clocks_;
  const std::vector<ProgrammePlan>& plans_;
  std::vector<Context> contexts_;
  /// Whose slack is used up, the first n_near_; room for a block and the longest row.
  std::vector<std::uint32_t> near_;
  std::size_t n_near_ = 0;
  decltype(lanes::Functions::spend) spend_ = lanes::best().spend;
  bool far_ = false;  ///< some programme has more than kFar records
  // Of the look in hand: what each class gains, and by how much the reach of each pair and community rises.
  std::vector<Gain> gains_;
  std::array<std::vector<std::int64_t>, 2> rise_of_pairs_;
  std::vector<std::int64_t> rise_, rise_of_communities_;
  std::vector<Left> left_;  ///< by programme
};

/// What moves the level of a waiting record: the tables of its class, and what each of its layers weighs in them if its
/// ties stay as they are and its groups come to their ceilings.
template <bool grouped, int n_layers>
struct Step::Pull {
  const std::int64_t* external;
  const std::int64_t* peer;
  std::size_t n_classes;
  std::array<std::int64_t, n_layers> ties;
  const State::Pair *first, *second;       ///< groups
  const State::Pair* community = nullptr;  ///< made by a lever, if any
  const std::int64_t* met = nullptr;       ///< its table
  std::size_t n_met = 0;

  [[gnu::always_inline]] Pull(const Step& step, const Who& w)
      : external(&w.of.rates.external[w.waiting.record_class()]),
        peer(&w.of.rates.peer[w.waiting.record_class() * kNSlots]),
        n_classes(w.of.rates.n_classes) {
    for (std::size_t l = 0; l < n_layers; ++l) ties[l] = w.of.rates.response(w.waiting.exposure(l));
    if constexpr (grouped) {
      first = &w.of.state.pairs[0][w.place.pair[0]];
      second = &w.of.state.pairs[1][w.place.pair[1]];
      if (!w.of.rates.added.empty() && w.of.plan.joins[w.record] != 0) [[unlikely]] {
        const std::size_t region = w.of.programme.region[w.record];
        community = &w.of.state.communities[region];
        met = step.community_rates(w.of, region, 0);
        n_met = w.of.plan.classes.size();
      }
    }
  }
  /// Cumulated from boundary 0.
  [[nodiscard, gnu::always_inline]] std::int64_t at(int boundary) const {
    const auto row = static_cast<std::size_t>(boundary);
    const std::int64_t* rate = peer + row * n_classes * kNSlots;
    std::int64_t sum = external[row * n_classes];
    for (std::size_t l = 0; l < n_layers; ++l) sum += ties[l] * rate[l];
    if constexpr (grouped) {
      sum += first->ceiling * rate[2] + second->ceiling * rate[3];
      if (community != nullptr) [[unlikely]]
        sum += community->ceiling * met[row * n_met];
    }
    return sum;
  }
  /// What is left of a clock at a boundary is its slack, what is from there to the outlook, and this: what its groups
  /// reach at most beyond what they are.
  [[nodiscard, gnu::always_inline]] std::int64_t short_of_reach(int boundary, int outlook) const {
    if constexpr (!grouped) {
      return 0;
    } else {
      const auto here = static_cast<std::size_t>(boundary), there = static_cast<std::size_t>(outlook);
      const std::int64_t *from = peer + here * n_classes * kNSlots, *to = peer + there * n_classes * kNSlots;
      const auto each = [](const State::Pair& pair, std::int64_t a, std::int64_t b) {
        return pair.reach - pair.offset - pair.value * a - pair.ceiling * (b - a);
      };
      std::int64_t sum = each(*first, from[2], to[2]) + each(*second, from[3], to[3]);
      if (community != nullptr) [[unlikely]]
        sum += each(*community, met[here * n_met], met[there * n_met]);
      return sum;
    }
  }
  [[nodiscard, gnu::always_inline]] std::int64_t ahead(int boundary, int outlook) const {
    return at(outlook) - at(boundary) + short_of_reach(boundary, outlook);
  }
};

/// Enters in the diary the first week in which a clock can fire that has `remaining` left at a boundary; none where that
/// is beyond the outlook.
template <class Pulled>
[[gnu::always_inline]] inline void Step::aim(Who& w, const Pulled& pull, int boundary, std::int64_t remaining) {
  if (maximum(w)) [[unlikely]]
    return aim_at(w, boundary);  // its peer part has no cumulated form: tested week by week
  const int end = state_.outlook;
  const std::int64_t from = pull.at(boundary), all = pull.at(end) - from;
  if (boundary >= end || all < remaining) {
    w.own.due = kUndated;
    return;
  }
  // Rates change seldom, so the week in proportion is nearly always next to the answer.
  const std::int64_t goal = from + remaining;
  int at = boundary + 1;
  if (all > 0 && remaining > 0) {
    const double share = static_cast<double>(remaining) / static_cast<double>(all);
    at = std::min(end, at + static_cast<int>(share * (end - boundary)));
  }
  while (pull.at(at) < goal) ++at;
  while (at > boundary + 1 && pull.at(at - 1) >= goal) --at;
  aim_at(w, at - 1);
}

void Step::aim_at(Who& w, int week) {
  if (w.own.due == week) return;  // is in the diary
  w.own.due = static_cast<std::uint16_t>(week);
  if (week < rates_.n_weeks) state_.diary.add(week, w.id);
}

/// Aims those of near_ who wait: they may fire before the outlook.
void Step::aim_near(int boundary) {
  if (boundary < state_.outlook) {
    for (std::size_t k = 0; k < n_near_; ++k) {
      if (k + kAhead < n_near_) __builtin_prefetch(&state_.records[near_[k + kAhead]]);
      Who w = who(near_[k]);
      if (!waiting(w)) continue;
      with_pull(
          w, [&](const auto& pull) { aim(w, pull, boundary, w.waiting.slack + pull.ahead(boundary, state_.outlook)); });
    }
  }
  n_near_ = 0;
}

/// Gives a group a new ceiling at a boundary. `now` and `then` are its cumulated rate there and at the outlook.
/// @returns by how much its reach rises
std::int64_t Step::lift(State::Pair& pair, std::int64_t now, std::int64_t then, std::int64_t ceiling) {
  pair.ceiling = ceiling;
  const std::int64_t reach = pair.offset + pair.value * now + ceiling * (then - now);
  return reach - std::exchange(pair.reach, reach);
}

/// Looks everybody through up to a later outlook, or back to this boundary.
void Step::look_ahead(int to) {
  const int now = state_.boundary;
  const auto before = static_cast<std::size_t>(std::exchange(state_.outlook, to)), after = static_cast<std::size_t>(to);
  for (const Context& of : contexts_) {
    const Rates::Programme& rates = of.rates;
    const std::size_t n_classes = rates.n_classes;
    for (std::size_t g = 0; g < 2; ++g) {
      auto& pairs = of.state.pairs[g];
      rise_of_pairs_[g].assign(pairs.size(), 0);
      for (std::size_t p = 1; p < pairs.size(); ++p) {
        State::Pair& pair = pairs[p];
        const auto slot = of.programme.groups[g].pair_class[p] * std::size_t{kNSlots} + 2 + g;
        const std::size_t row = n_classes * kNSlots;
        rise_of_pairs_[g][p] = lift(pair, rates.peer[static_cast<std::size_t>(now) * row + slot],
                                    rates.peer[after * row + slot], ceiling_above(pair));
        pair.before = pair.value;
      }
    }
    for (std::size_t region = 0; region < of.state.communities.size(); ++region) {
      State::Pair& community = of.state.communities[region];
      rise_of_communities_.resize(of.state.communities.size());
      rise_of_communities_[region] =
          lift(community, *community_rates(of, region, now), *community_rates(of, region, to), kFullExposure);
    }
    if (of.programme.begins > now || now >= rates.closes) continue;  // nobody waits

    gains_.resize(n_classes);
    for (std::size_t c = 0; c < n_classes; ++c) {
      const std::size_t a = before * n_classes + c, b = after * n_classes + c;
      gains_[c] = {rates.external[b] - rates.external[a],
                   {rates.peer[b * kNSlots] - rates.peer[a * kNSlots],
                    rates.peer[b * kNSlots + 1] - rates.peer[a * kNSlots + 1]}};
    }
    const auto n = static_cast<std::uint32_t>(of.programme.n_records());
    for (std::uint32_t block = 0; block < n; block += kBlock) {
      const std::uint32_t end = std::min(n, block + kBlock);
      n_near_ = 0;
      if (n_classes == 1 && !of.grouped && rates.response.is_identity() && of.programme.edges[1].longest == 0) {
        look_through_ties(of, gains_[0], block, end);
      } else {
        look_through(of, block, end);
      }
      aim_near(now);
    }
  }
}

/// Records of one class that have no ties but those of the first layer, are in no group and answer to exposure itself.
/// Idle ones lose slack that they never use up.
void Step::look_through_ties(const Context& of, const Gain& gain, std::uint32_t first, std::uint32_t end) {
  using Waiting = State::Waiting;
  static_assert(offsetof(Waiting, slack) == 0 && offsetof(Waiting, seen) == 8);
  const std::uint32_t id = of.first_record + first;
  n_near_ = spend_(reinterpret_cast<std::uint64_t*>(&state_.waiting[id]), end - first,
                   static_cast<std::uint64_t>(gain.external), static_cast<std::uint64_t>(gain.peer[0]),
                   (1U << Waiting::kLayerBits) - 1, id, near_.data());
}

void Step::look_through(const Context& of, std::uint32_t first, std::uint32_t end) {
  State::Waiting* waiting = &state_.waiting[of.first_record];
  const Response& response = of.rates.response;
  for (std::uint32_t i = first; i < end; ++i) {
    State::Waiting& record = waiting[i];
    if (record.idle()) continue;
    const Gain& gain = gains_[record.record_class()];
    const Place& place = of.places[i];
    std::int64_t sum = gain.external + rise_of_pairs_[0][place.pair[0]] + rise_of_pairs_[1][place.pair[1]];
    sum += response(record.exposure(0)) * gain.peer[0];
    if (of.programme.edges[1].longest > 0) sum += response(record.exposure(1)) * gain.peer[1];
    if (!of.state.communities.empty() && of.plan.joins[i] != 0) sum += rise_of_communities_[of.programme.region[i]];
    record.slack -= sum;
    near_[n_near_] = of.first_record + i;
    n_near_ += record.slack <= 0 ? 1 : 0;
  }
}

/// Room for a group's exposure to grow until the outlook: as much as since the last look and half as much again.
std::int64_t Step::ceiling_above(const State::Pair& pair) {
  const std::int64_t grown = std::max<std::int64_t>(0, pair.value - pair.before);
  return std::min<std::int64_t>(kFullExposure, pair.value + std::max(kLeastRoom, grown + grown / 2));
}

/// A group has outgrown its ceiling: a higher one, and its members are looked through again.
void Step::raise(const Context& of, std::size_t g, std::size_t group, int boundary) {
  const GroupLayer& layer = of.programme.groups[g];
  const auto first = layer.pair_offsets[group], end = layer.pair_offsets[group + 1];
  const std::size_t row = of.rates.n_classes * kNSlots;
  rise_.resize(end - first);
  for (auto pair = first; pair < end; ++pair) {
    const std::size_t slot = layer.pair_class[pair] * std::size_t{kNSlots} + 2 + g;
    State::Pair& seen = of.state.pairs[g][pair];
    rise_[pair - first] =
        lift(seen, of.rates.peer[static_cast<std::size_t>(boundary) * row + slot],
             of.rates.peer[static_cast<std::size_t>(state_.outlook) * row + slot], ceiling_above(seen));
  }
  for (auto pair = first; pair < end; ++pair) {
    for (auto m = layer.member_offsets[pair]; m < layer.member_offsets[pair + 1]; ++m) {
      const std::uint32_t id = of.first_record + layer.members[m];
      if (n_near_ == near_.size()) aim_near(boundary);
      near_[n_near_] = id;
      n_near_ += (state_.waiting[id].slack -= rise_[pair - first]) <= 0 ? 1 : 0;
    }
  }
}

/// g of the share in use among the other members of a region's community; whoever still decides is not in use.
std::int64_t Step::community_exposure(const Context& of, std::size_t region) const {
  const std::int64_t others = std::int64_t{of.plan.joined_by_region[region]} - 1;
  const std::int64_t share = std::int64_t{of.state.community_in_use[region]} * kFullExposure / others;
  return of.rates.response(std::min<std::int64_t>(share, kFullExposure));
}

std::int64_t Step::strongest_layer(const Who& w) const {
  std::int64_t most = 0;
  for (std::size_t l = 0; l < 2; ++l) most = std::max(most, w.of.rates.response(w.waiting.exposure(l)));
  for (std::size_t g = 0; g < 2; ++g) {
    most = std::max(most, w.of.state.pairs[g][w.place.pair[g]].value);
  }
  return most;
}

/// Phi K of a record in a week.
std::uint32_t Step::multiplier(const Who& w, int week) const {
  const std::uint32_t phi = Rates::step_at(w.of.rates, w.of.plan.profile[w.record], week).decide;
  if (state_.implementing.empty()) return phi;
  const std::uint64_t attention = w.of.rates.attention[state_.implementing[w.place.organisation]];
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, phi * attention / kUnit));
}

/// Walks the dated effort of a record: the first week from `from` on in which the cumulated hazard reaches `target`.
/// cumulated(step, a, b) = hazard of weeks [a, b) under a step.
template <class Cumulated, class FirstWeek>
int walk(const Rates::Programme& rates, std::uint32_t profile, int from, int n_weeks, std::int64_t target,
         Cumulated cumulated, FirstWeek first_week) {
  std::int64_t sum = 0;
  const auto end = rates.step_offsets[profile + 1];
  for (auto s = rates.step_offsets[profile]; s < end; ++s) {
    const int until = s + 1 < end ? std::min(rates.steps[s + 1].from, n_weeks) : n_weeks;
    const int since = std::max(rates.steps[s].from, from);
    if (since >= until) continue;
    const std::int64_t more = cumulated(rates.steps[s], since, until);
    if (sum + more >= target) return first_week(rates.steps[s], since, until, target - sum);
    sum += more;
  }
  return n_weeks;
}

/// The same walk without an end to look for: the hazard of the weeks [from, to).
template <class Cumulated>
std::int64_t hazard_of_weeks(const Rates::Programme& rates, std::uint32_t profile, int from, int to,
                             Cumulated cumulated) {
  std::int64_t sum = 0;
  const auto end = rates.step_offsets[profile + 1];
  for (auto s = rates.step_offsets[profile]; s < end; ++s) {
    const int since = std::max(rates.steps[s].from, from);
    const int until = s + 1 < end ? std::min(rates.steps[s + 1].from, to) : to;
    if (since < until) sum = std::min(sum + cumulated(rates.steps[s], since, until), kNever);
  }
  return sum;
}

std::int64_t engagement(const Rates::Step& step, int from, int to) { return step.engage * (to - from); }

int Step::engagement_week(const Who& w) const {
  return walk(w.of.rates, w.of.plan.profile[w.record], w.of.programme.begins, rates_.n_weeks,
              engage_clock(clocks_, w.of.programme, w.of.j, w.record), engagement,
              [](const Rates::Step& step, int a, int, std::int64_t rest) {
                // A clock that rounds to 0 fires in the first week, not before it.
                const std::int64_t weeks = (rest + step.engage - 1) / std::max<std::int64_t>(1, step.engage);
                return a + static_cast<int>(std::max<std::int64_t>(1, weeks)) - 1;
              });
}

int Step::stop_week(const Who& w) const {
  const int entered = w.own.entered;
  const std::int64_t* hazard = w.of.rates.stop_hazard.data();
  const std::int64_t target =
      stop_clock(clocks_, w.of.programme, w.of.j, w.record, static_cast<std::uint16_t>(w.own.n_uses - 1));
  return walk(
      w.of.rates, w.of.plan.profile[w.record], entered, rates_.n_weeks, target,
      [&](const Rates::Step& step, int a, int b) {
        return times_stop_factor(hazard[b - entered] - hazard[a - entered], step.stop);
      },
      [&](const Rates::Step& step, int a, int b, std::int64_t rest) {
        const std::int64_t factor = std::max<std::int64_t>(1, step.stop);
        const std::int64_t enough = hazard[a - entered] + (rest + factor - 1) / factor;
        const auto* at = std::lower_bound(hazard + a - entered + 1, hazard + b - entered + 1, enough);
        return entered + static_cast<int>(at - hazard) - 1;
      });
}

int Step::restart_week(const Who& w, int boundary) const {
  if (w.of.rates.restart == 0) return rates_.n_weeks;
  const std::int64_t clock =
      restart_clock(clocks_, w.of.programme, w.of.j, w.record, static_cast<std::uint16_t>(w.own.n_uses - 1));
  const std::int64_t weeks = std::max<std::int64_t>(1, (clock + w.of.rates.restart - 1) / w.of.rates.restart);
  return static_cast<int>(std::min<std::int64_t>(rates_.n_weeks, boundary + weeks - 1));
}

void Step::link(Who& w, Pending pending, int week) {
  w.own.pending = pending;
  w.own.due = static_cast<std::uint16_t>(std::min(week, rates_.n_weeks));
  if (week < rates_.n_weeks) state_.diary.add(week, w.id);
}

/// Begins a decision clock at a boundary: its hazard starts at 0 there.
void Step::wait(Who& w, int boundary) {
  const std::int64_t clock = decide_clock(clocks_, w.of.programme, w.of.j, w.record, w.own.n_decisions);
  UPTAKE_EXPECTS(w.own.n_decisions < 255);
  w.own.n_decisions += 1;
  if (clock >= kNever || boundary >= w.of.rates.closes) return;  // outside the susceptible share, or too late
  w.own.pending = Pending::test;
  w.own.multiplier = multiplier(w, boundary);
  set_remaining(w, boundary, rescale(clock, kUnit, w.own.multiplier));
}

/// Sets what is left of a decision clock at a boundary.
void Step::set_remaining(Who& w, int boundary, std::int64_t remaining) {
  w.own.due = kUndated;
  with_pull(w, [&](const auto& pull) {
    w.waiting.slack = remaining - pull.ahead(boundary, state_.outlook);
    if (w.waiting.slack <= 0 || maximum(w)) aim(w, pull, boundary, remaining);
  });
}

/// Effort or attention changed: the rest of the clock runs at another speed from this week on.
void Step::rescale_waiting(Who& w, int week) {
  const std::uint32_t now = multiplier(w, week);
  if (now == w.own.multiplier) return;
  std::int64_t remaining = w.waiting.slack;
  with_pull(w, [&](const auto& pull) { remaining += pull.ahead(week, state_.outlook); });
  remaining = rescale(remaining, w.own.multiplier, now);
  w.own.multiplier = now;
  set_remaining(w, week, remaining);
}

void Step::test(Who& w, int week) {
  if (maximum(w)) {
    const auto row = static_cast<std::size_t>(week) * w.of.rates.n_classes + w.waiting.record_class();
    w.waiting.slack -= w.of.rates.any_layer[row] * strongest_layer(w);
  }
  with_pull(w, [&](const auto& pull) {
    const std::int64_t remaining = w.waiting.slack + pull.ahead(week + 1, state_.outlook);
    if (remaining > 0) return aim(w, pull, week + 1, remaining);
    w.own.pending = Pending::nothing;
    w.waiting.slack = kIdle;
    move(w, w.of.spec.skipped.implementing ? Stage::in_use : Stage::implementing);
  });
}

/// What is due to a record in this week; reads the state at the start of the week and only notes the move.
void Step::handle(Who& w, int week) {
  switch (w.own.pending) {
    case Pending::engage:
      move(w, Stage::engaged);
      break;
    case Pending::begin:  // refractory time is over
      wait(w, week);
      if (waiting(w) && w.own.due == week) {
        test(w, week);
      }
      return;
    case Pending::test:
      test(w, week);
      return;
    case Pending::finish: {
      const Rates::Step& effort = Rates::step_at(w.of.rates, w.of.plan.profile[w.record], week);
      const auto occurrence = static_cast<std::uint16_t>(w.own.n_implementations - 1);
      const bool succeeds = effort.succeed >= effort_needed(clocks_, w.of.programme, w.of.j, w.record, occurrence);
      move(w, succeeds ? Stage::in_use : w.of.spec.skipped.engaged ? Stage::unaware : Stage::engaged);
      break;
    }
    case Pending::stop:
      move(w, Stage::stopped);
      break;
    case Pending::restart:
      move(w, w.of.spec.skipped.implementing ? Stage::in_use : Stage::implementing);
      break;
    case Pending::nothing:
      break;
  }
  w.own.pending = Pending::nothing;
}

/// Moves the exposures of those who listen to one record in a layer, and takes what follows from their slack. `left` is
/// what the layer's cumulated rate still gains to the outlook, by class.
template <std::size_t layer, int sign, class Row>
void Step::push(const Context& of, std::span<const Row> pushes, const std::int64_t* left) {
  State::Waiting* records = &state_.waiting[of.first_record];
  const std::uint32_t first = of.first_record;
  std::uint32_t* near = near_.data() + n_near_;
  constexpr int kShift = layer * State::Waiting::kLayerBits;
  const Response& curve = of.rates.response;
  if (curve.is_identity()) {
    for (const Row& packed : pushes) {
      const auto [to, weight] = Pushes::unpack(packed);
      State::Waiting& receiver = records[to];
      const std::uint64_t change = std::uint64_t{weight} << kShift;
      receiver.seen = sign > 0 ? receiver.seen + change : receiver.seen - change;
      // Only who waits has a slack to lose, but to ask is dearer than to take.
      const std::int64_t loss = std::int64_t{weight} * left[receiver.record_class()];
      receiver.slack = sign > 0 ? receiver.slack - loss : receiver.slack + loss;
      *near = first + to;
      near += receiver.slack <= 0 ? 1 : 0;
    }
  } else {
    for (const Row& packed : pushes) {
      const auto [to, weight] = Pushes::unpack(packed);
      State::Waiting& receiver = records[to];
      const std::int64_t before = receiver.exposure(layer);
      const std::uint64_t change = std::uint64_t{weight} << kShift;
      receiver.seen = sign > 0 ? receiver.seen + change : receiver.seen - change;
      if (receiver.idle()) continue;
      const std::int64_t rise = curve(receiver.exposure(layer)) - curve(before);
      receiver.slack -= rise * left[receiver.record_class()];
      *near = first + to;
      near += receiver.slack <= 0 ? 1 : 0;
    }
  }
  n_near_ = static_cast<std::size_t>(near - near_.data());
}

/// What cumulated rates of the edge layers gain from a boundary to the outlook: [layer][class].
[[gnu::always_inline]] inline const std::int64_t* Step::left_of(const Context& of, int boundary) {
  Left& left = left_[of.j];
  if (left.boundary != boundary || left.outlook != state_.outlook) renew(left, of, boundary);
  return left.gain.data();
}

void Step::renew(Left& left, const Context& of, int boundary) const {
  const std::size_t n = of.rates.n_classes;
  left.boundary = boundary;
  left.outlook = state_.outlook;
  left.gain.resize(2 * n);
  const std::int64_t* here = &of.rates.peer[static_cast<std::size_t>(boundary) * n * kNSlots];
  const std::int64_t* there = &of.rates.peer[static_cast<std::size_t>(state_.outlook) * n * kNSlots];
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t l = 0; l < 2; ++l) left.gain[l * n + c] = there[c * kNSlots + l] - here[c * kNSlots + l];
  }
}

/// Enters or leaves use: exposures of those who listen change from this boundary on.
void Step::apply_use(Who& w, int boundary, int sign) {
  const std::size_t n_classes = w.of.rates.n_classes;
  const std::int64_t* here = &w.of.rates.peer[static_cast<std::size_t>(boundary) * n_classes * kNSlots];
  for (std::size_t l = 0; l < 2; ++l) {
    const std::size_t first = w.place.first_push[l], end = (&w.place)[1].first_push[l];
    if (first == end) continue;
    if (n_near_ > kBlock) aim_near(boundary);
    const Pushes& edges = w.of.programme.edges[l];
    const std::int64_t* left = left_of(w.of, boundary) + l * n_classes;
    const auto push_row = [&](const auto& pushes) {
      const auto row_of_record = std::span(pushes).subspan(first, end - first);
      if (l == 0) {
        sign > 0 ? push<0, +1>(w.of, row_of_record, left) : push<0, -1>(w.of, row_of_record, left);
      } else {
        sign > 0 ? push<1, +1>(w.of, row_of_record, left) : push<1, -1>(w.of, row_of_record, left);
      }
    };
    edges.wide.empty() ? push_row(edges.narrow) : push_row(edges.wide);
  }
  if (w.of.grouped) apply_groups(w, here, boundary, sign);
}

/// The same for the groups that a record is in.
void Step::apply_groups(Who& w, const std::int64_t* here, int boundary, int sign) {
  for (std::size_t g = 0; g < 2; ++g) {
    const GroupLayer& layer = w.of.programme.groups[g];
    if (w.place.group[g] < 0) continue;
    const auto group = static_cast<std::size_t>(w.place.group[g]);
    std::uint32_t& in_use = w.of.state.in_use[g][group];
    in_use = sign > 0 ? in_use + 1 : in_use - 1;
    // Whoever still decides is not in use, so the others are n - 1 (oneself excluded).
    const std::int64_t share = std::int64_t{in_use} * kFullExposure / (std::int64_t{layer.n_members[group]} - 1);
    const std::int64_t value = w.of.rates.response(std::min<std::int64_t>(share, kFullExposure));
    bool above = false;
    for (auto pair = layer.pair_offsets[group]; pair < layer.pair_offsets[group + 1]; ++pair) {
      State::Pair& seen = w.of.state.pairs[g][pair];
      seen.offset -= (value - seen.value) * here[layer.pair_class[pair] * kNSlots + 2 + g];
      seen.value = value;
      above = value > seen.ceiling;
    }
    if (above && boundary < state_.outlook) raise(w.of, g, group, boundary);
  }
  if (!w.of.rates.added.empty()) [[unlikely]]
    apply_community(w, boundary, sign);
}

/// The same for the community of practice that a lever made.
void Step::apply_community(Who& w, int boundary, int sign) {
  if (w.of.plan.joins[w.record] == 0) return;
  const std::size_t region = w.of.programme.region[w.record];
  std::uint32_t& in_use = w.of.state.community_in_use[region];
  in_use = sign > 0 ? in_use + 1 : in_use - 1;
  State::Pair& community = w.of.state.communities[region];
  const std::int64_t value = community_exposure(w.of, region);
  community.offset -= (value - community.value) * *community_rates(w.of, region, boundary);
  community.value = value;
}

void Step::count_implementing(const Who& w, int change) {
  if (state_.implementing.empty()) return;
  const auto organisation = w.place.organisation;
  state_.implementing[organisation] = static_cast<std::uint8_t>(state_.implementing[organisation] + change);
  state_.touched.push_back(organisation);
}

void Step::apply_stage(Who& w, Stage to, int boundary) {
  const Stage from = w.own.stage;
  state_.history.events.push_back({w.id, static_cast<std::uint16_t>(boundary), to, from});
  w.of.state.counts[static_cast<std::size_t>(from)] -= 1;
  w.of.state.counts[static_cast<std::size_t>(to)] += 1;
  w.own.stage = to;
  w.own.entered = static_cast<std::uint16_t>(boundary);
  if (from == Stage::implementing) count_implementing(w, -1);
  if (to == Stage::implementing) count_implementing(w, +1);
  if (from == Stage::in_use) apply_use(w, boundary, -1);
  if (to == Stage::in_use) apply_use(w, boundary, +1);
}

/// What happens next to a record that entered its stage at this boundary.
void Step::schedule(Who& w, int boundary) {
  switch (w.own.stage) {
    case Stage::unaware:
    case Stage::engaged:
      if (w.own.n_implementations > 0 && w.of.rates.refractory_weeks > 0) {
        link(w, Pending::begin, boundary + w.of.rates.refractory_weeks);
      } else {
        wait(w, boundary);
      }
      break;
    case Stage::implementing: {
      const int weeks = implementing_weeks(clocks_, w.of.programme, w.of.j, w.record, w.own.n_implementations);
      UPTAKE_EXPECTS(w.own.n_implementations < 255);
      w.own.n_implementations += 1;
      link(w, Pending::finish, boundary + weeks - 1);
      break;
    }
    case Stage::in_use:
      UPTAKE_EXPECTS(w.own.n_uses < 255);
      w.own.n_uses += 1;
      link(w, Pending::stop, w.of.rates.stop_hazard.back() > 0 ? stop_week(w) : rates_.n_weeks);
      break;
    case Stage::stopped:
      if (w.of.spec.restart == Restart::decides_again) {
        wait(w, boundary);
      } else if (boundary < w.of.rates.closes) {
        link(w, Pending::restart, restart_week(w, boundary));
      }
      break;
  }
}

/// Moves of a week apply together: first every stage, count and exposure, then every new clock.
void Step::apply_moves(int boundary) {
  for (std::size_t i = 0; i < state_.moves.size(); ++i) {
    if (i + kAhead < state_.moves.size() && pushes(state_.moves[i + kAhead])) {
      prefetch_pushes(state_.moves[i + kAhead].record);
    }
    if (far_ && i + kNext < state_.moves.size() && pushes(state_.moves[i + kNext])) {
      prefetch_receivers(state_.moves[i + kNext].record);
    }
    Who w = who(state_.moves[i].record);
    apply_stage(w, state_.moves[i].to, boundary);
  }
  for (const State::Move& move : state_.moves) {
    Who w = who(move.record);
    schedule(w, boundary);
  }
  state_.moves.clear();
  aim_near(boundary);
}

void Step::begin() {
  const auto n = static_cast<std::uint32_t>(model_.n_records());
  state_.records.assign(n, State::Record{});
  state_.waiting.assign(n, State::Waiting{});
  state_.diary.begin(rates_.n_weeks, n);
  state_.due.reserve(n);
  state_.moves.reserve(n);
  state_.history.events.reserve(std::size_t{n} * 4);
  state_.implementing.assign(rates_.programmes[0].attention.empty() ? 0 : model_.population->n_organisations(), 0);
  state_.heeded = state_.implementing;
  for (std::size_t j = 0; j < model_.programmes.size(); ++j) {
    const ProgrammeModel& programme = model_.programmes[j];
    State::Programme& state = state_.programmes[j];
    for (std::size_t g = 0; g < 2; ++g) {
      state.pairs[g].assign(programme.groups[g].pair_class.size(), {});
      state.in_use[g].assign(programme.groups[g].n_members.size(), 0);
    }
    const std::size_t n_communities = rates_.programmes[j].added.empty() ? 0 : model_.population->regions.size();
    state.communities.assign(n_communities, {});
    state.community_in_use.assign(n_communities, 0);
    state.counts = {};
    state.counts[0] = static_cast<std::uint32_t>(programme.n_records());
    for (std::uint32_t record = 0; record < programme.n_records(); ++record) {
      const auto id = model_.first_record[j] + record;
      state_.records[id].programme = static_cast<std::uint8_t>(j);
      state_.waiting[id].seen = std::uint64_t{programme.class_of[record]} << State::Waiting::kClassBits;
    }
  }
  open(0);
}

/// Programmes that begin at a boundary: what holds at the start holds on it, and the first clocks start.
void Step::open(int boundary) {
  for (const Context& of : contexts_) {
    if (of.programme.begins != boundary) continue;
    const auto n = static_cast<std::uint32_t>(of.programme.n_records());
    const auto& sites = of.rates.in_use_at_start;
    std::size_t next_site = 0;
    for (std::uint32_t record = 0; record < n; ++record) {
      if (next_site < sites.size() && sites[next_site] == record) {
        ++next_site;
        state_.moves.push_back({of.first_record + record, Stage::in_use});
      } else if (of.spec.engaged_at_start && !of.spec.skipped.engaged) {
        state_.moves.push_back({of.first_record + record, Stage::engaged});
      }
    }
    apply_moves(boundary);
    for (std::uint32_t id = of.first_record; id < of.first_record + n; ++id) {
      Who w = who(id);
      if (w.own.stage != Stage::unaware) continue;
      if (w.of.spec.skipped.engaged) {
        wait(w, boundary);
      } else {
        link(w, Pending::engage, engagement_week(w));
      }
    }
  }
}

/// From the week of withdrawal on nobody decides or restarts; implementations under way go on to their end.
void Step::withdraw(const Context& of) {
  for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
    State::Record& own = state_.records[of.first_record + record];
    const Pending pending = own.pending;
    if (pending == Pending::test || pending == Pending::begin || pending == Pending::restart) {
      own.pending = Pending::nothing;
      state_.waiting[of.first_record + record].slack = kIdle;
    }
  }
}

/// The rates of the weeks to come have changed: clocks whose week was known ahead are walked again. @pre the outlook has
/// been taken back to this boundary under the rates that held before it
void Step::rebind() {
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    Who w = who(id);
    const Pending pending = w.own.pending;
    const auto again = [&](int week) { link(w, pending, week); };
    if (pending == Pending::engage) again(engagement_week(w));
    if (pending == Pending::stop) again(stop_week(w));
    if (pending == Pending::test) {
      w.own.due = kUndated;
      if (maximum(w)) aim_at(w, state_.boundary);
    }
  }
  look_ahead(std::min(state_.boundary + kOutlook, rates_.n_weeks));
}

/// The communities that these rates know, from who is in use; nobody has met in them yet, so no offset.
void Step::gather_communities() {
  for (const Context& of : contexts_) {
    const std::size_t n = of.rates.added.empty() ? 0 : model_.population->regions.size();
    of.state.communities.assign(n, {});
    of.state.community_in_use.assign(n, 0);
    if (n == 0) continue;
    for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
      const bool in_use = state_.records[of.first_record + record].stage == Stage::in_use;
      if (in_use && of.plan.joins[record] != 0) of.state.community_in_use[of.programme.region[record]] += 1;
    }
    for (std::size_t region = 0; region < n; ++region) {
      if (of.plan.joined_by_region[region] > 0) of.state.communities[region].value = community_exposure(of, region);
    }
  }
}

/// Hazard of engaging before a boundary.
std::int64_t Step::engagement_hazard(const Who& w, int boundary) const {
  return hazard_of_weeks(w.of.rates, w.of.plan.profile[w.record], w.of.programme.begins, boundary, engagement);
}

/// Hazard of stopping from entry to use to a boundary.
std::int64_t Step::stop_hazard(const Who& w, int boundary) const {
  const int entered = w.own.entered;
  const std::int64_t* hazard = w.of.rates.stop_hazard.data();
  return hazard_of_weeks(w.of.rates, w.of.plan.profile[w.record], entered, boundary,
                         [&](const Rates::Step& step, int a, int b) {
                           return times_stop_factor(hazard[b - entered] - hazard[a - entered], step.stop);
                         });
}

/// Phases of an implementation under way that are over at a boundary.
std::uint8_t Step::phases_over(const Who& w, const Clocks& clocks, int boundary) const {
  const Clocks::Programme& door = clocks.programmes[w.of.j];
  const bool older = w.own.entered < clocks.from;  // what was over when these clocks began stays over
  const int before = older ? door.phases_over[w.record] : 0;
  const int since = older ? clocks.from : w.own.entered;
  return static_cast<std::uint8_t>(before + phases_over_after(clocks, w.of.programme, w.of.j, w.record,
                                                              static_cast<std::uint16_t>(w.own.n_implementations - 1),
                                                              door.n_phases - before, boundary - since));
}

/// Sets every clock that is running to its fresh residual. The state counts occurrences from here on, and the diary is
/// written anew.
void Step::reclock(Clocks& fresh, const Clocks& old) {
  const int now = state_.boundary;
  state_.diary.begin(rates_.n_weeks, state_.records.size());
  for (std::uint32_t id = 0; id < state_.records.size(); ++id) {
    Who w = who(id);
    Clocks::Programme& programme = fresh.programmes[w.of.j];
    // A residual that rounds to 0 is of this week, not of the one before it.
    const auto residual = [](std::int64_t clock) { return std::max<std::int64_t>(clock, 1); };
    const Pending pending = w.own.pending;
    w.own.n_decisions = 0;
    w.own.n_uses = w.own.stage == Stage::in_use || w.own.stage == Stage::stopped ? 1 : 0;
    switch (pending) {
      case Pending::nothing:
        break;
      case Pending::engage:
        programme.engage[w.record] = engagement_hazard(w, now) + residual(programme.engage[w.record]);
        link(w, pending, engagement_week(w));
        break;
      case Pending::begin:  // refractory time is no clock
        link(w, pending, w.own.due);
        break;
      case Pending::test: {
        w.own.n_decisions = 1;
        w.own.multiplier = multiplier(w, now);
        set_remaining(w, now, rescale(programme.decide[w.record], kUnit, w.own.multiplier));
        break;
      }
      case Pending::finish: {
        programme.phases_over[w.record] = phases_over(w, old, now);
        const int left = programme.n_phases - programme.phases_over[w.record];
        link(w, pending, now + weeks_of_phases(fresh, w.of.programme, w.of.j, w.record, left) - 1);
        break;
      }
      case Pending::stop:
        if (!programme.stop.empty())
          programme.stop[w.record] = stop_hazard(w, now) + residual(programme.stop[w.record]);
        link(w, pending, stop_week(w));
        break;
      case Pending::restart:
        link(w, pending, restart_week(w, now));
        break;
    }
    w.own.n_implementations = w.own.stage == Stage::implementing ? 1 : 0;
  }
}

void Step::week() {
  const int week = state_.boundary;
  if (week == state_.outlook) look_ahead(std::min(week + kOutlook, rates_.n_weeks));
  for (std::size_t j = 0; j < rates_.programmes.size(); ++j) {
    if (model_.programmes[j].withdrawn == week) withdraw(contexts_[j]);
    const auto& changes = rates_.programmes[j].changes;
    const auto& plan = plans_[j];
    for (auto at = std::ranges::lower_bound(changes, week, {}, &Rates::Change::week);
         at != changes.end() && at->week == week; ++at) {
      for (const auto record : plan.records_of_profile[at->profile]) {
        Who w = who(model_.first_record[j] + record);
        if (waiting(w)) rescale_waiting(w, week);
      }
    }
  }
  for (const auto organisation : state_.touched) {
    const std::uint8_t busy = state_.implementing[organisation];
    if (std::exchange(state_.heeded[organisation], busy) == busy) continue;
    for (auto at = model_.organisation_offsets[organisation]; at < model_.organisation_offsets[organisation + 1];
         ++at) {
      Who w = who(model_.organisation_records[at]);
      if (waiting(w)) rescale_waiting(w, week);
    }
  }
  state_.touched.clear();

  state_.due.clear();
  state_.diary.take(week, state_.due);
  for (std::size_t i = 0; i < state_.due.size(); ++i) {
    if (i + kAhead < state_.due.size()) prefetch(state_.due[i + kAhead]);
    Who w = who(state_.due[i]);
    // Stale: the clock was walked again and became due in another week.
    if (w.own.due == week && w.own.pending != Pending::nothing) handle(w, week);
  }
  apply_moves(week + 1);
  open(week + 1);
  state_.boundary = week + 1;
}

}  // namespace

void Diary::begin(int n_weeks, std::size_t n_records) {
  first_.assign(static_cast<std::size_t>(n_weeks), kNone);
  chunks_.clear();
  chunks_.reserve(static_cast<std::size_t>(n_weeks) + n_records / kPerChunk * 2 + 16);
  free_ = kNone;
}

std::uint32_t Diary::open(int week) {
  std::uint32_t at = free_;
  if (at == kNone) {
    at = static_cast<std::uint32_t>(chunks_.size());
    chunks_.emplace_back();
  } else {
    free_ = chunks_[at].next;
  }
  chunks_[at].next = first_[static_cast<std::size_t>(week)];
  chunks_[at].n = 0;
  return first_[static_cast<std::size_t>(week)] = at;
}

void Diary::take(int week, std::vector<std::uint32_t>& out) {
  for (std::uint32_t at = std::exchange(first_[static_cast<std::size_t>(week)], kNone); at != kNone;) {
    Chunk& chunk = chunks_[at];
    out.insert(out.end(), chunk.records.begin(), chunk.records.begin() + chunk.n);
    const std::uint32_t next = std::exchange(chunk.next, free_);
    free_ = std::exchange(at, next);
  }
}

World::World(std::unique_ptr<State> state) : state_(std::move(state)) {}
World::World(const World& other) : state_(std::make_unique<State>(*other.state_)) {}
World::World(World&& other) noexcept = default;
World& World::operator=(const World& other) {
  if (this != &other) *state_ = *other.state_;
  return *this;
}
World& World::operator=(World&& other) noexcept = default;
World::~World() = default;

int World::boundary() const { return state_->boundary; }
Stage World::stage(std::size_t record) const { return state_->records[record].stage; }
const History& World::history() const { return state_->history; }
std::array<std::uint32_t, kNStages> World::stage_counts(int programme) const {
  return state_->programmes[static_cast<std::size_t>(programme)].counts;
}

World start(std::shared_ptr<const Rates> rates, std::shared_ptr<const Clocks> clocks) {
  auto state = std::make_unique<State>();
  state->rates = std::move(rates);
  state->clocks = std::move(clocks);
  Step(*state).begin();
  return World(std::move(state));
}

void advance(World& world, const std::shared_ptr<const Rates>& rates, int boundary) {
  State& state = world.state();
  UPTAKE_EXPECTS(boundary <= rates->n_weeks);
  if (state.rates != rates) {
    UPTAKE_EXPECTS(state.rates->model == rates->model && first_difference(*state.rates, *rates) > state.boundary);
    const auto plans = [&](const Rates& of) {
      return std::span(rates->model->strategies[static_cast<std::size_t>(of.strategy)].programmes);
    };
    const bool same_communities =
        std::ranges::equal(plans(*state.rates), plans(*rates), {}, &ProgrammePlan::joins, &ProgrammePlan::joins);
    Step(state).look_ahead(state.boundary);
    state.rates = rates;
    Step step(state);
    if (!same_communities) step.gather_communities();
    step.rebind();
  }
  Step step(state);
  while (state.boundary < boundary) step.week();
}

void reclock(World& world, Key key) {
  State& state = world.state();
  if (state.boundary >= state.rates->n_weeks) return;  // nothing is left to happen
  const std::shared_ptr<const Clocks> old = state.clocks;
  // Of the boundary too: a key that is given twice, or that of the world itself, is new luck all the same.
  const Key mine{mix64(key.value ^ mix64(static_cast<std::uint64_t>(state.boundary) + 1))};
  const auto fresh = redraw_clocks(*state.rates->model, *old, mine, state.boundary);
  state.clocks = fresh;
  Step(state).reclock(*fresh, *old);
}

std::vector<History> simulate(const std::shared_ptr<const Model>& model, const Draw& draw, Key key) {
  const auto n = static_cast<std::size_t>(model->n_strategies());
  const auto clocks = draw_clocks(*model, draw, key);
  std::vector<std::shared_ptr<const Rates>> rates;
  for (std::size_t s = 0; s < n; ++s) rates.push_back(compile(model, static_cast<int>(s), draw));
  const int n_weeks = model->calendar().n_weeks;

  // Strategies that agree with the first for a while branch off its world, in the order of their first difference.
  std::vector<std::pair<int, std::size_t>> branch;  // boundary, strategy
  for (std::size_t s = 1; s < n; ++s) branch.emplace_back(std::max(0, first_difference(*rates[0], *rates[s]) - 1), s);
  std::ranges::stable_sort(branch, {}, &std::pair<int, std::size_t>::first);
  std::vector<History> histories(n);
  World first = start(rates[0], clocks);
  for (const auto& [boundary, s] : branch) {
    advance(first, rates[0], boundary);
    World other = boundary > 0 ? first : start(rates[s], clocks);
    advance(other, rates[s], n_weeks);
    histories[s] = std::move(other.state().history);
  }
  advance(first, rates[0], n_weeks);
  histories[0] = std::move(first.state().history);
  return histories;
}

}  // namespace uptake
