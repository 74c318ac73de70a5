/// Sections of the page of a run, and what they share: cells of a measure with its interval.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/page.hpp"
#include "report/run_view.hpp"
#include "results/wording.hpp"
#include "uptake/sources.hpp"

namespace uptake {

/// "GBP 2.3 m", "GBP 412,000", with blanks that no line breaks at.
[[nodiscard]] std::string pounds(double value);
/// ` (90 %: 3 to 7)`, as headings have room for it; nothing when all replicates agree.
[[nodiscard]] std::string short_interval(Metric metric, const Spread& s);

/// What a table sets beside the lead strategy's world: the comparator's, or nothing where that is the same world, whose net
/// is 0 in every row.
enum class Beside : std::uint8_t { comparator, nothing };
/// That of the run's programmes; a growth ledger has worlds of its own.
[[nodiscard]] Beside beside(const Run& run);
/// A row of such a table, or its head: net comes first. @param anyway the comparator's
[[nodiscard]] std::vector<Cell> beside_row(Beside what, Cell name, std::vector<Cell> net, std::vector<Cell> own,
                                           std::vector<Cell> anyway);
/// A measure as it was, as it would have been anyway, and the difference; nothing where it is not known.
/// @param place as `programme`, `report`: an index of the run's axis @param money of the table
[[nodiscard]] std::optional<std::vector<Cell>> ledger_row(const Run& run, Beside what, Metric metric, int programme,
                                                          int report, int place, LargestMoney money = {});
/// Heads of a table of such rows.
[[nodiscard]] std::vector<Cell> ledger_head(Beside what, std::string_view first);
/// A waterfall from gross to net of one measure as the page's script draws it. @param factor that figures are divided by
/// @param text writes a figure as the table beside it does @param names of gross, anyway and net
[[nodiscard]] nlohmann::ordered_json waterfall_data(const Spread& gross, const Spread& anyway, const Spread& net,
                                                    double factor, const std::function<std::string(double)>& text,
                                                    std::string_view unit_name, std::string_view label,
                                                    const std::array<std::string, 3>& names);

[[nodiscard]] Section outcomes_and_savings(const Run& run, nlohmann::ordered_json& data);
[[nodiscard]] Section cost_effectiveness(const Run& run, nlohmann::ordered_json& data);
/// How the parameters of the run came about: each calibrated programme beside its record.
[[nodiscard]] Section calibration_section(const Run& run, nlohmann::ordered_json& data);
/// How many observations the intervals of calibrations like this run's held when they were forecasts, from the shipped
/// table of back-tests; empty for a run that is not calibrated, and where there is no such table.
/// @param scenarios folder of the shipped ones
[[nodiscard]] std::string past_coverage(const Run& run, const std::filesystem::path& scenarios);
/// How earlier forecasts of this model fared, and the averages with them where the run was asked for those; empty where
/// the run says nothing of them.
[[nodiscard]] std::string outside_view_beside(const Run& run);
/// Published figures beside the results of the lead strategy; nothing where there are none.
[[nodiscard]] Section published_section(const Run& run, const Sources& sources);
/// The back-test in `folder/backtest.json`; nothing where there is none, or it is none.
[[nodiscard]] Section backtest_section(const std::filesystem::path& folder, const Run& run,
                                       nlohmann::ordered_json& data);
/// Of several programmes: a line each, never added up over unlike events.
[[nodiscard]] Section programme_by_programme(const Run& run);
/// The split of the lead strategy's result over what drives it, where it was asked for.
[[nodiscard]] Section split(const Run& run, nlohmann::ordered_json& data);
/// What programmes lose to each other's claim on attention.
[[nodiscard]] Section displacement(const Run& run, const std::filesystem::path& folder, nlohmann::ordered_json& data);
/// "2022/23", and which part of it was simulated where that is not the whole year. @param year index of the axis
[[nodiscard]] std::string year_label(const Run& run, std::size_t year);
/// The ledger of companies, apart from everything about health.
[[nodiscard]] Section growth(const Run& run, nlohmann::ordered_json& data);
/// What the ledger says, in a sentence; empty without one.
[[nodiscard]] std::string growth_sentence(const Run& run);

}  // namespace uptake
