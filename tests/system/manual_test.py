"""The manual (README.md, CONTRIBUTING.md, docs/): its commands work as they are written, and what it names is there."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import manual
import manual_inputs
from manual_words import FOLDERS, Words
from penumbra import BINARY, SOURCE, environment, run
from processes import end_all_in

# What a block may need that a test has not got: it is read then, not run. CONTRIBUTING.md lists them.
NEEDS = {"files", "gpu", "network", "root", "slurm", "terminal", "time", "torch"}
PAGE_SECONDS = 500
OVERSUBSCRIBE = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}  # Open MPI 4 and 5


class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = manual.pages(SOURCE)
        cls.commands = run("commands").stdout
        cls.words = Words(cls.commands, run("config").stdout, SOURCE)
        cls.blocks = [block for page in cls.pages for block in page.blocks]

    @staticmethod
    def place(path, line):
        return f"{path.relative_to(SOURCE)}:{line}"

    def refuse(self, complaints):
        complaints = list(complaints)
        self.assertFalse(complaints, "\n" + "\n".join(complaints))

    def test_the_contents_have_every_page(self):
        known = {page.path for page in self.pages}
        missing = [path for path in [SOURCE / "CONTRIBUTING.md", *(SOURCE / "docs").rglob("*.md")] if path not in known]
        self.assertFalse(missing, "docs/README.md does not link them")

    def test_the_reference_of_commands_is_the_printed_one(self):
        self.assertEqual((SOURCE / "docs/commands.md").read_text(), self.commands, "write `penumbra commands` to docs/commands.md")

    def test_every_command_has_an_example(self):
        sections = self.commands.split("\n## ")[1:]
        self.refuse(f"{name}: no example" for name, text in (section.split("\n", 1) for section in sections)
                    if not re.search(rf"^```sh.*\n.*penumbra {name}\b", text, re.M))

    def test_links_lead_somewhere(self):
        anchors = {page.path: page.anchors() for page in self.pages}
        self.refuse(f"{self.place(page.path, line)}: {target} leads nowhere" for page in self.pages for line, target in page.links()
                    if not self.leads_somewhere(page, target, anchors))

    @staticmethod
    def leads_somewhere(page, target, anchors):
        if "://" in target:  # nobody is asked
            return urlsplit(target).scheme == "https" and bool(urlsplit(target).netloc)
        name, _, anchor = target.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        return path.exists() and path.is_relative_to(SOURCE) and (not anchor or anchor in anchors.get(path, []))

    def test_commands_that_are_not_run_could_be(self):
        self.refuse(f"{self.place(block.page, block.line)}: {complaint}" for block in self.blocks
                    if block.language == "sh" and block.needs for complaint in self.wrong_with(block))

    def wrong_with(self, block):
        if block.needs not in NEEDS:
            yield f"needs={block.needs} is not one of {', '.join(sorted(NEEDS))}"
        shell = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
        if shell.returncode != 0:
            yield shell.stderr.strip()
            return
        yield from self.words.wrong_with(block.text)

    def test_mistakes_are_found(self):
        for line in ("penumbra trian configs/demo.toml", "penumbra train configs/demo.toml --overwrit", "scripts/test; scripts/tset",
                     "mpirun -np 2 penumbra train configs/demo.toml --set train.epoch=3", "penumbra launch -np 2 -- train a.toml --restarts 3",
                     "sbatch slurm/train.sbatch a.toml --set data.file=b", "penumbra config | penumbra data look"):
            self.assertEqual(len(list(self.words.wrong_with(line))), 1, line)

    def test_what_sentences_name_is_there(self):
        self.refuse(f"{self.place(page.path, line)}: {complaint}" for page in self.pages for line, text in page.code_spans()
                    for complaint in self.words.wrong_with_span(text))

    def test_configurations_are_read(self):
        for block in self.blocks:
            if block.language == "toml":
                with self.subTest(self.place(block.page, block.line)), tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                    file.write(block.text)
                    file.flush()
                    done = run("config", file.name)
                    self.assertEqual(done.returncode, 0, done.stderr)

    def test_commands_work_as_they_are_written(self):
        shell = [block for block in self.blocks if block.language == "sh"]
        with tempfile.TemporaryDirectory(prefix="penumbra-manual-") as name:
            clone = Path(name)
            self.lay_out(clone)
            for page in self.pages:
                if any(block.page == page.path and not block.needs for block in shell):
                    with self.subTest(page.path.name):
                        self.work_through(page, clone)
        read = Counter(block.needs for block in shell if block.needs)
        print(f"manual: {len(shell) - read.total()} blocks of commands ran, {read.total()} were read:",
              ", ".join(f"{count} need {what}" for what, count in sorted(read.items())))

    @staticmethod
    def lay_out(clone):
        """What a reader has who has cloned and built, and data sets beside it."""
        for name in FOLDERS:
            shutil.copytree(SOURCE / name, clone / name)
        (clone / "build").symlink_to(Path(BINARY).parent.parent)
        manual_inputs.write_all(clone)

    def work_through(self, page, clone):
        """The page's commands, one after the other in one shell; the next page finds what they leave, but nothing that still runs."""
        name = page.path.relative_to(SOURCE)
        script = clone / ".manual" / name
        script.parent.mkdir(parents=True, exist_ok=True)
        trap = f"""trap 'echo "{name}:$LINENO: exit code $? of: $BASH_COMMAND" >&2' ERR"""
        script.write_text(trap + page.script())  # the first line is a heading
        started = time.monotonic()
        with (script.with_suffix(".log")).open("w+") as output:
            done = subprocess.run(["timeout", "-k", "5", str(PAGE_SECONDS), "bash", "-eu", script], cwd=clone, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, check=False,
                                  env=environment(PATH=f"{Path(BINARY).parent}:{os.environ['PATH']}", **OVERSUBSCRIBE))
            end_all_in(clone)
            output.seek(0)
            self.assertEqual(done.returncode, 0, output.read()[-4000:])
        print(f"manual: {name} in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    unittest.main()
