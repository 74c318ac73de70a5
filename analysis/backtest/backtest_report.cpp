// A back-test as a table for people, as JSON and as CSV.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "backtest/backtest.hpp"
#include "files/json_text.hpp"
#include "results/numbers.hpp"
#include "results/wording.hpp"
#include "uptake/past_forecasts.hpp"
#include "uptake/results.hpp"

namespace uptake {

namespace {
using Json = nlohmann::ordered_json;
constexpr std::size_t kWidth = 80;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

/// 5, 25, 50, 75 and 95 % of a forecast; NaN when every draw failed.
std::array<double, 5> shown_quantiles(const Forecast& one) {
  constexpr std::array kShown{0.05, 0.25, 0.5, 0.75, 0.95};
  std::array<double, 5> shown{};
  shown.fill(std::nan(""));
  std::vector<double> finite;
  std::ranges::copy_if(one.draws, std::back_inserter(finite), [](double value) { return std::isfinite(value); });
  if (!finite.empty()) std::ranges::copy(quantiles_of(finite, kShown), shown.begin());
  return shown;
}

Json json_of(const Wis& wis) {
  return {{"total", number(wis.total)},
          {"dispersion", number(wis.dispersion)},
          {"overprediction", number(wis.overprediction)},
          {"underprediction", number(wis.underprediction)}};
}

Json json_of(const GroupScore& group) {
  Json skill = Json::object(), theirs = Json::object();
  for (std::size_t b = 0; b < kBaselineNames.size(); ++b) {
    skill[std::string(kBaselineNames[b])] = number(group.skill[b]);
    theirs[std::string(kBaselineNames[b])] = group.n_compared > 0 ? number(group.theirs[b].total) : Json(nullptr);
  }
  Json row{{"programme", group.programme}};
  if (!group.measure.empty()) {
    row["region"] = group.region;
    row["measure"] = group.measure;
  }
  row.update({{"n", group.n_scored},
              {"n_compared", group.n_compared},
              {"wis_share", json_of(group.wis)},
              {"bias", number(group.bias)},
              {"wis_share_compared", group.n_compared > 0 ? number(group.ours.total) : Json(nullptr)},
              {"wis_share_baselines", std::move(theirs)},
              {"skill", std::move(skill)}});
  return row;
}

Json json_of(const std::optional<Coverage>& coverage, const std::optional<double>& multiplier) {
  if (!coverage) return nullptr;
  return {{"share", number(coverage->share)},
          {"expected_low", number(coverage->low)},
          {"expected_high", number(coverage->high)},
          {"independent", coverage->n_independent},
          {"multiplier", number(multiplier)}};
}

Json json_of(const std::optional<MeanScore>& score) {
  if (!score) return nullptr;
  return {{"mean", number(score->mean)}, {"mcse", number(score->mcse)}};
}

/// A number in at most six characters or so: shares of little things keep three digits.
std::string short_number(double value) {
  return std::isfinite(value) && value != 0 && std::abs(value) < 0.1 ? fmt::format("{:.2g}", value) : rounded(value);
}

std::string interval(double low, double high) { return fmt::format("{}-{}", rounded(low), rounded(high)); }

std::string where_it_lies(const Score& score) {
  if (score.covered(0.5)) return "50";
  return score.covered(0.9) ? "90" : "out";
}

std::string wis_of(const std::optional<Score>& score) { return score ? short_number(score->wis.total) : "-"; }

void add_forecasts(std::string& text, const Backtest& result) {
  text += fmt::format("{:<10}{:>8}{:>7}{:>13}{:>14}{:>4}{:>6}{:>6}{:>6}{:>6}\n", "", "observed", "median", "50 %",
                      "90 %", "in", "WIS", "pers", "line", "Bass");
  std::string before;
  for (const Forecast& one : result.forecasts) {
    const std::string series = fmt::format(
        "{}: {}{}, {} (known: {}{})", one.programme, one.measure, one.region == "England" ? "" : " in " + one.region,
        one.unit, one.cut,
        one.cut == kLeftOut ? std::string(", nothing of its own") : ", " + plural(one.n_past, "observation"));
    if (series != before) text += paragraph(series, kWidth, 2);
    before = series;
    const auto q = shown_quantiles(one);
    text += fmt::format("{:<10}{:>8}{:>7}{:>13}{:>14}{:>4}{:>6}{:>6}{:>6}{:>6}\n", one.date,
                        one.observed ? rounded(*one.observed) : "-", rounded(q[2]), interval(q[1], q[3]),
                        interval(q[0], q[4]), one.score ? where_it_lies(*one.score) : "-", wis_of(one.score),
                        wis_of(one.baselines[0]), wis_of(one.baselines[1]), wis_of(one.baselines[2]));
  }
}

std::string coverage_text(const Coverage& coverage, const std::optional<double>& multiplier, std::size_t n) {
  const double level = 100 * coverage.level, share = 100 * coverage.share;
  const bool short_of = coverage.share<coverage.low, beyond = coverage.share> coverage.high;
  std::string text = fmt::format("The {:.0f} % intervals held {:.0f} % of {}", level, share, plural(n, "observation"));
  text += fmt::format(" (chance alone, {}: {:.0f} to {:.0f} %)", as_many_tests(coverage.n_independent),
                      100 * coverage.low, 100 * coverage.high);
  text += short_of ? ": too narrow." : beyond ? ": too wide." : ".";
  if (coverage.share < coverage.level) {
    text += multiplier ? fmt::format(" Half-widths times {:.2f} would have held {:.0f} %.", *multiplier, level)
                       : std::string(" No factor on their widths would have made them hold as many.");
  }
  return text;
}

std::string skill_text(const Backtest& result, std::size_t b) {
  const std::optional<SkillOf>& skill = result.skill[b];
  if (!skill) return fmt::format("{:<12}{:>10}", kBaselineNames[b], "-");
  const Skill& shares = skill->shares;
  const auto cell = [](std::optional<double> value) {
    return value && std::isfinite(*value) ? fmt::format("{:.2f}", *value) : std::string("-");
  };
  const std::string range = std::isfinite(shares.low) && std::isfinite(shares.high)
                                ? fmt::format("{:.2f}-{:.2f}", shares.low, shares.high)
                                : std::string("-");
  return fmt::format("{:<12}{:>10}{:>16}{:>20}{:>11}{:>10}", kBaselineNames[b], cell(shares.ratio), range,
                     cell(shares.geometric), cell(skill->natural), cell(skill->logs));
}

/// How far the first observation of a programme that was left out lies in what the others said of it (prior-data conflict:
/// Box 1980, JRSS A 143:383); empty of one that was not. Of several series on that day the furthest.
std::string conflict_text(const Backtest& result) {
  const Forecast* first = nullptr;
  const auto tail = [](const Forecast& one) {
    const double place = (one.score->below + one.score->at_or_below) / 2;
    return 2 * std::min(place, 1 - place);
  };
  for (const Forecast& one : result.forecasts) {
    if (one.cut != kLeftOut || !one.score) continue;
    if (!first || one.date < first->date || (one.date == first->date && tail(one) < tail(*first))) first = &one;
  }
  if (!first) return "";
  constexpr double kSurprising = 0.05;
  return fmt::format(
      "First observation of {} ({}), under what the others say: {:.0f} % of their draws lie as far out or further{}.",
      first->programme, first->date, 100 * tail(*first),
      tail(*first) < kSurprising ? ", so it contradicts them: think twice before it is forecast from them"
                                 : ", so it does not contradict them");
}

void add_scores(std::string& text, const Backtest& result) {
  if (result.n_scored == 0) {
    text += "\nNothing that was forecast has been observed: there is nothing to score.\n";
    return;
  }
  text += fmt::format("\nSkill: WIS of the model over that of a baseline, below 1 is better. {} of {}\n",
                      result.n_compared, result.n_scored);
  text += "scored forecasts have all three baselines\n";
  text += fmt::format("{:<12}{:>10}{:>16}{:>20}{:>11}{:>10}\n", "", "of shares", "90 % bootstrap", "mean of programmes",
                      "in units", "of logs");
  for (std::size_t b = 0; b < kBaselineNames.size(); ++b) text += skill_text(result, b) + "\n";
  text += "\n";
  text +=
      paragraph(fmt::format("Mean WIS {:.3g} (Monte-Carlo error {:.1g}) and mean CRPS {:.3g} ({:.1g}), as shares of "
                            "what each series can reach.",
                            result.wis->mean, result.wis->mcse, result.crps->mean, result.crps->mcse),
                kWidth, 2);
  text += paragraph(coverage_text(*result.covered50, result.multiplier50, result.n_scored), kWidth, 2);
  text += paragraph(coverage_text(*result.covered90, result.multiplier90, result.n_scored), kWidth, 2);
  const double bias = *result.bias;
  text += paragraph(fmt::format("Bias {}: forecasts were {} on balance (1: every draw above what was observed, -1: "
                                "every draw below).",
                                bias_text(bias), bias_in_words(bias)),
                    kWidth, 2);
  std::vector<std::string> heights;
  for (const double one : result.pit.empty() ? result.pits : result.pit) heights.push_back(fmt::format("{:.2f}", one));
  text += paragraph(
      result.pit.empty()
          ? fmt::format("PIT, the share of draws below each observation: {}.", fmt::join(heights, ", "))
          : fmt::format("PIT histogram (1 each when calibrated; high ends: too narrow, high middle: too wide): {}.",
                        fmt::join(heights, " ")),
      kWidth, 2);
  if (const std::string conflict = conflict_text(result); !conflict.empty()) text += paragraph(conflict, kWidth, 2);
  if (result.outside) {
    text += paragraph(fmt::format("Outside view: what happened was {:.2f} times the median forecast (20 to 80 % of "
                                  "cases: {:.2f} to {:.2f}).",
                                  result.outside->p50, result.outside->p20, result.outside->p80),
                      kWidth, 2);
  }
}

void add_list(std::string& text, const std::string& heading, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  text += fmt::format("\n{}\n", heading);
  for (const std::string& line : lines) text += paragraph("- " + line, kWidth, 2);
}
}  // namespace

std::string backtest_table(const Backtest& result) {
  std::string text =
      paragraph(fmt::format("Back-test of {}; known: {}. {} simulations in {:.0f} s.", result.history, result.known,
                            grouped(static_cast<double>(result.n_simulations)), result.seconds),
                kWidth, 2) +
      "\n";
  add_forecasts(text, result);
  add_scores(text, result);
  add_list(text, "Where a baseline wins", result.why);
  add_list(text, "Not forecast", result.skipped);
  add_list(text, "What forecasts know", result.assumed);
  add_list(text, "Warnings", result.warnings);
  return text;
}

std::string backtest_json(const Backtest& result) {
  Json forecasts = Json::array();
  for (const Forecast& one : result.forecasts) {
    const auto q = shown_quantiles(one);
    Json row{{"programme", one.programme},
             {"region", one.region},
             {"measure", one.measure},
             {"date", one.date},
             {"observed", number(one.observed)},
             {"p05", number(q[0])},
             {"p25", number(q[1])},
             {"p50", number(q[2])},
             {"p75", number(q[3])},
             {"p95", number(q[4])},
             {"crps", one.score ? number(one.score->crps) : Json(nullptr)},
             {"wis", one.score ? number(one.score->wis.total) : Json(nullptr)},
             {"unit", one.unit},
             {"cut", one.cut},
             {"n_past", one.n_past},
             {"before", number(one.before)},
             {"denominator", number(one.denominator)}};
    row["parts"] = one.score ? json_of(one.score->wis) : Json(nullptr);
    row["log_crps"] = one.score ? number(one.score->log_crps) : Json(nullptr);
    row["log_wis"] = one.score ? number(one.score->log_wis) : Json(nullptr);
    row["bias"] = one.score ? number(one.score->bias) : Json(nullptr);
    row["pit"] = one.score ? number((one.score->below + one.score->at_or_below) / 2) : Json(nullptr);
    Json baselines = Json::object();
    for (std::size_t b = 0; b < kBaselineNames.size(); ++b) {
      const auto& theirs = one.baselines[b];
      baselines[std::string(kBaselineNames[b])] =
          theirs ? Json{{"p50", number(theirs->quantiles[theirs->quantiles.size() / 2])},
                        {"crps", number(theirs->crps)},
                        {"wis", number(theirs->wis.total)}}
                 : Json(nullptr);
    }
    row["baselines"] = std::move(baselines);
    forecasts.push_back(std::move(row));
  }
  Json skill = Json::object(), detail = Json::object();
  for (std::size_t b = 0; b < kBaselineNames.size(); ++b) {
    const std::string name(kBaselineNames[b]);
    const auto& of = result.skill[b];
    skill[name] = of ? number(of->shares.ratio) : Json(nullptr);
    detail[name] = of ? Json{{"low", number(of->shares.low)},
                             {"high", number(of->shares.high)},
                             {"geometric", number(of->shares.geometric)},
                             {"natural", number(of->natural)},
                             {"log", number(of->logs)},
                             {"programmes", of->shares.n_groups},
                             {"forecasts", of->shares.n_forecasts}}
                      : Json(nullptr);
  }
  Json programmes = Json::array(), series = Json::array();
  for (const GroupScore& group : result.programmes) programmes.push_back(json_of(group));
  for (const GroupScore& group : result.series) series.push_back(json_of(group));
  Json pit = Json::array();
  for (const double height : result.pit) pit.push_back(number(height));
  const Json all{{"schema", kJsonSchema},
                 {"history", result.history},
                 {"cutoff", result.known},
                 {"forecasts", std::move(forecasts)},
                 {"skill", std::move(skill)},
                 {"coverage",
                  {{"50", result.covered50 ? number(result.covered50->share) : Json(nullptr)},
                   {"90", result.covered90 ? number(result.covered90->share) : Json(nullptr)}}},
                 {"skill_detail", std::move(detail)},
                 {"coverage_detail",
                  {{"50", json_of(result.covered50, result.multiplier50)},
                   {"90", json_of(result.covered90, result.multiplier90)}}},
                 {"programmes", std::move(programmes)},
                 {"series", std::move(series)},
                 {"scores",
                  {{"wis_share", json_of(result.wis)},
                   {"crps_share", json_of(result.crps)},
                   {"wis", json_of(result.natural_wis)},
                   {"crps", json_of(result.natural_crps)},
                   {"log_wis", number(result.log_wis)},
                   {"log_crps", number(result.log_crps)}}},
                 {"bias", number(result.bias)},
                 {"pit", std::move(pit)},
                 {"outside_view", result.outside ? Json{{"p20", number(result.outside->p20)},
                                                        {"p50", number(result.outside->p50)},
                                                        {"p80", number(result.outside->p80)},
                                                        {"n", result.outside->n}}
                                                 : Json(nullptr)},
                 {"why", result.why},
                 {"skipped", result.skipped},
                 {"assumed", result.assumed},
                 {"warnings", result.warnings},
                 {"simulations", result.n_simulations}};
  return json_text(all, 2) + "\n";
}

std::string backtest_csv(const Backtest& result) {
  std::string text =
      "programme,region,measure,date,observed,p05,p25,p50,p75,p95,crps,wis,dispersion,overprediction,underprediction,"
      "log_wis,bias,pit,wis_persistence,wis_linear,wis_bass,unit,denominator,cut,n_past\n";
  const auto cell = [](std::optional<double> value) {
    return value && std::isfinite(*value) ? fmt::format("{}", *value) : std::string();
  };
  for (const Forecast& one : result.forecasts) {
    std::vector<std::string> fields{csv_field(one.programme), csv_field(one.region), csv_field(one.measure),
                                    csv_field(one.date), cell(one.observed)};
    for (const double q : shown_quantiles(one)) fields.push_back(cell(q));
    const auto of_score = [&](const auto& get) { fields.push_back(one.score ? cell(get(*one.score)) : std::string()); };
    of_score([](const Score& s) { return s.crps; });
    of_score([](const Score& s) { return s.wis.total; });
    of_score([](const Score& s) { return s.wis.dispersion; });
    of_score([](const Score& s) { return s.wis.overprediction; });
    of_score([](const Score& s) { return s.wis.underprediction; });
    of_score([](const Score& s) { return s.log_wis; });
    of_score([](const Score& s) { return s.bias; });
    of_score([](const Score& s) { return (s.below + s.at_or_below) / 2; });
    for (const auto& theirs : one.baselines) fields.push_back(theirs ? cell(theirs->wis.total) : std::string());
    fields.insert(fields.end(),
                  {csv_field(one.unit), cell(one.denominator), csv_field(one.cut), fmt::format("{}", one.n_past)});
    text += fmt::format("{}\n", fmt::join(fields, ","));
  }
  return text;
}

}  // namespace uptake
