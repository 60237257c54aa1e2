"""Runs every ```sh block of README.md and docs/*.md, page by page, in an empty folder, as a reader would.

`<!-- project -->` at the top of a page: the page starts inside a project that `moulin init` wrote, with the recorded
answers in place of the network. `<!-- loaded -->`: as that, and the pipeline has run once. A block must exit 0; a block
that follows `<!-- exit N -->` must exit N."""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from _lib import MOULIN, ROOT, case, finish, folder, moulin  # noqa: E402

BLOCK = re.compile(r"(?:<!-- exit (\d+) -->\s*)?^```sh\n(.*?)^```", re.M | re.S)


def environment(project):
    bin_folder = project.parent / "bin"
    bin_folder.mkdir(exist_ok=True)
    (bin_folder / "moulin").symlink_to(MOULIN)
    return {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "MOULIN_REPLAY": str(RECORDINGS / "2020-06-02.har"), "MOULIN_NOW": "2020-06-02T12:00:00Z"}


RECORDINGS = ROOT / "template" / "pipelines" / "ingest" / "chess-ingestion" / "recordings"


def run_page(page):
    text = page.read_text()
    blocks = BLOCK.findall(text)
    if not blocks:
        return

    def commands_of_the_page_run():
        with folder() as root:
            work = root / "work"
            env = environment(work)
            if "<!-- project -->" in text or "<!-- loaded -->" in text:
                moulin("init", work, cwd=root)
            else:
                work.mkdir()
            if "<!-- loaded -->" in text:
                moulin("run", "chess", "--input", '{"start_month": "2020/05", "end_month": "2020/05"}', cwd=work, env=env)
            for expected, script in blocks:
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=work, env=env, text=True,
                                      capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
                if done.returncode != int(expected or 0):
                    raise AssertionError(f"{page.name}: exit {done.returncode}, expected {expected or 0}:\n{script}\n{done.stdout}{done.stderr}")

    commands_of_the_page_run.__name__ = f"commands of {page.relative_to(ROOT)} run"
    case(commands_of_the_page_run)


for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
    run_page(page)
finish()
