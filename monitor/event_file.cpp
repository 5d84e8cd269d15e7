#include "monitor/event_file.h"

#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "monitor/proto/tensorboard.pb.h"

namespace penumbra::monitor {
namespace {

template <typename Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(Number); ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

/// CRC-32C of one byte, by which the next one's is looked up. (No package of this system has it, and records are
/// short.)
constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
    table[byte] = crc;
  }
  return table;
}

/// The checksum as TFRecord stores it.
std::string masked_checksum(const std::string& bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_table();
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  crc = ~crc;
  return little_endian(((crc >> 15) | (crc << 17)) + 0xa282ead8U);
}

std::string tag_of(const Value& value) {
  std::string tag(describe(value.metric).name);
  tag.erase(0, std::string("penumbra_").size());
  for (const std::string& label : value.labels) tag += "/" + label;
  return tag;
}

}  // namespace

EventFile::EventFile(const std::filesystem::path& folder, const std::string& host)
    : path_(folder / fmt::format("events.out.tfevents.{:010.0f}.{}", unix_seconds(), host)),
      file_(path_, std::ios::binary) {
  tensorboard::Event event;
  event.set_wall_time(unix_seconds());
  event.set_file_version("brain.Event:2");
  write(event.SerializeAsString());
}

void EventFile::add(std::int64_t step, const std::vector<Value>& values) {
  tensorboard::Event event;
  event.set_wall_time(unix_seconds());
  event.set_step(step);
  for (const Value& value : values) {
    const Description& d = describe(value.metric);
    if (d.type != MetricType::gauge || d.scope != Scope::run || value.metric == Metric::run_info) continue;
    tensorboard::Summary::Value& scalar = *event.mutable_summary()->add_value();
    scalar.set_tag(tag_of(value));
    scalar.set_simple_value(static_cast<float>(value.number));
  }
  if (event.has_summary()) write(event.SerializeAsString());
}

void EventFile::write(const std::string& record) {
  const std::string length = little_endian<std::uint64_t>(record.size());
  file_ << length << masked_checksum(length) << record << masked_checksum(record) << std::flush;
  if (!file_) throw std::runtime_error(fmt::format("{}: cannot be written", path_.string()));
}

}  // namespace penumbra::monitor
