#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penumbra::trainer {

struct Attribute {
  std::string_view name;  ///< of our own words, not escaped
  std::string value;
};

/// An element of HTML or SVG with what is in it. Texts and values of attributes are escaped when it is written, so that
/// nothing that a file says becomes markup, and every tag is closed. Names are our own words. `style` holds raw text,
/// as HTML has it.
class Element {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): {"td", {{"class", "n"}}, "0.5"} is how trees are written
  Element(std::string_view name, std::vector<Attribute> attributes = {}, std::string text = {});

  Element& add(Element child) &;  ///< at the end; returns this one
  Element&& add(Element child) &&;
  Element& add_text(std::string text) &;
  Element&& add_text(std::string text) &&;

  std::string to_string() const;

 private:
  void write(std::string& out) const;

  std::string_view name_;  // empty: a text
  std::vector<Attribute> attributes_;
  std::string text_;
  std::vector<Element> children_;
};

/// Text that is safe between tags and in quoted attributes.
std::string escaped(std::string_view text);

}  // namespace penumbra::trainer
