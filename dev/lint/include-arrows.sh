# Arrows point one way: glue -> core.hpp -> run -> algo -> plan -> ground -> kernel table. (An
# algorithm reads the plan that it is given; the plan knows of no algorithm.) The kernels are
# included by the instruction sets alone, and those by nobody.
shopt -s globstar
grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src/**/*.{h,hpp,cpp} | awk -F '[:"]' '
  function layer(path) {
    if (path !~ /^core\//) return "glue"
    if (path ~ /^core\/(core|run|plan)\./) return substr(path, 6, index(path, ".") - 6)
    if (path ~ /^core\/algo\//) return "algo"
    if (path ~ /^core\/kernel\/kernel_table\./) return "table"
    if (path ~ /^core\/kernel\//) return "kernel"
    if (path ~ /^core\/isa\/isa\./) return "ground"
    if (path ~ /^core\/isa\//) return "isa"
    return "ground"
  }
  # the path, below src, of what `file` includes as `name`
  function resolve(file, name,  path) {
    path = file
    sub(/[^\/]*$/, name, path)
    while (sub(/[^\/.]+\/\.\.\//, "", path)) continue
    return path
  }
  BEGIN {
    allowed["glue"] = "glue core"
    allowed["core"] = "run plan ground"
    allowed["run"] = "run algo plan ground table"
    allowed["algo"] = "algo plan ground table"
    allowed["plan"] = "plan ground table"
    allowed["ground"] = "ground table"
    allowed["isa"] = "isa ground kernel table"
    allowed["kernel"] = "kernel table"
    allowed["table"] = ""
  }
  {
    from = layer(substr($1, 5))
    to = layer(resolve(substr($1, 5), $4))
    if (index(" " allowed[from] " ", " " to " ")) next
    printf "%s:%s: %s must not include \"%s\" (%s)\n", $1, $2, from, $4, to
    bad = 1
  }
  END { exit bad }'
