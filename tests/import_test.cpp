// Registers to tables: small files in the forms that are published, made by hand, and files that no publisher would make.
#include "results/import.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "folder.hpp"
#include "uptake/error.hpp"
#include "uptake/random.hpp"

namespace uptake {
namespace {

namespace fs = std::filesystem;
const fs::path kScenarios = fs::path(UPTAKE_SOURCE_FOLDER) / "scenarios";

using Lines = std::vector<std::string>;

/// A row of the Organisation Data Service.
struct OdsRow {
  std::string code, name, grouping, board, postcode, closed, status, parent, setting;

  [[nodiscard]] std::string text(std::size_t n_fields, const std::string& quote) const {
    std::vector<std::string> fields(27);
    fields[0] = code;
    fields[1] = name;
    fields[2] = grouping;
    fields[3] = board;
    fields[9] = postcode;
    fields[10] = "19910401";
    fields[11] = closed;
    fields[12] = status;
    fields[14] = parent;
    fields[25] = setting;
    fields.resize(n_fields);
    return quote + fmt::format("{}", fmt::join(fields, quote + "," + quote)) + quote + "\r\n";
  }
};

std::string ods_text(const std::vector<OdsRow>& rows, std::size_t n_fields = 27, const std::string& quote = "\"") {
  std::string text;
  for (const OdsRow& row : rows) text += row.text(n_fields, quote);
  return text;
}

// R0A and R0B are in the shipped table of trusts with beds, G6V2S without beds and coordinates.
const std::vector<OdsRow> kTrusts{{"R0A", "BIG, AND OLD", "Y62", "QOP", "M13 9WL", "", "", "", ""},
                                  {"R0B", "NORTH", "Y63", "QHM", "SR4 7TP", "", "", "", ""},
                                  {"G6V2S", "WITHOUT", "Y56", "QMJ", "NW1 0PE", "", "", "", ""},
                                  {"RXX", "GONE", "Y56", "QMJ", "", "20240930", "", "", ""},
                                  {"RQF", "WELSH", "W00", "Q99", "", "", "", "", ""},
                                  {"R9Z", "UNHEARD OF", "Y56", "QMJ", "", "", "", "", ""},
                                  {"R9Y", "NOWHERE", "Y56", "QZZ", "", "", "", "", ""},
                                  {"R0A", "AGAIN", "Y62", "QOP", "", "", "", "", ""}};
const std::vector<OdsRow> kPractices{{"A1", "THE SURGERY", "Y62", "QOP", "M1 1AA", "", "A", "14L", "4"},
                                     {"A2", "OTHER SURGERY", "Y62", "QOP", "M1 1AB", "", "A", "14L", "4"},
                                     {"A3", "NORTH SURGERY", "Y63", "QHM", "SR1 1AA", "", "A", "16C", "4"},
                                     {"A4", "CLINIC", "Y62", "QOP", "", "", "A", "14L", "9"},
                                     {"A5", "SHUT", "Y62", "QOP", "", "20200101", "C", "14L", "4"},
                                     {"A6", "ASLEEP", "Y62", "QOP", "", "", "D", "14L", "4"},
                                     {"W1", "WELSH", "W00", "Q99", "", "", "A", "7A3", "4"}};
const std::string kListSizes =
    "PUBLICATION,EXTRACT_DATE,TYPE,CCG_CODE,ONS_CCG_CODE,CODE,POSTCODE,SEX,AGE,NUMBER_OF_PATIENTS\n"
    "GP_PRAC_PAT_LIST,01JAN2021,GP,14L,E38000217,A1,M1 1AA,ALL,ALL,8000\n"
    "GP_PRAC_PAT_LIST,01JAN2021,GP,14L,E38000217,A1,M1 1AA,MALE,ALL,3900\n"
    "GP_PRAC_PAT_LIST,01JAN2021,GP,16C,E38000247,A3,SR1 1AA,ALL,ALL,0\n"
    "GP_PRAC_PAT_LIST,01JAN2021,GP,16C,E38000247,A5,M1 1AA,ALL,ALL,5\n";
const std::string kMapUntil2022 =
    "PUBLICATION,PRACTICE_CODE,PRACTICE_NAME,PRACTICE_POSTCODE,PCN_CODE,PCN_NAME,ONS_CCG_CODE,CCG_CODE,STP_CODE\n"
    "X,A1,ONE,M1 1AA,U1,ONE PCN,E38000217,14L,QOP\nX,A2,TWO,M1 1AB,U,Unallocated,E38000217,14L,QYG\n"
    "X,A3,THREE,SR1 1AA,U2,\"A, B & C PCN\",E38000247,16C,QHM\nX,A9,NINE,SR1 1AA,U2,TWO PCN,E38000247,16C,QHM\n";
const std::string kMapSince2022 =
    "\"PRACTICE_CODE\",\"PRACTICE_NAME\",\"PRACTICE_POSTCODE\",\"PCN_CODE\",\"ONS_SUB_ICB_LOCATION_CODE\","
    "\"SUB_ICB_LOCATION_CODE\",\"ICB_CODE\"\n"
    "\"A1\",\"ONE\",\"M1 1AA\",\"U1\",\"E38000217\",\"14L\",\"QOP\"\n\"A8\",\"EIGHT\",\"\",\"U2\",\"\",\"\",\"QZZ\"\n";

/// The 122 columns of CQC's active locations, those that nobody asks for under names of no meaning.
std::string sheet_text(const std::vector<std::map<std::string, std::string>>& rows) {
  Lines columns{"Location ID",
                "Dormant (Y/N)",
                "Care home?",
                "Location Name",
                "Location ODS Code",
                "Care homes beds",
                "Location Local Authority",
                "Location ONSPD CCG Code",
                "Location Commissioning CCG Code",
                "Location Postal Code",
                "Location Latitude",
                "Location Longitude",
                "Brand ID",
                "Provider ID",
                "Service type - Care home service with nursing"};
  while (columns.size() < 121) columns.push_back(fmt::format("Service type - {}", columns.size()));
  columns.emplace_back("\"Regulated activity - Treatment of disease, disorder or injury\"");
  std::string text = fmt::format("{}\r\n", fmt::join(columns, ","));
  for (const auto& row : rows) {
    Lines fields;
    for (const std::string& column : columns) fields.push_back(row.contains(column) ? row.at(column) : "");
    text += fmt::format("{}\r\n", fmt::join(fields, ","));
  }
  return text;
}

std::map<std::string, std::string> home(const std::string& code, std::map<std::string, std::string> other) {
  other.merge(std::map<std::string, std::string>{{"Location ID", code},
                                                 {"Dormant (Y/N)", "N"},
                                                 {"Care home?", "Y"},
                                                 {"Location Name", "Home " + code},
                                                 {"Care homes beds", "30"},
                                                 {"Location Local Authority", "Leeds"},
                                                 {"Brand ID", "-"},
                                                 {"Provider ID", "1-9"}});
  return other;
}

const std::string kSheet =
    sheet_text({home("1-1", {{"Location ODS Code", "VL1"},
                             {"Location Latitude", "53.5"},
                             {"Location Longitude", "-2.25"},
                             {"Brand ID", "BD1"},
                             {"Service type - Care home service with nursing", "Y"}}),
                home("1-2", {{"Location Commissioning CCG Code", "16C"},
                             {"Location Latitude", "0"},
                             {"Location Longitude", "0"},
                             {"Care homes beds", "0"}}),
                home("1-3", {{"Location ONSPD CCG Code", "E38000217"}, {"Location Postal Code", "M2 2BB"}}),
                home("1-4", {{"Location Name", "\"Oak\r\n\"\"Old\"\" House, The\""}}),
                home("1-5", {{"Location Local Authority", "Atlantis"}}), home("1-6", {{"Dormant (Y/N)", "Y"}}),
                home("1-7", {{"Care home?", "N"}}), home("1-1", {})});
const std::string kExport =
    "Location Name,Location ID,Location Local Authority,Service Types,Care homes beds,Location HSCA end date,Dormant,"
    "Provider ID,Brand ID\n"
    "Elm,1-11,\"Bristol, City of\",\"Care home service with nursing, Domiciliary care service\",41,,N,1-9,\n"
    "Fir,1-12,St Helens,Care home service without nursing,12,,N,1-8,BD1\n"
    "Ash,1-13,Leeds,Domiciliary care service,0,,N,1-8,\nYew,1-14,Leeds,Care home service without "
    "nursing,5,2026-01-01,N,"
    "1-8,\nBay,1-15,Leeds,Care home service without nursing,5,,Y,1-8,\n";

const std::string kAeHeader =
    "Period,Org Code,Parent Org,Org name,A&E attendances Type 1,A&E attendances Type 2,A&E attendances Other A&E "
    "Department,A&E attendances Booked Appointments Type 1,A&E attendances Booked Appointments Type 2,A&E attendances "
    "Booked Appointments Other Department,Attendances over 4hrs Type 1,Emergency admissions via A&E - Type 1,Emergency "
    "admissions via A&E - Type 2,Emergency admissions via A&E - Other A&E department,Other emergency admissions\r\n";
const std::string kAe = kAeHeader +
                        "MSitAE-JUNE-2025,R0A,NORTH WEST ,BIG,100,10,1,2,3,4,50,40,5,0,6\r\n"
                        "MSitAE-JUNE-2025,R0B,NORTH EAST ,NORTH,200,*,1,2,3,4,50,40,5,0,6\r\n"
                        "MSitAE-JUNE-2025,Y02615,MIDLANDS ,WALK-IN,7,0,0,0,0,0,0,0,0,0,0\r\n"
                        "TOTAL,TOTAL,TOTAL,TOTAL,307,10,2,4,6,8,100,80,10,0,12\r\n";

class Import : public testing::Test {
 protected:
  // NOLINTNEXTLINE(modernize-use-nodiscard): also called for the file alone
  fs::path write(const std::string& name, const std::string& text) const {
    fs::path file = folder_.path() / name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
  [[nodiscard]] std::string read(const fs::path& file) const {
    std::ostringstream text;
    text << std::ifstream(folder_.path() / file, std::ios::binary).rdbuf();
    return text.str();
  }
  [[nodiscard]] fs::path tables() const { return folder_.path() / "tables"; }

  /// Every register of this file.
  [[nodiscard]] RegisterFiles everything() const {
    return {.ods = {write("epraccur_2023-12.csv", ods_text(kPractices)), write("ETR.csv", ods_text(kTrusts)),
                    write("ecarehomesite.csv", ods_text({{"VL1", "HOME", "Y62", "QOP", "", "", "", "A9X", ""}})),
                    write("ets.csv", ods_text({{"R0A01", "THE INFIRMARY", "Y62", "QOP", "M13 9WL", "", "", "R0A", ""},
                                               {"RXX01", "GONE", "Y62", "QOP", "", "", "", "RXX", ""}}))},
            .gp = {write("list.csv", kListSizes), write("map.csv", kMapUntil2022)},
            .cqc = {write("sheet.csv", kSheet), write("export.csv", kExport)},
            .ae = {write("june.csv", kAe)},
            .postcodes = {write("postcodes.csv",
                                "pcd,pcds,lat,long\nM1  1AA,M1 1AA,53.48,-2.23\n"
                                "M2  2BB,M2 2BB,99.999999,0\nZZ1 1ZZ,ZZ1 1ZZ,53,-2\n")}};
  }
  /// What stands in the way, without the folder's path; empty when nothing does.
  [[nodiscard]] Lines problems(const RegisterFiles& files) const {
    try {
      static_cast<void>(read_registers(files, kScenarios));
    } catch (const InputError& error) {
      Lines texts;
      for (const Problem& problem : error.problems()) texts.push_back(without_folder(problem.text()));
      return texts;
    } catch (const FileError& error) {
      return {without_folder(error.what())};
    }
    return {};
  }
  [[nodiscard]] std::string without_folder(std::string text) const {
    const std::string folder = folder_.path().string() + "/";
    for (std::size_t at = 0; (at = text.find(folder)) != std::string::npos;) text.erase(at, folder.size());
    return text;
  }

 private:
  TestFolder folder_;
};

const ImportedOrganisation& find(const ImportedTables& tables, const std::string& code) {
  const auto found = std::ranges::find(tables.organisations, code, &ImportedOrganisation::code);
  if (found == tables.organisations.end()) throw std::runtime_error("no " + code);
  return *found;
}

/// "kept 3; 1 closed (RXX); ..."
std::string outcome(const RegisterReport& report) {
  std::string text = fmt::format("{} = {}", report.read, report.kept);
  for (const DroppedRows& dropped : report.dropped)
    text += fmt::format(" + {} {} ({})", dropped.rows, dropped.reason, dropped.first);
  return text;
}

std::map<std::string, std::string> outcomes(const ImportedTables& tables) {
  std::map<std::string, std::string> texts;
  for (const RegisterReport& report : tables.registers) texts[report.file.filename().string()] = outcome(report);
  return texts;
}

TEST_F(Import, EveryRowIsKeptOrDroppedForAReason) {
  const ImportedTables tables = read_registers(everything(), kScenarios);
  EXPECT_EQ(
      outcomes(tables),
      (std::map<std::string, std::string>{
          {"ETR.csv",
           "8 = 3 + 1 closed (RXX) + 1 not in England (RQF) + 1 its type is not known (not in england/trusts.csv) "
           "(R9Z) + 1 its board is not known (R9Y) + 1 code already read (R0A)"},
          {"ets.csv", "2 = 1 + 1 site of no trust that is kept (RXX01)"},
          {"epraccur_2023-12.csv",
           "7 = 3 + 1 no GP practice (prescribing setting is not 4) (A4) + 1 closed (A5) + 1 dormant (A6) + 1 not "
           "in England (W1)"},
          {"ecarehomesite.csv", "1 = 1"},
          {"map.csv", "4 = 3 + 1 no practice that is kept (A9)"},
          {"list.csv", "4 = 2 + 1 of one sex or age (A1) + 1 no practice that is kept (A5)"},
          {"sheet.csv",
           "8 = 4 + 1 its local authority is not known (not in registers/local_authorities.csv) (1-5) + 1 dormant "
           "(1-6) + 1 no care home (1-7) + 1 code already read (1-1)"},
          {"export.csv", "5 = 2 + 1 no care home (1-13) + 1 closed (1-14) + 1 dormant (1-15)"},
          {"june.csv", "4 = 2 + 1 no trust that is kept (Y02615) + 1 the sum of the others (TOTAL)"},
          {"postcodes.csv",
           "3 = 1 + 1 no coordinates in England (M22BB) + 1 nobody there without coordinates "
           "(ZZ11ZZ)"}}));
  for (const RegisterReport& report : tables.registers) {
    std::size_t n = report.kept;
    for (const DroppedRows& dropped : report.dropped) n += dropped.rows;
    EXPECT_EQ(report.read, n) << report.file;
  }
  Lines codes;
  for (const ImportedOrganisation& organisation : tables.organisations) codes.push_back(organisation.code);
  EXPECT_EQ(codes, (Lines{"R0A", "MU-R0A-1", "MU-R0A-2", "MU-R0A-3", "MU-R0A-4", "R0B", "MU-R0B-1", "G6V2S", "A1", "A2",
                          "A3", "1-1", "1-2", "1-3", "1-4", "1-11", "1-12"}));
}

TEST_F(Import, JoinsByCodeAndGivesEachItsBoardRegionAndPlace) {
  const ImportedTables tables = read_registers(everything(), kScenarios);
  const auto facts = [&](const std::string& code) {
    const ImportedOrganisation& o = find(tables, code);
    return fmt::format("{} {} {} size {} owner {} network {} nursing {} by {}",
                       kOrganisationTypeNames[static_cast<std::size_t>(o.type)], o.region, o.board,
                       o.size ? fmt::format("{}", *o.size) : "-", o.owner, o.network,
                       o.nursing ? fmt::format("{}", *o.nursing) : "-", static_cast<int>(o.placed_by));
  };
  EXPECT_EQ(facts("R0A"), "acute-trust HInM QOP size 2137 owner  network  nursing - by 0");
  EXPECT_EQ(facts("G6V2S"), "mental-health-trust UCLP QMJ size - owner  network  nursing - by 2");
  EXPECT_EQ(facts("MU-R0A-4"), "maternity-unit HInM QOP size 3530 owner  network  nursing - by 0");
  EXPECT_EQ(find(tables, "MU-R0A-4").parent, "R0A");
  EXPECT_EQ(facts("A1"), "practice HInM QOP size 8000 owner  network U1 nursing - by 1");
  EXPECT_EQ(facts("A2"), "practice HInM QOP size - owner  network  nursing - by 2");    // not that of the map
  EXPECT_EQ(facts("A3"), "practice NENC QHM size - owner  network U2 nursing - by 2");  // a list of 0 is unknown
  // By ODS code, by the practices of the sub-board location, by its ONS code in the map, by local authority.
  EXPECT_EQ(facts("1-1"), "care-home HInM QOP size 30 owner BD1 network  nursing 1 by 0");
  EXPECT_EQ(facts("1-2"), "care-home NENC QHM size - owner 1-9 network  nursing 0 by 2");
  EXPECT_EQ(facts("1-3"), "care-home HInM QOP size 30 owner 1-9 network  nursing 0 by 2");
  EXPECT_EQ(facts("1-4"), "care-home YHAHSN QWO size 30 owner 1-9 network  nursing 0 by 2");
  EXPECT_EQ(facts("1-11"), "care-home WEAHSN QUY size 41 owner 1-9 network  nursing 1 by 2");
  EXPECT_EQ(facts("1-12"), "care-home NWC QYG size 12 owner BD1 network  nursing 0 by 2");
  EXPECT_EQ(find(tables, "1-4").name, "Oak\r\n\"Old\" House, The");
  EXPECT_EQ(find(tables, "A1").latitude, 53.48);

  ASSERT_EQ(tables.sites.size(), 1U);
  EXPECT_EQ(tables.sites[0].code + " " + tables.sites[0].trust, "R0A01 R0A");
  ASSERT_EQ(tables.activity.size(), 2U);
  EXPECT_EQ(tables.activity[0].code + " " + tables.activity[0].month, "R0A 2025-06");
  EXPECT_EQ(tables.activity[0].attendances, 120);
  EXPECT_EQ(tables.activity[0].emergency_admissions, 51);
  EXPECT_EQ(tables.activity[1].attendances, std::nullopt);  // a part of it is suppressed
  EXPECT_EQ(tables.activity[1].emergency_admissions, 51);
}

TEST_F(Import, TheOrderOfTheFilesDoesNotMatter) {
  RegisterFiles files = everything();
  write_tables(read_registers(files, kScenarios), tables(), TablesThere::refuse);
  const std::string once = read("tables/organisations.csv");
  for (auto* list : {&files.ods, &files.gp}) std::ranges::reverse(*list);
  write_tables(read_registers(files, kScenarios), tables(), TablesThere::replace);
  EXPECT_EQ(read("tables/organisations.csv"), once);
}

TEST_F(Import, TheTablesMakeAPopulation) {
  const ImportedTables imported = read_registers(everything(), kScenarios);
  write_tables(imported, tables(), TablesThere::refuse);
  const Population p = read_population(tables(), {});
  ASSERT_EQ(p.n_organisations(), imported.organisations.size());
  const auto index = [&](const char* code) {
    std::size_t i = 0;
    while (i < p.n_organisations() && p.code[i] != code) ++i;
    return i;
  };
  // A trust without beds and coordinates: none in the table, the centroid of its board in the population.
  const std::string organisations = read("tables/organisations.csv");
  EXPECT_NE(organisations.find("\nG6V2S,WITHOUT,mental-health-trust,UCLP,QMJ,,,,,,,0,,\n"), std::string::npos)
      << organisations;
  EXPECT_TRUE(std::isnan(p.size[index("G6V2S")]));
  EXPECT_EQ(p.latitude[index("G6V2S")], 51.6116);
  EXPECT_EQ(p.longitude[index("G6V2S")], -0.1587);
  EXPECT_EQ(p.code[static_cast<std::size_t>(p.parent[index("MU-R0A-2")])], "R0A");
  EXPECT_EQ(p.label[index("1-4")], "Oak\r\n\"Old\" House, The");
  EXPECT_EQ(p.ownership.names, (Lines{"BD1", "1-9"}));
  EXPECT_EQ(p.network.names, (Lines{"U1", "U2"}));
  const Board& board = p.boards[p.board[index("A3")]];
  EXPECT_EQ(board.name, "NHS North East and North Cumbria Integrated Care Board");
  EXPECT_EQ(p.regions[static_cast<std::size_t>(board.region)].name, "Health Innovation North East and North Cumbria");
  EXPECT_EQ(read("tables/sites.csv"),
            "code,name,trust,board,postcode,latitude,longitude\n"
            "R0A01,THE INFIRMARY,R0A,QOP,M139WL,,\n");
  EXPECT_EQ(read("tables/activity.csv"),
            "code,month,attendances,emergency_admissions\n"
            "R0A,2025-06,120,51\nR0B,2025-06,,51\n");
}

TEST_F(Import, TakesUnquotedRowsOf24FieldsAndTheBoardsOf2026) {
  std::vector<OdsRow> trusts = kTrusts;
  trusts.resize(3);
  trusts[0].name = "NO COMMA";
  trusts[2].board = "Z9B2Z";
  const RegisterFiles files{.ods = {write("etr.csv", ods_text(trusts, 24, ""))},
                            .gp = {},
                            .cqc = {write("export.csv",
                                          "Location Name,Location ID,Location Local Authority,Service "
                                          "Types,Care homes beds,Dormant,Provider ID,Brand ID\n"
                                          "Elm,1-1,Barnet,Care home service without nursing,4,N,1-9,\n")},
                            .ae = {},
                            .postcodes = {}};
  const ImportedTables tables = read_registers(files, kScenarios);
  EXPECT_EQ(find(tables, "G6V2S").board, "Z9B2Z");
  EXPECT_EQ(find(tables, "G6V2S").region, "ICHP");
  EXPECT_EQ(find(tables, "1-1").board, "Z9B2Z");  // not QMJ, which ended
  // Manchester's board is in both sets, London's in one of them.
  const Lines mixed =
      problems({.ods = {files.ods[0],
                        write("epraccur.csv", ods_text({{"A7", "LONDON", "Y56", "QRV", "", "", "A", "W2U3Z", "4"}}))},
                .gp = {},
                .cqc = {},
                .ae = {},
                .postcodes = {}});
  EXPECT_EQ(mixed, Lines{"etr.csv:3:19: board Z9B2Z is of April 2026, and QRV at epraccur.csv:1:21 ended there; give "
                         "registers of one date"});
}

TEST_F(Import, TakesTheMapOfPracticesSince2022AloneToo) {
  const ImportedTables tables = read_registers({.ods = {},
                                                .gp = {write("map.csv", kMapSince2022), write("list.csv", kListSizes)},
                                                .cqc = {},
                                                .ae = {},
                                                .postcodes = {}},
                                               kScenarios);
  ASSERT_EQ(tables.organisations.size(), 1U);
  EXPECT_EQ(tables.organisations[0].name + tables.organisations[0].board, "ONEQOP");
  EXPECT_EQ(tables.organisations[0].size, 8000);
  EXPECT_EQ(outcomes(tables)["map.csv"], "2 = 1 + 1 its board is not known (A8)");
}

TEST_F(Import, CareHomesOfTheOrganisationDataServiceStandAloneWithoutBeds) {
  const ImportedTables tables = read_registers(
      {.ods = {write("ecarehomesite.csv", ods_text({{"VL1", "HOME", "Y62", "QOP", "M1 1AA", "", "", "A9X", ""},
                                                    {"VL2", "HOME", "Y62", "QOP", "M1 1AA", "2020", "", "A9X", ""}}))},
       .gp = {},
       .cqc = {},
       .ae = {},
       .postcodes = {}},
      kScenarios);
  EXPECT_EQ(outcomes(tables)["ecarehomesite.csv"], "2 = 1 + 1 closed (VL2)");
  EXPECT_EQ(find(tables, "VL1").size, std::nullopt);
  EXPECT_EQ(find(tables, "VL1").nursing, std::nullopt);
  EXPECT_EQ(find(tables, "VL1").owner, "A9X");
}

TEST_F(Import, SaysWhichRegisterItDoesNotKnowAndWhatIsMissing) {
  const std::string trusts = ods_text(kTrusts);
  const auto one = [&](std::vector<fs::path> RegisterFiles::*list, const std::string& name, const std::string& text) {
    RegisterFiles files;
    (files.*list).push_back(write(name, text));
    return problems(files);
  };
  EXPECT_EQ(problems({}),
            Lines{"import: no row of the registers was kept; are they the registers that they are called?"});
  EXPECT_EQ(
      one(&RegisterFiles::ods, "etreat.csv", trusts).at(0),
      "etreat.csv: its name does not say which register of the Organisation Data Service it is; let it begin with "
      "etr, ets, epraccur, ecarehomesite");
  EXPECT_EQ(one(&RegisterFiles::ods, "epraccur.csv", ods_text(kPractices, 24)).at(0),
            "epraccur.csv:1:1: the row has 24 fields where 26 to 27 are expected");
  EXPECT_EQ(one(&RegisterFiles::ods, "ets.csv", trusts).at(0),
            "ets.csv: sites are joined to their trusts, and the register of trusts is not given; add etr.csv");
  EXPECT_EQ(one(&RegisterFiles::gp, "list.csv", kListSizes).at(0),
            "list.csv: list sizes are joined to practices, and none are given; add `ods epraccur.csv` or the map of "
            "practices");
  EXPECT_EQ(
      one(&RegisterFiles::gp, "list.csv", "A,B\n1,2\n").at(0),
      "list.csv:1:1: the header is neither that of the list sizes (CODE, NUMBER_OF_PATIENTS) nor that of the map of "
      "practices (PRACTICE_CODE, PCN_CODE)");
  EXPECT_EQ(one(&RegisterFiles::gp, "map.csv", "PRACTICE_CODE,PCN_CODE\nA,U1\n"),
            (Lines{"map.csv:1:1: column \"STP_CODE\" is missing", "map.csv:1:1: column \"CCG_CODE\" is missing"}));
  EXPECT_EQ(one(&RegisterFiles::cqc, "c.csv", "A,B\n1,2\n").at(0),
            "c.csv:1:1: the header is neither that of CQC's active locations (Care home?) nor that of its social-care "
            "export (Service Types); its first line must be the names of the columns");
  EXPECT_EQ(one(&RegisterFiles::cqc, "c.csv", "Care home?,Location ID\nY,1\n").at(0),
            "c.csv:1:1: column \"Location Name\" is missing");
  EXPECT_EQ(one(&RegisterFiles::cqc, "c.csv", kSheet.substr(0, kSheet.find('\n') + 1)).at(0),
            "import: no row of the registers was kept; are they the registers that they are called?");
  EXPECT_EQ(one(&RegisterFiles::ae, "june.csv", kAe).at(0),
            "june.csv: admissions are joined to trusts, and their register is not given; add `ods etr.csv`");
  EXPECT_EQ(one(&RegisterFiles::ods, "etr.csv", "").at(0), "etr.csv:1:1: the table is empty");
  EXPECT_EQ(problems({.ods = {"none/etr.csv"}, .gp = {}, .cqc = {}, .ae = {}, .postcodes = {}}),
            Lines{"none/etr.csv: cannot be opened: No such file or directory"});

  const auto with_trusts = [&](const std::string& text) {
    RegisterFiles files;
    files.ods.push_back(write("etr.csv", trusts));
    files.ae.push_back(write("june.csv", text));
    return problems(files);
  };
  EXPECT_EQ(with_trusts(kAe.substr(0, kAe.rfind("TOTAL,TOTAL,TOTAL,TOTAL"))),
            Lines{"june.csv: the last row is not TOTAL: the file is not whole; download the file again"});
  EXPECT_EQ(with_trusts(kAe + "MSitAE-JUNE-2025,R0A,,,1,1,1,1,1,1,1,1,1,1,1\n"),
            Lines{"june.csv:6:18: a row after TOTAL, which is the last one; are two files in one?"});
  EXPECT_EQ(
      with_trusts(kAeHeader + "MSitAE-JUNY-2025,R0A,,,1,1,1,1,1,1,1,1,1,1,-1\nTOTAL,TOTAL,,,1,1,1,1,1,1,1,1,1,1,1\n"),
      (Lines{"june.csv:2:44: Other emergency admissions = -1 is out of range (must be a whole number at least 0)",
             "june.csv:2:1: \"MSitAE-JUNY-2025\" is no month; e.g. MSitAE-JUNE-2025"}));
}

TEST_F(Import, NotesATotalThatDoesNotAddUp) {
  std::string text = kAe;
  text.replace(text.find("R0A,NORTH WEST ,BIG,100"), 23, "R0A,NORTH WEST ,BIG,101");
  // With a suppressed figure nothing can be said, so that is filled in.
  text.replace(text.find("200,*,"), 6, "200,0,");
  const ImportedTables tables = read_registers({.ods = {write("etr.csv", ods_text(kTrusts))},
                                                .gp = {},
                                                .cqc = {},
                                                .ae = {write("june.csv", text)},
                                                .postcodes = {}},
                                               kScenarios);
  EXPECT_EQ(tables.registers.back().notes, Lines{"A&E attendances Type 1 add up to 308, TOTAL says 307"});
}

TEST_F(Import, RefusesToReplaceAndReplacesAllOrNothing) {
  const ImportedTables imported = read_registers(everything(), kScenarios);
  const auto message = [&](TablesThere there) -> std::string {
    try {
      write_tables(imported, tables(), there);
    } catch (const InputError& error) {
      return without_folder(error.what());
    } catch (const FileError& error) {
      return without_folder(error.what());
    }
    return "written";
  };
  EXPECT_EQ(message(TablesThere::refuse), "written");
  EXPECT_EQ(message(TablesThere::refuse),
            "tables: holds tables already; choose another folder with -o, or replace them with --overwrite");
  write("tables/organisations.csv", "old");
  EXPECT_EQ(message(TablesThere::replace), "written");
  const std::string whole = read("tables/organisations.csv");
  EXPECT_NE(whole, "old");

  write("tables/organisations.csv", "old");
  {
    const FileSizeLimit full(512);
    EXPECT_TRUE(message(TablesThere::replace).starts_with("tables.tmp/organisations.csv: cannot write: "));
  }
  EXPECT_EQ(read("tables/organisations.csv"), "old");
  EXPECT_FALSE(fs::exists(tables().string() + ".tmp"));

  // Ties that somebody added may not fit other organisations: they are neither lost nor kept beside them.
  write("tables/ties.csv", "from,to,layer\n");
  EXPECT_EQ(message(TablesThere::replace),
            "tables: holds \"ties.csv\", which no import wrote; choose another folder with "
            "-o, or move it away");
  fs::remove_all(tables());
  write("tables", "a file");
  EXPECT_EQ(message(TablesThere::replace), "tables: is no folder; choose another one with -o");
}

/// What goes wrong with downloads and exports, put in place of each register in turn: problems, never anything else.
TEST_F(Import, RefusesFilesThatNoPublisherMakes) {
  using namespace std::string_literals;
  const RegisterFiles good = everything();
  ASSERT_EQ(problems(good), Lines{});
  std::string lines;
  while (lines.size() < 1'200'000) lines += std::string(1000, 'x') + "\n";
  const std::vector<std::pair<std::string, std::function<std::string(const std::string&)>>> spoilers{
      {"the table is empty", [](const std::string&) { return ""s; }},
      {"the file is a zip archive or a workbook (.ods, .xlsx), not CSV",
       [](const std::string&) { return "PK\x03\x04\x14\0\0\0\x08\0content.xml\n\xFF"s; }},
      {"the file is a web page or XML, not CSV", [](const std::string&) { return "<html>\n<body>404</body>\n"s; }},
      {"the file is text in UTF-16, not CSV",
       [](const std::string& text) {
         std::string wide = "\xFF\xFE";
         for (const char c : text) (wide += c) += '\0';
         return wide;
       }},
      {"byte 0xC9 is not UTF-8", [](const std::string& text) { return text + "CAF\xC9\n"; }},
      {"byte 0x00 is not text", [](const std::string& text) { return text + std::string(50, '\0') + "\n"; }},
      {"a quoted field of this row is not closed before the end of the file",
       [](const std::string& text) { return text + "\"cut off"; }},
      {"fields, 16,384 are possible", [](const std::string&) { return std::string(50'000, ',') + "\n"; }},
      {"fields, 16,384 are possible", [](const std::string& text) { return text + std::string(50'000, ',') + "\n"; }},
      {"the row is longer than 1 MiB", [](const std::string&) { return std::string(1'200'000, 'x'); }},
      {"the row is longer than 1 MiB", [&](const std::string& text) { return text + "\"" + lines + "\"\n"; }},
      {"is a folder, not a table", nullptr}};
  for (std::vector<fs::path> RegisterFiles::*list :
       {&RegisterFiles::ods, &RegisterFiles::gp, &RegisterFiles::cqc, &RegisterFiles::ae, &RegisterFiles::postcodes}) {
    for (const fs::path& file : good.*list) {
      const std::string text = read(file.filename());
      for (const auto& [what, spoil] : spoilers) {
        if (spoil) {
          write(file.filename().string(), spoil(text));
        } else {
          fs::remove(file);
          fs::create_directory(file);
        }
        const Lines found = problems(good);
        EXPECT_TRUE(std::ranges::any_of(found,
                                        [&, part = what](const std::string& line) {
                                          return line.starts_with(file.filename().string()) &&
                                                 line.find(part) != std::string::npos;
                                        }))
            << file.filename() << ": " << what << "\n"
            << fmt::format("{}", fmt::join(found, "\n")).substr(0, 2000);
        fs::remove_all(file);
      }
      write(file.filename().string(), text);
    }
  }
}

/// Cut anywhere, or with bytes changed anywhere, a register is read or refused; nothing else leaves the reader.
TEST_F(Import, ReadsOrRefusesRegistersThatWereCutOrDamaged) {
  const RegisterFiles good = everything();
  auto below = [n = std::uint64_t{0}](std::size_t limit) mutable {
    return static_cast<std::size_t>(mix64(++n) % limit);
  };
  int n_read = 0, n_refused = 0;
  for (std::vector<fs::path> RegisterFiles::*list :
       {&RegisterFiles::ods, &RegisterFiles::gp, &RegisterFiles::cqc, &RegisterFiles::ae, &RegisterFiles::postcodes}) {
    for (const fs::path& file : good.*list) {
      const std::string text = read(file.filename());
      for (int k = 0; k < 40; ++k) {
        std::string damaged = text;
        if (k % 2 == 0) {
          damaged.resize(below(text.size()));
        } else {
          for (int n = 0; n < 3; ++n) damaged[below(text.size())] = static_cast<char>(below(256));
        }
        write(file.filename().string(), damaged);
        ++(problems(good).empty() ? n_read : n_refused);
      }
      write(file.filename().string(), text);
    }
  }
  EXPECT_GT(n_read, 20);
  EXPECT_GT(n_refused, 100);
}

}  // namespace
}  // namespace uptake
