// An ensemble says the same whether it is in memory, in part files or laid out by cell.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bit>
#include <filesystem>

#include "folder.hpp"
#include "uptake/random.hpp"
#include "uptake/results.hpp"

namespace uptake {
namespace {

const std::string kDigest = "0123456789abcdef";
constexpr std::size_t kReplicates = 1100, kWidth = 37;  // two whole tiles and a part of one

double value(std::size_t replicate, std::size_t cell) {
  return std::bit_cast<double>(mix64(mix64(replicate) ^ cell) >> 2);
}
Control control_of(Body body, int n_threads) {
  Control control;
  control.body = body;
  control.n_threads = n_threads;
  return control;
}

class ByCell : public testing::Test {
 protected:
  void SetUp() override {
    for (int task = 0; task < 3; ++task) {
      PartFile part(parts.path(), kDigest, task, kWidth);
      std::vector<double> payload(kWidth);
      for (auto k = static_cast<std::size_t>(task); k < kReplicates; k += 3) {
        const std::size_t r = task == 1 ? kReplicates - k : k;  // one file has them the other way round
        ASSERT_EQ(r % 3, static_cast<std::size_t>(task));
        for (std::size_t cell = 0; cell < kWidth; ++cell) payload[cell] = value(r, cell);
        part.append(r, payload);
      }
    }
  }
  [[nodiscard]] Ensemble in_parts() const { return read_parts(parts.path(), kDigest, kWidth, kReplicates); }
  static void expect_values(const Ensemble& ensemble) {
    std::vector<double> row(kWidth), columns;
    for (const std::size_t r : {std::size_t{0}, std::size_t{511}, std::size_t{512}, kReplicates - 1}) {
      ensemble.read(r, 0, row);
      for (std::size_t cell = 0; cell < kWidth; ++cell) ASSERT_EQ(row[cell], value(r, cell)) << r << ' ' << cell;
    }
    struct Range {
      std::size_t first, n, first_cell, n_cells;
    };
    for (const Range& at :
         {Range{0, kReplicates, 0, kWidth}, Range{0, kReplicates, 5, 1}, Range{512, 512, 3, 9}, Range{500, 30, 36, 1},
          Range{1099, 1, 0, kWidth}, Range{7, 1000, 11, 2}, Range{3, 0, 0, 4}}) {
      columns.assign(at.n * at.n_cells, -1);
      ensemble.read_columns(at.first, at.n, at.first_cell, at.n_cells, columns);
      for (std::size_t cell = 0; cell < at.n_cells; ++cell)
        for (std::size_t r = 0; r < at.n; ++r)
          ASSERT_EQ(columns[cell * at.n + r], value(at.first + r, at.first_cell + cell)) << at.first << ' ' << r;
    }
  }
  TestFolder parts, place;
};

TEST_F(ByCell, AnEnsembleIsTheSameAsInMemoryAndInPartFiles) {
  const Ensemble left = in_parts();
  expect_values(left);
  Ensemble held{kReplicates, kWidth, Paged<double>(kReplicates * kWidth)};
  for (std::size_t r = 0; r < kReplicates; ++r)
    for (std::size_t cell = 0; cell < kWidth; ++cell) held.values[r * kWidth + cell] = value(r, cell);
  expect_values(held);
  for (const Body body : {Body::serial, Body::tbb, Body::threads})
    for (const int n_threads : {1, 2, 5})
      for (const Ensemble* of : {&left, static_cast<const Ensemble*>(&held)}) {
        const Ensemble laid_out = by_cell(*of, place.path(), control_of(body, n_threads));
        EXPECT_TRUE(laid_out.cells);
        EXPECT_TRUE(laid_out.values.empty());
        expect_values(laid_out);
      }
}

TEST_F(ByCell, LeavesNothingInTheFolderAndOutlivesThePartFiles) {
  const Ensemble laid_out = by_cell(in_parts(), place.path(), control_of(Body::tbb, 2));
  EXPECT_TRUE(std::filesystem::is_empty(place.path()));
  std::filesystem::remove_all(parts.path() / ".parts");
  expect_values(laid_out);
}

TEST_F(ByCell, WithoutRoomForMoreThePartFilesAreRead) {
  const Ensemble left = in_parts();
  const FileSizeLimit limit(kReplicates * kWidth * sizeof(double) / 4);  // less than a tile
  std::string why_not;
  const Ensemble same = by_cell(left, place.path(), control_of(Body::tbb, 2), &why_not);
  EXPECT_FALSE(same.cells);
  EXPECT_EQ(why_not, "files may not be so large (ulimit -f)");
  expect_values(same);
}

TEST_F(ByCell, WhatKeepsAFileFromBeingMadeIsSaidAndNotTakenForAFullDisk) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "a sanitizer takes a pipe of its own to look at memory, and there is none left";
#endif
  const Ensemble left = in_parts();
  const int free = ::dup(STDERR_FILENO);  // the lowest that is free
  ::close(free);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{static_cast<rlim_t>(free), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::string why_not;
  const Ensemble same = by_cell(left, place.path(), control_of(Body::serial, 1), &why_not);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(same.cells);
  EXPECT_EQ(why_not, "no file can be made in " + place.path().string() + " (Too many open files)");
  expect_values(same);
}

TEST_F(ByCell, RecordsThatBecameShorterAreNoticed) {
  const Ensemble left = in_parts();
  for (const auto& file : part_files(parts.path(), kDigest))
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 100);
  EXPECT_THROW((void)by_cell(left, place.path(), control_of(Body::tbb, 2)), FileError);
  EXPECT_TRUE(std::filesystem::is_empty(place.path()));
}

TEST_F(ByCell, NoReplicatesAreNotLaidOut) {
  const Ensemble none{0, kWidth, {}};
  EXPECT_FALSE(by_cell(none, place.path(), {}).cells);
}

}  // namespace
}  // namespace uptake
