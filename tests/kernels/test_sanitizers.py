"""The kernels under AddressSanitizer and UndefinedBehaviorSanitizer, briefly; `make sanitize` runs more, and threads."""

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.mark.slow
def test_kernels_under_the_sanitizers(tmp_path):
    compiler = shutil.which("c++") or shutil.which("g++")
    source = tmp_path / "probe.cpp"
    source.write_text("int main() {}\n")
    probe = [compiler, "-fsanitize=address,undefined", str(source), "-o", str(tmp_path / "probe")]
    if compiler is None or subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip("needs a C++ compiler with its sanitizers")
    script = Path(__file__).parents[1] / "sanitize" / "run"
    result = subprocess.run([script, "20", "address,undefined"], capture_output=True, text=True)
    assert result.returncode == 0 and "all right" in result.stdout, result.stdout + result.stderr[-2000:]
