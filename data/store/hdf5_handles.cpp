#include "data/store/hdf5_handles.h"

#include <cstdint>
#include <string_view>

namespace penumbra::data {
namespace {

/// "... error message = 'No space left on device', buf = ..." holds what the system said.
std::string_view system_words(std::string_view text) {
  constexpr std::string_view kBefore = "error message = '";
  const auto begin = text.find(kBefore);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + kBefore.size());
  return text.substr(0, text.find('\''));
}

herr_t keep_innermost(unsigned, const H5E_error2_t* entry, void* text) {
  auto& found = *static_cast<std::string*>(text);
  const std::string_view description = entry->desc == nullptr ? "" : entry->desc;
  if (found.empty()) found = description;
  if (const auto words = system_words(description); !words.empty()) found = words;
  return 0;
}

}  // namespace

QuietErrors::QuietErrors() {
  // When a program ends, HDF5 closes what it believes to be open still. After a damaged file that is a loop which it
  // gives up with a message; we close what we open ourselves. Only the first call counts, before any other of HDF5's.
  static const bool no_clean_up = H5dont_atexit() >= 0;
  static_cast<void>(no_clean_up);
  H5Eget_auto2(H5E_DEFAULT, &print_, &argument_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

QuietErrors::~QuietErrors() { H5Eset_auto2(H5E_DEFAULT, print_, argument_); }

std::string error_text() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
  for (char& letter : text) {
    if (letter == '\n') letter = ' ';
  }
  return text;
}

Hdf5Handle& Hdf5Handle::operator=(Hdf5Handle&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = std::exchange(other.id_, H5I_INVALID_HID);
    close_ = other.close_;
  }
  return *this;
}

bool Hdf5Handle::reset() {
  if (id_ < 0) return true;
  const QuietErrors quiet;
  return close_(std::exchange(id_, H5I_INVALID_HID)) >= 0;
}

template <>
hid_t native_type<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
hid_t native_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t native_type<std::uint32_t>() {
  return H5T_NATIVE_UINT32;
}
template <>
hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t native_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}
template <>
hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}

Hdf5Handle string_type() {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Hdf5Handle fixed_string_type(std::size_t bytes) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), bytes == 0 ? 1 : bytes);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Hdf5Handle file_access() {
  Hdf5Handle list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(list.get(), false, true);
  H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG);
  return list;
}

}  // namespace penumbra::data
