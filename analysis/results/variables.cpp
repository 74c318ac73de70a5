#include "results/variables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "results/axes.hpp"
#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "statistics/statistics.hpp"
#include "uptake/model.hpp"

namespace uptake {

namespace {
/// Binary digits kept behind the first: of statistics (a relative error of at most 2^-21 < 5e-7, far below any
/// Monte-Carlo error) and of the replicates' own values (as a 32-bit float has). Compression does the rest. [A]
constexpr int kStatisticDigits = 20, kReplicateDigits = 23;
/// Most values in a chunk of replicates: 1 MiB. [A]
constexpr std::size_t kChunkValues = std::size_t{1} << 17;

/// @param coordinates names of the auxiliary coordinates, separated by blanks
Attributes metric_attributes(const SummaryLayout& layout, const MetricSpec& metric, Axis axis,
                             std::string coordinates) {
  Attributes attributes{{"units", std::string(metric.unit)}, {"long_name", std::string(metric.long_name)}};
  if (metric.kind != MetricKind::ratio)
    attributes.emplace_back("cell_methods",
                            fmt::format("{}: {}", axis_name(axis), metric.kind == MetricKind::stock ? "point" : "sum"));
  if (metric.money) attributes.emplace_back("price_year", std::string(kPriceYear));
  std::vector<std::string_view> spoken_to;
  for (std::size_t d = 0; d < kImpactDimensionNames.size(); ++d)
    if ((metric.dimensions >> d & 1U) != 0) spoken_to.push_back(kImpactDimensionNames[d]);
  if (!spoken_to.empty()) attributes.emplace_back("impact_dimensions", fmt::format("{}", fmt::join(spoken_to, "; ")));
  if (const int n = layout.n_in_total[static_cast<std::size_t>(metric.id)];
      n > 0 && layout.benefit.size() > 2)  // several, and all together
    attributes.emplace_back("programmes_in_all", std::int32_t{n});
  attributes.emplace_back("coordinates", std::move(coordinates));
  return attributes;
}

std::uint64_t extent(int n) { return static_cast<std::uint64_t>(n); }

/// The dimension of places, which what is given for England alone lacks.
void add_place_dimension(Variable& variable, const SummaryLayout& layout, const Block& block, int n_places) {
  if (n_places > 1 || block.geography == Geography::board) {
    variable.dimensions.emplace_back(place_name(block.geography));
    variable.chunk_shape.push_back(extent(n_places));
  } else {
    variable.attributes.emplace_back("region", layout.regions.front());
  }
}

/// Statistics of a chunk as they stand in the file: [statistic][cell].
std::vector<double> by_statistic(const std::vector<CellStatistics>& cells) {
  std::vector<double> result(kStatisticNames.size() * cells.size());
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    const auto ordered = in_order(cells[cell].value);
    for (std::size_t k = 0; k < ordered.size(); ++k) result[k * cells.size() + cell] = ordered[k];
  }
  return result;
}

}  // namespace

