// results.h5: its groups in their order, and the one fixed sequence of calls that writes them.
#include "uptake/results.hpp"

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>

#include "files/file.hpp"
#include "files/hdf5_writer.hpp"
#include "files/results_file.hpp"
#include "files/seal.hpp"
#include "results/axes.hpp"
#include "results/cell_statistics.hpp"
#include "results/compare.hpp"
#include "results/provenance.hpp"
#include "results/results_h5.hpp"
#include "results/variables.hpp"
#include "uptake/version.hpp"

namespace uptake {

namespace {
namespace groups {
/// Those with large datasets, in file order; the first three in the order of Axis.
enum Group : std::uint8_t { root, year, report, icb, replicates, parameters, shapley };
}  // namespace groups

/// Datasets of one group, in file order.
struct GroupPlan {
  std::string name;  ///< empty = root
  std::vector<Variable> variables;
  bool by_replicate = false;  ///< its variables hold a value for each replicate
};

std::vector<GroupPlan> plan_of(const RunRecord& record, std::size_t memory) {
  const std::vector<int> worlds = worlds_of_drivers(record.layout.strategies, lead_strategy(record.model->scenario));
  std::vector<GroupPlan> plan{
      {"", {}},       {"year", {}}, {"report", {}}, {"icb", {}}, {"replicates", {}, true}, {"parameters", {}, true},
      {"shapley", {}}};
  for (const Block& block : record.layout.blocks) {
    const auto group = block.geography == Geography::board ? groups::icb : static_cast<groups::Group>(block.axis);
    plan[group].variables.push_back(statistics_variable(record, block, memory));
    if (block.geography != Geography::region) continue;
    const std::string name(spec(block.metric).name);
    if (block.axis == Axis::report && !worlds.empty() && is_additive(block.metric))
      plan[groups::shapley].variables.push_back(split_variable(record, block, worlds, memory));
    if (block.axis == Axis::report)
      plan[groups::replicates].variables.push_back(replicate_variable(record, block, name, Places::all));
    else if (block.axis == Axis::month && (block.metric == Metric::adopters || block.metric == Metric::ever_adopted))
      plan[groups::replicates].variables.push_back(
          replicate_variable(record, block, name + "_by_month", Places::england));
  }
  plan[groups::parameters].variables.push_back(drawn_variable(record, n_parameters(record.model->scenario)));
  return plan;
}

void write_eligible(Hdf5Group& group, const RunRecord& record, Geography geography) {
  Attributes attributes = named("organisations that may adopt");
  attributes.emplace_back("units", std::string("organisations"));
  group.doubles("eligible", eligible_organisations(record, geography),
                {"programme", std::string(place_name(geography))}, attributes);
}

void write_axes(Hdf5Group& group, const std::string& name, const RunRecord& record) {
  const SummaryLayout& layout = record.layout;
  if (name == "parameters") {
    write_parameters(group, record);
    return;
  }
  if (name == "replicates") {
    add_replicates(group, record);
    group.scale("strategy", layout.strategies, named("what is done"));
    group.scale("programme", layout.programmes, named("innovation; all = total over programmes"));
    add_time_axis(group, layout, Axis::report);
    add_places(group, record, Geography::region);
    add_time_axis(group, layout, Axis::month);
    return;
  }
  if (name == "shapley") {
    group.scale("statistic", texts(kStatisticNames), named("over replicates, as in the root group"));
    group.scale("driver", texts(kDriverNames),
                named("what drives adoption; their values sum to the world with all less the world with none"));
    group.scale("programme", layout.programmes, named("innovation; all = total over programmes"));
    add_time_axis(group, layout, Axis::report);
    add_places(group, record, Geography::region);
    group.text("of", {layout.strategies[static_cast<std::size_t>(lead_strategy(record.model->scenario))]}, {},
               named("strategy whose result is split"));
    return;
  }
  add_what_axes(group, layout);
  add_time_axis(group, layout, name == "year" ? Axis::year : name == "report" ? Axis::report : Axis::month);
  add_places(group, record, name == "icb" ? Geography::board : Geography::region);
}

/// Makes groups and datasets one after another, in the order of the plan, as their chunks come.
class Writer {
 public:
  Writer(const Hdf5File& file, const RunRecord& record, const std::vector<GroupPlan>& plan)
      : file_(file), record_(record), plan_(plan) {}

