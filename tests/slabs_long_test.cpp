// 100,000 replicates in part files are summarised and written in the memory of a laptop.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "folder.hpp"
#include "report/run_view.hpp"
#include "results/cell_statistics.hpp"
#include "results_fixture.hpp"

namespace uptake {
namespace {

double peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

double memory_now() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

TEST(Slabs, MemoryDoesNotGrowWithTheReplicates) {
  constexpr std::size_t kReplicates = 100'000;
  const auto run = made_up_run({1, 2, 2, 60, 1});
  const std::size_t width = run->record.layout.size;
  const TestFolder folder;
  const std::string digest = "0123456789abcdef";
  {
    PartFile part(folder.path(), digest, 0, width);
    std::vector<double> summary(run->ensemble.values.begin(), run->ensemble.values.end());
    for (std::size_t r = 0; r < kReplicates; ++r) {
      for (std::size_t k = 0; k < width; ++k) summary[k] = static_cast<double>(mix64(mix64(r) ^ k) >> 44);
      part.append(r, summary);
    }
  }
  const Ensemble in_parts = read_parts(folder.path(), digest, width, kReplicates);
  Control control;
  control.n_threads = 2;
  const double before = peak_memory();
  const Ensemble parts = by_cell(in_parts, folder.path(), control);
  ASSERT_TRUE(parts.cells) << "no room on the disk";
  RunRecord record = run->record;
  record.ensemble = &parts;
  write_results(record, folder.path(), control);
  const double taken = peak_memory() - before, all = static_cast<double>(kReplicates * width * sizeof(double));
  EXPECT_GT(all, 2 * static_cast<double>(kSlabMemory)) << "otherwise nothing is shown";
  // Slabs, and what is not counted there: one column a thread, chunks on their way, tables of HDF5.
  EXPECT_LT(taken, 1.25 * static_cast<double>(kSlabMemory));

  // A median found the slow way.
  const Block& block = *record.layout.find(Metric::adopters, Axis::month);
  std::vector<double> values;
  for (std::size_t r = 0; r < kReplicates; ++r)
    values.push_back(static_cast<double>(mix64(mix64(r) ^ block.at(2, 0, 3, 1)) >> 44));
  constexpr std::array kViews{View::gross};
  const Cells cell{&block, 2, 0, static_cast<std::size_t>(3 * block.n_places + 1), 1};
  const auto got = cell_statistics(record.layout, parts, cell, kViews, kSlabMemory)[0][0].value;
  std::ranges::sort(values);
  EXPECT_EQ(got.p50, (values[kReplicates / 2 - 1] + values[kReplicates / 2]) / 2);

  // Nor with what a page reads of them.
  const uptake::Run page(folder.path());
  const double unread = memory_now();
  std::size_t read = 0;
  for (const Block& of : record.layout.blocks) {
    if (of.axis != Axis::report) continue;
    const std::vector<double> last = page.by_replicate(std::string(spec(of.metric).name), 2, 0, 1);
    if (last.empty()) continue;
    read += last.size() * static_cast<std::size_t>(of.n_strategies * of.n_programmes * of.n_times) * sizeof(double);
    if (of.metric != Metric::adopters) continue;
    for (const std::size_t r : {std::size_t{0}, kReplicates / 2, kReplicates - 1})
      EXPECT_EQ(last[r], static_cast<double>(mix64(mix64(r) ^ of.at(2, 0, 1, 0)) >> 44));
  }
  EXPECT_GT(read, kSlabMemory) << "otherwise nothing is shown";
  EXPECT_LT(memory_now() - unread, 0.5 * static_cast<double>(kSlabMemory));
}

}  // namespace
}  // namespace uptake