Variable statistics_variable(const RunRecord& record, const Block& block, std::size_t memory) {
  const MetricSpec& metric = spec(block.metric);
  Variable variable{std::string(metric.name),
                    {"strategy", "view", "statistic", "programme", std::string(axis_name(block.axis))},
                    {1, 1, kStatisticNames.size(), 1, extent(block.n_times)},
                    metric_attributes(record.layout, metric, block.axis, time_coordinates(block.axis)),
                    {}};
  variable.attributes.push_back(digits_kept(kStatisticDigits));
  add_place_dimension(variable, record.layout, block, block.n_places);
  const auto offset = [n = variable.dimensions.size()](int strategy, View view, int programme) {
    Extents at{extent(strategy), static_cast<std::uint64_t>(view), 0, extent(programme), 0, 0};
    at.resize(n);
    return at;
  };
  const bool tabled = block.axis == Axis::report && block.geography == Geography::region;
  const auto work = [&record, &block, offset, memory, tabled](int strategy, int programme) {
    constexpr std::array kViews{View::gross, View::net};
    const Cells cells = all_cells(block, strategy, programme);
    const auto worked = tabled ? std::vector<std::vector<CellStatistics>>{}
                               : cell_statistics(record.layout, *record.ensemble, cells, kViews, memory);
    std::vector<Chunk> chunks;
    for (std::size_t v = 0; v < kViews.size(); ++v) {
      Chunk& chunk = chunks.emplace_back();
      chunk.packed =
          packed(by_statistic(tabled ? record.report->chunk(block, strategy, programme, kViews[v]) : worked[v]),
                 kStatisticDigits);
      chunk.offsets.push_back(offset(strategy, kViews[v], programme));
      if (kViews[v] == View::gross && strategy == record.layout.comparator)
        for (int s = 0; s < block.n_strategies; ++s)
          chunk.offsets.push_back(offset(s, View::counterfactual, programme));
    }
    return chunks;
  };
  for (int programme = 0; programme < block.n_programmes; ++programme)
    for (int strategy = 0; strategy < block.n_strategies; ++strategy)
      variable.work.emplace_back([work, strategy, programme] { return work(strategy, programme); });
  return variable;
}

Variable replicate_variable(const RunRecord& record, const Block& block, std::string name, Places places) {
  const MetricSpec& metric = spec(block.metric);
  const int n_places = places == Places::all ? block.n_places : 1;
  const std::size_t n = record.ensemble->n_replicates;
  const auto n_kept = static_cast<std::size_t>(block.n_times) * static_cast<std::size_t>(n_places);
  const std::size_t n_rows = std::clamp<std::size_t>(kChunkValues / std::max<std::size_t>(n_kept, 1), 1, n);
  Variable variable{std::move(name),
                    {"replicate", "strategy", "programme", std::string(axis_name(block.axis))},
                    {n_rows, 1, 1, extent(block.n_times)},
                    metric_attributes(record.layout, metric, block.axis, "draw " + time_coordinates(block.axis)),
                    {}};
  variable.attributes.push_back(digits_kept(kReplicateDigits));
  add_place_dimension(variable, record.layout, block, n_places);
  const auto work = [&ensemble = *record.ensemble, &block, n, n_rows, n_kept, rank = variable.dimensions.size()](
                        int strategy, int programme, std::size_t first) {
    const Cells cells = all_cells(block, strategy, programme);
    const std::size_t step = cells.n / n_kept;  // 1, or all places where England alone is kept
    const std::size_t n_together = step == 1 ? n_kept : 1, m = std::min(n_rows, n - first);
    std::vector<double> columns(n_kept * m), values(n_rows * n_kept, kFill);
    for (std::size_t k = 0; k < n_kept; k += n_together)
      ensemble.read_columns(first, m, block.at(strategy, programme, 0, 0) + k * step, n_together,
                            std::span(columns).subspan(k * m, n_together * m));
    for (std::size_t r = 0; r < m; ++r)
      for (std::size_t k = 0; k < n_kept; ++k) values[r * n_kept + k] = columns[k * m + r];
    Extents offset(rank, 0);
    offset[0] = first;
    offset[1] = extent(strategy);
    offset[2] = extent(programme);
    return std::vector<Chunk>{{{std::move(offset)}, packed(std::move(values), kReplicateDigits)}};
  };
  for (int strategy = 0; strategy < block.n_strategies; ++strategy)
    for (int programme = 0; programme < block.n_programmes; ++programme)
      for (std::size_t first = 0; first < n; first += n_rows)
        variable.work.emplace_back([work, strategy, programme, first] { return work(strategy, programme, first); });
  return variable;
}

