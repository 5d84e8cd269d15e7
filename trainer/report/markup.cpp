#include "trainer/report/markup.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penumbra::trainer {
namespace {

/// Elements that HTML writes without an end.
bool is_void(std::string_view name) {
  constexpr std::array<std::string_view, 3> kVoid = {"br", "img", "meta"};
  return std::find(kVoid.begin(), kVoid.end(), name) != kVoid.end();
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

Element::Element(std::string_view name, std::vector<Attribute> attributes, std::string text)
    : name_(name), attributes_(std::move(attributes)) {
  if (!text.empty()) add_text(std::move(text));
}

Element& Element::add(Element child) & {
  children_.push_back(std::move(child));
  return *this;
}

Element&& Element::add(Element child) && { return std::move(add(std::move(child))); }

Element& Element::add_text(std::string text) & {
  Element leaf("");
  leaf.text_ = std::move(text);
  return add(std::move(leaf));
}

Element&& Element::add_text(std::string text) && { return std::move(add_text(std::move(text))); }

std::string Element::to_string() const {
  std::string out;
  write(out);
  return out;
}

void Element::write(std::string& out) const {
  if (name_.empty()) return append_escaped(out, text_);
  out.append("<").append(name_);
  for (const Attribute& attribute : attributes_) {
    out.append(" ").append(attribute.name).append("=\"");
    append_escaped(out, attribute.value);
    out += '"';
  }
  out += '>';
  if (is_void(name_)) return;
  for (const Element& child : children_) {
    if (name_ == "style") {
      out += child.text_;
    } else {
      child.write(out);
    }
  }
  out.append("</").append(name_).append(">");
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

}  // namespace penumbra::trainer
