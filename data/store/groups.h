#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace penumbra::data {

inline constexpr std::int32_t kUnknownGroup = -1;

/// Who is on the images, in one respect: "subject", "gender", "age", ... Training does not depend on it.
struct GroupColumn {
  std::string name;                 ///< 1 to 255 bytes of plain text (is_plain_text) without '/', not "."
  std::vector<std::string> values;  ///< [K], at least one, plain texts, all different
  std::vector<std::int32_t> codes;  ///< [N], index into the values, or kUnknownGroup

  bool operator==(const GroupColumn&) const = default;
};

/// Numbers texts in the order of their first appearance.
class GroupValues {
 public:
  std::int32_t code_of(const std::string& value);
  const std::vector<std::string>& values() const { return values_; }

 private:
  std::vector<std::string> values_;
  std::unordered_map<std::string, std::int32_t> codes_;
};

/// The column of that name; nullptr where there is none.
const GroupColumn* find_column(std::span<const GroupColumn> groups, const std::string& name);

/// The same; where there is none, a DataError that starts with `where` and names those that there are.
const GroupColumn& require_column(std::span<const GroupColumn> groups, const std::string& name,
                                  const std::string& where);

/// Whether it is UTF-8, not empty and without control characters.
bool is_plain_text(std::string_view text);

/// Names of columns, as above, all different and at most 64; otherwise a DataError that starts with `where`.
void check_group_names(std::span<const std::string> names, const std::string& where);

/// Columns as above, of so many rows; otherwise a DataError that starts with `where`.
void check_groups(std::span<const GroupColumn> groups, std::size_t rows, const std::string& where);

}  // namespace penumbra::data