Variable drawn_variable(const RunRecord& record, std::size_t n_parameters) {
  const std::size_t n = record.ensemble->n_replicates;
  const std::size_t n_rows = std::clamp<std::size_t>(kChunkValues / n_parameters, 1, n);
  Variable variable{"drawn", {"replicate", "parameter"}, {n_rows, n_parameters}, {}, {}};
  variable.attributes = named("value used by the replicate, in unit");
  variable.attributes.emplace_back("coordinates", std::string("draw"));
  for (std::size_t first = 0; first < n; first += n_rows)
    variable.work.emplace_back([&scenario = record.model->scenario, n, n_rows, n_parameters, first] {
      std::vector<double> values;
      values.reserve(n_rows * n_parameters);
      for (std::size_t r = first; r < std::min(first + n_rows, n); ++r) {
        const Draw draw = draw_parameters(scenario, make_key(scenario.seed, r));
        const auto used = draw.values().first(n_parameters);
        values.insert(values.end(), used.begin(), used.end());
      }
      values.resize(n_rows * n_parameters, kFill);
      return std::vector<Chunk>{{{{first, 0}}, packed(std::move(values), kAllDigits)}};
    });
  return variable;
}

Variable split_variable(const RunRecord& record, const Block& block, const std::vector<int>& worlds,
                        std::size_t memory) {
  const MetricSpec& metric = spec(block.metric);
  const std::size_t n_drivers = kDriverNames.size(), n_statistics = kStatisticNames.size();
  Variable variable{std::string(metric.name),
                    {"statistic", "driver", "programme", std::string(axis_name(block.axis))},
                    {n_statistics, n_drivers, 1, extent(block.n_times)},
                    metric_attributes(record.layout, metric, block.axis, time_coordinates(block.axis)),
                    {}};
  variable.attributes.push_back(digits_kept(kStatisticDigits));
  add_place_dimension(variable, record.layout, block, block.n_places);
  const auto work = [&ensemble = *record.ensemble, &block, worlds, memory, n_drivers, n_statistics,
                     rank = variable.dimensions.size()](int programme) {
    const auto n_cells = static_cast<std::size_t>(block.n_times) * static_cast<std::size_t>(block.n_places);
    const std::size_t n = ensemble.n_replicates;
    const std::size_t of_a_cell = n * (n_drivers + worlds.size()) * sizeof(double);
    const std::size_t n_at_once = std::clamp<std::size_t>(memory / of_a_cell, 1, n_cells);
    std::vector<double> result(n_statistics * n_drivers * n_cells), worth(worlds.size()), values;
    std::vector<std::vector<double>> of_world(worlds.size());
    for (std::size_t first = 0; first < n_cells; first += n_at_once) {
      const std::size_t n_here = std::min(n_at_once, n_cells - first);
      values.resize(n_drivers * n_here * n);
      for (std::size_t set = 0; set < worlds.size(); ++set) {
        of_world[set].resize(n_here * n);
        ensemble.read_columns(0, n, block.at(worlds[set], programme, 0, 0) + first, n_here, of_world[set]);
      }
      for (std::size_t cell = 0; cell < n_here; ++cell) {
        for (std::size_t r = 0; r < n; ++r) {
          for (std::size_t set = 0; set < worlds.size(); ++set) worth[set] = of_world[set][cell * n + r];
          const std::vector<double> value = shapley_values(worth);
          for (std::size_t driver = 0; driver < n_drivers; ++driver)
            values[(driver * n_here + cell) * n + r] = value[driver];
        }
      }
      for (std::size_t driver = 0; driver < n_drivers; ++driver)
        for (std::size_t cell = 0; cell < n_here; ++cell) {
          const auto ordered = in_order(statistics(std::span(values).subspan((driver * n_here + cell) * n, n)));
          for (std::size_t k = 0; k < n_statistics; ++k)
            result[(k * n_drivers + driver) * n_cells + first + cell] = ordered[k];
        }
    }
    Extents offset(rank, 0);
    offset[2] = extent(programme);
    return std::vector<Chunk>{{{std::move(offset)}, packed(std::move(result), kStatisticDigits)}};
  };
  for (int programme = 0; programme < block.n_programmes; ++programme)
    variable.work.emplace_back([work, programme] { return work(programme); });
  return variable;
}

}  // namespace uptake
