# Sourced by tests of scripts in the project's root: a folder for the run, and a count of what is as expected. Runs leave
# their exit status in `status` and what they print in $root/output.
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0 failed=0
expect() { # what, then a command that must succeed
  if "${@:2}" >/dev/null; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL $1; status $status, calls and output:" && cat "$root"/{calls,output} 2>/dev/null
  fi
}
conclude() { echo "$passed passed, $failed failed" && [ "$failed" -eq 0 ]; }
