"""Compare training runs: which is better, by how much, and whether the test clips can tell.

python compare.py first/ second/                        a table, differences with intervals, a sentence for each pair
python compare.py first/ second/ --html both.html       the same as a page, with curves and classes
python compare.py first/ --html                         the page of one run: first/report.html
python compare.py first/ --html --videos UCF-101/       the same with clips inside, so that it can be sent
python compare.py first/ --html --videos UCF-101/ --evidence     and with what spoke for the classes in mistakes
"""

import argparse
import json
import sys
from pathlib import Path

from actioncnn import cli
from actioncnn.errors import UserError

PAGE = Path("comparison.html")  # of several runs


def page_file(text):
    """An argparse type: the file of a page; True: the default one. A directory is the next run, and no page."""
    if Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a directory; name a file")
    return text == "True" or Path(text)


def parse():
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="RUN", help="--output of a training run")
    page = f"also write a page (default: report.html in the folder of one run, {PAGE} for several)"
    add("--html", type=page_file, nargs="?", const=True, metavar="FILE", help=page)
    videos = "on the page of one run: clips of the run's dataset, which is in this directory (default: no clips)"
    add("--videos", type=Path, metavar="DIRECTORY", help=videos)
    add("--evidence", help="on the page of one run: what spoke for the classes in its mistakes", **cli.SWITCH)
    add("--csv", type=Path, metavar="FILE", help="also write the table of runs")
    add("--json", action="store_true", help="JSON on standard output, and nothing else there")
    add("--workers", type=cli.whole_number(1), default=2, help="processes that read the page's clips (default: 2)")
    args = parser.parse_args()
    if args.videos and (not args.html or len(args.runs) > 1):
        parser.error("--videos needs --html and one run")
    if args.evidence and not args.videos:
        parser.error("--evidence needs --videos: it is drawn over the clips of the run's mistakes")
    for path in (args.html, args.csv):
        if isinstance(path, Path) and not path.parent.is_dir():
            parser.error(f"{path}: there is no directory {path.parent}")
    return args


def main():
    args = parse()
    from actioncnn import files
    from actioncnn.pages import comparison_text
    from actioncnn.pages.comparison import compare
    from actioncnn.pages.run_page import NAME
    from actioncnn.runs import tables
    from actioncnn.runs.outputs import check_outputs

    single = args.runs[0] / NAME if len(args.runs) == 1 else None
    page = (single or PAGE) if args.html is True else args.html
    check_outputs([pair for pair in (("--html", page), ("--csv", args.csv)) if pair[1]], own=single)
    runs = read_runs(args.runs)
    comparison = compare(runs)
    if args.json:
        print(json.dumps(tables.plain(comparison_text.as_dict(comparison)), indent=1))
    else:
        print(comparison_text.as_text(comparison))
    if args.csv:
        files.write(args.csv, comparison_text.as_csv(comparison), named=True)
    if args.html:
        written = write_page(args, comparison)
        if not args.json:
            cli.say(f"page: {written}")
    if len(runs) < len(args.runs):
        sys.exit(1)


def read_runs(folders):
    """The runs that can be read; a line for each other one, as long as one can."""
    from actioncnn.runs.run import read_run

    runs, problems = [], []
    for folder in folders:
        try:
            runs.append(read_run(folder))
        except UserError as error:
            problems.append(error)
    if not runs:
        raise problems[0]
    for problem in problems:
        cli.warn(f"left out: {problem}")
    return runs


def write_page(args, comparison):
    """Writes the page of one run or of several -> its path."""
    from actioncnn.pages import comparison_page, run_page
    from actioncnn.runs.tested import clip_reader

    if len(args.runs) > 1:
        path = PAGE if args.html is True else args.html
        comparison_page.write(path, comparison)
        return path
    path = args.runs[0] / run_page.NAME if args.html is True else args.html
    if not args.videos:
        cli.warn("note: the page is without clips; --videos DIRECTORY of the run's videos shows them")
    clips = args.videos and clip_reader(args.videos, args.workers)
    evidence = None
    if args.evidence:
        from actioncnn.explain.mistakes import evidence_of as evidence
    run_page.write(args.runs[0], clips, None if args.html is True else path, evidence)
    return path


if __name__ == "__main__":
    cli.run(main)
