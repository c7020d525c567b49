// NA, NaN and infinite values: one at any place of an array reaches the elements whose defining sum
// has it, and no others, under every algorithm; those keep their values.
#include <cmath>

#include "bounds.hpp"
#include "coverage.hpp"
#include "generator.hpp"
#include "oracle.hpp"
#include "part.hpp"
#include "spoil.hpp"
#include "subcommands.hpp"

using namespace nnconv;

namespace trust {

namespace {

// Which array is marked, and what is made of it.
struct Reader {
  const char* name;
  Values Arrays::*array;
  Result result;
};

constexpr Reader readers[] = {
    {"input", &Arrays::input, Result::output},       {"weight", &Arrays::weight, Result::output},
    {"bias", &Arrays::bias, Result::output},         {"grad", &Arrays::grad, Result::grad_input},
    {"weight", &Arrays::weight, Result::grad_input}, {"grad", &Arrays::grad, Result::grad_weight},
    {"input", &Arrays::input, Result::grad_weight},  {"grad", &Arrays::grad, Result::grad_bias}};

Extents extents_of_array(const Layer& layer, Values Arrays::*array) {
  if (array == &Arrays::input) return layer.input;
  if (array == &Arrays::weight) return layer.weight;
  if (array == &Arrays::bias) return {layer.out_channels()};
  return output_extents(layer);
}

// At a corner, a border or inside: along each dimension the first, the last or any.
int64_t any_place(const Extents& extents, Random& random) {
  int64_t place = 0, step = 1;
  for (const int64_t extent : extents) {
    const int64_t which = random.below(3);
    place += step * (which == 0 ? 0 : which == 1 ? extent - 1 : random.below(extent));
    step *= extent;
  }
  return place;
}

bool is_mixed(const Layer& layer) {
  return !(layer.complex_dtype == layer.complex_input &&
           layer.complex_dtype == layer.complex_weight &&
           layer.complex_dtype == layer.complex_grad &&
           (!layer.bias || layer.complex_dtype == layer.complex_bias));
}

// Where `slack` is empty, numbers are whole and the same; else as near as it says.
bool same_footprint(const Values& found, const Values& expected, bool is_complex,
                    const Values& slack) {
  const std::size_t width = is_complex ? 2 : 1;
  for (std::size_t i = 0; i < found.size(); i += width) {
    bool missing[] = {false, false};
    for (std::size_t part = i; part < i + width; ++part) {
      missing[0] |= std::isnan(found[part]);
      missing[1] |= std::isnan(expected[part]);
    }
    if (missing[0] != missing[1]) return false;
    for (std::size_t part = i; part < i + width && !missing[0]; ++part) {
      const double difference =
          found[part] == expected[part] ? 0 : std::abs(found[part] - expected[part]);
      if (!(difference <= (slack.empty() ? 0 : slack[i / width]))) return false;
    }
  }
  return found.size() == expected.size();
}

}  // namespace

bool try_missing(long count, long seed) {
  Random random(seed);
  Part part("footprints of what is not finite");
  Coverage coverage(count, {Policy::direct, Policy::automatic, Policy::fast});
  for (long number = 0; coverage.wants_more(part.tried()); ++number) {
    const Family family = any_family(number);
    const Layer layer = random_layer(family, random);
    if (layer.batch() == 0) continue;
    Arrays clean = draw_arrays(layer, whole(3), random);
    const bool is_whole = family != Family::separable || random.below(3) == 0;
    if (!is_whole) separate(layer, clean, random);
    for (const Reader& reader : readers) {
      if (reader.array == &Arrays::bias && !layer.bias) continue;
      const bool result_is_complex = is_complex(layer, reader.result);
      // What 0 * Inf is of a real number's imaginary part is a matter of taste.
      if (is_mixed(layer) && !result_is_complex) continue;
      const NonFinite& mark = non_finite[random.below(is_mixed(layer) ? 2 : 4)];
      Arrays marked = clean;
      Values& array = marked.*reader.array;
      const int64_t place = any_place(extents_of_array(layer, reader.array), random);
      const int64_t step =
          static_cast<int64_t>(array.size()) / count_of(extents_of_array(layer, reader.array));
      array[place * step + random.below(step)] = mark.value;
      const Call call(layer, marked, reader.result);
      const Values expected = sums_of<PlainSum>(layer, marked, reader.result).values();
      std::string wrong;
      for (const Isa* isa : available_isas())
        for (const Policy policy : all_policies) {
          const How how{isa, policy};
          coverage.note(layer, call, reader.result, how);
          const Plan plan = reader.result == Result::grad_bias ? Plan() : call.plan(how);
          const Bound bound = bound_of(plan, layer.single, 32);
          Values slack;
          if (!is_whole || bound.scale == Scale::everything)
            slack = scale_of(bound.scale, layer, clean, reader.result);
          for (double& value : slack) value *= bound.factor;
          if (!same_footprint(call.compute(how), expected, result_is_complex, slack))
            wrong += describe(how) + "; ";
        }
      part.check(wrong.empty(), describe(layer), name_of(reader.result), mark.name, "in",
                 reader.name, "at", place, wrong);
    }
  }
  const bool is_right = part.report();
  return coverage.report() && is_right;
}

}  // namespace trust
