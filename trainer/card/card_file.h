#pragma once

#include <filesystem>
#include <string>

namespace penumbra::trainer {

/// Writes a card, with a checksum as its last line. Throws data::DataError where the disk refuses it.
void write_card(const std::filesystem::path& path, const std::string& card);

/// Throws ConfigError where a file is there that is not as write_card left it: what somebody wrote is not lost.
void require_replaceable(const std::filesystem::path& path);

}  // namespace penumbra::trainer