  /// The dataset of a variable of the plan; those before it are complete.
  Hdf5Chunks& dataset(std::size_t group, std::size_t variable) {
    if (!group_ || group != group_at_) {
      dataset_.reset();
      open_group(group);
    } else if (dataset_ && variable == variable_at_) {
      return *dataset_;
    }
    const Variable& v = plan_[group].variables[variable];
    dataset_.emplace(group_->chunked(v.name, v.dimensions, v.chunk_shape, v.attributes));
    variable_at_ = variable;
    return *dataset_;
  }
  void open_group(std::size_t group) {
    const std::string& name = plan_[group].name;
    group_.emplace(name.empty() ? file_.root() : file_.group(name));
    group_at_ = group;
    if (name.empty())
      group_->attributes({{"Conventions", std::string(kConventions)},
                          {"title", record_.model->scenario.title},
                          {"source", fmt::format("uptake {}", version())},
                          {"results_format", std::int32_t{kResultsFormat}}});
    write_axes(*group_, name, record_);
    if (name.empty()) write_eligible(*group_, record_, Geography::region);
    if (name == "icb") write_eligible(*group_, record_, Geography::board);
  }

 private:
  const Hdf5File& file_;
  const RunRecord& record_;
  const std::vector<GroupPlan>& plan_;
  std::optional<Hdf5Group> group_;
  std::optional<Hdf5Chunks> dataset_;
  std::size_t group_at_ = 0, variable_at_ = 0;
};

/// A piece of work and the variable that it is for.
struct Piece {
  std::size_t group = 0, variable = 0;
  const Work* work = nullptr;
};
std::vector<Piece> pieces_of(const std::vector<GroupPlan>& plan) {
  std::vector<Piece> pieces;
  for (std::size_t g = 0; g < plan.size(); ++g)
    for (std::size_t v = 0; v < plan[g].variables.size(); ++v)
      for (const Work& work : plan[g].variables[v].work) pieces.push_back({g, v, &work});
  return pieces;
}

/// The one fixed sequence of calls. Chunks are worked out in parallel and taken in order.
/// @return bytes of chunks that are longer with more replicates
std::size_t write_hdf5(const RunRecord& record, Hdf5Output& output, const Control& control) {
  const Quiet quiet;
  const Hdf5File file(output);
  const std::vector<GroupPlan> plan = plan_of(record, slab_memory(control));
  const std::vector<Piece> pieces = pieces_of(plan);
  std::size_t growing = 0;
  {
    Writer writer(file, record, plan);
    if (plan.front().variables.empty()) writer.open_group(0);
    std::vector<std::vector<Chunk>> done(pieces.size());
    run_tasks(
        pieces.size(),
        [&](std::size_t i) {
          done[i] = (*pieces[i].work)();
          return std::vector<double>{};
        },
        [&](std::size_t i, std::vector<double>&&) {
          Hdf5Chunks& dataset = writer.dataset(pieces[i].group, pieces[i].variable);
          for (const Chunk& chunk : std::exchange(done[i], {})) {
            if (chunk.packed.empty()) continue;
            if (plan[pieces[i].group].by_replicate) growing += chunk.packed.size();
            for (const auto& offset : chunk.offsets) dataset.take(offset, chunk.packed);
          }
          if (output.error != 0) throw std::runtime_error("the disk refused");  // told apart by write_results
        },
        control);
  }
  write_provenance(file, record);
  return growing;
}
}  // namespace

std::size_t write_results_file(const RunRecord& record, const std::filesystem::path& folder, const Control& control) {
  Replacement file(folder / "results.h5");
  Hdf5Output output{file.descriptor(), 0};
  std::size_t growing = 0;
  try {
    growing = write_hdf5(record, output, control);
  } catch (const FileError&) {
    throw;
  } catch (const std::exception&) {
    if (output.error == 0) throw;
  }
  if (output.error != 0) throw file_error(file.path(), "cannot write", output.error);
  seal(file);
  file.put_in_place();
  return growing;
}

void write_results(const RunRecord& record, const std::filesystem::path& folder, const Control& control) {
  // Half a file is of no use: writing is not stopped.
  const Control whole{control.body, control.n_threads, {}, control.progress};
  RunRecord complete = record;
  if (!complete.report) complete.report = report_statistics(record, whole);
  write_results_file(complete, folder, whole);
}

}  // namespace uptake
