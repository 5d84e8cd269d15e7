"""What is wrong with a command as it is written: subcommands, options, keys and files that are not there."""

import re
import shlex
from pathlib import Path

FOLDERS = ("comm", "configs", "data", "docs", "monitor", "scripts", "slurm", "tests", "trainer")
LAUNCHERS = ("penumbra", "mpirun", "srun", "apptainer")
FILE = re.compile(rf"({'|'.join(FOLDERS)})/[\w./-]+")


class Words:
    """What may be written: of `penumbra commands` and `penumbra config`, and the files of the source."""

    def __init__(self, commands, configuration, root):
        self.root = root
        self.options = {}  # of a subcommand, which is a tuple of words
        for section in commands.split("\n## ")[1:]:
            name, text = section.split("\n", 1)
            self.options[tuple(name.split())] = set(re.findall(r"(?<=`)-[\w-]+(?=`)", text)) | {"-h", "--help"}
        self.groups = {name[:length] for name in self.options for length in range(len(name))}
        self.keys = set()
        for section in configuration.split("\n## ")[1:]:
            name = section[1:section.index("]")]
            self.keys |= {f"{name}.{key}" for key in re.findall(r"^\| `(\w+)` \|", section, re.M)}
        self.sections = {key.split(".")[0] for key in self.keys}

    def wrong_with(self, text):
        """A complaint for each thing that is wrong with the commands of a block."""
        for line in text.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            command = []
            for word in [*lexer, ";"]:
                if set(word) <= set("();<>|&"):
                    yield from self._wrong_with_command(command)
                    command = []
                else:
                    command.append(word)

    def wrong_with_span(self, text):
        """The same for a piece of code in a sentence, which may be a command, a key or a file; DIR, […], a|b and … stand for others."""
        if re.match(rf"({'|'.join(self.sections)})\.(?!(?:json|h5|md)$)[a-z_]+( ?=.*)?$", text):
            yield from self._wrong_with_key(text)
        elif FILE.fullmatch(text):
            yield from self._wrong_with_file(text)
        elif command := re.search(r"\bpenumbra ([a-z].*)", text):
            words = re.sub(r"[\[\]]", " ", command[1]).split()
            for word in words[0].split("|"):
                yield from self._wrong_with_penumbra([word, *words[1:]], whole=False)

    def _wrong_with_command(self, words):
        for word in words:
            if FILE.fullmatch(word):
                yield from self._wrong_with_file(word)
        names = [Path(word).name for word in words]
        if "penumbra" in names and names[0] in LAUNCHERS:
            yield from self._wrong_with_penumbra(words[names.index("penumbra") + 1:])
        elif (script := next((place for place, name in enumerate(names) if name.endswith(".sbatch")), None)) is not None:
            yield from self._wrong_with_penumbra(["train", *words[script + 1:]])

    def _wrong_with_penumbra(self, words, whole=True):
        name = ()
        while words and (*name, words[0]) in self.groups | set(self.options):
            name, words = (*name, words[0]), words[1:]
        if name not in self.options:
            if whole or (words and re.fullmatch(r"[a-z][a-z0-9-]*", words[0])):
                yield f"there is no `penumbra {' '.join((*name, *words[:1]))}`"
            return
        for place, word in enumerate(words):
            if word == "--":
                yield from self._wrong_with_penumbra(words[place + 1:], whole)
                return
            if word == "--set" and place + 1 < len(words):
                yield from self._wrong_with_key(words[place + 1])
            if (option := re.fullmatch(r"(--?[a-z][a-z-]*)(=.*)?", word)) and option[1] not in self.options[name] | {"-np"}:
                yield f"`penumbra {' '.join(name)}` has no {option[1]}"

    def _wrong_with_key(self, assignment):
        key = re.split(r"[ =]", assignment)[0].strip("'\"")
        if re.fullmatch(r"\w+\.\w+", key) and key not in self.keys:
            yield f"there is no key {key}"

    def _wrong_with_file(self, path):
        if not (self.root / path).exists() and not list(self.root.glob(f"{path}.*")):  # a unit is named without .h and .cpp
            yield f"there is no {path}"
