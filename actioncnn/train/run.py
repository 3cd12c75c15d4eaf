"""The runs of a training script: a plan is made and carried out, split by split, to the files in --output."""

from actioncnn import device
from actioncnn.cli import say, warn
from actioncnn.errors import UserError
from actioncnn.pages import run_page
from actioncnn.runs import folder, results
from actioncnn.runs.outputs import is_of_run
from actioncnn.runs.tested import clip_reader
from actioncnn.train.plan import plan_training
from actioncnn.train.start import Start
from actioncnn.train.training import Training


def train(options, network):
    """Trains a network, or an ensemble of it, as options.Options say and writes all outputs."""
    start = Start(options.start, options.sampling, options.output) if options.start else None
    several = options.split == "all" or options.split.startswith("folds:")
    written = folder.PARTED if several else folder.names(network.stem, options.members)
    check_lists(options, written)
    chief = device.cluster()[1] == 0
    with folder.held(options.output, written, options.overwrite, options.resume, chief):
        plan = plan_training(options, network, start)
        carry_out(plan)


def check_lists(options, written):
    """UserError: a list of videos is a file that the run would replace or remove."""
    for option in ("train_list", "test_list"):
        path = getattr(options, option) and getattr(options, option).resolve()
        if path and options.output.resolve() in path.parents and (path.name in written or is_of_run(path)):
            name = option.replace("_", "-")
            raise UserError(f"--{name} {path}: is a file of the run in --output, which is replaced; move it away")


def carry_out(plan):
    """Trains and tests on each part of a Plan."""
    output, figures, told = plan.options.output, [], []
    if plan.in_parts:
        whole = plan.record_of_all()
        for part in () if plan.options.resume else plan.parts:
            folder.check_free(part.output, plan.written, plan.options.overwrite)
        folder.open_run(output, whole, folder.PARTED, plan.options.resume, plan.device.chief)
    for part in plan.parts:
        figures.append({"split": part.split} | Training(plan, part).run(told))
        told += part.notes
    if plan.in_parts and plan.device.chief:
        means = results.write_splits(output, figures)
        run_page.try_to_write(output, clip_reader(plan.options.videos, plan.options.workers))
        folder.close_run(output, whole, means)
    for row, reason in plan.data.failures.items():
        warn(f"left out: {plan.data.videos[row].path}: {reason}")
    say(f"results: {output}; report.html there shows them")
