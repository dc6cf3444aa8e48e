"""Commands that drills disturb, on files that are made in moments."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from fakes import make_events, make_images, write_image_file, write_ntuple, write_two_samples
from fakes_maps import make_maps
from fakes_models import make_trained

from calovision.models import save_model
from calovision.monitoring.run_map_file import write_run_maps
from faults.jobs import Job
from faults.material import prepared, remembered, scratch

CELLS = "--grid 8x8 --channels em,tracks"
TRAINING = "--epochs 2 --batch-size 16 --option width=2 --device cpu --checkpoint-minutes 1e-9"
LINES = {
    "images": (f"images a.root b.root -o out/images.h5 {CELLS}", "out/images.h5"),
    "images_blosc2": (
        f"images a.root -o out/packed.h5 {CELLS} --compression blosc2",
        "out/packed.h5",
    ),
    "images_parallel": (
        f"images a.root b.root c.root -o out/three.h5 {CELLS} --processes 2",
        "out/three.h5",
    ),
    "jets": (
        "images a.root -o out/jets.h5 --jets --jet-recipe w",
        "out/jets.h5",
    ),
    "export": ("export images.h5 -o out/dense.h5", "out/dense.h5"),
    "export_plain": ("export images.h5 -o out/plain.h5 --compression none", "out/plain.h5"),
    "train": (f"train rpv.h5 qcd.h5 -o out/trained {TRAINING}", "out/trained"),
    "score": ("score model rpv.h5 qcd.h5 -o out/scores.h5", "out/scores.h5"),
    "onnx": ("onnx model -o out/model.onnx", "out/model.onnx"),
    "maps": (
        f"monitor maps a.root b.root -o out/maps.h5 {CELLS} --run event_number --schema calovision",
        "out/maps.h5",
    ),
    "reference": ("monitor reference maps.h5 -o out/reference.h5", "out/reference.h5"),
    "check": (
        "monitor check maps.h5 --reference out/reference.h5 -o out/flags.json",
        "out/flags.json",
    ),
}
"""Arguments, and what they write."""


def make_inputs(folder: Path) -> None:
    """Write ROOT files, image files, a model and maps."""
    (folder / "out").mkdir()
    for number, name in enumerate("abc"):
        towers, tracks = make_events(120, seed=number + 1)
        for energy in ("e_em", "e_had", "e"):  # enough for fat jets
            towers[energy] = 20 * towers[energy]
        write_ntuple(folder / f"{name}.root", towers, tracks, first=1000 * number)
    write_image_file(folder / "images.h5", images=make_images(400))
    write_two_samples(folder)
    save_model(folder / "model", make_trained((2, 8, 8)))
    write_run_maps(folder / "maps.h5", make_maps(40))


@cache
def command(name: str) -> Job:
    """A command that ran undisturbed."""
    line, output = LINES[name]
    if "out/reference.h5" in line and name != "reference":
        command("reference")
    folder = prepared("commands", make_inputs)
    job = Job(name, folder, (output,), arguments=tuple(line.split()))

    def run() -> list[str]:
        end = job.run(folder, scratch() / "command.txt")
        assert end.status == 0, (name, end.text)
        return job.found_volatile()

    return replace(job, volatile=tuple(remembered(f"command {name}", run)))


def commands() -> tuple[Job, ...]:
    """All commands."""
    return tuple(map(command, LINES))
