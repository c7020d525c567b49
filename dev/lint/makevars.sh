# src/Makevars names exactly the .cpp files there are, and holds no compiler flags of ours.
status=0
for makevars in src/Makevars*; do
  # lines ending in a backslash joined, comments gone
  text=$(sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' "$makevars" | sed 's/#.*//')
  listed=$(sed -n 's/^OBJECTS[[:space:]]*=//p' <<<"$text" | tr -s '[:space:]' '\n' | grep . | sort)
  present=$(cd src && find . -name '*.cpp' | sed 's|^\./||; s|cpp$|o|' | sort)
  if ! diff <(echo "$listed") <(echo "$present"); then
    echo "OBJECTS in $makevars (<) must name one object for each .cpp file (>)."
    status=1
  fi
  if grep -nE '(^|[[:space:]=])-[mOfW]' <<<"$text"; then
    echo "$makevars: no -m, -O, -f or -W flags; see DESIGN.md on target attributes."
    status=1
  fi
done
exit $status
