#!/usr/bin/env python3
"""What tests/ptxi counted of a training step, beside what fer info --step states.

    scripts/count_step.py counters.json stated.json
"""
import json
import sys


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    launches, stated = (json.load(open(name)) for name in sys.argv[1:])
    launches = launches["launches"]

    def gigabytes(*counters, unit=32):
        return unit * sum(launch[counter] for launch in launches for counter in counters) / 1e9

    touched = gigabytes("unique_sectors_read", "unique_sectors_written")
    print(f"Batch of {stated['batch']} images, {len(launches)} launches; fer info --step lists {stated['bytes'] / 1e9:.3f} GB"
          f" and {stated['scratch_bytes'] / 1e9:.3f} GB of sums of parts.\n")
    print("| GB requested (sectors of 32 bytes) | GB that lanes asked for | GB touched in launches, each sector once |"
          " by what is listed | bar |\n|---|---|---|---|---|")
    print(f"| {gigabytes('global_ld_sectors', 'global_st_sectors'):.2f}"
          f" | {gigabytes('global_ld_lane_bytes', 'global_st_lane_bytes', unit=1):.2f} | {touched:.2f}"
          f" | {touched * 1e9 / stated['bytes']:.3f} | <= 1.15 at 64 images |")


if __name__ == "__main__":
    main()
