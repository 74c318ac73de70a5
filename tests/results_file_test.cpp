#include "files/results_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "folder.hpp"
#include "results/export.hpp"
#include "results_fixture.hpp"
#include "uptake/error.hpp"
#include "uptake/random.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;

/// A made-up run of one programme, written as `run` writes it.
class ResultsFileTest : public testing::Test {
 protected:
  void SetUp() override {
    run_ = made_up_run({.n_programmes = 1, .n_regions = 2, .n_boards = 2, .n_weeks = 60, .n_replicates = 5});
    write_results(run_->record, folder_.path(), {Body::serial, 1, {}, {}});
  }
  [[nodiscard]] fs::path file() const { return folder_.path() / "results.h5"; }

  TestFolder folder_;
  std::unique_ptr<MadeUpRun> run_;
};

TEST_F(ResultsFileTest, ReadsBackByNameWhatWasWritten) {
  const ResultsFile results(file());
  EXPECT_EQ(results.texts("strategy"), (std::vector<std::string>{"as-delivered", "no-network", "no-programme"}));
  EXPECT_EQ(results.text("provenance/scenario"), "made-up");
  EXPECT_EQ(results.attribute("", "title"), "A made-up run, “quoted” in UTF-8");
  EXPECT_TRUE(results.has("report/admissions_avoided"));
  EXPECT_FALSE(results.has("report/nothing"));
  EXPECT_FALSE(results.has("nowhere/nothing"));

  const Labelled adopters = results.numbers("replicates/adopters");
  EXPECT_EQ(adopters.dimensions, (std::vector<std::string>{"replicate", "strategy", "programme", "report", "region"}));
  EXPECT_EQ(adopters.shape, (std::vector<std::size_t>{5, 3, 1, 2, 3}));
  EXPECT_EQ(adopters.units, "organisations");
  const Block& block = *run_->record.layout.find(Metric::adopters, Axis::report);
  for (std::size_t r = 0; r < 5; ++r)
    for (int s = 0; s < 3; ++s) {
      const std::size_t at = ((r * 3 + static_cast<std::size_t>(s)) * 2 + 1) * 3 + 2;
      const double written = run_->ensemble.values[r * run_->ensemble.width + block.at(s, 0, 1, 2)];
      EXPECT_NEAR(adopters.values[at], written, 1e-5 * written);
    }

  // One place, and one cell, of all replicates.
  const Labelled place = results.numbers_at("replicates/adopters", {2});
  EXPECT_EQ(place.dimensions, (std::vector<std::string>{"replicate", "strategy", "programme", "report"}));
  const Labelled cell = results.numbers_at("replicates/adopters", {1, 0, 1, 2});
  EXPECT_EQ(cell.dimensions, (std::vector<std::string>{"replicate"}));
  for (std::size_t r = 0; r < 5; ++r) {
    EXPECT_EQ(place.values[(r * 3 + 1) * 2 + 1], adopters.values[((r * 3 + 1) * 2 + 1) * 3 + 2]);
    EXPECT_EQ(cell.values[r], adopters.values[((r * 3 + 1) * 2 + 1) * 3 + 2]);
  }
  EXPECT_THROW(static_cast<void>(results.numbers_at("replicates/adopters", {3, 0, 1, 2})), FileError);
  EXPECT_THROW(static_cast<void>(results.numbers_at("replicates/adopters", {0, 0, 0, 0, 0, 0})), FileError);
}

