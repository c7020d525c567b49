# Arrows point one way: glue -> core.hpp -> run -> plan -> algo -> kernel table. A file may include
# what stands below it, and its equals. The kernels are included by the instruction sets alone.
shopt -s globstar
grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src/**/*.[ch]pp | awk -F '[:"]' '
  function layer(path) {
    if (path !~ /^core\//) return "glue"
    if (path ~ /^core\/core\./) return "core"
    if (path ~ /^core\/run\./) return "run"
    if (path ~ /^core\/plan\./) return "plan"
    if (path ~ /^core\/algo\//) return "algo"
    if (path ~ /^core\/kernel\/kernel_table\./) return "table"
    if (path ~ /^core\/isa\/isa\./) return "isas"
    if (path ~ /^core\/kernel\//) return "kernel"
    if (path ~ /^core\/isa\//) return "isa"
    return "ground"
  }
  # the path, below src, of what `file` includes
  function resolve(file, name,  path) {
    path = file
    sub(/[^\/]*$/, name, path)
    while (sub(/[^\/.][^\/]*\/\.\.\//, "", path)) continue
    return path
  }
  BEGIN {
    allowed["glue"] = "glue core"
    allowed["core"] = "run plan ground isas"
    allowed["run"] = "run plan algo ground isas table core"
    allowed["plan"] = "plan algo ground isas table"
    allowed["algo"] = "algo ground isas table"
    allowed["isas"] = "isas ground table"
    allowed["table"] = "table ground"
    allowed["kernel"] = "kernel isa table ground"
    allowed["isa"] = "isa kernel isas table ground"
    allowed["ground"] = "ground"
  }
  {
    file = $1; line = $2; path = resolve(file, $4)
    sub(/^src\//, "", path)
    from = layer(substr(file, 5)); to = layer(path)
    if (index(" " allowed[from] " ", " " to " ")) next
    printf "%s:%s: %s must not include \"%s\" (%s)\n", file, line, from, $4, to
    bad = 1
  }
  END {
    if (bad) print "Arrows go glue -> core.hpp -> run -> plan -> algo -> kernel table."
    exit bad
  }'
