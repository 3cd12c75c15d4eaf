"""Clips a second of predict.py against decoding alone, with the same number of decoding processes.

python benchmarks/prediction.py --run 3dcnnresult/ --videos UCF101/

The two take turns, so that whatever else the machine does hits both; the network is loaded and warm before either.
Where decoding leaves no processor free, the network has to take its share: then the ratio cannot reach 1, and the
second figure, the processor time of the network, says how far off it must be.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from actioncnn.data.index import expand  # noqa: E402
from actioncnn.device import cpus  # noqa: E402
from actioncnn.model.model import open_model  # noqa: E402
from actioncnn.predict import pipeline  # noqa: E402
from actioncnn.runs.find import find_model  # noqa: E402
from actioncnn.video import pool  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="--output of a training run")
    parser.add_argument("--videos", required=True, help="directory of videos")
    parser.add_argument("--workers", type=int, nargs="+", default=sorted({1, cpus()}), help="decoding processes")
    parser.add_argument("--repeat", type=int, default=3, help="times that each video is read in a round (default: 3)")
    parser.add_argument("--rounds", type=int, default=3, help="of both, in turn (default: 3)")
    args = parser.parse_args()
    paths = expand([args.videos]) * args.repeat
    model = open_model(find_model(args.run))
    for _ in pipeline.predict_videos(paths[: pipeline.BATCH + 1], model.sampling, lambda: model):
        pass
    print(f"{len(paths)} videos, {cpus()} processors, {args.rounds} rounds: median [range]")
    for workers in args.workers:
        report(workers, [measure(paths, model, workers) for _ in range(args.rounds)])


def measure(paths, model, workers):
    """Seconds of decoding alone and of prediction, processor seconds of the network and its threads."""
    start = time.perf_counter()
    for _ in pool.clips(dict(enumerate(paths)), model.sampling, workers):
        pass
    alone, start, busy = time.perf_counter() - start, time.perf_counter(), time.process_time()
    for _ in pipeline.predict_videos(paths, model.sampling, lambda: model, workers):
        pass
    return len(paths) / alone, len(paths) / (time.perf_counter() - start), (time.process_time() - busy) / len(paths)


def report(workers, rows):
    ratios = [both / alone for alone, both, _ in rows]
    alone, both, busy = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
    print(f"{workers} decoding: alone {alone:.1f} clips/s, with the network {both:.1f}, ratio {ratio};", end=" ")
    print(f"network {1000 * busy:.1f} ms of processor time a clip")


if __name__ == "__main__":
    main()
