"""Every command that the README shows is one that works."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
# What another test runs in a stack or a checkout of its own.
ELSEWHERE = {
    "make demo": "tests/e2e/test_demo.py",
    "make test": ".ci/run",
    ".venv/bin/mxctl local down": "tests/glue/local/test_stack.py",
}
MXCTL = [command for command in COMMANDS if command.startswith(".venv/bin/mxctl") and command not in ELSEWHERE]


def test_the_readme_shows_commands_of_which_each_is_run_by_a_test():
    assert len(MXCTL) >= 5
    assert set(COMMANDS) == set(MXCTL) | set(ELSEWHERE)
    for place in ELSEWHERE.values():
        assert (ROOT / place).exists(), place


def test_make_knows_every_target_the_readme_names():
    for target in set(re.findall(r"make ([a-z]+)", README)):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.stack
@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize("command", MXCTL)
def test_a_command_of_the_readme_works_as_written(command, tmp_path):
    words = [str(ROOT / ".venv/bin/mxctl"), *shlex.split(command)[1:]]
    if "posts.txt" in words:
        file = tmp_path / "posts.txt"
        file.write_text("নতুন জুতা কিনলাম, দারুণ!\nDelivery in Dhaka took two days\n", encoding="utf-8")
        words[words.index("posts.txt")] = str(file)
    if words[1:3] == ["run", "weather"]:
        subprocess.run([words[0], "sandbox", "up"], check=True, capture_output=True)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if words[1:3] == ["run", "weather"]:
        subprocess.run([words[0], "sandbox", "down"], check=True, capture_output=True)
    assert done.returncode == 0, done.stderr
