"""What the machine code of kernels on tensor cores does for each mma, from files of nvdisasm -c, one a target:

    scripts/sass_table.py kernels/x.sm_80.sass ...

Counted is the innermost loop that holds the most HMMA: each instruction as it stands there, once. A loop is what lies
between a label and a branch back to it.
"""

import re
import subprocess
import sys

# By the first part of an instruction's name, in the columns' order.
KINDS = {
    "int": "IADD3 IADD IMAD IMNMX VIMNMX VIADD IABS LEA LOP3 LOP SHF SHL SHR ISETP BMSK SGXT PLOP3 FLO POPC I2FP "
    "UIADD3 UIMAD ULEA ULOP3 USHF UISETP UPLOP3 UFLO UPOPC USEL VOTE VOTEU",
    "mov": "MOV UMOV SEL PRMT UPRMT CS2R S2R S2UR R2UR R2P P2R MOVM HMUL2.MOV",
    "float": "FADD FMUL FFMA FSETP FSEL FMNMX MUFU FCHK HADD2 HMUL2 HFMA2 HMNMX2 HSETP2 F2F F2FP F2I I2F DADD DMUL DFMA "
    "DSETP FRND",
    "shuffle": "SHFL MATCH REDUX",
    "shared": "LDS LDSM STS ATOMS",
    "global": "LDG STG LDGSTS RED ATOM ATOMG LD ST CCTL",
    "constant": "LDC ULDC",
    "local": "LDL STL",
    "mma": "HMMA",
    "control": "BRA BRX BAR WARPSYNC BSSY BSYNC BREAK EXIT NOP DEPBAR LDGDEPBAR CALL RET MEMBAR ERRBAR YIELD NANOSLEEP",
}
KIND = {name: kind for kind, names in KINDS.items() for name in names.split()}
DEPTHS = ["resident", "streamed", "split"]  # kernels/conv_block.cuh
SHOWN = ["int", "mov", "float", "shuffle", "shared", "global", "local", "constant", "control"]


def kind_of(instruction):
    name, _, modifiers = instruction.split()[0].partition(".")
    if name == "IMAD" and modifiers.startswith("MOV"):
        return "mov"
    # HFMA2 of zeros brings a constant into a register.
    if name == "HFMA2" and "-RZ, RZ" in instruction:
        return "mov"
    if name not in KIND:
        sys.exit(f"sass_table: of which kind is {instruction}?")
    return KIND[name]


def kernels_of(path):
    """Mangled names with their instructions, and labels with how many instructions stand before them."""
    name, instructions, labels = "", [], {}
    with open(path) as file:
        for line in file:
            if section := re.match(r"\.text\.(\w+):", line):
                if instructions:
                    yield name, instructions, labels
                name, instructions, labels = section[1], [], {}
            elif label := re.match(r"(\.L_x_\d+):", line):
                labels[label[1]] = len(instructions)
            elif found := re.match(r"\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][^;]*?)\s*;", line):
                instructions.append(found[1])
    if instructions:
        yield name, instructions, labels


def counted(instructions):
    counts = dict.fromkeys(KINDS, 0)
    for instruction in instructions:
        counts[kind_of(instruction)] += 1
    return counts


def hot_loop(instructions, labels):
    """Of the loops that hold the most HMMA, the shortest."""
    best, most = [], 0
    for at, instruction in enumerate(instructions):
        target = re.search(r"BRA.*`\((\.L_x_\d+)\)", instruction)
        if not target or labels.get(target[1], at + 1) > at:
            continue
        loop = instructions[labels[target[1]] : at + 1]
        mmas = sum(i.startswith("HMMA") for i in loop)
        if mmas > most or (mmas == most and len(loop) < len(best)):
            best, most = loop, mmas
    return best


def short(names):
    demangled = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    for name in demangled.splitlines():
        name = re.sub(r"\(fermion::kernels::Depth\)(\d)", lambda depth: DEPTHS[int(depth[1])], name)
        name = re.sub(r"fermion::kernels::|\(anonymous namespace\)::|^void ", "", name)
        yield name.partition("(")[0]


def main():
    rows = []
    for path in sys.argv[1:]:
        for name, instructions, labels in kernels_of(path):
            if not any(i.startswith("HMMA") for i in instructions):
                continue
            loop = hot_loop(instructions, labels)
            if not loop:
                sys.exit(f"sass_table: {name} has its mma in no loop")
            rows.append((path.split(".")[-2], name, len(instructions), len(loop), counted(loop)))
    if not rows:
        sys.exit("sass_table: no kernel with mma")
    print("| target | kernel | instructions | in the loop | mma |", *(f"{kind} |" for kind in SHOWN), "all for each mma |")
    print("|" + "---|" * (6 + len(SHOWN)))
    for (target, _, size, in_loop, counts), name in zip(rows, short(row[1] for row in rows)):
        mma = counts["mma"]
        each = " | ".join(f"{counts[kind] / mma:.2f}" for kind in SHOWN)
        print(f"| {target} | {name} | {size} | {in_loop} | {mma} | {each} | {in_loop / mma:.2f} |")


if __name__ == "__main__":
    main()
