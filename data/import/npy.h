#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace penumbra::data {

/// The whole number in [low, high] that an array file of NumPy (.npy, versions 1 to 3) holds: one number or one short
/// string of digits, shape () or (1,). Types: integers and floats of 1 to 8 bytes in either byte order, S and U
/// strings. At most 1 KiB is read and no length in the file is trusted. Throws DataError naming the file for everything
/// else.
int read_npy_integer(const std::filesystem::path& path, int low, int high);
/// The same from the bytes of a file; `name` is what complaints call it.
int decode_npy_integer(std::span<const std::uint8_t> bytes, const std::filesystem::path& name, int low, int high);

}  // namespace penumbra::data
