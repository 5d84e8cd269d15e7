"""The manual as text: its pages in reading order, their blocks of code, links and headings. CONTRIBUTING.md says what a block's `needs=` means."""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`]*)$")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
HIDDEN = re.compile(r"^<!-- sh: (.*) -->$")  # a command that the page needs and its reader does not


@dataclass
class Block:
    """What stands between two fences; `line` is that of its first line."""
    page: Path
    line: int
    language: str
    needs: str  # empty: nothing
    text: str


class Page:
    """A page's lines, and which of them are code."""

    def __init__(self, path):
        self.path = path
        self.lines = path.read_text(encoding="utf-8").splitlines()
        self.blocks = []
        self.prose = list(self.lines)  # an empty line where there is code
        self._find_blocks()

    def _find_blocks(self):
        opened = None
        for number, line in enumerate(self.lines, 1):
            fence = FENCE.match(line)
            if opened or fence:
                self.prose[number - 1] = ""
            if not fence:
                continue
            if not opened:
                opened = (number, fence)
                continue
            first, start = opened
            language, *more = start["info"].split() or [""]
            needs = " ".join(word.removeprefix("needs=") for word in more)
            inside = [text.removeprefix(start["indent"]) for text in self.lines[first:number - 1]]
            self.blocks.append(Block(self.path, first + 1, language, needs, "\n".join(inside) + "\n"))
            opened = None
        assert not opened, f"{self.path}:{opened and opened[0]}: a block without an end"

    def script(self):
        """The page as a program: what is not to be run is an empty line, so that a line has the number that it has in the page."""
        lines = [""] * len(self.lines)
        for number, line in enumerate(self.prose):
            if hidden := HIDDEN.match(line):
                lines[number] = hidden[1]
        for block in self.blocks:
            if block.language == "sh" and not block.needs:
                text = block.text.splitlines()
                lines[block.line - 1:block.line - 1 + len(text)] = text
        return "\n".join(lines) + "\n"

    def links(self):
        """(line, target) of each."""
        for number, line in enumerate(self.prose, 1):
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                yield number, target

    def code_spans(self):
        """(line, text) of each `text`."""
        for number, line in enumerate(self.prose, 1):
            for text in re.findall(r"(?<!`)`([^`]+)`(?!`)", line):
                yield number, text.replace("\\|", "|")

    def anchors(self):
        """What a link may have behind its #, as GitHub makes it of headings."""
        found = []
        for line in self.prose:
            if heading := re.match(r"#{1,6} (.*)", line):
                text = re.sub(r"[^\w\- ]", "", heading[1].strip().lower()).replace(" ", "-")
                found.append(text if text not in found else f"{text}-{found.count(text)}")
        return found


def pages(root):
    """README.md, then docs/README.md and what that links, in its order: the order in which the manual is read, and run."""
    contents = Page(root / "docs/README.md")
    paths = [root / "README.md", contents.path]
    for _, target in contents.links():
        path = (root / "docs" / target.split("#")[0]).resolve()
        if path.suffix == ".md" and path not in paths:
            paths.append(path)
    return [Page(path) for path in paths]
