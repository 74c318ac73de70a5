/// What sets places apart in the means over worlds: what is theirs, or what luck leaves.
#pragma once

#include <optional>
#include <span>

namespace uptake {

/// A share of one place over the worlds of a run.
struct ShareOfPlace {
  double mean = 0, sd = 0;  ///< over worlds
  double eligible = 0;      ///< organisations that it is a share of
};

/// Spreads are standard deviations between places, each weighing by its organisations, in units of the share.
struct Between {
  double of_means = 0;       ///< of the places' means over all worlds
  double luck_of_world = 0;  ///< what differs from world to world alone, in one world
  double luck = 0;           ///< the same in means over all worlds
  double luck_at_most = 0;   ///< below it in 19 runs of 20 in which nothing sets the places apart
  double own = 0;            ///< what is the same in every world: of_means without luck, squared; 0 where luck is more

  /// Whether places differ by more than luck would make them in 19 runs of 20.
  [[nodiscard]] bool is_more_than_luck() const { return of_means > luck_at_most; }
  /// Share of worlds in which that one of two places is ahead that is ahead in what is its own, where they are as far
  /// apart as two of these places usually are (normal law).
  [[nodiscard]] double keeps_its_place() const;
};

/// The two-way analysis of variance of places and independent worlds. What all places of a world have in common (its
/// parameters, its effort) takes no part: the whole's share is the weighted mean of theirs, so the mean square of the
/// places' deviations from it, each about its own mean, is the weighted mean of their variances less the whole's; a mean
/// over n worlds keeps an n-th of it. If nothing else sets places apart, the weighted mean square of the deviations of
/// their means over that n-th is about chi-squared over its degrees of freedom: 1 / sum(w^2) - 1 for places of weight w
/// and equal variance, places - 1 for equal weights [A]. (Where the variance falls with size it is places - 1 too, and the
/// bound is a little high.)
/// @param whole_sd of the share of all places together, over worlds
/// @return nothing where there are no two places, where nothing differs from world to world, or for fewer than two worlds
[[nodiscard]] std::optional<Between> between(std::span<const ShareOfPlace> places, double whole_sd, int n_worlds);

}  // namespace uptake
