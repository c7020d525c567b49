# The version of the package is the same wherever it is written.
version=$(sed -n 's/^Version: //p' DESCRIPTION)
status=0
for place in "CITATION.cff:^version: $version$" "NEWS.md:^# nnconv $version$" \
  "README.md:nnconv_$version[.]tar[.]gz"; do
  if ! grep -q "${place#*:}" "${place%%:*}"; then
    echo "${place%%:*} does not speak of version $version."
    status=1
  fi
done
exit $status
