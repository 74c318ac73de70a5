/// What organisations feel of the moves of others: exposures along ties, in groups and in communities of practice.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "world/kernel.hpp"
#include "world/step.hpp"

namespace uptake {

[[gnu::always_inline]] inline const Step::Left& Step::left_of(const Context& of, int boundary) {
  Left& left = left_[of.j];
  if (left.boundary != boundary || left.outlook != state_.outlook) renew(left, of, boundary);
  return left;
}

void Step::renew(Left& left, const Context& of, int boundary) const {
  const std::size_t n = of.rates.n_classes;
  left.boundary = boundary;
  left.outlook = state_.outlook;
  left.gain.resize(2 * n);
  left.move.resize(2 * n);
  for (std::size_t c = 0; c < n; ++c) {
    const Rates::Levels levels = of.rates.levels_of(c);
    const auto rate = [&](std::size_t l, int at) { return levels.peer(l, static_cast<std::size_t>(at)); };
    for (std::size_t l = 0; l < 2; ++l) {
      const std::int64_t gain = rate(l, state_.outlook) - rate(l, boundary);
      State::Waiting mover{l == 0 ? std::uint64_t{1} : 0};
      mover.spend(gain);
      left.gain[l * n + c] = gain;
      left.move[l * n + c] = mover.word;
    }
  }
}

/// Moves the exposures of those who listen to each record, and takes what follows from their slack. The pushes of many
/// records are laid side by side first: where each row ends could not be guessed while they are made.
template <std::size_t layer, int sign, bool one_class, class Push, class Curve>
void Step::push_rows(const Context& of, const List& moved, int boundary, const Push* pushes, Curve curve) {
  using Waiting = State::Waiting;
  constexpr bool kItself = std::is_same_v<Curve, Itself>;
  const std::uint32_t* offsets = of.programme.edges[layer].offsets.data();
  // What the layer's cumulated rate still gains to the outlook, by class.
  const std::uint16_t* const of_class = of.class_of;
  const Left& left = left_of(of, boundary);
  [[maybe_unused]] const std::int64_t* const gains = &left.gain[layer * of.n_classes];
  [[maybe_unused]] const std::uint64_t* const moves = &left.move[layer * of.n_classes];
  [[maybe_unused]] const std::int64_t gain_of_one = gains[0];
  [[maybe_unused]] const std::uint64_t move_of_one = moves[0];
  Waiting* records = waiting_ + of.first_record;
  [[maybe_unused]] std::uint32_t* const seconds = layer == 1 ? second_ + of.first_record : nullptr;
  Push* const laid = laid_for(pushes);
  const std::uint32_t* const uses = moved.begin();
  const std::size_t n = moved.size();
  for (std::size_t i = 0; i < n;) {
    Push* end = laid;
    for (; i < n && end < laid + kBlock; ++i) {
      const std::uint32_t* const later = offsets + uses[i + kAhead];
      __builtin_prefetch(pushes + later[0]);  // the ends of a row: of a long one the processor fetches the rest itself
      __builtin_prefetch(pushes + later[1]);
      const std::uint32_t* const row = offsets + uses[i];
      const Push *from = pushes + row[0], *const past = pushes + row[1];
      Push* to = end;
      end += past - from;
      do {
        std::memcpy(to, from, Pushes::kBeyond * sizeof(Push));
        to += Pushes::kBeyond;
        from += Pushes::kBeyond;
      } while (from < past);
    }

    if (n_near_ > kBlock) aim_near(of, boundary);
    std::uint32_t* near = near_.data() + n_near_;
    [[maybe_unused]] Heard* heard = heard_.data();
    const auto hear = [&](Push push) {
      const auto [to, weight] = Pushes::unpack(push);
      Waiting& receiver = records[to];
      const std::uint64_t change = sign > 0 ? std::uint64_t{weight} : -std::uint64_t{weight};
      if constexpr (kItself) {
        // Exposure and slack move by as much for one as for another, so both in one product. Only who waits has a slack
        // to lose, but to ask is dearer.
        receiver.word += change * (one_class ? move_of_one : moves[of_class[to]]);
        if constexpr (layer == 1) seconds[to] += static_cast<std::uint32_t>(change);
        *near = to;
        near += receiver.used_up();
      } else {
        *heard = {to, static_cast<std::int32_t>(change),
                  static_cast<std::uint32_t>(layer == 0 ? receiver.word & Waiting::kSeen : seconds[to])};
        heard += receiver.idle() ? 0 : 1;
        if constexpr (layer == 0) {
          receiver.word += change;
        } else {
          seconds[to] += static_cast<std::uint32_t>(change);
        }
      }
    };
    const Push* at = laid;
    for (const Push* const far = far_ ? end - std::min<std::ptrdiff_t>(end - laid, kFarAhead) : laid; at < far; ++at) {
      __builtin_prefetch(records + Pushes::unpack(at[kFarAhead]).receiver);
      hear(*at);
    }
    for (; at != end; ++at) hear(*at);
    if constexpr (!kItself) {
      for (const Heard* one = heard_.data(); one != heard; ++one) {
        const auto before = static_cast<std::int64_t>(one->before);
        Waiting& receiver = records[one->to];
        receiver.spend((curve(before + one->rise) - curve(before)) *
                       (one_class ? gain_of_one : gains[of_class[one->to]]));
        *near = one->to;
        near += receiver.used_up();
      }
    }
    n_near_ = static_cast<std::size_t>(near - near_.data());
  }
}

/// Along the ties of a layer.
template <std::size_t layer, int sign>
void Step::spread_along(const Context& of, const List& uses, int boundary) {
  const Pushes& edges = of.programme.edges[layer];
  if (edges.longest == 0) return;
  const auto with_curve = [&](const auto* pushes, auto curve) {
    of.n_classes == 1 ? push_rows<layer, sign, true>(of, uses, boundary, pushes, curve)
                      : push_rows<layer, sign, false>(of, uses, boundary, pushes, curve);
  };
  const auto with_pushes = [&](const auto* pushes) {
    const Response& response = of.response;
    if (response.is_identity()) {
      with_curve(pushes, Itself{});
    } else if (response.is_hill()) {
      with_curve(pushes, [&response](std::int64_t exposure) { return response.hill(exposure); });
    } else {
      with_curve(pushes, [&response](std::int64_t exposure) { return response(exposure); });
    }
  };
  edges.wide.empty() ? with_pushes(edges.narrow.data()) : with_pushes(edges.wide.data());
}

/// g of the share in use among the other members of a region's community; whoever still decides is not in use.
std::int64_t Step::community_exposure(const Context& of, std::size_t region) const {
  const std::int64_t others = std::int64_t{of.plan.joined_by_region[region]} - 1;
  const std::int64_t share = std::int64_t{of.state.community_in_use[region]} * kFullExposure / others;
  return of.rates.response(std::min<std::int64_t>(share, kFullExposure));
}

/// In the groups that a record is in.
void Step::apply_groups(const Context& of, std::uint32_t record, int sign, int boundary) {
  const auto here = static_cast<std::size_t>(boundary);
  const auto& pairs = pairs_of(of, record);
  for (std::size_t g = 0; g < 2; ++g) {
    if (pairs[g] == 0) continue;
    const GroupLayer& layer = of.programme.groups[g];
    const std::size_t group = layer.pair_group[pairs[g]];
    const std::uint32_t in_use = of.state.in_use[g][group] += static_cast<std::uint32_t>(sign);
    // Whoever still decides is not in use, so the others are n - 1 (oneself excluded).
    const std::uint64_t share = std::uint64_t{in_use} * kFullExposure / (layer.n_members[group] - 1U);
    const std::int64_t value = of.response(static_cast<std::int64_t>(std::min<std::uint64_t>(share, kFullExposure)));
    bool above = false;
    for (auto pair = layer.pair_offsets[group]; pair < layer.pair_offsets[group + 1]; ++pair) {
      State::Pair& seen = of.state.pairs[g][pair];
      seen.reach += (value - seen.value) * of.rates.levels_of(layer.pair_class[pair]).peer(2 + g, here);
      seen.value = static_cast<std::int32_t>(value);
      above = value > seen.ceiling;
    }
    if (above && boundary < state_.outlook) raise(of, g, group, boundary);
  }
}

/// In the community of practice that a lever made.
void Step::apply_community(const Context& of, std::uint32_t record, int sign, int boundary) {
  if (of.plan.joins[record] == 0) return;
  const std::size_t region = of.programme.region[record];
  of.state.community_in_use[region] += static_cast<std::uint32_t>(sign);
  State::Pair& community = of.state.communities[region];
  const std::int64_t value = community_exposure(of, region);
  community.reach += (value - community.value) * community_rates(of, region)[boundary];
  community.value = static_cast<std::int32_t>(value);
}

/// The communities that these rates know, from who is in use; nobody has met in them yet, so no offset.
void Step::gather_communities() {
  for (const Context& of : contexts_) {
    const std::size_t n = of.rates.added.empty() ? 0 : model_.population->regions.size();
    of.state.communities.assign(n, {});
    of.state.community_in_use.assign(n, 0);
    if (n == 0) continue;
    for (std::uint32_t record = 0; record < of.programme.n_records(); ++record) {
      const bool in_use = state_.records[of.first_record + record].stage() == Stage::in_use;
      if (in_use && of.plan.joins[record] != 0) of.state.community_in_use[of.programme.region[record]] += 1;
    }
    for (std::size_t region = 0; region < n; ++region) {
      if (of.plan.joined_by_region[region] > 0)
        of.state.communities[region].value = static_cast<std::int32_t>(community_exposure(of, region));
    }
  }
}

/// Records leave use or enter it: exposures of those who listen change from this boundary on.
void Step::spread(const Context& of, const List& uses, int sign, int boundary) {
  const auto along = [&]<int with_sign>() {
    spread_along<0, with_sign>(of, uses, boundary);
    spread_along<1, with_sign>(of, uses, boundary);
  };
  sign > 0 ? along.template operator()<+1>() : along.template operator()<-1>();
  if (of.grouped) {
    for (const std::uint32_t record : uses) apply_groups(of, record, sign, boundary);
  }
  if (of.communities) {
    for (const std::uint32_t record : uses) apply_community(of, record, sign, boundary);
  }
  aim_near(of, boundary);
}

}  // namespace uptake
