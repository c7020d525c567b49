// The cases that the R tests, these tests and the benchmarks share: rows of CSV files.
#pragma once
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core.hpp"

struct Case {
  std::string id;
  bool single, is_complex, bias;
  nnconv::Geometry geometry;
  nnconv::Problem problem;
};

namespace cases {

inline std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text + separator);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// "3x2" as two numbers; one number stands for all dimensions.
inline nnconv::Spatial spatial(const std::string& text, int ndim, int64_t beyond) {
  const std::vector<std::string> parts = split(text, 'x');
  nnconv::Spatial values{beyond, beyond, beyond};
  for (int i = 0; i < ndim; ++i) values[i] = std::stoll(parts[parts.size() == 1 ? 0 : i]);
  return values;
}

inline void set_padding(const std::string& text, nnconv::Geometry& g) {
  if (text.find(':') != std::string::npos) {
    const std::vector<std::string> pairs = split(text, 'x');
    for (int i = 0; i < g.ndim; ++i) {
      const std::vector<std::string> pair = split(pairs[pairs.size() == 1 ? 0 : i], ':');
      g.pad_lo[i] = std::stoll(pair[0]);
      g.pad_hi[i] = std::stoll(pair[1]);
    }
  } else if (text == "same" || text == "causal") {
    for (int i = 0; i < g.ndim; ++i) {
      const int64_t reach = g.dilation[i] * (g.kernel[i] - 1);
      g.pad_lo[i] = text == "same" ? reach / 2 : reach;
      g.pad_hi[i] = reach - g.pad_lo[i];
    }
  } else if (text != "valid") {
    g.pad_lo = g.pad_hi = spatial(text, g.ndim, 0);
  }
}

inline Case read(const std::map<std::string, std::string>& row) {
  const auto at = [&](const char* name) { return row.at(name); };
  Case c;
  c.id = at("id");
  c.single = at("dtype") == "float32" || at("dtype") == "complex64";
  c.is_complex = at("dtype").substr(0, 7) == "complex";
  c.bias = at("bias") == "1";
  nnconv::Geometry& g = c.geometry;
  const std::string layer = at("layer");
  g.ndim = layer[layer.size() - 2] - '0';
  g.transposed = layer.find("transpose") != std::string::npos;
  g.groups = std::stoll(at("groups"));
  g.kernel = spatial(at("kernel"), g.ndim, 1);
  g.stride = spatial(at("stride"), g.ndim, 1);
  g.dilation = spatial(at("dilation"), g.ndim, 1);
  g.output_padding = spatial(at("output_padding"), g.ndim, 0);
  set_padding(at("padding"), g);
  const std::string mode = at("padding_mode");
  g.mode = mode == "reflect"     ? nnconv::PadMode::reflect
           : mode == "replicate" ? nnconv::PadMode::replicate
           : mode == "circular"  ? nnconv::PadMode::circular
                                 : nnconv::PadMode::zeros;

  const int64_t c_in = std::stoll(at("c_in")), c_out = std::stoll(at("c_out"));
  const nnconv::Spatial in = spatial(at("in"), g.ndim, 1);
  nnconv::Extents input, weight{c_out, c_in / g.groups};
  if (g.transposed) weight = {c_in, c_out / g.groups};
  if (!at("batch").empty()) input.push_back(std::stoll(at("batch")));
  input.push_back(c_in);
  input.insert(input.end(), in.begin(), in.begin() + g.ndim);
  weight.insert(weight.end(), g.kernel.begin(), g.kernel.begin() + g.ndim);
  c.problem = nnconv::fit(g, input, weight);
  return c;
}

// All cases of a file of the folder that NNCONV_CASES names.
inline std::vector<Case> load(const std::string& file) {
  std::ifstream stream(std::string(std::getenv("NNCONV_CASES")) + "/" + file);
  std::string line;
  std::getline(stream, line);
  const std::vector<std::string> names = split(line, ',');
  std::vector<Case> all;
  while (std::getline(stream, line)) {
    const std::vector<std::string> values = split(line, ',');
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = values.at(i);
    all.push_back(read(row));
  }
  return all;
}

}  // namespace cases
