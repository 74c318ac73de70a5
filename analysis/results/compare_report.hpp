/// Parts of a comparison that the headline and the JSON of a run show too.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "results/compare.hpp"
#include "results/wording.hpp"

namespace uptake {

/// A strategy by its name, and by its run when the two sides are the same strategy of different runs.
[[nodiscard]] std::string side_name(const Side& side, const Side& other);
/// Every side once, in the order of the comparisons.
[[nodiscard]] std::vector<Side> sides_of(const CompareReport& report);
/// Whether two lists of figures are the same but for rounding, undefined ones included.
[[nodiscard]] bool same_figures(std::span<const double> a, std::span<const double> b);
/// The side that a comparison's strategy is the same as in every figure of every world: its baseline, or the strategy of a
/// comparison before. Nothing where it differs from all.
[[nodiscard]] std::optional<Side> same_as(const CompareReport& report, std::size_t comparison);
/// The report without those comparisons, but with one at least.
[[nodiscard]] CompareReport without_repeats(const CompareReport& report);
/// What is said of them instead, between the names of the two.
inline constexpr std::string_view kIsTheSameAs = "is, in every world and every figure compared, the same as";
/// Replicates that all comparisons have.
[[nodiscard]] std::size_t n_compared(const CompareReport& report);
/// Events that are the admissions again: a table shows them once, under that name.
[[nodiscard]] bool is_repeated(const Comparison& comparison, const Difference& row);
/// What the figures of a comparison are: gross, but for those that are net in themselves, by their names on the medium.
/// @param is_shown whether the medium has a row of a metric that was compared
[[nodiscard]] std::string gross_or_net(const CompareReport& report, Medium medium,
                                       const std::function<bool(Metric)>& is_shown);
/// What is left out, and what differs beside what is compared; each once.
[[nodiscard]] std::vector<std::string> notes_of(const CompareReport& report);

/// All statistics of a value by name.
[[nodiscard]] nlohmann::ordered_json statistics_json(const Statistics& s);

/// The split of a programme's result at a date, a line for each metric that a reader looks at first; empty when there
/// is none.
[[nodiscard]] std::string drivers_text(std::span<const DriverSplit> drivers, const std::string& programme,
                                       const Period& period, std::size_t width);
/// What programmes lose to each other, a line a metric.
[[nodiscard]] std::string attention_text(std::span<const Loss> lost, const Period& period, std::size_t width);

/// A row of JSON for each driver, and one for all together.
[[nodiscard]] std::vector<nlohmann::ordered_json> driver_rows(const DriverSplit& split, const std::string& strategy,
                                                              const std::string& region);
/// A row of JSON: what a programme loses. @param cause "attention" or "strategy"
[[nodiscard]] nlohmann::ordered_json loss_row(const Loss& loss, std::string_view cause, const std::string& strategy,
                                              const std::string& baseline, const std::string& region);

}  // namespace uptake
