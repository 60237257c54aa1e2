"""`make archive`: the program with its libraries, as a CI runner gets it, does what the build does."""

import hashlib
import os
import subprocess
import tarfile

from _lib import MOULIN, ROOT, case, finish, folder, moulin

RECORDING = ROOT / "template/pipelines/ingest/chess-ingestion/recordings/2020-06-02.har"

with folder() as work:
    done = subprocess.run(["make", "--no-print-directory", "archive", f"BUILD={MOULIN.parent}"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    digest, archive = done.stdout.split("\n")[-2].split()
    with tarfile.open(ROOT / archive) as tar:
        tar.extractall(work / "runner")
    (program,) = (work / "runner").glob("moulin-*/moulin")
    # a bare machine: nothing of this one's libraries, time zones or authorities is named
    bare = {"PATH": "/nowhere", "HOME": str(work), "MOULIN_REPLAY": str(RECORDING), "MOULIN_NOW": "2020-06-02T12:00:00Z"}

    def run(*words, cwd):
        done = subprocess.run([program, *words], cwd=cwd, env=bare, text=True, capture_output=True)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    @case
    def the_digest_is_that_of_the_file():
        assert hashlib.sha256((ROOT / archive).read_bytes()).hexdigest() == digest

    @case
    def it_runs_the_pipeline_with_what_it_brings():
        run("init", "project", cwd=work)
        run("check", cwd=work / "project")
        run("run", "chess", "--input", '{"start_month": "2020/05", "end_month": "2020/05"}', cwd=work / "project")
        assert "34" in run("query", "select count(*) from analytics.player_games", cwd=work / "project")
        # no path of a package's: models are compiled where the project is
        assert (work / "project/pipelines/transform/target/manifest.json").exists()

    @case
    def it_packs_the_same_bytes_as_the_build():
        run("package", "chess", "--to", str(work / "one"), cwd=work / "project")
        moulin("package", "chess", "--to", work / "two", cwd=work / "project")
        (one,), (two,) = (work / "one").glob("*.zip"), (work / "two").glob("*.zip")
        assert one.name == two.name and one.read_bytes() == two.read_bytes()

    os.unlink(ROOT / archive)

finish()
