#include "results/spot.hpp"

#include <cmath>

#include "results/compare.hpp"
#include "uptake/model.hpp"

namespace uptake {

Spot::Spot(const RunRecord& record, int strategy, int programme, int time)
    : Spot(record, strategy, programme, time, focus_place(record.layout, record.model->scenario)) {}

Spot::Spot(const RunRecord& record, int strategy, int programme, int time, int place)
    : record_(record),
      report_(report_of(record)),
      strategy_(strategy),
      programme_(programme),
      time_(time),
      place_(place) {}

const Block* Spot::block_of(Metric metric) const {
  const Block* const block = record_.layout.find(metric, Axis::report);
  return block == nullptr || place_ >= block->n_places ? nullptr : block;
}

std::optional<Statistics> Spot::operator()(Metric metric, View view) const {
  const Block* const block = block_of(metric);
  if (block == nullptr) return std::nullopt;
  const Statistics s = report_->at(*block, strategy_, programme_, time_, place_, view).value;
  if (std::isnan(s.mean)) return std::nullopt;
  return s;
}

std::vector<double> Spot::by_replicate(Metric metric, View view) const {
  const Block* const block = block_of(metric);
  if (block == nullptr) return {};
  return cell_values(record_.layout, *record_.ensemble, *block, strategy_, programme_, time_, place_, view);
}

std::optional<double> Spot::share_above(Metric metric, View view, double threshold) const {
  double above = 0, defined = 0;
  for (const double v : by_replicate(metric, view)) {
    defined += std::isnan(v) ? 0 : 1;
    above += v > threshold ? 1 : 0;
  }
  if (defined == 0) return std::nullopt;
  return above / defined;
}

bool is_repeated(const Spot& place, Metric metric) {
  if (metric != Metric::events_avoided) return false;
  const auto gross = place(metric, View::gross), admissions = place(Metric::admissions_avoided, View::gross);
  return gross && admissions && admissions->mean == gross->mean;
}

}  // namespace uptake
