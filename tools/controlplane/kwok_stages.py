"""kwok ships its life-cycle rules only inside its Go module: copy them at build time.

kwok 0.8 has none built in and ends with "no stages found". Keeping a copy beside the
binaries means that Go is not needed to run, and that nothing of kwok is in this repository.
"""

from pathlib import Path
from typing import Final

from tools.controlplane.errors import BuildError

#: Folders below `kustomize/stage`: nodes turn Ready and stay so, pods run, finish and go.
_FOLDERS: Final = ("node/fast", "node/heartbeat-with-lease", "pod/fast")


def write_stages(module: Path, target: Path) -> None:
    """Join the stage files of kwok's `module` folder into the YAML stream `target`."""
    documents = [file.read_text() for file in _stage_files(module)]
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".new")
    draft.write_text("\n---\n".join(documents))
    draft.replace(target)


def _stage_files(module: Path) -> list[Path]:
    files: list[Path] = []
    for folder in _FOLDERS:
        found = sorted((module / "kustomize" / "stage" / folder).glob("*.yaml"))
        stages = [file for file in found if file.name != "kustomization.yaml"]
        if not stages:
            raise BuildError(f"kwok's module has no stages in kustomize/stage/{folder}")
        files += stages
    return files
