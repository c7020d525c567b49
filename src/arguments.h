// Arguments as R users give them, read into whole numbers, words and arrays. Each reader checks
// one kind of argument and names it in its Fault. What fits what is the core's to say.
#pragma once
#include <initializer_list>

#include "bridge.h"

namespace nnconv {

// What `dtype` says: the precision, and whether the result is complex whatever the data are.
struct DType {
  bool single = false, is_complex = false;
};

// Throws the Fault of an argument that was found to be `found`. A bare NA is a wrong value,
// whatever kind was wanted.
[[noreturn]] void refuse(FaultKind kind, const char* name, const std::string& must, SEXP found);

// One whole number from `least` up.
int64_t count_argument(SEXP x, const char* name, int64_t least);

// One whole number for all of `ndim` spatial dimensions, or one for each. Others get `beyond`.
Spatial spatial_argument(SEXP x, const char* name, int ndim, int64_t least, int64_t beyond);

// The number in `words` of a string.
int word_argument(SEXP x, const char* name, std::initializer_list<const char*> words);

PadMode padding_mode_argument(SEXP x, const char* name = "padding_mode");
DType dtype_argument(SEXP x);

// `padding` in all its forms into geometry.pad_lo and pad_hi; the rest of the geometry is known.
void padding_argument(SEXP x, Geometry& geometry);

// `output_padding`, smaller than stride or dilation.
void output_padding_argument(SEXP x, Geometry& geometry);

// An array of samples, of rank ndim + 2, or one sample, of rank ndim + 1. All extents but the batch
// are at least 1. `channels` is how many a layer takes, where that is known, for a message's hint.
Extents samples_dim(SEXP x, const char* name, int ndim, int64_t channels);
ArrayArgument array_argument(SEXP x, const char* name, int ndim, int64_t channels,
                             const Context& context);

// An array of rank ndim + 2 without an empty dimension.
Extents weight_dim(SEXP x, int ndim);
ArrayArgument weight_argument(SEXP x, int ndim, const Context& context);

// A numeric vector of `length` values, or NULL: then the array's data are null.
ArrayArgument bias_argument(SEXP x, int64_t length, const Context& context);

// `output_size`: the spatial sizes, or a whole dim of the input's rank.
Spatial output_size_argument(SEXP x, int ndim, std::size_t rank);

// The dim of an input, with or without a batch, which alone may be 0.
Extents dim_argument(SEXP x, const char* name, int ndim);

// Whether x is a number or a vector of numbers, and no object.
bool is_plain_number(SEXP x);

// Whether x is numeric, logical or complex, and of no class that means something else.
bool is_array_kind(SEXP x);

// Likewise for a vector, which is not logical but for a bare NA.
bool is_vector_kind(SEXP x);

}  // namespace nnconv
