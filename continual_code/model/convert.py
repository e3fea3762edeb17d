"""GGUF in, safetensors out: dequantize once to bfloat16, in a process of its own.

Invariant: the process that asked never holds the weights, and when it dies the conversion dies
with it; `out` counts only when the process ended well.

    python -m continual_code.model.convert GGUF OUT [--tied]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from continual_code.errors import ModelError
from continual_code.model.catalog import Progress

STAGE = "stage: "
MAGIC = b"GGUF"


def convert_gguf(gguf: Path, out: Path, progress: Progress, *, tied: bool) -> None:
    """Write the model in `gguf` to the directory `out`: safetensors, tokenizer, chat template.

    Measured on two CPU cores for 135 M, 0.5 B and 1.5 B parameters: 23, 57 and 81 s on an idle
    machine (up to 220 s on a busy one), and 0.9, 3.0 and 5.6 GB of memory at most.

    Args:
        tied: input and output embeddings are one tensor. Some GGUF files carry it twice, the
            output copy in more bits than the input copy; the better one is kept.

    Raises:
        ModelError: the file cannot be read, or the process was killed.
    """
    # The current directory is somebody's repository and may hold a `torch.py`: `-P` keeps it off the path, and
    # another one makes a relative PYTHONPATH lead nowhere.
    command = [sys.executable, "-P", "-m", __name__, str(gguf.absolute()), str(out.absolute())]
    command += ["--tied"] if tied else []
    pipe = subprocess.PIPE
    with tempfile.TemporaryFile() as noise:
        # Our end of the child's stdin closes when we die, however we die.
        with subprocess.Popen(command, cwd="/", env=_environment(), stdin=pipe, stdout=pipe, stderr=noise) as child:
            try:
                _relay(child, progress)
            except BaseException:
                child.kill()
                raise
        if child.returncode != 0:
            raise _failure(child.returncode, noise)


def _environment() -> dict[str, str]:
    """Ours, and the place that this package was imported from, last."""
    home = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{known}{os.pathsep}{home}" if known else home}


def _relay(child: subprocess.Popen[bytes], progress: Progress) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        text = line.decode(errors="replace").strip()
        if text.startswith(STAGE):
            progress(text.removeprefix(STAGE), None)
    child.wait()


def _failure(code: int, noise: IO[bytes]) -> ModelError:
    kept = "Nothing was installed; the download is kept."
    if code == -signal.SIGKILL:
        return ModelError(
            "The conversion of the model was killed, most likely for lack of memory.",
            kept=kept,
            do="Close other programs and run the same command again, or choose a smaller model.",
        )
    noise.seek(0)
    lines = noise.read().decode(errors="replace").strip().splitlines()
    reason = lines[-1].strip() if lines else f"exit status {code}"
    return ModelError(f"The conversion of the model failed ({reason}).", kept=kept, do="Run the same command again.")


# --- In the child -----------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    """Convert, saying each stage on stdout; the last line on stderr is the reason of a failure."""
    gguf, out, tied = Path(arguments[0]), Path(arguments[1]), "--tied" in arguments[2:]
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with gguf.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            print(f"{gguf.name} is not a GGUF file", file=sys.stderr)
            return 1
    _say("converting: loading torch")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    _say("converting: reading the tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    _say("converting: reading the weights")
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    if tied:
        _tie(model)
    _say("converting: writing")
    vars(model.config).pop("_model_name_or_path", None)  # the name of whatever the file was made from
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return 0


def _tie(model: Any) -> None:
    model.get_input_embeddings().weight = model.get_output_embeddings().weight
    model.config.tie_word_embeddings = True


def _die_with_parent() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock a blocked reader would hold at exit
    os._exit(1)


def _say(stage: str) -> None:
    print(f"{STAGE}{stage}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
