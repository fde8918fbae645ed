#!/usr/bin/env bash
# make gpu-bundle: a folder that tests, measures and trains on a GPU machine with nothing but a driver and glibc, and
# a .tar.gz of it.
#   scripts/gpu_bundle.sh LINKED FOLDER CUDA_LIB
# LINKED has the programs, whose RUNPATH is lib/ of the folder; CUDA_LIB has libcudart.so.13.
set -euo pipefail
cd "$(dirname "$0")/.."
linked=$1 folder=$2 cuda_lib=$3
most=$((60 << 20))
rm -rf "$folder" && mkdir -p "$folder"/{lib,scripts,tests}

# Line numbers of kernels stay, for they are within the GPU's code.
programs='bin/fer benchmarks/bench tests/bin/tests lib/libfermion.so'
for program in $programs; do
  mkdir -p "$folder/$(dirname "$program")"
  strip --strip-unneeded -o "$folder/$program" "$linked/$program"
done

# All libraries but those of glibc, which every system has as its own.
libraries=$(for program in $programs; do LD_LIBRARY_PATH=$cuda_lib ldd "$folder/$program"; done |
  sort -u | grep -vE 'linux-vdso|ld-linux|libfermion|/lib(c|m|dl|rt|pthread)\.so')
if grep 'not found' <<<"$libraries" >&2; then exit 1; fi
awk '{ print $3 }' <<<"$libraries" | sort -u | while read -r library; do cp -L "$library" "$folder/lib/"; done

# Those of the C++ compiler are as new as glibc here; an older system has its own, which its other libraries need too.
mkdir "$folder/lib/if-missing" && mv "$folder"/lib/lib{stdc++,gcc_s}.so.* "$folder/lib/if-missing/"

cp -r tests/goldens "$folder/tests/"
cp -r scripts/gpu_report.sh scripts/gpu_report scripts/profile.sh scripts/*.py "$folder/scripts/"
mv "$folder/scripts/gpu_report/README.md" "$folder/README.md"
cp LICENSE "$folder/"
git describe --always --dirty >"$folder/COMMIT" 2>/dev/null || rm -f "$folder/COMMIT"

tar -C "$(dirname "$folder")" -czf "$folder.tar.gz" "$(basename "$folder")"
bytes=$(stat -c %s "$folder.tar.gz")
if [ "$bytes" -gt "$most" ]; then
  echo "gpu-bundle: $folder.tar.gz has $((bytes >> 20)) MiB, and is to be carried with at most $((most >> 20))" >&2
  exit 1
fi
glibc=$(objdump -T "$folder"/{bin/fer,benchmarks/bench,tests/bin/tests} "$folder"/lib/*.so* | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -1)
echo "$folder: $(($(du -sb "$folder" | cut -f 1) >> 20)) MiB, needs ${glibc/_/ }; $folder.tar.gz: $((bytes >> 20)) MiB"