TEST_F(ResultsFileTest, WhatIsNotThereOrNotWholeIsAFileError) {
  EXPECT_THROW(ResultsFile{folder_.path() / "none.h5"}, FileError);
  EXPECT_THROW(ResultsFile{folder_.path()}, FileError);
  std::ofstream(folder_.path() / "text.h5") << "no HDF5";
  EXPECT_THROW(ResultsFile{folder_.path() / "text.h5"}, FileError);
  EXPECT_THROW(static_cast<void>(ResultsFile(file()).numbers("report/nothing")), FileError);
  EXPECT_THROW(static_cast<void>(ResultsFile(file()).texts("replicates/adopters")), FileError);

  const auto size = fs::file_size(file());
  for (const double share : {0.001, 0.3, 0.7, 0.999}) {
    const fs::path torn = folder_.path() / "torn.h5";
    fs::copy_file(file(), torn, fs::copy_options::overwrite_existing);
    fs::resize_file(torn, static_cast<std::uintmax_t>(static_cast<double>(size) * share));
    EXPECT_THROW(
        {
          const ResultsFile results(torn);
          for (const std::string& name : results.datasets("replicates")) {
            if (!results.attribute("replicates/" + name, "units").empty())
              static_cast<void>(results.numbers("replicates/" + name));
          }
          static_cast<void>(results.texts("provenance/scenario_text"));
        },
        FileError)
        << share;
  }
}

/// The file with one byte changed.
std::string damaged(std::string bytes, std::size_t at, unsigned difference) {
  bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ difference);
  return bytes;
}

TEST_F(ResultsFileTest, ADamagedFileIsAFileErrorWhereverTheDamageIs) {
  std::ifstream in(file(), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const fs::path other = folder_.path() / "damaged.h5";
  const auto put = [&](std::string_view content) {
    std::ofstream(other, std::ios::binary | std::ios::trunc)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  };
  constexpr std::size_t kTried = 300, kMark = 16;
  for (std::uint64_t i = 0; i < kTried; ++i) {
    const std::size_t at = mix64(i) % bytes.size();
    if (at >= bytes.size() - kMark && at < bytes.size() - kMark / 2) continue;  // below
    put(damaged(bytes, at, 1U + static_cast<unsigned>(mix64(i + kTried) % 255)));
    EXPECT_THROW(ResultsFile{other}, FileError) << "byte " << at;
  }
  for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - kMark - 1, bytes.size() - 1}) {
    put(damaged(bytes, at, 1));
    EXPECT_THROW(ResultsFile{other}, FileError) << "byte " << at;
  }
  // Without its seal, as other programs leave a file that they changed, it is read as any HDF5 file is.
  put(damaged(bytes, bytes.size() - kMark, 1));
  EXPECT_EQ(ResultsFile(other).text("provenance/scenario"), "made-up");
  put(std::string_view(bytes).substr(0, bytes.size() - kMark));
  EXPECT_EQ(ResultsFile(other).text("provenance/scenario"), "made-up");
}

TEST_F(ResultsFileTest, ExportsEveryDefinedValueOnce) {
  const auto files = export_csv(folder_.path(), folder_.path() / "csv");
  EXPECT_EQ(files.size(), 7U);
  std::ifstream replicates(folder_.path() / "csv" / "replicates.csv");
  std::string line;
  std::getline(replicates, line);
  EXPECT_EQ(line, "variable,replicate,strategy,programme,time,report,region,value,unit");
  std::size_t n_rows = 0, n_columns_wrong = 0;
  while (std::getline(replicates, line)) {
    ++n_rows;
    bool quoted = false;
    std::size_t commas = 0;
    for (const char c : line) {
      quoted = c == '"' ? !quoted : quoted;
      commas += c == ',' && !quoted;
    }
    n_columns_wrong += commas != 8;
  }
  EXPECT_EQ(n_columns_wrong, 0U);
  std::size_t n_defined = 0;
  const ResultsFile results(file());
  for (const std::string& name : results.datasets("replicates")) {
    if (results.attribute("replicates/" + name, "units").empty() ||
        results.attribute("replicates/" + name, "units").starts_with("days since"))
      continue;
    for (const double value : results.numbers("replicates/" + name).values) n_defined += !std::isnan(value);
  }
  EXPECT_EQ(n_rows, n_defined);
}

}  // namespace
}  // namespace uptake
