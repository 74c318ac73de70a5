/// What of a world can be published: one history read at given boundaries, without pairing or money.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "uptake/model.hpp"
#include "uptake/world.hpp"

namespace uptake {

/// What an observation counts. Names are those of the metrics that are the same thing.
enum class Measure : std::uint8_t {
  engaged,             ///< organisations that ever left unaware
  implementing_ever,   ///< ever began
  adopters,            ///< in use at that moment
  ever_adopted,        ///< ever in use
  sustained_adopters,  ///< in use without break for the 52 weeks to it
  uptake_share,        ///< share of eligible people treated, at that moment, background included
  capacity_beds        ///< beds open
};
inline constexpr int kNMeasures = 7;
inline constexpr std::array<std::string_view, kNMeasures> kMeasureNames{
    "engaged", "implementing_ever", "adopters", "ever_adopted", "sustained_adopters", "uptake_share", "capacity_beds"};

/// One number to be read off a history.
struct Target {
  int programme = 0;
  Measure measure = Measure::ever_adopted;
  int region = -1;   ///< index into Population::regions; -1 = England
  int boundary = 0;  ///< 0..n_weeks
};

/// out[i] is target i: organisations of the population (not scaled to a historic denominator), a share of people in
/// [0, 1], or beds. The same numbers as the metrics of that name at a report date whose end is the boundary (uptake_share:
/// the mean over the calendar month of the day before it, up to it; at boundary 0 over the first day).
/// The history has to reach the last boundary asked for; what comes later in it changes nothing.
/// @param strategy whose plan says how much capacity levers leave
/// @pre out.size() == targets.size(); regions, programmes and boundaries are in range; a programme whose uptake or beds are
/// asked for has that kind of outcome
void observe(const Model& model, const Draw& draw, Key key, const History& history, std::span<const Target> targets,
             std::span<double> out, int strategy = 0);

/// Organisations that can adopt a programme. @param region index, -1 = England
[[nodiscard]] std::size_t n_eligible(const Model& model, int programme, int region);

}  // namespace uptake
