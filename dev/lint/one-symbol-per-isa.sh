# What an instruction set's file shows to the linker is its table alone: any other symbol would be
# code for that instruction set, which the linker may take in place of the same function compiled
# for every processor. Where the file does not apply to this machine it shows nothing.
export objects
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

find src/core/isa -name '*.cpp' ! -name isa.cpp -print0 | xargs -0 -P 2 -I {} sh -c \
  '${CXX:-g++} -std=gnu++17 -O2 -c "{}" -o "$objects/$(basename "{}" .cpp).o"' || exit 1

status=0
for object in "$objects"/*.o; do
  symbols=$(nm --extern-only --defined-only --demangle "$object")
  if (($(grep -c . <<<"$symbols") > 1)) || [[ $symbols =~ \ [WVwvu]\  ]]; then
    echo "src/core/isa/$(basename "$object" .o).cpp shows more than its table:"
    echo "$symbols"
    status=1
  fi
done
exit $status
