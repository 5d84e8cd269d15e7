#include "trainer/card/card_file.h"

#include <fstream>
#include <iterator>
#include <span>

#include <fmt/format.h>

#include "data/store/hash.h"
#include "trainer/config.h"
#include "trainer/run_folder.h"

namespace penumbra::trainer {
namespace {

std::string with_checksum(const std::string& card) {
  data::Hash hash;
  hash.add(std::span(card));
  return fmt::format("{}\n<!-- as penumbra checkpoint export wrote it: XXH3 {:016x} -->\n", card, hash.digest());
}

}  // namespace

void write_card(const std::filesystem::path& path, const std::string& card) { write_file(path, with_checksum(card)); }

void require_replaceable(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return;
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t mark = text.rfind("\n<!-- ");
  if (mark != std::string::npos && text == with_checksum(text.substr(0, mark))) return;
  throw ConfigError(
      fmt::format("{}: has been written or edited by hand: move it away, or name another with --card", path.string()));
}

}  // namespace penumbra::trainer
